function y = hf_forward(params, in, nchunks, net, tchunk)
% Return the outputs of all layers on a chunk, 1 x L cell, if the trainer has its routines in files.

[W, b] = unpack(params, net.layersizes);
[~, y] = forward_pass(W, b, net.layertypes, in(:, chunk_columns(size(in, 2), nchunks, tchunk)));
end
