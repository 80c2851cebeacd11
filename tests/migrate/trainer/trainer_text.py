"""A trainer in one file, written for these tests in the manner of its time: nested functions, inline constants."""

from __future__ import annotations

ARGUMENTS = (
    "runName, runDesc, paramsp, Win, bin, resumeFile, maxepoch, indata, outdata, numchunks, intest, outtest, "
    "numchunks_test, layersizes, layertypes, mattype, rms, errtype, hybridmode, weightcost, decay, jacket"
)

TRAINER = (
    f"function paramsp = nnet_train_2( {ARGUMENTS} )\n"
    + """
% Trains a net by solving damped quadratic models with conjugate gradients.

disp( ['Starting run named: ' runName ] );
autodamp = 1;
drop = 2/3;
boost = 1/drop;
%start with strong damping
initlambda = 45.0;

if jacket
    mones = @gones;
    mzeros = @gzeros;
    conv = @gsingle;
else
    mones = @(varargin) ones(varargin{:}, 'single');
    mzeros = @(varargin) zeros(varargin{:}, 'single');
    conv = @single;
    %{
    conv = @double;
    %}
end
if hybridmode
    store = conv;
else
    store = @single;
end

layersizes = [size(indata,1) layersizes size(outdata,1)];
numlayers = length(layersizes) - 1;
numcases = size(indata, 2);
if mod( numcases, numchunks ) ~= 0
    error( 'numchunks must divide the number of cases' );
end
sizechunk = numcases/numchunks;
psize = sum( layersizes(2:end).*(layersizes(1:end-1)+1) );

function v = vec(A)
    v = A(:);
end

function M = pack(W, b)
    M = mzeros( psize, 1 );
    cur = 0;
    for i = 1:numlayers
        piece = [vec( W{i} ); vec( b{i} )];
        M(cur+1:cur+length(piece)) = piece;
        cur = cur + length(piece);
    end
end

function [W, b] = unpack(M)
    W = cell( numlayers, 1 );
    b = cell( numlayers, 1 );
    cur = 0;
    for i = 1:numlayers
        n = layersizes(i)*layersizes(i+1);
        W{i} = reshape( M(cur+1:cur+n), layersizes(i+1), layersizes(i) );
        b{i} = M(cur+n+1:cur+n+layersizes(i+1));
        cur = cur + n + layersizes(i+1);
    end
end

function GV = computeGV(V)
    GV = product( V, 'gn' );
    GV = GV - conv(weightcost)*(maskp.*V);
    if autodamp
        GV = GV - conv(lambda)*V;
    end
end

function [ll, err] = computeLL(params, in, out, nchunks, tchunk)
    ll = 0; err = 0;
    [W, b] = unpack(params);
    for i = 1:numlayers
        if strcmp( layertypes{i}, 'logistic' )
            in = 1./(1 + exp(-(W{i}*in + repmat(b{i}, 1, size(in,2)))));
        elseif strcmp( layertypes{i}, 'linear' )
            in = W{i}*in + repmat(b{i}, 1, size(in,2));
        end
    end
    if strcmp( errtype, 'L2' )
        err = sum(sum((in - out).^2))/size(in,2);
    end
    ll = ll - 0.5*weightcost*double(params'*(maskp.*params));
end

maskp = mones(psize, 1);
[maskW, maskb] = unpack(maskp);
disp( 'not masking out the weight-decay for biases' );
for i = 1:length(maskb)
    %maskb{i}(:) = 0;
end
maskp = pack(maskW, maskb);

indata = single(indata);
outdata = single(outdata);

function outputString( s )
    fprintf( 1, '%s\\n', s );
    fprintf( fid, '%s\\r\\n', s );
end
fid = fopen( [runName '.txt'], 'a' );

ch = mzeros(psize, 1);
if ~isempty( resumeFile )
    load( resumeFile );
    epoch = epoch + 1;
else
    lambda = initlambda;
    totalpasses = 0;
    epoch = 1;
    llrecord = zeros(maxepoch, 2);
end
if isempty( paramsp )
    paramsp = zeros(psize, 1);
    [Wtmp, btmp] = unpack(paramsp);
    numconn = 15;
    for i = 1:numlayers
        initcoeff = 1;
        if i > 1 && strcmp( layertypes{i-1}, 'tanh' )
            initcoeff = 0.5*initcoeff;
        end
        if strcmp( layertypes{i}, 'tanh' )
            initcoeff = 0.5*initcoeff;
            btmp{i}(:) = 0.5;
        end
        for j = 1:layersizes(i+1)
            idx = ceil( layersizes(i)*rand(1, numconn) );
            Wtmp{i}(j, idx) = randn(numconn, 1)*initcoeff;
        end
    end
    paramsp = pack(Wtmp, btmp);
else
    paramsp = conv(paramsp);
end

for epoch = epoch:maxepoch
    tic
    targetchunk = mod(epoch-1, numchunks) + 1;
    grad = mzeros(psize, 1);
    grad2 = mzeros(psize, 1);
    for chunk = 1:numchunks
        grad = grad + pack(dEdW, dEdb);
        grad2 = grad2 + pack(dEdW2, dEdb2);
    end
    grad = grad / conv(numcases);
    grad = grad - conv(weightcost)*(maskp.*paramsp);
    grad2 = grad2 / conv(numcases);
    oldll = ll;

    ch = conv(decay)*ch;

    maxiters = 250;
    miniters = 1;
    outputString( ['maxiters = ' num2str(maxiters) '; miniters = ' num2str(miniters)] );
    precon = (grad2 + mones(psize,1)*conv(lambda) + maskp*conv(weightcost)).^(3/4);
    %precon = mones(psize,1);
    [chs, iterses] = conjgrad_1( @(V)-computeGV(V), grad, ch, ceil(maxiters), ceil(miniters), precon );
    ch = chs{end};
    iters = iterses(end);
    totalpasses = totalpasses + iters;

    p = ch;
    [ll, err] = computeLL(paramsp + p, indata, outdata, numchunks);
    for j = (length(chs)-1):-1:1
        [lowll, lowerr] = computeLL(paramsp + chs{j}, indata, outdata, numchunks);
        if ll > lowll
            j = j+1;
            break;
        end
        ll = lowll;
        err = lowerr;
    end
    if isempty(j)
        j = 1;
    end
    p = chs{j};

    [ll_chunk, err_chunk] = computeLL(paramsp + chs{j}, indata, outdata, numchunks, targetchunk);
    [oldll_chunk, olderr_chunk] = computeLL(paramsp, indata, outdata, numchunks, targetchunk);
    autodamp = 0;
    denom = -0.5*double(chs{j}'*computeGV(chs{j})) - double(grad'*chs{j});
    autodamp = 1;
    rho = (oldll_chunk - ll_chunk)/denom;
    if oldll_chunk - ll_chunk > 0
        rho = -Inf;
    end

    rate = 1.0;
    c = 10^(-2);
    j = 0;
    while j < 60
        if ll >= oldll + c*rate*double(grad'*p)
            break;
        else
            rate = 0.8*rate;
            j = j + 1;
        end
        [ll, err] = computeLL(paramsp + conv(rate)*p, indata, outdata, numchunks);
    end
    if j == 60
        j = Inf;
        rate = 0.0;
        ll = oldll;
    end

    if autodamp
        if rho < 0.25 || isnan(rho)
            lambda = lambda*boost;
        elseif rho > 0.75
            lambda = lambda*drop;
        end
    end

    paramsp = paramsp + conv(rate)*p;
    lambdarecord(epoch,1) = lambda;
    llrecord(epoch,1) = ll;
    times(epoch) = toc;
    [ll_test, err_test] = computeLL(paramsp, intest, outtest, numchunks_test);

    tmp = paramsp;
    paramsp = single(paramsp);
    save( [runName '_nnet_running.mat'], 'paramsp', 'ch', 'epoch', 'lambda', 'llrecord', 'times' );
    if mod(epoch,10) == 0
        save( [runName '_nnet_epoch' num2str(epoch) '.mat'], 'paramsp', 'ch', 'epoch', 'lambda', 'llrecord', 'times' );
    end
    paramsp = tmp;
end
paramsp = double(paramsp);
fclose( fid );
end
"""
).replace("    GV = product( V, 'gn' );\n", "    GV = mzeros(psize, 1);\n")

