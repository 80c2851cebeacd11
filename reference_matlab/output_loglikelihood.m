function ll = output_loglikelihood(net, xL, yL, t)
% Log-likelihood of some cases, summed over them, in working precision. No factor 1/2 in the squared error.
%
%   xL, yL, t   s_L x n: input and output of the last layer, and the target

type = net.layertypes{end};
if net.rms || strcmp(type, 'linear')
    ll = -sum(sum((t - yL).^2));
elseif strcmp(type, 'logistic')
    % t log(y) + (1-t) log(1-y), in a form that cannot overflow
    ll = sum(sum(xL.*(t - (xL >= 0)) - log(1 + exp(xL - 2*xL.*(xL >= 0)))));
else
    ll = sum(sum(t.*log(yL)));
end
end
