function [rho, denom] = reduction_ratio(ll_chunk, oldll_chunk, p, Bp, grad)
% rho = actual change of the log-likelihood on the target chunk over the change the quadratic model predicts.
%
%   ll_chunk, oldll_chunk   at params + p and at params
%   p, grad                 psize x 1; grad is the full-data gradient
%   Bp                      psize x 1, the curvature product with the damping off, the weight cost on

denom = -0.5*double(p'*Bp) - double(grad'*p);
rho = (oldll_chunk - ll_chunk)/denom;
if oldll_chunk > ll_chunk
    rho = -Inf;
end
end
