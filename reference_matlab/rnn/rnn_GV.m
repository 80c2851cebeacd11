function GV = rnn_GV(v, params, data, numchunks, net, tchunk, lambda, structural)
% Gauss-Newton product of the log-likelihood (negative semi-definite) with weight cost and damping:
%   -(G v + structural*S v) - weightcost*maskp o v - lambda*v
% S is the Gauss-Newton curvature of the change of the hidden units, in the distance that matches them.
%
%   v, params, GV   psize x 1
%   tchunk          the target chunk, with its own divisor, or [] for all
%   structural      strength of the structural damping, lambda*mu; 0 leaves S out

w = rnn_unpack(params, net);
V = rnn_unpack(v, net);
if ~isempty(tchunk)
    data = rnn_chunk(data, numchunks, tchunk);
    numchunks = 1;
end
total = zeros(size(v), class(v));
for chunk = 1:numchunks
    part = rnn_chunk(data, numchunks, chunk);
    [h, ~, y] = rnn_forward(w, net, part.x);
    [Ra, Ro] = rnn_r_forward(w, V, net, part.x, h);
    u = -part.m.*loss_curvature(net, y, Ro, part.d);
    s = [];
    if structural
        % the second derivative of the distance: f'(a), at every step that exists, loss or not
        s = -structural*part.e.*jacobian_product(net.hidden, h, Ra);
    end
    p = rnn_backward(w, net, h, u, s);
    total = total + rnn_sums(w, net, part.x, h, u, p);
end
GV = total/rnn_divisor(net, data) - net.weightcost*(rnn_mask(net, class(params)).*v) - lambda*v;
end


function HRo = loss_curvature(net, y, Ro, d)
switch net.output
    case 'linear'
        HRo = 2*Ro;
    case 'logistic'
        HRo = y.*(1 - y).*Ro;
    case 'softmax'
        HRo = jacobian_product('softmax', y, Ro).*sum(d, 1);
end
end
