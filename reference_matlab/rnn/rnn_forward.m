function [h, o, y] = rnn_forward(w, net, x)
% a_t = W_hx x_t + W_hh h_{t-1} + b_h,  h_t = f(a_t),  o_t = W_oh h_t + b_o,  y_t = g(o_t)
%
% With net.initial_state 'bias', W_hh h_0 at the first step is replaced by the start.
%
%   x         D x N x T
%   h, o, y   H x N x T, O x N x T, O x N x T

[N, T] = deal(size(x, 2), size(x, 3));
h = zeros(net.sizes(2), N, T, class(x));
o = zeros(net.sizes(3), N, T, class(x));
y = o;
for t = 1:T
    if t > 1
        past = w.hh*h(:, :, t-1);
    elseif strcmp(net.initial_state, 'bias')
        past = repmat(w.start, 1, N);
    else
        past = w.hh*repmat(w.start, 1, N);
    end
    h(:, :, t) = unit_output(net.hidden, w.hx*x(:, :, t) + past + w.bh);
    o(:, :, t) = w.oh*h(:, :, t) + w.bo;
    y(:, :, t) = unit_output(net.output, o(:, :, t));
end
end
