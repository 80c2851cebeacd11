function step = hf_underflow(Afunc, b, x0, steps, Mdiag)
% Return the step of CG after which r'y is 0 while all values are finite, so that the next step divides 0 by 0.
%
%   steps   number of steps after which the iterate is not finite
%   step    0: there is no such step before

step = 0;
r = Afunc(x0) - b;
y = r./Mdiag;
p = -y;
delta = r'*y;
for i = 1:steps-1
    Ap = Afunc(p);
    alpha = delta/(p'*Ap);
    r = r + alpha*Ap;
    y = r./Mdiag;
    if ~all(isfinite(y))
        return
    end
    before = delta;
    delta = r'*y;
    if delta == 0
        step = i;
        return
    end
    p = -y + (delta/before)*p;
end
end
