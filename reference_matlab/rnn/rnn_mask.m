function maskp = rnn_mask(net, precision)
% psize x 1: 1 where the weight cost applies. With mask_biases it leaves b_h, b_o and the start alone.

[D, H, O] = deal(net.sizes(1), net.sizes(2), net.sizes(3));
others = cast(~net.mask_biases, precision);
w = struct('hx', ones(H, D, precision), 'hh', ones(H, H, precision), 'bh', others*ones(H, 1), ...
    'start', others*ones(H, 1), 'oh', ones(O, H, precision), 'bo', others*ones(O, 1));
maskp = rnn_pack(w, net);
end
