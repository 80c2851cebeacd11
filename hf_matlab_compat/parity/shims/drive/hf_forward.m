function y = hf_forward(params, in, nchunks, net, tchunk)
% Outputs of all layers on a chunk, where the trainer has its routines in files: 1 x L cell.

[W, b] = unpack(params, net.layersizes);
[~, y] = forward_pass(W, b, net.layertypes, in(:, chunk_columns(size(in, 2), nchunks, tchunk)));
end
