function [params, trace] = rnn_train(params, X, Y, lengths, loss_mask, numchunks, net, maxepoch, decay, overrides)
% Hessian-free training of a recurrent network (Martens & Sutskever 2011): the reference, plain and slow.
%
%   params             psize x 1 initial parameters, see rnn_pack
%   X, Y               D x T x N and O x T x N: features x time x sequences
%   lengths            N numbers, or []; loss_mask: T x N, or []; see rnn_data
%   numchunks          chunks of whole sequences; curvature products are formed on one an epoch
%   net                see rnn_net
%   maxepoch           number of epochs
%   decay              factor on the last CG solution before it starts the next run
%   overrides          optional struct, see default_constants; preconditioner_exponent is [] (none) here
%
%   params             psize x 1, double
%   trace              struct of figures per epoch, see record_trace

if nargin < 10
    overrides = struct();
end
if ~isfield(overrides, 'preconditioner_exponent')
    overrides.preconditioner_exponent = [];
end
c = default_constants(overrides);
if mod(size(X, 3), numchunks)
    error('rnn_train:numchunks', 'numchunks: expected a divisor of %d sequences, got %d.', size(X, 3), numchunks);
end
data = rnn_data(X, Y, lengths, loss_mask, c.precision);
params = cast(params(:), c.precision);
ch = zeros(size(params), c.precision);
lambda = c.initlambda;
trace = struct();
for epoch = 1:maxepoch
    [params, ch, lambda, figures] = rnn_epoch(params, decay*ch, lambda, epoch, data, numchunks, net, c);
    trace = record_trace(trace, figures, ch, params);
end
params = double(params);
end
