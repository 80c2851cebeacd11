function [xs, is] = conjgrad_1(Afunc, b, x0, maxiters, miniters, Mdiag)
% Preconditioned conjugate gradients on A x = b, which records iterates on the way.
%
%   Afunc      handle, v -> A v
%   b, x0      psize x 1: right-hand side and start
%   maxiters   steps at most; miniters: at least, before the stopping rule counts
%   Mdiag      psize x 1, diagonal of the preconditioner
%   xs, is     1 x k cell of recorded iterates and 1 x k row of their step numbers

tolerance = 5e-4;      % relative progress of the model per step of the gap
gapratio = 0.1;        % progress is measured over a tenth of the steps so far,
mingap = 10;           % but over ten at least
maxtestgap = max(ceil(maxiters*gapratio), mingap) + 1;
vals = zeros(maxtestgap, 1);    % ring buffer of the model's values
inext = 5;
imult = 1.3;

xs = {};
is = [];
x = x0;
r = Afunc(x) - b;
y = r./Mdiag;
p = -y;
delta = r'*y;
for i = 1:maxiters
    Ap = Afunc(p);
    pAp = p'*Ap;
    if pAp <= 0
        fprintf('Negative Curvature!\nBailing...\n');
        break
    end

    % x_{i} = x_{i-1} + alpha p,  r_{i} = r_{i-1} + alpha A p
    alpha = delta/pAp;
    x = x + alpha*p;
    r = r + alpha*Ap;
    y = r./Mdiag;
    deltaold = delta;
    delta = r'*y;
    p = -y + (delta/deltaold)*p;

    % phi(x) = 1/2 x'Ax - b'x = 1/2 (r - b)'x
    val = 0.5*double((-b + r)'*x);
    vals(mod(i-1, maxtestgap) + 1) = val;
    testgap = max(ceil(i*gapratio), mingap);
    prevval = vals(mod(i-testgap-1, maxtestgap) + 1);

    if i == ceil(inext)
        xs{end+1} = x;
        is(end+1) = i;
        inext = inext*imult;
    end
    if i > testgap && prevval < 0 && (val - prevval)/val < tolerance*testgap && i >= miniters
        break
    end
end

% An iterate just recorded is recorded again, since inext has moved on. After a bail-out at a recording step the
% condition drops the iterate the method stands on.
if i ~= ceil(inext)
    xs{end+1} = x;
    is(end+1) = i;
elseif isempty(xs)
    % MATLAB: a bail-out at step 5 leaves the list empty and the published program crashes; here the iterate it stands on is recorded
    xs{end+1} = x;
    is(end+1) = i;
end
end
