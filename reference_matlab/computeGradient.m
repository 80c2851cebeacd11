function [grad, grad2, gradchunk, grad2chunk, oldll] = computeGradient(params, in, out, nchunks, net, tchunk)
% Gradient, sum of squared case gradients and log-likelihood, in one pass over all chunks.
%
%   params       psize x 1
%   in, out      s_0 x N and s_L x N
%   nchunks      number of chunks, each of N/nchunks cases
%   net          struct: layersizes, layertypes, rms, errtype, weightcost, maskp
%   tchunk       the target chunk
%
%   grad         psize x 1, mean over all cases, weight cost included
%   grad2        psize x 1, mean over all cases of the squared case gradients, without weight cost
%   gradchunk    as grad, grad2chunk as grad2, over the target chunk
%   oldll        as computeLL

[W, b] = unpack(params, net.layersizes);
numcases = size(in, 2);
grad = zeros(size(params), class(params));
grad2 = zeros(size(params), class(params));
oldll = initial_sum(net, class(params));
for chunk = 1:nchunks
    columns = chunk_columns(numcases, nchunks, chunk);
    y0 = in(:, columns);
    t = out(:, columns);
    [x, y] = forward_pass(W, b, net.layertypes, y0);
    e = backward_pass(W, net.layertypes, y, output_error(net, y{end}, t));
    oldll = add_in_its_class(oldll, output_loglikelihood(net, x{end}, y{end}, t));

    [gW, gb] = weight_products(e, y, y0);
    % (e y')^2 summed over cases is (e o e)(y o y)'
    [gW2, gb2] = weight_products(squares(e), squares(y), y0.^2);
    if chunk == tchunk
        gradchunk = pack(gW, gb);
        grad2chunk = pack(gW2, gb2);
    end
    grad = grad + pack(gW, gb);
    grad2 = grad2 + pack(gW2, gb2);
end

chunksize = numcases/nchunks;
grad = grad/numcases - net.weightcost*(net.maskp.*params);
grad2 = grad2/numcases;
gradchunk = gradchunk/chunksize - net.weightcost*(net.maskp.*params);
grad2chunk = grad2chunk/chunksize;
oldll = oldll/numcases - 0.5*net.weightcost*double(params'*(net.maskp.*params));
end


function total = initial_sum(net, precision)
% The chunks' log-likelihoods are added in double, except for logistic outputs with their own likelihood: there in
% working precision, so that oldll is a single in a single-precision run and the line search compares with a single.
total = 0;
if strcmp(net.layertypes{end}, 'logistic') && ~net.rms
    total = cast(0, precision);
end
end


function total = add_in_its_class(total, term)
total = total + cast(term, class(total));
end


function s = squares(c)
s = cellfun(@(a) a.^2, c, 'UniformOutput', false);
end
