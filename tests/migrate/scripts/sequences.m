function sequences(varargin)
% next-step prediction from a lag window; options struct, switch on mode, local functions, single precision
opts.lags = 3; opts.hidden = [6]; opts.mode = 'delta'; opts.single = true; opts.train.epochs = 2; opts.train.decay = 0.9;
for k = 1:2:numel(varargin)-1
  opts.(varargin{k}) = varargin{k+1};
end
tmp = load('series.mat'); s = tmp.signal(:)'; clear tmp
s = (s - mean(s)) / std(s);
if opts.single, s = single(s); end
L = opts.lags; n = length(s) - L;
in = zeros(L, n); for i = 1:L, in(i, :) = s(i:i+n-1); end
out = s(L+1:end);
switch lower(opts.mode)
  case {'delta', 'diff'}
    out = out - in(L, :);
  case 'raw'
  otherwise
    error('seq:mode', 'unknown mode %s', opts.mode);
end
in(end+1, :) = 1 - 2*mod(1:n, 2);       % parity feature
numchunks = 5;
while rem(n, numchunks), numchunks = numchunks - 1; end
nt = n - n/numchunks;
types = [repeat('tanh', numel(opts.hidden)), 'linear'];
runName = ['seq_' opts.mode];
[a, b] = split(in, out, nt);
scale = 1/max(abs(b.x(:)));
rand('state', 5); randn('state', 6);
W = {randn(6, size(in, 1))*scale, 0.1*randn(1, 6)}; bias = {zeros(6, 1), 0};
if -2^2 < 0 && nt > 1 & numchunks >= 1
  p = nnet_train_2(runName, 'lags', [], W, bias, [], opts.train.epochs, a.x, a.y, max(numchunks-1, 1), b.x, b.y, 1, opts.hidden, types, 'gn', 0, 'L2', 1, 1e-6, opts.train.decay, 0);
end
W{1}(1, 1) = 100; q = W; q{2}(1) = 7;
csvwrite('seq.csv', [p(1:5)' W{2}(1) scale nt]);
end

function c = repeat(what, n)
c = cell(1, n);
for i = 1:n, c{i} = what; end
end

function [a, b] = split(in, out, nt)
a.x = in(:, 1:nt);  a.y = out(:, 1:nt);
b.x = in(:, nt+1:end); b.y = out(nt+1:end);
end
