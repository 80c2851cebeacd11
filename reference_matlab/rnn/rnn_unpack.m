function w = rnn_unpack(params, net)
% The inverse of rnn_pack; start is 0 where it is no parameter.

[D, H, O] = deal(net.sizes(1), net.sizes(2), net.sizes(3));
starts = H*~strcmp(net.initial_state, 'zero');
ends = cumsum([0, H*D, H*H, H, starts, O*H, O]);
if numel(params) ~= ends(end)
    error('rnn_train:params', 'params: expected %d numbers, got %d.', ends(end), numel(params));
end
block = @(k) params(ends(k)+1:ends(k+1));
w.hx = reshape(block(1), H, D);
w.hh = reshape(block(2), H, H);
w.bh = block(3);
w.start = zeros(H, 1, class(params));
if starts
    w.start = block(4);
end
w.oh = reshape(block(5), O, H);
w.bo = block(6);
end
