function columns = chunk_columns(numcases, numchunks, chunk)
% Chunk c of N cases in C chunks: columns (c-1)n+1 ... cn, with n = N/C.

n = numcases/numchunks;
columns = (chunk-1)*n + (1:n);
end
