function Bv = computeBV(mattype, v, params, in, out, nchunks, net, tchunk, lambda, gradchunk)
% The curvature product of the given mattype: 'gn', 'hess' or 'empfish'. Arguments as in computeFV.

switch mattype
    case 'gn'
        Bv = computeGV(v, params, in, out, nchunks, net, tchunk, lambda);
    case 'hess'
        Bv = computeHV(v, params, in, out, nchunks, net, tchunk, lambda);
    case 'empfish'
        Bv = computeFV(v, params, in, out, nchunks, net, tchunk, lambda, gradchunk);
end
end
