function [grad, gradchunk, oldll] = rnn_gradient(params, data, numchunks, net, tchunk)
% Gradient and log-likelihood in one pass over all chunks.
%
%   params       psize x 1
%   data, net    as rnn_data and rnn_net make them
%   tchunk       the target chunk
%
%   grad         psize x 1, mean, weight cost included
%   gradchunk    as grad, over the target chunk with its own divisor
%   oldll        as rnn_LL

w = rnn_unpack(params, net);
maskp = rnn_mask(net, class(params));
grad = zeros(size(params), class(params));
oldll = 0;
for chunk = 1:numchunks
    part = rnn_chunk(data, numchunks, chunk);
    [h, o, y] = rnn_forward(w, net, part.x);
    [ll, ~, u] = rnn_loss(net, o, y, part.d, part.m);
    g = rnn_sums(w, net, part.x, h, u, rnn_backward(w, net, h, u, []));
    if chunk == tchunk
        gradchunk = g/rnn_divisor(net, part) - net.weightcost*(maskp.*params);
    end
    grad = grad + g;
    oldll = oldll + ll;
end
Z = rnn_divisor(net, data);
grad = grad/Z - net.weightcost*(maskp.*params);
oldll = oldll/Z - 0.5*net.weightcost*double(params'*(maskp.*params));
end
