function Mdiag = preconditioner(grad2, lambda, net, c)
% M = (grad2 + lambda + weightcost*maskp)^(3/4), psize x 1; grad2 is the mean over all chunks.

Mdiag = (grad2 + lambda + net.weightcost*net.maskp).^c.preconditioner_exponent;
end
