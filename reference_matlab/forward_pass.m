function [x, y] = forward_pass(W, b, layertypes, y0)
% x_i = W_i y_{i-1} + b_i,  y_i = f_i(x_i)
%
%   y0     s_0 x n input, a case a column
%   x, y   1 x L cells, x{i} and y{i} are s_i x n

numlayers = numel(W);
x = cell(1, numlayers);
y = cell(1, numlayers);
below = y0;
for i = 1:numlayers
    x{i} = W{i}*below + b{i};
    y{i} = unit_output(layertypes{i}, x{i});
    below = y{i};
end
end
