function grad2 = rnn_squares(params, data, numchunks, net)
% The squared gradient of every sequence, psize x 1: summed over all sequences, divided as the gradient, without weight
% cost. Weights are shared in time, so that it is the square of a sum over steps, one sequence at a time.

w = rnn_unpack(params, net);
grad2 = zeros(size(params), class(params));
for chunk = 1:numchunks
    part = rnn_chunk(data, numchunks, chunk);
    [h, o, y] = rnn_forward(w, net, part.x);
    [~, ~, u] = rnn_loss(net, o, y, part.d, part.m);
    p = rnn_backward(w, net, h, u, []);
    for n = 1:size(h, 2)
        grad2 = grad2 + rnn_sums(w, net, part.x(:, n, :), h(:, n, :), u(:, n, :), p(:, n, :)).^2;
    end
end
grad2 = grad2/rnn_divisor(net, data);
end
