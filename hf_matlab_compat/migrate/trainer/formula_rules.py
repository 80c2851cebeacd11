"""Formulas that are none of the method's known forms, and required formulas that are absent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from hf_matlab_compat.matlab.source.tree import Source, name_of, row
from hf_matlab_compat.migrate.trainer.constants import HOLDERS
from hf_matlab_compat.migrate.trainer.findings import Unexpressed
from hf_matlab_compat.migrate.trainer.formulas import SIZES, Shape, computes, nodes_of, shape_of, written

UNKNOWN = "not a form known of the published program"
"""The report's words for a formula that is none of `FORMS`."""

FORMS = """
paramsp + p;  paramsp + rate*p;  params + p;  params + rate*p;
decay*ch;  x*ch;  ch/x;  lambda*x;  rate*x;

W*y + b;  W*y;  x + b;  1./(1 + exp(-x));  1./(1 + exp(-(W*y + b)));  tanh(x);  tanh(W*y + b);
exp(x);  exp(x)./sum(exp(x), 1);  exp(x)./sum(exp(x));  x./sum(x, 1);  x./sum(x);
exp(x - max(x, [], 1));  x - max(x, [], 1);  sum(x, 1);  sum(x, 2);  sum(x);  sum(sum(x));  max(x, [], 1);

-sum(sum((t - y).^2));  sum(sum((t - y).^2));  sum(sum((t - y).^2, 1));  -sum(sum((t - y).^2, 1));
sum(sum((t - y).^2))/n;  sum(sum((t - y).^2, 1))/n;
sum(sum(x.*(t - (x >= 0)) - log(1 + exp(x - 2*x.*(x >= 0)))));  sum(sum(t.*log(y)));  sum(sum(t.*log(y), 1));
sum(sum(t.*y, 1) ~= max(y, [], 1));  sum(sum(t.*y, 1) ~= max(y, [], 1))/n;
s - sum(sum((t - y).^2));  s - sum(sum((t - y).^2, 1));
s + sum(sum(x.*(t - (x >= 0)) - log(1 + exp(x - 2*x.*(x >= 0)))));
s + sum(sum(t.*log(y)));  s + sum(sum(t.*log(y), 1));
s + sum(sum((t - y).^2));  s + sum(sum((t - y).^2, 1));  s + sum(sum((t - y).^2))/n;  s + sum(sum((t - y).^2, 1))/n;
s + sum(sum(t.*y, 1) ~= max(y, [], 1));  s + sum(sum(t.*y, 1) ~= max(y, [], 1))/n;
a - b;  a + b;  a + b + c;  a/b;  a*b/c;  a + b/c;
s - 0.5*weightcost*(v'*(maskp.*v));  s/n - 0.5*weightcost*(v'*(maskp.*v));
s - 0.5*weightcost*(paramsp'*(maskp.*paramsp));  s/n - 0.5*weightcost*(paramsp'*(maskp.*paramsp));
s - 0.5*weightcost*sum(maskp.*v.^2);  s - 0.5*weightcost*sum(maskp.*paramsp.^2);

2*x;  -2*x;  -x;  2*(t - y);
d.*y.*(1 - y);  d.*(1 + y).*(1 - y);  d.*(1 - y.^2);  y.*(1 - y);  (1 + y).*(1 - y);  1 - y.^2;
d.*y - y.*sum(d.*y, 1);  d.*y - y.*sum(d.*y);  y.*(d - sum(d.*y, 1));
(W'*e).*y.*(1 - y);  (W'*e).*(1 + y).*(1 - y);
d.*y.*(1 - y) + a.*r.*(1 - 2*y);
a.*y - y.*sum(a.*y, 1) + b.*r - y.*sum(b.*r, 1) - r.*sum(b.*y, 1);
W'*e;  e*y';  x.^2;  (e.^2)*(y.^2)';  sum(e.^2, 2);  (e.*e)*(y.*y)';  sum(e.*e, 2);  e.*e;
g + e*y';  g + sum(e, 2);  g + (e.^2)*(y.^2)';  g + sum(e.^2, 2);
grad2 + a;  grad2/n;  g - weightcost*(maskp.*paramsp);  g - weightcost*(maskp.*v);
g/n - weightcost*(maskp.*paramsp);  g/n - weightcost*(maskp.*v);
g - weightcost*maskp.*paramsp;  g - weightcost*maskp.*v;  g/n - weightcost*maskp.*paramsp;
V'*e + W'*r;  W*r + V*y + c;  W*r + V*y;  g + r*y' + e*s';  r*y' + e*s';
-e.*sum(x.*e, 1);  e.*sum(x.*e, 1);  e.*sum(x.*e);  (t - y).*sum(x.*(t - y), 1);  g*(g'*v);
b + g*(g'*v);  b/n + g*(g'*v);
b - lambda*v;  b - weightcost*(maskp.*v) - lambda*v;  a*b;

-0.5*(p'*b) - g'*p;  (a - b)/c;  a'*b;  (a'*b)/c;  (a'*b)/(c'*d);  x + a*p;  -y + a*p;  -y + (a/b)*p;
-b + ((a'*b)/(c'*d))*p;
0.5*((-b + r)'*x);  ((-b + r)'*x)/2;  max(ceil(x*y), z);  max(ceil(x*y), z) + 1;  ceil(x);  norm(x);  x - 1;  x + 1;
0.5*x;  randn(n, 1)*x;  ceil(n*rand(1, m));  mod(a, b) + 1;  mod(a - 1, b) + 1;
"""
"""The method's formulas. The names of `formulas.PROPER` mean themselves, all others any variable."""

