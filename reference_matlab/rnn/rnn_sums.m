function total = rnn_sums(w, net, x, h, u, p)
% The derivatives by the parameters, summed over steps and sequences, packed:
%   gW_oh = sum u_t h_t',  gb_o = sum u_t,  gW_hx = sum p_t x_t',  gW_hh = sum p_t h_{t-1}',  gb_h = sum p_t
% and for the start  sum over sequences of W_hh' p_1, or of p_1 with net.initial_state 'bias'.
%
%   u, p   O x N x T and H x N x T

g = structfun(@(a) zeros(size(a), class(a)), w, 'UniformOutput', false);
for t = 1:size(h, 3)
    g.hx = g.hx + p(:, :, t)*x(:, :, t)';
    g.bh = g.bh + sum(p(:, :, t), 2);
    g.oh = g.oh + u(:, :, t)*h(:, :, t)';
    g.bo = g.bo + sum(u(:, :, t), 2);
    if t > 1
        g.hh = g.hh + p(:, :, t)*h(:, :, t-1)';
    end
end
if strcmp(net.initial_state, 'bias')
    g.start = sum(p(:, :, 1), 2);
else
    g.start = w.hh'*sum(p(:, :, 1), 2);
    g.hh = g.hh + sum(p(:, :, 1), 2)*w.start';
end
total = rnn_pack(g, net);
end
