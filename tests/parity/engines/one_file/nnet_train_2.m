function paramsp = nnet_train_2( runName, runDesc, paramsp, Win, bin, resumeFile, maxepoch, indata, outdata, numchunks, intest, outtest, numchunks_test, layersizes, layertypes, mattype, rms, errtype, hybridmode, weightcost, decay, jacket)
% A trainer in the manner of people's own: one file, nested functions that share variables, constants in the middle,
% classes chosen by handles, a GPU toolbox where jacket is 1. Written for the tests from the method's description.

disp( ['Starting run named: ' runName ] );

rec_constants = {'layersizes', 'rms', 'weightcost', 'hybridmode', 'autodamp', 'initlambda', 'drop', 'boost', 'numchunks', 'mattype', 'errtype', 'decay'};

autodamp = 1;
%initlambda = 1;
initlambda = 45;      % as in the paper's runs
drop = 2/3;
boost = 1/drop;

store = @(x) x;
if jacket
    mones = @gones; mzeros = @gzeros; conv = @gsingle;
else
    mones = @(varargin) ones(varargin{:}, 'single');
    mzeros = @(varargin) zeros(varargin{:}, 'single');
    conv = @single;
end
if ~hybridmode
    store = @single;
end

indata = conv(single(indata));
outdata = conv(single(outdata));
intest = conv(single(intest));
outtest = conv(single(outtest));

layersizes = [size(indata,1) layersizes size(outdata,1)];
numlayers = size(layersizes, 2) - 1;
[indims, numcases] = size(indata);
psize = layersizes(1, 2:(numlayers+1))*layersizes(1, 1:numlayers)' + sum(layersizes(2:(numlayers+1)));
sizechunk = numcases/numchunks;
if mod(numcases, numchunks) ~= 0
    error('number of cases is no multiple of numchunks');
end
maskp = mones(psize, 1);
%maskp = biasmask();
disp( 'not masking out the weight-decay for biases' );

epoch = 1;
if ~isempty(resumeFile)
    load(resumeFile);
    epoch = epoch + 1;
    paramsp = conv(paramsp);
    ch = conv(ch);
else
    lambda = initlambda;
    llrecord = zeros(maxepoch, 2);
    errrecord = zeros(maxepoch, 2);
    lambdarecord = zeros(maxepoch, 1);
    times = zeros(maxepoch, 1);
    totalpasses = 0;
    ch = mzeros(psize, 1);
    if isempty(paramsp)
        paramsp = sparseparams();
    end
    paramsp = conv(paramsp);
end
if size(paramsp, 1) ~= psize || size(paramsp, 2) ~= 1
    error('Badly sized initial parameter vector.');
end

fid = fopen([runName '.txt'], 'a');
say(''); say('');
say('==================== New Run ====================');
say('');
say(['Start time: ' datestr(now())]);
say('');
say(['Description: ' runDesc]);
say('');
if ~isempty(resumeFile)
    say(['Resuming from file: ' resumeFile]);
    say('');
end
say('Initial constant values:'); say('------------------------'); say('');
for k = 1:length(rec_constants)
    say([rec_constants{k} ': ' num2str(eval(rec_constants{k}))]);
end
say('');
say('=================================================');
say('');

gradchunk = []; grad2chunk = []; oldll = 0; targetchunk = 1; yc = {}; ec = {};

