function [ll, err, u] = rnn_loss(net, o, y, d, m)
% Log-likelihood of some sequences, summed with the steps' weights m, error, summed over the steps with a loss, each
% counted once, and d ll / d o.
%
%   o, y, d   O x N x T: inputs and outputs of the output layer, targets
%   m         1 x N x T
%   u         O x N x T

total = @(a) double(sum(a(:)));
switch net.output
    case 'linear'
        ll = -total(m.*(d - y).^2);    % no factor 1/2
        u = 2*m.*(d - y);
    case 'logistic'
        % d log(y) + (1-d) log(1-y), in a form that cannot overflow
        ll = total(m.*(o.*(d - (o >= 0)) - log(1 + exp(o - 2*o.*(o >= 0)))));
        u = m.*(d - y);
    case 'softmax'
        shifted = o - max(o, [], 1);
        ll = total(m.*d.*(shifted - log(sum(exp(shifted), 1))));
        u = m.*(d - y.*sum(d, 1));    % the targets of a step need not sum to 1
end
switch net.errtype
    case 'L2'
        err = total((m > 0).*(y - d).^2);
    case 'class'
        err = total((m > 0).*(sum(d.*y, 1) ~= max(y, [], 1)));
    otherwise
        err = 0;
end
end
