function data = rnn_data(X, Y, lengths, loss_mask, precision)
% Sequences as the other routines take them: one page a step, a sequence a column.
%
%   X, Y        D x T x N and O x T x N; what lies beyond the end of a sequence does not count
%   lengths     N numbers, 1 ... T; [] for N sequences of T steps
%   loss_mask   T x N, weight of every step's loss, 0 beyond the end; [] for 1 at every step that exists
%   precision   'single' or 'double'
%
%   data        struct: x (D x N x T), d (O x N x T), m and e (N x T, as 1 x N x T); e is 1 where a step exists

[T, N] = deal(size(X, 2), size(X, 3));
if isempty(lengths)
    lengths = T*ones(1, N);
end
exists = double((1:T)' <= reshape(double(lengths), 1, N));
if isempty(loss_mask)
    loss_mask = exists;
end
if size(Y, 2) ~= T || size(Y, 3) ~= N || ~isequal(size(loss_mask), [T N])
    error('rnn_train:sizes', 'X, Y and loss_mask: expected the same numbers of steps and sequences.');
end
if any(lengths < 1 | lengths > T) || any(any(loss_mask & ~exists))
    error('rnn_train:lengths', 'lengths: expected 1 ... %d, and no loss beyond the end of a sequence.', T);
end
pages = @(a) cast(permute(a, [1 3 2]), precision);
data.x = pages(X);
data.d = pages(Y);
data.m = pages(reshape(double(loss_mask), 1, T, N));
data.e = pages(reshape(exists, 1, T, N));
end
