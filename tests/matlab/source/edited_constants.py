"""Edits of a small trainer's constants, each with the kind of answer that a reader must give.

The trainer does the method's bookkeeping without its mathematics, so that Octave runs it in milliseconds; ``saw``
keeps what each constant really is where it is used. Octave's answers are the right ones.
"""

from __future__ import annotations

from typing import NamedTuple

from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS

TRAINER = (
    f"function paramsp = nnet_train_2({', '.join(TRAINER_ARGUMENTS)})\n"
    + """\
% keeps the books of a Hessian-free trainer
autodamp = 1;
drop = 2/3;
boost = 1/drop;
initlambda = 45.0;
numconn = 15;
initcoeff = 1;

if isempty(resumeFile)
    lambda = initlambda;
    paramsp = sparse_start(numconn, initcoeff);
    ch = 0*paramsp;
    epoch = 1;
else
    load(resumeFile);
    epoch = epoch + 1;
end
saw('initlambda', lambda);

for epoch = epoch:maxepoch
    grad = [1; 1]; grad2 = [2; 3]; oldll = 0; ll = -1e9;
    saw('autodamp', autodamp);
    ch = decay*ch;

    maxiters = 250;
    miniters = 1;
    precon = (grad2 + lambda).^(3/4);
    saw('precon_exponent', log(precon(1))/log(grad2(1) + lambda));
    [chs, iterses] = conjgrad_1(@(v) v, grad, ch, ceil(maxiters), ceil(miniters), precon);
    ch = chs{end};
    p = chs{end};
    autodamp = 0;
    denom = -0.5*double(p'*p);
    autodamp = 1;

    rate = 1.0;
    c = 10^(-2);
    j = 0;
    while j < 60
        saw('linesearch_c', c);
        if ll >= oldll + c*rate*double(grad'*p)
            break
        end
        rate = 0.8*rate;
        saw('linesearch_factor', rate^(1/(j + 1)));
        j = j + 1;
    end
    saw('linesearch_max', j);

    rho = (epoch - 1)/20;
    before = lambda;
    if autodamp
        if rho < 0.25
            lambda = lambda*boost;
        elseif rho > 0.75
            lambda = lambda*drop;
        end
    end
    if lambda > before
        saw('boost', lambda/before); saw_last('rho_low', rho + 0.05);
    elseif lambda < before
        saw('drop', lambda/before); saw('rho_high', rho - 0.05);
    end
    paramsp = paramsp + rate*p;
    if mod(epoch, 10) == 0
        saw('checkpoint_every', epoch);
        save_state(paramsp, ch, epoch, lambda);
    end
end
paramsp = double(paramsp);
end

function params = sparse_start(numconn, initcoeff)
saw('numconn', numconn); saw('initcoeff', initcoeff);
params = initcoeff*ones(2, 1);
end

function save_state(varargin)
end

function [xs, is] = conjgrad_1(Afunc, b, x0, maxiters, miniters, Mdiag)
tolerance = 5e-4;
gapratio = 0.1;
mingap = 10;
inext = 5; imult = 1.3;
saw('maxiters', maxiters); saw('miniters', miniters); saw('tolerance', tolerance); saw('gapratio', gapratio);
saw('mingap', mingap); saw('inext', inext); saw('imult', imult);
xs = {}; is = [];
x = x0;
for i = 1:2
    testgap = max(ceil(i*gapratio), mingap);
    if i == ceil(inext)
        inext = inext*imult;
    end
    x = x + b./Mdiag;
    if 2*i < tolerance*testgap && i >= miniters
        break
    end
end
xs{end+1} = x; is(end+1) = i;
end
"""
)

RECORDER = """
function saw(name, value)
global hf_seen
if ~isfield(hf_seen, name), hf_seen.(name) = value; end
end

function saw_last(name, value)
global hf_seen
hf_seen.(name) = value;
end
"""


