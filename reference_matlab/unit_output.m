function y = unit_output(type, x)
% y = f(x) for a layer of units; x and y are s x n, a case a column.

switch type
    case 'logistic'
        y = 1./(1 + exp(-x));
    case 'tanh'
        y = tanh(x);
    case 'linear'
        y = x;
    case 'softmax'
        % MATLAB: the softmax is shifted by its column's maximum; the published one overflows above about 88 in single
        shifted = exp(x - max(x, [], 1));
        y = shifted./sum(shifted, 1);
    otherwise
        error('nnet_train_2:layertypes', 'layertypes: there is no unit called ''%s''.', type);
end
end
