function [rate, reductions, ll, err] = line_search(evaluate, params, p, grad, oldll, ll, err, c)
% Reduce the rate until ll(params + rate*p) >= oldll + c*rate*grad'p.
%
%   evaluate    handle, params -> [ll, err]
%   ll, err     in: at params + p; out: at params + rate*p
%   c           the constants: linesearch_c, linesearch_factor, linesearch_max_reductions
%   reductions  Inf where the step was rejected; then rate is 0, ll is oldll and err stays that of the last rate tried

rate = 1;
reductions = 0;
while reductions < c.linesearch_max_reductions
    if ll >= oldll + c.linesearch_c*rate*double(grad'*p)
        return
    end
    rate = c.linesearch_factor*rate;
    reductions = reductions + 1;
    [ll, err] = evaluate(params + rate*p);
end
reductions = Inf;
rate = 0;
ll = oldll;
end
