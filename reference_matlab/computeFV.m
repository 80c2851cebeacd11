function FV = computeFV(v, params, in, out, nchunks, net, tchunk, lambda, gradchunk)
% Product with the (negative) covariance of the case gradients, weight cost and damping included.
%   F v = -(mean over cases of g g') v + gradchunk (gradchunk' v)
%
%   v, params, FV   psize x 1
%   in, out         s_0 x N and s_L x N
%   net             struct: layersizes, layertypes, weightcost, maskp (rms must be 0)
%   tchunk          the target chunk, or [] for all chunks
%   lambda          damping; 0 for the undamped product
%   gradchunk       psize x 1, from computeGradient

[W, b] = unpack(params, net.layersizes);
[VW, Vb] = unpack(v, net.layersizes);
total = zeros(size(v), class(v));
for chunk = product_chunks(nchunks, tchunk)
    columns = chunk_columns(size(in, 2), nchunks, chunk);
    y0 = in(:, columns);
    [x, y] = forward_pass(W, b, net.layertypes, y0);
    [R, RxL] = r_forward_pass(W, VW, Vb, net.layertypes, y, y0);
    % e e' in the place of H_L; e is not doubled here, not for linear outputs either
    e = out(:, columns) - y{end};
    rL = -e.*sum(RxL.*e, 1);
    if strcmp(net.layertypes{end}, 'linear')
        rL = 2*rL;
    end
    r = backward_pass(W, net.layertypes, y, rL);
    [gW, gb] = weight_products(r, y, y0);
    total = total + pack(gW, gb);
end
FV = product_per_case(total, size(in, 2), nchunks, tchunk) + gradchunk*(gradchunk'*v);
FV = FV - net.weightcost*(net.maskp.*v) - lambda*v;
end
