function [grad, grad2, gradchunk, grad2chunk, oldll] = rnn_gradient(params, data, numchunks, net, tchunk)
% Gradient, sum of the squared gradients of sequences, and log-likelihood, in one pass over all chunks.
%
%   params       psize x 1
%   data, net    as rnn_data and rnn_net make them
%   tchunk       the target chunk
%
%   grad         psize x 1, mean, weight cost included
%   grad2        psize x 1, sum over sequences of the squared gradient of each, divided as grad, without weight cost
%   gradchunk    as grad, grad2chunk as grad2, over the target chunk with its own divisor
%   oldll        as rnn_LL

w = rnn_unpack(params, net);
maskp = rnn_mask(net, class(params));
grad = zeros(size(params), class(params));
grad2 = grad;
oldll = 0;
for chunk = 1:numchunks
    part = rnn_chunk(data, numchunks, chunk);
    [h, o, y] = rnn_forward(w, net, part.x);
    [ll, ~, u] = rnn_loss(net, o, y, part.d, part.m);
    p = rnn_backward(w, net, h, u, []);
    g = rnn_sums(w, net, part.x, h, u, p);
    g2 = zeros(size(params), class(params));
    for n = 1:size(h, 2)
        % weights are shared in time: the square of a sum over steps, one sequence at a time
        g2 = g2 + rnn_sums(w, net, part.x(:, n, :), h(:, n, :), u(:, n, :), p(:, n, :)).^2;
    end
    if chunk == tchunk
        Z = rnn_divisor(net, part);
        gradchunk = g/Z - net.weightcost*(maskp.*params);
        grad2chunk = g2/Z;
    end
    grad = grad + g;
    grad2 = grad2 + g2;
    oldll = oldll + ll;
end
Z = rnn_divisor(net, data);
grad = grad/Z - net.weightcost*(maskp.*params);
grad2 = grad2/Z;
oldll = oldll/Z - 0.5*net.weightcost*double(params'*(maskp.*params));
end
