function p = rnn_backward(w, net, h, u, s)
% From the derivatives by the output layer's input to those by the hidden layer's, back through time:
%   q_t = W_oh' u_t + W_hh' p_{t+1},  p_t = f'(a_t) o q_t + s_t,  p_{T+1} = 0
%
%   u   O x N x T
%   s   H x N x T: what structural damping adds, or []
%   p   H x N x T

T = size(h, 3);
p = zeros(size(h), class(h));
for t = T:-1:1
    q = w.oh'*u(:, :, t);
    if t < T
        q = q + w.hh'*p(:, :, t+1);
    end
    p(:, :, t) = jacobian_product(net.hidden, h(:, :, t), q);
    if ~isempty(s)
        p(:, :, t) = p(:, :, t) + s(:, :, t);
    end
end
end
