function [W, b] = unpack(params, layersizes)
% The inverse of pack.
%
%   params       psize x 1, psize = sum over i of s_i*(s_{i-1} + 1)
%   layersizes   1 x (L+1): s_0 ... s_L
%   W            1 x L cell, W{i} is s_i x s_{i-1}
%   b            1 x L cell, b{i} is s_i x 1

numlayers = numel(layersizes) - 1;
W = cell(1, numlayers);
b = cell(1, numlayers);
start = 0;
for i = 1:numlayers
    above = layersizes(i+1);
    below = layersizes(i);
    W{i} = reshape(params(start + (1:above*below)), above, below);
    start = start + above*below;
    b{i} = reshape(params(start + (1:above)), above, 1);
    start = start + above;
end
end
