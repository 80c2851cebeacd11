function [gW, gb] = weight_products(e, y, y0)
% Derivatives by the weights and biases, summed over cases:  gW_i = e_i y_{i-1}',  gb_i = sum over cases of e_i
%
%   e, y     1 x L cells of s_i x n; y0 is s_0 x n
%   gW, gb   1 x L cells, shaped as W and b

gW = cell(1, numel(e));
gb = cell(1, numel(e));
below = y0;
for i = 1:numel(e)
    gW{i} = e{i}*below';
    gb{i} = sum(e{i}, 2);
    below = y{i};
end
end
