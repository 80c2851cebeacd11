function [paramsp, trace] = nnet_train_2(runName, runDesc, paramsp, Win, bin, resumeFile, maxepoch, indata, outdata, ...
    numchunks, intest, outtest, numchunks_test, layersizes, layertypes, mattype, rms, errtype, hybridmode, ...
    weightcost, decay, jacket, overrides)
% Hessian-free training of a feed-forward network: the reference, plain and slow.
%
%   runName, runDesc       log <runName>.txt; checkpoints <runName>_nnet_running.mat, <runName>_nnet_epoch<k>.mat
%   paramsp                psize x 1 initial parameters, or []; then Win and bin (1 x L cells), or [] for a sparse init
%   resumeFile             checkpoint to go on from, or []
%   maxepoch               last epoch
%   indata, outdata        s_0 x N and s_L x N, a case a column, in numchunks chunks
%   intest, outtest        held-out data, in numchunks_test chunks; or [] and []
%   layersizes             hidden sizes s_1 ... s_{L-1}
%   layertypes             1 x L cell of 'logistic', 'tanh', 'linear', 'softmax'
%   mattype                'gn', 'hess' or 'empfish'
%   rms                    1: squared error whatever the output unit
%   errtype                'L2', 'class' or 'none'
%   hybridmode             1: curvature products on one chunk an epoch; 0: on all
%   weightcost, decay      strength of the l2 prior; factor on the last CG solution before it starts the next run
%   jacket                 must be 0
%   overrides              optional struct, see default_constants
%
%   paramsp                psize x 1, double
%   trace                  struct of figures per epoch, see record_trace

% MATLAB: autodamp, mask, precision, ... are fields of an optional 23rd argument instead of lines to edit
if nargin < 23
    overrides = struct();
end
c = default_constants(overrides);
if isempty(intest) && isempty(outtest)
    % no test set, however its emptiness is written
    intest = zeros(size(indata, 1), 0);
    outtest = zeros(size(outdata, 1), 0);
end
check_arguments(indata, outdata, numchunks, intest, outtest, numchunks_test, layersizes, layertypes, mattype, ...
    rms, errtype, jacket);

% MATLAB: integer-class arguments count as doubles; in the published code an int64 numchunks rounds ll, rho and lambda
[maxepoch, numchunks, numchunks_test, rms, hybridmode, weightcost, decay] = as_doubles( ...
    maxepoch, numchunks, numchunks_test, rms, hybridmode, weightcost, decay);
working = @(a) cast(a, c.precision);
indata = working(indata);
outdata = working(outdata);
intest = working(intest);
outtest = working(outtest);
net = make_net(indata, outdata, layersizes, layertypes, rms, errtype, weightcost, c);

fprintf('Starting run named: %s\n', runName);
if c.mask_biases
    fprintf('masking out the weight-decay for biases\n');
else
    fprintf('not masking out the weight-decay for biases\n');
end

if isempty(resumeFile)
    paramsp = working(initial_params(paramsp, Win, bin, net, c));
    ch = zeros(size(paramsp), c.precision);
    epoch = 0;
    lambda = c.initlambda;
    totalpasses = 0;
    llrecord = [];
    errrecord = [];
    lambdarecord = [];
    times = [];
else
    load(resumeFile, 'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times', 'errrecord', 'lambdarecord');
    check_psize(paramsp, net);
    paramsp = working(paramsp);
    ch = working(ch);
end

% MATLAB: the log is opened and closed at every line, so that an error cannot leave it open
logfile = [runName '.txt'];
log_header(logfile, runDesc, resumeFile, net, hybridmode, numchunks, mattype, decay, c);

