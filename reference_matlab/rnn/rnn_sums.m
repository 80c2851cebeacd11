function total = rnn_sums(w, net, x, h, u, p)
% The derivatives by the parameters, summed over steps and sequences, packed:
%   gW_oh = sum u_t h_t',  gb_o = sum u_t,  gW_hx = sum p_t x_t',  gW_hh = sum p_t h_{t-1}',  gb_h = sum p_t
% and for the start  sum over sequences of W_hh' p_1, or of p_1 with net.initial_state 'bias'.
%
%   u, p   O x N x T and H x N x T

N = size(h, 2);
flat = @(a) reshape(a, size(a, 1), []);    % the columns of one step after those of the step before
[xs, hs, us, ps] = deal(flat(x), flat(h), flat(u), flat(p));
g.hx = ps*xs';
g.hh = ps(:, N+1:end)*hs(:, 1:end-N)';
g.bh = sum(ps, 2);
g.oh = us*hs';
g.bo = sum(us, 2);
first = sum(ps(:, 1:N), 2);
if strcmp(net.initial_state, 'bias')
    g.start = first;
else
    g.start = w.hh'*first;
    g.hh = g.hh + first*w.start';
end
total = rnn_pack(g, net);
end
