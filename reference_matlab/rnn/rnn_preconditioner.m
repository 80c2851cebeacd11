function Mdiag = rnn_preconditioner(grad2, lambda, net, c)
% M = (grad2 + lambda + weightcost*maskp)^exponent, psize x 1; ones where the exponent is [].

if isempty(c.preconditioner_exponent)
    Mdiag = ones(size(grad2), class(grad2));
else
    net.maskp = rnn_mask(net, class(grad2));
    Mdiag = preconditioner(grad2, lambda, net, c);
end
end
