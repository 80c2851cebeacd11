function eL = output_error(net, yL, t)
% The log-likelihood's derivative by the output layer's input x_L.
%
%   yL, t, eL   s_L x n

type = net.layertypes{end};
if net.rms
    eL = jacobian_product(type, yL, 2*(t - yL));
elseif strcmp(type, 'linear')
    eL = 2*(t - yL);
else
    % the canonical case: the likelihood's derivative by y and f' cancel
    eL = t - yL;
end
end
