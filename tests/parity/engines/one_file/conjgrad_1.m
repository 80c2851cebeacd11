function [xs, is] = conjgrad_1(Afunc, b, x0, maxiters, miniters, Mdiag)
% CG that records iterates; constants as its users edit them

tolerance = 5e-4;
gapratio = 0.1;     % of the steps so far
mingap = 10;
inext = 5; imult = 1.3;   % the grid

buflen = max(ceil(maxiters*gapratio), mingap) + 1;
vals = zeros(buflen, 1);
xs = {}; is = [];
x = x0;
r = Afunc(x) - b;
y = r./Mdiag;
p = -y;
delta = r'*y;
for i = 1:maxiters
    Ap = Afunc(p);
    curvature = p'*Ap;
    if curvature <= 0
        disp('Negative Curvature!'); disp('Bailing...');
        break
    end
    alpha = delta/curvature;
    x = x + alpha*p;
    r = r + alpha*Ap;
    y = r./Mdiag;
    olddelta = delta;
    delta = r'*y;
    p = -y + (delta/olddelta)*p;
    val = 0.5*double((-b + r)'*x);
    vals(mod(i-1, buflen) + 1) = val;
    gap = max(ceil(i*gapratio), mingap);
    prev = vals(mod(i-gap-1, buflen) + 1);
    if i == ceil(inext)
        xs{end+1} = x; is(end+1) = i;
        inext = inext*imult;
    end
    if i > gap && prev < 0 && (val - prev)/val < tolerance*gap && i >= miniters
        break
    end
end
if i ~= ceil(inext)
    xs{end+1} = x; is(end+1) = i;
end
end
