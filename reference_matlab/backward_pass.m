function [e, d] = backward_pass(W, layertypes, y, eL)
% From the derivative by the output layer's input to those by every layer's:
%   d_i = W_{i+1}' e_{i+1},  e_i = J_{f_i} d_i
%
%   eL     s_L x n, already multiplied by f_L' where it should be
%   e, d   1 x L cells, e{i} and d{i} are s_i x n (d{L} is empty)

numlayers = numel(W);
e = cell(1, numlayers);
d = cell(1, numlayers);
e{numlayers} = eL;
for i = numlayers-1:-1:1
    d{i} = W{i+1}'*e{i+1};
    e{i} = jacobian_product(layertypes{i}, y{i}, d{i});
end
end
