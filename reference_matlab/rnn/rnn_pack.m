function params = rnn_pack(w, net)
% params = [vec W_hx; vec W_hh; b_h; h_0 or b_init; vec W_oh; b_o], vec column-major.
%
%   w   struct: hx (H x D), hh (H x H), bh, start (H x 1), oh (O x H), bo
%
% The fourth block is absent where net.initial_state is 'zero'.

start = w.start;
if strcmp(net.initial_state, 'zero')
    start = [];
end
params = [w.hx(:); w.hh(:); w.bh; start; w.oh(:); w.bo];
end
