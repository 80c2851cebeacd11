function Jv = jacobian_product(type, y, v)
% Jv = J_f v, the Jacobian of a layer's units at the output y applied to v (it is symmetric: J v = J' v).
%
%   y, v, Jv   s x n, a case a column

switch type
    case 'logistic'
        Jv = v.*y.*(1 - y);
    case 'tanh'
        Jv = v.*(1 + y).*(1 - y);
    case 'linear'
        Jv = v;
    case 'softmax'
        Jv = v.*y - y.*sum(v.*y, 1);
end
end