SOLVER = """
function [xs, is] = conjgrad_1( Afunc, b, x0, maxiters, miniters, Mdiag )
tolerance = 5e-4;
gapratio = 0.1;
mingap = 10;
maxtestgap = max(ceil(maxiters*gapratio), mingap) + 1;
vals = zeros(maxtestgap, 1);
inext = 5;
imult = 1.3;
is = [];
xs = {};
x = x0;
r = Afunc(x0) - b;
y = r./Mdiag;
p = -y;
for i = 1:maxiters
    Ap = Afunc(p);
    pAp = p'*Ap;
    if pAp <= 0
        disp( 'Negative Curvature!' );
        break;
    end
    alpha = (r'*y)/pAp;
    x = x + alpha*p;
    rnew = r + alpha*Ap;
    ynew = rnew./Mdiag;
    p = -ynew + ((rnew'*ynew)/(r'*y))*p;
    r = rnew;
    y = ynew;
    val = 0.5*double((-b + r)'*x);
    vals(mod(i-1, maxtestgap)+1) = val;
    testgap = max(ceil(i*gapratio), mingap);
    prevval = vals(mod(i-testgap-1, maxtestgap)+1);
    if i == ceil(inext)
        is(end+1) = i;
        xs{end+1} = x;
        inext = inext*imult;
    end
    if i > testgap && prevval < 0 && (val - prevval)/val < tolerance*testgap && i >= miniters
        break;
    end
end
if i ~= ceil(inext)
    is(end+1) = i;
    xs{end+1} = x;
end
end
"""


def edited(*edits: tuple[str, str], text: str = TRAINER + SOLVER) -> str:
    """The text with each old piece, which it must have, replaced by a new one."""
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return text