trace = struct();
for epoch = epoch+1:maxepoch
    tic
    tchunk = mod(epoch-1, numchunks) + 1;
    bchunk = tchunk;
    if ~hybridmode
        bchunk = [];
    end
    damping = c.autodamp*lambda;

    % g <- gradient on all chunks; B on the target chunk (hybridmode) or on all
    [grad, grad2, gradchunk, ~, oldll] = computeGradient(paramsp, indata, outdata, numchunks, net, tchunk);
    B = @(v, damping) computeBV(mattype, v, paramsp, indata, outdata, numchunks, net, bchunk, damping, gradchunk);
    evaluate = @(params) computeLL(params, indata, outdata, numchunks, net);
    evaluate_chunk = @(params) computeLL(params, indata, outdata, numchunks, net, tchunk);

    % solve (-B + lambda I) p = g by CG, starting from the decayed last solution
    ch = decay*ch;
    precon = preconditioner(grad2, lambda, net, c);
    log_line(logfile, ['maxiters = ' num2str(c.maxiters) '; miniters = ' num2str(c.miniters)]);
    [chs, iterses] = conjgrad_1(@(v) -B(v, damping), grad, ch, ceil(c.maxiters), ceil(c.miniters), precon);
    ch = chs{end};    % the last iterate, not the one chosen, starts the next run
    totalpasses = totalpasses + iterses(end);

    [j, ll, err] = cg_backtracking(evaluate, paramsp, chs);
    p = chs{j};
    log_solution(logfile, iterses, totalpasses, ch, j);

    ll_chunk = evaluate_chunk(paramsp + p);
    oldll_chunk = evaluate_chunk(paramsp);
    [rho, denom] = reduction_ratio(ll_chunk, oldll_chunk, p, B(p, 0), grad);

    [rate, reductions, ll, err] = line_search(evaluate, paramsp, p, grad, oldll, ll, err, c);
    if c.autodamp
        lambda = update_damping(lambda, rho, c);
    end
    log_step(logfile, rho, reductions, rate, lambda);

    % theta <- theta + rate*p
    paramsp = paramsp + rate*p;
    llrecord(epoch, 1) = double(ll);
    errrecord(epoch, 1) = err;
    lambdarecord(epoch, 1) = lambda;
    [llrecord(epoch, 2), errrecord(epoch, 2)] = computeLL(paramsp, intest, outtest, numchunks_test, net);
    times(epoch, 1) = toc;
    log_epoch(logfile, epoch, llrecord, errrecord);

    figures = struct('rho', rho, 'rate', rate, 'reductions', reductions, 'denom', denom, 'll_after', double(ll), ...
        'err_after', err, 'lambda_after', lambda, 'll_chunk', ll_chunk, 'oldll_chunk', oldll_chunk, ...
        'cg_steps', iterses(end), 'chose_iters', iterses(j), 'ch_norm', double(norm(ch)));
    trace = record_trace(trace, figures, ch, paramsp);
    % MATLAB: in double precision the checkpoint keeps doubles (the published code always saves singles)
    running = [runName '_nnet_running.mat'];
    save(running, 'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times', 'errrecord', 'lambdarecord', '-v7');
    if mod(epoch, c.checkpoint_period) == 0
        copyfile(running, [runName '_nnet_epoch' num2str(epoch) '.mat']);
    end
end

log_line(logfile, ['Total time: ' num2str(sum(times))]);
paramsp = double(paramsp);
end


function varargout = as_doubles(varargin)
varargout = cellfun(@double, varargin, 'UniformOutput', false);
end


function net = make_net(indata, outdata, layersizes, layertypes, rms, errtype, weightcost, c)
net.layersizes = [size(indata, 1), double(layersizes(:)'), size(outdata, 1)];
net.layertypes = layertypes;
net.rms = rms;
net.errtype = errtype;
net.weightcost = weightcost;
net.maskp = cast(weightcost_mask(net.layersizes, c.mask_biases), c.precision);
end


function maskp = weightcost_mask(layersizes, mask_biases)
% maskp, psize x 1: 1 where the weight cost applies
psize = sum(layersizes(2:end).*(layersizes(1:end-1) + 1));
[W, b] = unpack(ones(psize, 1), layersizes);
if mask_biases
    b = cellfun(@(a) zeros(size(a)), b, 'UniformOutput', false);
end
maskp = pack(W, b);
end


function params = initial_params(params, Win, bin, net, c)
if isempty(params) && ~isempty(Win)
    params = pack(Win, bin);
elseif isempty(params)
    params = sparse_init(net.layersizes, net.layertypes, c.numconn, c.initcoeff);
end
check_psize(params, net);
end


function check_psize(params, net)
if ~isequal(size(params), size(net.maskp))
    error('nnet_train_2:paramsp', 'Badly sized initial parameter vector.');
end
end