class Edit(NamedTuple):
    """An edit of `TRAINER`: the constant it is about, and the passages it replaces.

    `answer` is 'value', 'ambiguous' where the source does not decide, or 'not found'.
    """

    constant: str
    old: str
    new: str
    answer: str = "value"
    more: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The edited trainer, without the functions that Octave records with."""
        text = TRAINER
        for old, new in ((self.old, self.new), *self.more):
            assert old in text, old
            text = text.replace(old, new)
        return text


_START = "initlambda = 45.0;"
_STEPS = "    maxiters = 250;\n"
EDITS = [
    Edit("initlambda", _START, "initlambda = 45.0;"),
    Edit("initlambda", _START, "initlambda = 10;"),
    Edit("initlambda", "lambda = initlambda;", "lambda = 10;"),
    Edit("initlambda", "lambda = initlambda;", "lambda = initlambda*2;"),
    Edit("initlambda", _START, "initlambda = 45.0;\ninitlambda = 20;"),
    Edit("initlambda", _START, "p.initlambda = 45.0; initlambda = p.initlambda*2;"),
    Edit("initlambda", _START, "initlambda = 45; initlambda = initlambda*2;"),
    Edit("initlambda", _START, "%initlambda = 1;\ndisp('initlambda = 2');\ninitlambda = 3; % initlambda = 4"),
    Edit("initlambda", _START, "initlambda = ...  = 1\n    7;"),
    Edit("initlambda", _START, "%{\ninitlambda = 1;\n%}\ninitlambda = 8;"),
    Edit("initlambda", _START, "initlambda = 10^2/4 - 5;"),
    Edit("initlambda", _START, "initlambda = -(-3)^2 + 2^-1*50;"),
    Edit("initlambda", _START, "initlambda = 1d2;"),
    Edit("initlambda", _START, "[initlambda, unused] = deal(90, 3);"),
    Edit("initlambda", _START, "eval('initlambda = 12;');"),
    Edit("initlambda", _START, "eval(['initlambda = ' '1' '3;']);"),
    Edit("initlambda", _START, "initlambda = 45; eval(['initlambda = ' num2str(maxepoch) ';']);", "ambiguous"),
    Edit("initlambda", _START, "initlambda = 45;\nfor k = 1:3\n  initlambda = initlambda*1.5;\nend"),
    Edit("initlambda", _START, "initlambda = 1;\nwhile initlambda < 100\n  initlambda = initlambda*2;\nend"),
    Edit("initlambda", _START, "initlambda = 45;\nif maxepoch > 30\n  initlambda = 90;\nend", "ambiguous"),
    Edit(
        "initlambda", _START, "initlambda = 45;\nfor k = 1:maxepoch\n  initlambda = initlambda + 1;\nend", "ambiguous"
    ),
    Edit("initlambda", _START, "initlambda = 45; initlambda(1) = 90;"),
    Edit("initlambda", _START, "initlambda = max(45, 90);"),
    Edit("initlambda", _START, "initlambda = max(45, maxepoch);", "ambiguous"),
    Edit("initlambda", _START, "opts = struct('initlambda', 33, 'drop', 1/2); initlambda = opts.initlambda;"),
    Edit("initlambda", _START, "q = struct(); q.a.b = 6; initlambda = 7*q.a.b;"),
    Edit("initlambda", _START, "starts = [1 10 100]; initlambda = starts(2);"),
    Edit("initlambda", _START, "pick = @(x) x/2; initlambda = pick(50);"),
    Edit(
        "initlambda",
        _START,
        "initlambda = strong_start(4);",
        more=(
            (
                "function save_state",
                "function s = strong_start(k)\nif nargin > 1, s = 0; else, s = 10*k; end\nend\n\nfunction save_state",
            ),
        ),
    ),
    Edit(
        "initlambda",
        _START,
        "initlambda = twice_or(3, 1);",
        more=(
            (
                "function save_state",
                "function s = twice_or(k, only)\ns = 2*k;\nif only, return, end\ns = 100;\nend\n\nfunction save_state",
            ),
        ),
    ),
    Edit("initlambda", _START, "if ~exist('initlambda', 'var'), initlambda = 17; end"),
    Edit("initlambda", _START, "if nargin < 23, initlambda = 18; end"),
    Edit("initlambda", _START, "if nargin > 22\n  initlambda = 1;\nelse\n  initlambda = 19;\nend"),
    Edit(
        "initlambda",
        _START,
        "kind = 'weak';\nswitch kind\n  case {'a', 'b'}, initlambda = 45;\n  case 'weak', initlambda = 5;\nend",
    ),
    Edit(
        "initlambda",
        _START,
        "switch mattype\n  case 'gn'\n    initlambda = 45;\n  otherwise\n    initlambda = 5;\nend",
        "ambiguous",
    ),
    Edit("initlambda", _START, "try\n  error('no');\n  initlambda = 4;\ncatch\n  initlambda = 5;\nend"),
    Edit("initlambda", _START, "try\n  initlambda = 4;\n  error('no');\n  initlambda = 5;\ncatch\nend"),
    Edit("initlambda", _START, "try\n  initlambda = 4 + opts.a;\ncatch\n  initlambda = 5;\nend", "ambiguous"),
    Edit(
        "initlambda",
        _START,
        "function_made = @strong_or; initlambda = function_made(3);",
        more=(
            (
                "function save_state",
                "function s = strong_or(k)\ns = k;\nif s > 2, s = 2*s; end\nend\n\nfunction save_state",
            ),
        ),
    ),
    Edit(
        "initlambda",
        _START,
        "if jacket, z = 1; end\nif exist('z', 'var'), initlambda = 1; else, initlambda = 2; end",
        "ambiguous",
    ),
    Edit(
        "initlambda",
        _START,
        "q.a = 1; if jacket, q.b = 1; end\ninitlambda = 7; if isfield(q, 'b'), initlambda = 2; end",
        "ambiguous",
    ),
    Edit("initlambda", _START, "if jacket, z = 1; end\nz = 2; if exist('z', 'var'), initlambda = 3*z; end"),
    Edit("initlambda", _START, "fast = 0;\nif fast, initlambda = 1; else, initlambda = 2; end"),
    Edit("initlambda", _START, "initlambda = double(single(6.5));"),
    Edit("initlambda", _START, "initlambda = str2double('31');"),
    Edit("initlambda", _START, "initlambda = double(0x1F);"),
    Edit("initlambda", _START, "name = 'initlambda'; d.(name) = 14; initlambda = d.initlambda;"),
    Edit("initlambda", _START, "initlambda = 45; initlambda += 5;"),
    Edit("initlambda", "saw('initlambda', lambda);", "lambda = lambda*2;\nsaw('initlambda', lambda);"),
    Edit("maxiters", _STEPS, "    if jacket, maxiters = 100; else, maxiters = 250; end\n", "ambiguous"),
    Edit("maxiters", _STEPS, "    if jacket, maxiters = 100; else, maxiters = 100; end\n"),
    Edit("maxiters", _STEPS, "    maxiters = 250;\n    if epoch > 10, maxiters = 50; end\n", "ambiguous"),
    Edit("maxiters", _STEPS, "    steps = 25;\n    maxiters = 2*steps;\n"),
    Edit("maxiters", "ceil(maxiters), ceil(miniters)", "80, 2"),
    Edit("miniters", "ceil(maxiters), ceil(miniters)", "80, 2"),
    Edit("maxiters", _STEPS, "", more=(("autodamp = 1;\ndrop", "maxiters = 60;\nautodamp = 1;\ndrop"),)),
    Edit("drop", "drop = 2/3;", "drop = 19/20;"),
    Edit("boost", "drop = 2/3;", "drop = 0.5;"),
    Edit("boost", "boost = 1/drop;", "boost = drop^-2;"),
    Edit("boost", "lambda = lambda*boost;", "lambda = boost*2*lambda;"),
    Edit("drop", "lambda = lambda*drop;", "lambda = lambda/boost;"),
    Edit("drop", "lambda = lambda*drop;", "lambda = 0.9*lambda;"),
    Edit("rho_low", "rho < 0.25", "rho < low", more=(("drop = 2/3;", "drop = 2/3; low = 1/5;"),)),
    Edit("rho_low", "rho < 0.25", "~(rho >= 0.4)"),
    Edit("rho_high", "rho > 0.75", "0.6 < rho"),
    Edit("rho_high", "elseif rho > 0.75", "elseif rho <= 0.5\n        else"),
    Edit("precon_exponent", ".^(3/4)", ".^(1/2)"),
    Edit("precon_exponent", "(grad2 + lambda).^(3/4)", "sqrt(grad2 + lambda)"),
    Edit("precon_exponent", "(grad2 + lambda).^(3/4)", "grad2 + lambda"),
    Edit("precon_exponent", ".^(3/4)", ".^expo", more=(("drop = 2/3;", "expo = 0.6; drop = 2/3;"),)),
    Edit("linesearch_c", "c = 10^(-2);", "c = 1e-4;"),
    Edit("linesearch_c", "c = 10^(-2);", "c = 1d-4; % 1e-2"),
    Edit("linesearch_factor", "rate = 0.8*rate;", "rate = rate/2;"),
    Edit(
        "linesearch_factor",
        "rate = 0.8*rate;",
        "rate = rate*shrink;",
        more=(("drop = 2/3;", "shrink = .7; drop = 2/3;"),),
    ),
    Edit("linesearch_max", "while j < 60", "while (j <= 29)"),
    Edit("checkpoint_every", "mod(epoch, 10) == 0", "~rem(epoch, 4)"),
    Edit(
        "checkpoint_every",
        "mod(epoch, 10) == 0",
        "mod(epoch, every) == 0",
        more=(("drop = 2/3;", "every = 3*2; drop = 2/3;"),),
    ),
    Edit("autodamp", "autodamp = 1;\ndrop", "autodamp = true;\ndrop"),
    Edit("autodamp", "    autodamp = 1;\n\n", "\n", "ambiguous"),
    Edit("numconn", "numconn = 15;", "numconn = 3*10;"),
    Edit(
        "numconn",
        "sparse_start(numconn, initcoeff)",
        "sparse_start(20, initcoeff)",
        more=(("function params = sparse_start(20", "function params = sparse_start(numconn"),),
    ),
    Edit("initcoeff", "initcoeff = 1;", "initcoeff = 1/sqrt(16);"),
    Edit("tolerance", "tolerance = 5e-4;", "tolerance = 1e-5;"),
    Edit("gapratio", "gapratio = 0.1;", "gapratio = 1/5;"),
    Edit("mingap", "mingap = 10;", "mingap = 5; mingap = mingap + 1;"),
    Edit("inext", "inext = 5;", "inext = 2; inext = inext + 1;"),
    Edit("imult", "imult = 1.3;", "imult = sqrt(2.25);"),
]
