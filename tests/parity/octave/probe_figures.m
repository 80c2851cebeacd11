function f = probe_figures(exact, m, probe, precision)
% Every kernel of the reference at a recorded state, and the rules of an epoch at the recorded CG iterates.
%
%   exact       the case as recorded; m: the same with its columns permuted, or not
%   probe       the recorded state and what was recorded at it
%   precision   working precision

net = network(m, precision);
in = m.working(m.indata);
out = m.working(m.outdata);
params = m.working(probe.paramsp);
tchunk = double(probe.targetchunk);
bchunk = tchunk;
if ~m.hybridmode
    bchunk = [];
end
lambda = double(probe.lambda);

[f.ll, f.err] = computeLL(params, in, out, m.numchunks, net);
[f.ll_chunk, f.err_chunk] = computeLL(params, in, out, m.numchunks, net, tchunk);
[f.grad, f.grad2, f.gradchunk, f.grad2chunk, f.oldll] = computeGradient(params, in, out, m.numchunks, net, tchunk);
f.oldll_class = class(f.oldll);
c = default_constants(struct('precision', precision));
f.precon = preconditioner(f.grad2, lambda, net, c);
B = @(v, damping) computeBV(m.mattype, v, params, in, out, m.numchunks, net, bchunk, damping, f.gradchunk);
f.Bv = B(m.working(probe.v), lambda);
f.Bv_undamped = B(m.working(probe.v), 0);

[xs, f.iterses] = conjgrad_1(@(v) -B(v, lambda), f.grad, m.working(probe.ch0), c.maxiters, c.miniters, f.precon);
f.chs = cell2mat(xs);
f.model = model_values(exact, probe, f.chs, bchunk);
f.model_recorded = model_values(exact, probe, probe.chs, bchunk);
f.candidate_ll = candidate_values(exact, probe);

% the rules, at the recorded iterates and kernels
chs = num2cell(m.working(probe.chs), 1);
evaluate = @(params) computeLL(params, in, out, m.numchunks, net);
[j, ll, err] = cg_backtracking(evaluate, params, chs);
f.chosen = j;
f.rules = cell(1, numel(chs));
for j = 1:numel(chs)
    f.rules{j} = rules_at(chs{j}, params, lambda, B, evaluate, ...
        @(params) computeLL(params, in, out, m.numchunks, net, tchunk), m.working(probe.grad), f.oldll, c);
end
end


function r = rules_at(p, params, lambda, B, evaluate, evaluate_chunk, grad, oldll, c)
% What an epoch computes once the iterate p is chosen.
[ll, err] = evaluate(params + p);
r.ll_chunk = evaluate_chunk(params + p);
r.oldll_chunk = evaluate_chunk(params);
Bp = B(p, 0);
[r.rho, r.denom] = reduction_ratio(r.ll_chunk, r.oldll_chunk, p, Bp, grad);
% how much larger than their sum the two dot products in it are
r.denom_cancellation = double(0.5*abs(p'*Bp) + abs(grad'*p))/abs(r.denom);
[r.rate, r.reductions, ll, r.err_after] = line_search(evaluate, params, p, grad, oldll, ll, err, c);
r.ll_after = double(ll);
r.lambda_after = update_damping(lambda, r.rho, c);
end


function values = model_values(m, probe, xs, bchunk)
% 1/2 x'Ax - b'x in double precision, with the recorded b, for each column of xs
net = network(m, 'double');
in = double(m.indata);
out = double(m.outdata);
b = double(probe.grad);
xs = double(xs);
values = zeros(1, size(xs, 2));
for k = 1:size(xs, 2)
    x = xs(:, k);
    Bx = computeBV(m.mattype, x, double(probe.paramsp), in, out, m.numchunks, net, bchunk, double(probe.lambda), ...
        double(probe.gradchunk));
    values(k) = -0.5*(x'*Bx) - b'*x;
end
end


function lls = candidate_values(m, probe)
% The log-likelihood at each recorded iterate, in double precision: how close a choice between them is
net = network(m, 'double');
lls = zeros(1, size(probe.chs, 2));
for k = 1:numel(lls)
    params = double(probe.paramsp) + double(probe.chs(:, k));
    lls(k) = computeLL(params, double(m.indata), double(m.outdata), m.numchunks, net);
end
end


function net = network(m, precision)
net.layersizes = [size(m.indata, 1), m.layersizes(:)', size(m.outdata, 1)];
net.layertypes = m.layertypes;
net.rms = m.rms;
net.errtype = m.errtype;
net.weightcost = m.weightcost;
net.maskp = ones(size(m.paramsp), precision);
end