_HANDLED = {"lambda", "rate", "precon", "Mdiag", "inext", "testgap", "gap", "imult", *HOLDERS}
"""Variables that other rules read."""

_WHOLE_ARGUMENTS = {"maxepoch", "epoch", "numchunks", "numchunks_test", "nchunks", "tchunk", "layersizes", "jacket",
                    "hybridmode", "rms", "nargin", "psize", "maxiters", "miniters", *SIZES}  # fmt: skip
_KEEPS_WHOLE = {"ceil", "floor", "mod", "max", "min", "sum", "round"}


def unknown_formulas(source: Source, elsewhere: Collection[int]) -> Iterator[Unexpressed]:
    """Yield formulas that are none of `FORMS`, except in lines that are reported `elsewhere`."""
    own, whole, known = _own(source), _whole_numbers(source), _known_forms()
    for one in source.assignments:
        if one.index or one.name in _HANDLED or row(one.node) in elsewhere:
            continue
        for formula in _formulas(shape_of(one.value, own)):
            if not _is_whole(formula, whole) and written(formula) not in known:
                yield Unexpressed.at(source, one.node, UNKNOWN)
                break


def missing_formulas(source: Source, strange: Collection[Unexpressed]) -> Iterator[Unexpressed]:
    """Yield required terms that no line has, unless an unknown formula has their variables."""
    own = _own(source)
    shapes = [(one.name, shape_of(one.value, own)) for one in source.assignments if not one.index]
    terms = [(name, each) for name, shape in shapes for each in nodes_of(shape)]
    for what, words, is_it in _NEEDED:
        near = any(all(word in one.text for word in words) for one in strange)
        if not near and not any(is_it(term, name) for name, term in terms):
            yield Unexpressed(1, "", f"no line was found for {what}")


def _curvature_decay(term: Shape, name: str) -> bool:
    del name
    return written(term) in _written(*_DECAYED) and not _names_of(term) & {"params", "theta"}


def _gradient_decay(term: Shape, name: str) -> bool:
    named = written(term) in _written(*_DECAYED) and bool(_names_of(term) & {"params", "theta"})
    of_all = written(term) in _written("-weightcost*(maskp.*paramsp)", "-weightcost*maskp.*paramsp")
    return name == "grad" and (named or of_all)


