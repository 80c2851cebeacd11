function GV = computeGV(v, params, in, out, nchunks, net, tchunk, lambda)
% Gauss-Newton product of the log-likelihood (negative semi-definite), weight cost and damping included.
%   v -> R = J v -> r_L = H_L R -> G v = J' r_L
%
%   v, params, GV   psize x 1
%   in, out         s_0 x N and s_L x N (the targets do not matter to it)
%   net             struct: layersizes, layertypes, rms, weightcost, maskp
%   tchunk          the target chunk, or [] for all chunks
%   lambda          damping; 0 for the undamped product

[W, b] = unpack(params, net.layersizes);
[VW, Vb] = unpack(v, net.layersizes);
type = net.layertypes{end};
total = zeros(size(v), class(v));
for chunk = product_chunks(nchunks, tchunk)
    columns = chunk_columns(size(in, 2), nchunks, chunk);
    y0 = in(:, columns);
    [x, y] = forward_pass(W, b, net.layertypes, y0);
    R = r_forward_pass(W, VW, Vb, net.layertypes, y, y0);
    if net.rms
        rL = jacobian_product(type, y{end}, -2*R{end});
    elseif strcmp(type, 'linear')
        rL = -2*R{end};
    else
        rL = -R{end};
    end
    r = backward_pass(W, net.layertypes, y, rL);
    [gW, gb] = weight_products(r, y, y0);
    total = total + pack(gW, gb);
end
GV = product_per_case(total, size(in, 2), nchunks, tchunk) - net.weightcost*(net.maskp.*v) - lambda*v;
end
