function [ll, err] = computeLL(params, in, out, nchunks, net, tchunk)
% Log-likelihood and reported error, both per case.
%
%   params    psize x 1
%   in, out   s_0 x N and s_L x N
%   nchunks   number of chunks
%   net       struct: layersizes, layertypes, rms, errtype, weightcost, maskp
%   tchunk    optional: use this chunk only, and multiply both figures by nchunks

chunks = 1:nchunks;
factor = 1;
if nargin > 5 && ~isempty(tchunk)
    chunks = tchunk;
    factor = nchunks;
end

[W, b] = unpack(params, net.layersizes);
numcases = size(in, 2);
ll = 0;
err = 0;
for chunk = chunks
    columns = chunk_columns(numcases, nchunks, chunk);
    t = out(:, columns);
    [x, y] = forward_pass(W, b, net.layertypes, in(:, columns));
    % a chunk's sum is in working precision; the chunks are added in double
    ll = ll + double(output_loglikelihood(net, x{end}, y{end}, t));
    err = err + double(reported_error(net.errtype, y{end}, t))/numcases;
end
ll = ll/numcases*factor;
err = err*factor;

% ll <- ll - weightcost/2 * params' (maskp o params)
ll = ll - 0.5*net.weightcost*double(params'*(net.maskp.*params));
end


function err = reported_error(errtype, yL, t)
switch errtype
    case 'L2'
        err = sum(sum((yL - t).^2));
    case 'class'
        err = sum(sum(t.*yL, 1) ~= max(yL, [], 1));
    case 'none'
        err = 0;
end
end