def _likelihood_decay(term: Shape, name: str) -> bool:
    del name
    return written(term) in _written("-0.5*weightcost*(v'*(maskp.*v))", "-0.5*weightcost*sum(maskp.*v.^2)")


def _damping(term: Shape, name: str) -> bool:
    del name
    return written(term) in _written("-lambda*v")


def _step(term: Shape, name: str) -> bool:
    return name == "paramsp" and written(term) in _written("paramsp + rate*p")


_DECAYED = ("-weightcost*(maskp.*v)", "-weightcost*maskp.*v")
_NEEDED = (
    ("the weight cost in the curvature products, - weightcost*(maskp.*v)", ("weightcost", "maskp"), _curvature_decay),
    ("the weight cost in the gradient, - weightcost*(maskp.*paramsp)", ("weightcost", "maskp"), _gradient_decay),
    ("the weight cost in the log-likelihood, - 0.5*weightcost*…", ("weightcost", "0.5"), _likelihood_decay),
    ("the damping of the curvature products, - lambda*v", ("lambda",), _damping),
    ("the step, paramsp + rate*p", ("paramsp",), _step),
)


def _formulas(shape: Shape) -> Iterator[Shape]:
    """Yield the formula itself, and those among the arguments of the trainer's functions."""
    if shape.kind == "call" and shape.word == "@":
        yield from _formulas(shape.parts[0])
        return
    if computes(shape) and shape.kind != "call":
        yield shape
    for node in nodes_of(shape):
        if node.kind == "own":
            yield from (part for part in node.parts if computes(part) and part.kind != "call")


def _own(source: Source) -> set[str]:
    computing = {one.name for one in source.assignments if one.value.type in ("lambda", "handle_operator")}
    return {name_of(function) for function in source.functions} | computing - {"mones", "mzeros"}


@cache
def _known_forms() -> frozenset[str]:
    return _written(*(form.strip() for form in FORMS.split(";") if form.strip()))


@cache
def _written(*forms: str) -> frozenset[str]:
    source = Source(["".join(f"x_ = {form};\n" for form in forms)])
    return frozenset(written(shape_of(one.value, set())) for one in source.assignments)


def _names_of(shape: Shape) -> set[str]:
    return {node.word for node in nodes_of(shape) if node.kind == "name"}


def _whole_numbers(source: Source) -> set[str]:
    """Return the variables that hold whole numbers: sizes, indices, counts, and results computed from those alone."""
    own = _own(source)
    values: dict[str, list[Shape]] = {}
    for one in source.assignments:
        if one.name not in _WHOLE_ARGUMENTS:
            values.setdefault(one.name, []).append(shape_of(one.value, own))
    heads = [node for node in source.nodes if node.type == "iterator" and node.named_children]
    iterated = {(node.named_children[0].text or b"").decode() for node in heads}
    whole = set(values) | _WHOLE_ARGUMENTS | iterated
    while lost := {name for name in whole & set(values) if not all(_is_whole(each, whole) for each in values[name])}:
        whole -= lost
    return whole


def _is_whole(shape: Shape, whole: Collection[str]) -> bool:
    if shape.kind == "number":
        return float(shape.word) == int(float(shape.word)) if abs(float(shape.word)) < 1e15 else False
    if shape.kind == "range":
        return True
    if shape.kind == "name":
        return shape.word.split("(")[0].split("{")[0] in whole
    if shape.kind == "built-in" and shape.word not in _KEEPS_WHOLE:
        return False
    if shape.kind == "power":
        return _is_whole(shape.parts[0], whole)
    counting = shape.kind in ("sum", "product", "elementwise", "built-in") or (shape.kind, shape.word) == ("call", "T")
    return counting and all(_is_whole(part, whole) for part in shape.parts)
