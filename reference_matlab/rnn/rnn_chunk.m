function part = rnn_chunk(data, numchunks, chunk)
% The sequences of one chunk: whole sequences, (c-1)n+1 ... cn with n = N/C.

columns = chunk_columns(size(data.x, 2), numchunks, chunk);
part = structfun(@(a) a(:, columns, :), data, 'UniformOutput', false);
end