for epoch = epoch:maxepoch
    tic;
    targetchunk = mod(epoch-1, numchunks) + 1;

    [grad, grad2] = gradient();
    ch = decay*ch;

    maxiters = 250;
    miniters = 1;
    say(['maxiters = ' num2str(maxiters) '; miniters = ' num2str(miniters)]);

    %precon = grad2 + lambda;
    precon = (grad2 + mones(psize, 1)*lambda + maskp*weightcost).^(3/4);

    [chs, iterses] = conjgrad_1(@(v) -curvatureproduct(v), grad, ch, ceil(maxiters), ceil(miniters), precon);
    ch = chs{end};
    iters = iterses(end);
    totalpasses = totalpasses + iters;
    say(['CG steps used: ' num2str(iters) ', total is: ' num2str(totalpasses)]);
    say(['ch magnitude : ' num2str(double(norm(ch)))]);

    p = chs{end};
    [ll, err] = computeLL(paramsp + p, indata, outdata, numchunks);
    chosen = length(chs);
    for j = (length(chs)-1):-1:1
        [lowll, lowerr] = computeLL(paramsp + chs{j}, indata, outdata, numchunks);
        if ll > lowll
            break
        end
        ll = lowll; err = lowerr; chosen = j; p = chs{j};
    end
    say(['Chose iters : ' num2str(iterses(chosen))]);

    ll_chunk = computeLL(paramsp + p, indata, outdata, numchunks, targetchunk);
    oldll_chunk = computeLL(paramsp, indata, outdata, numchunks, targetchunk);
    autodamp = 0;
    denom = -0.5*double(p'*curvatureproduct(p)) - double(grad'*p);
    autodamp = 1;
    rho = (oldll_chunk - ll_chunk)/denom;
    if oldll_chunk - ll_chunk > 0
        rho = -Inf;
    end
    say(['rho = ' num2str(rho)]);

    % backtracking line search
    rate = 1.0;
    c = 10^(-2);
    j = 0;
    while j < 60
        if ll >= oldll + c*rate*double(grad'*p)
            break
        end
        rate = 0.8*rate;
        j = j + 1;
        [ll, err] = computeLL(paramsp + rate*p, indata, outdata, numchunks);
    end
    if j == 60
        j = Inf; rate = 0.0; ll = oldll;
    end
    say(['Number of reductions : ' num2str(j) ', chosen rate: ' num2str(rate)]);

    if autodamp
        if rho < 0.25 || isnan(rho)
            lambda = lambda*boost;
        elseif rho > 0.75
            lambda = lambda*drop;
        end
        say(['New lambda: ' num2str(lambda)]);
    end

    paramsp = paramsp + rate*p;
    lambdarecord(epoch, 1) = lambda;
    llrecord(epoch, 1) = ll;
    errrecord(epoch, 1) = err;
    times(epoch) = toc;
    say(['epoch: ' num2str(epoch) ', Log likelihood: ' num2str(ll) ', error rate: ' num2str(err)]);
    [ll_test, err_test] = computeLL(paramsp, intest, outtest, numchunks_test);
    llrecord(epoch, 2) = ll_test;
    errrecord(epoch, 2) = err_test;
    say(['TEST Log likelihood: ' num2str(ll_test) ', error rate: ' num2str(err_test)]);
    say(['Error rate difference (test - train): ' num2str(err_test - err)]);
    say('');

    held = {paramsp, ch};
    paramsp = single(paramsp);
    ch = single(ch);
    save([runName '_nnet_running.mat'], 'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times', 'errrecord', 'lambdarecord');
    if mod(epoch, 10) == 0
        save([runName '_nnet_epoch' num2str(epoch) '.mat'], 'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times', 'errrecord', 'lambdarecord');
    end
    paramsp = held{1};
    ch = held{2};
end

paramsp = double(paramsp);
say(['Total time: ' num2str(sum(times))]);
fclose(fid);


    function say(text)
        fprintf(1, '%s\n', text);
        fprintf(fid, '%s\r\n', text);
    end

    function params = sparseparams()
        numconn = 15;
        initcoeff = 1;
        params = [];
        for layer = 1:numlayers
            coeff = initcoeff;
            if layer > 1 && strcmp(layertypes{layer-1}, 'tanh'), coeff = coeff*0.5; end
            if strcmp(layertypes{layer}, 'tanh'), coeff = coeff*0.5; end
            w = zeros(layersizes(layer+1), layersizes(layer));
            for unit = 1:layersizes(layer+1)
                w(unit, ceil(layersizes(layer)*rand(1, numconn))) = randn(numconn, 1)*coeff;
            end
            params = [params; w(:); 0.5*strcmp(layertypes{layer}, 'tanh')*ones(layersizes(layer+1), 1)];
        end
    end

    function [W, b] = weights(params)
        W = cell(numlayers, 1); b = W; at = 0;
        for layer = 1:numlayers
            n = layersizes(layer+1); m = layersizes(layer);
            W{layer} = reshape(params(at+1:at+n*m), n, m); at = at + n*m;
            b{layer} = params(at+1:at+n); at = at + n;
        end
    end

    function params = packed(W, b)
        params = mzeros(psize, 1); at = 0;
        for layer = 1:numlayers
            n = numel(W{layer});
            params(at+1:at+n) = W{layer}(:); at = at + n;
            n = numel(b{layer});
            params(at+1:at+n) = b{layer}; at = at + n;
        end
    end

    function [x, y] = forward(W, b, y0)
        y = cell(numlayers, 1);
        below = y0;
        for layer = 1:numlayers
            x = W{layer}*below + repmat(b{layer}, 1, size(y0, 2));
            switch layertypes{layer}
                case 'logistic', y{layer} = 1./(1 + exp(-x));
                case 'tanh', y{layer} = tanh(x);
                case 'linear', y{layer} = x;
                case 'softmax', y{layer} = exp(x); y{layer} = y{layer}./repmat(sum(y{layer}, 1), layersizes(layer+1), 1);
                otherwise, error('Unknown/unsupported layer type');
            end
            y{layer} = conv(store(y{layer}));
            below = y{layer};
        end
    end

    function d = through(layer, y, d)
        switch layertypes{layer}
            case 'logistic', d = d.*y.*(1-y);
            case 'tanh', d = d.*(1+y).*(1-y);
            case 'softmax', d = d.*y - y.*repmat(sum(d.*y, 1), size(y, 1), 1);
        end
    end

    function s = outputll(x, y, t)
        if rms || strcmp(layertypes{numlayers}, 'linear')
            s = -sum(sum((t - y).^2));
        elseif strcmp(layertypes{numlayers}, 'logistic')
            s = sum(sum(x.*(t - (x >= 0)) - log(1 + exp(x - 2*x.*(x >= 0)))));
        else
            s = sum(sum(t.*log(y)));
        end
    end

    function [ll, err] = computeLL(params, in, out, nchunks, tchunk)
        ll = 0; err = 0;
        [W, b] = weights(params);
        schunk = size(in, 2)/nchunks;
        todo = 1:nchunks;
        if nargin > 4, todo = tchunk; end
        for chunk = todo
            cols = (chunk-1)*schunk+1:chunk*schunk;
            [x, y] = forward(W, b, in(:, cols));
            t = out(:, cols);
            ll = ll + double(outputll(x, y{numlayers}, t));
            if strcmp(errtype, 'L2')
                err = err + double(sum(sum((y{numlayers} - t).^2)))/size(in, 2);
            elseif strcmp(errtype, 'class')
                err = err + double(sum(sum(t.*y{numlayers}, 1) ~= max(y{numlayers}, [], 1)))/size(in, 2);
            end
        end
        ll = ll/size(in, 2);
        if nargin > 4, ll = ll*nchunks; err = err*nchunks; end
        ll = ll - 0.5*weightcost*double(params'*(maskp.*params));
    end

    function [grad, grad2] = gradient()
        [W, b] = weights(paramsp);
        grad = mzeros(psize, 1); grad2 = grad; oldll = 0;
        if strcmp(layertypes{numlayers}, 'logistic') && ~rms, oldll = conv(0); end
        for chunk = 1:numchunks
            cols = (chunk-1)*sizechunk+1:chunk*sizechunk;
            y0 = indata(:, cols); t = outdata(:, cols);
            [x, y] = forward(W, b, y0);
            oldll = oldll + outputll(x, y{numlayers}, t);
            e = t - y{numlayers};
            if rms
                e = through(numlayers, y{numlayers}, 2*e);
            elseif strcmp(layertypes{numlayers}, 'linear')
                e = 2*e;
            end
            gw = cell(numlayers, 1); gb = gw; gw2 = gw; gb2 = gw; es = gw;
            for layer = numlayers:-1:1
                below = y0;
                if layer > 1, below = y{layer-1}; end
                es{layer} = e;
                gw{layer} = e*below'; gb{layer} = sum(e, 2);
                gw2{layer} = (e.^2)*(below.^2)'; gb2{layer} = sum(e.^2, 2);
                if layer > 1, e = through(layer-1, y{layer-1}, W{layer}'*e); end
            end
            if chunk == targetchunk
                gradchunk = packed(gw, gb); grad2chunk = packed(gw2, gb2);
                yc = [{y0}; y]; ec = es;
            end
            grad = grad + packed(gw, gb);
            grad2 = grad2 + packed(gw2, gb2);
        end
        grad = grad/numcases - weightcost*(maskp.*paramsp);
        grad2 = grad2/numcases;
        gradchunk = gradchunk/sizechunk - weightcost*(maskp.*paramsp);
        grad2chunk = grad2chunk/sizechunk;
        oldll = oldll/numcases - 0.5*weightcost*double(paramsp'*(maskp.*paramsp));
    end

    function Bv = curvatureproduct(v)
        if ~strcmp(mattype, 'gn'), error('only gn here'); end
        [W, ~] = weights(paramsp);
        [V, c] = weights(v);
        Bv = mzeros(psize, 1);
        todo = 1:numchunks;
        if hybridmode, todo = targetchunk; end
        for chunk = todo
            y = yc;
            if ~hybridmode
                y0 = indata(:, (chunk-1)*sizechunk+1:chunk*sizechunk);
                [ww, bb] = weights(paramsp);
                [~, y] = forward(ww, bb, y0);
                y = [{y0}; y];
            end
            R = mzeros(size(y{1}));
            for layer = 1:numlayers
                R = W{layer}*R + V{layer}*y{layer} + repmat(c{layer}, 1, size(R, 2));
                if layer < numlayers || ~matches(), R = through(layer, y{layer+1}, R); end
            end
            if rms
                r = through(numlayers, y{numlayers+1}, -2*R);
            elseif strcmp(layertypes{numlayers}, 'linear')
                r = -2*R;
            else
                r = -through(numlayers, y{numlayers+1}, R);
            end
            bw = cell(numlayers, 1); bb = bw;
            for layer = numlayers:-1:1
                bw{layer} = r*y{layer}'; bb{layer} = sum(r, 2);
                if layer > 1, r = through(layer-1, y{layer}, W{layer}'*r); end
            end
            Bv = Bv + packed(bw, bb);
        end
        Bv = Bv/numcases;
        if hybridmode, Bv = Bv*numchunks; end
        Bv = Bv - weightcost*(maskp.*v);
        if autodamp, Bv = Bv - lambda*v; end
    end

    function yes = matches()
        yes = ~rms && ~strcmp(layertypes{numlayers}, 'linear');
    end
end
