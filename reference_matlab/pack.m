function params = pack(W, b)
% params = [vec(W_1); b_1; vec(W_2); b_2; ...], psize x 1, vec column-major.
%
%   W   1 x L cell, W{i} is s_i x s_{i-1}
%   b   1 x L cell, b{i} is s_i x 1

params = [];
for i = 1:numel(W)
    params = [params; W{i}(:); b{i}(:)];
end
end
