function Mdiag = rnn_preconditioner(params, lambda, data, numchunks, net, c)
% M = (grad2 + lambda + weightcost*maskp)^exponent, psize x 1; ones where the exponent is [].

if isempty(c.preconditioner_exponent)
    Mdiag = ones(size(params), class(params));
else
    net.maskp = rnn_mask(net, class(params));
    Mdiag = preconditioner(rnn_squares(params, data, numchunks, net), lambda, net, c);
end
end
