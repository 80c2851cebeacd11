"""Shapes of formulas: a formula without layout, casts, the order of its sums and the names of most variables.

Names that the method gives a meaning (`PROPER`) stay, all others are numbered. Two formulas of one shape compute the
same from corresponding variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from typing import NamedTuple

from hf_matlab_compat.matlab.source.evaluation import literal
from hf_matlab_compat.matlab.source.tree import (
    Node,
    arguments,
    called,
    is_cell_index,
    operands,
    text_of,
    unwrapped,
)

PROPER = {"paramsp", "lambda", "weightcost", "maskp", "decay", "rate", "ch", "grad2"}
"""Variables that keep their names."""

_SCALARS = {"lambda", "weightcost", "decay", "rate"}

_SAME = {"conv", "double", "single", "gather", "store", "gsingle", "gdouble", "GPUsingle", "gpuArray", "full",
         "cast"}  # fmt: skip
"""Functions that change only the class or place of their first argument."""
_LAID_OUT = {"repmat", "reshape", "vec", "as_doubles"} | _SAME
_CONSTANT = {"zeros": "0", "mzeros": "0", "gzeros": "0", "ones": "1", "mones": "1", "gones": "1"}
SIZES = {"size", "length", "numel", "strcmp", "isempty"}
"""Functions whose results are whole numbers."""

_BUILT_IN = {"exp", "log", "tanh", "sum", "max", "min", "abs", "sqrt", "norm", "mod", "ceil", "floor", "randn", "rand",
             "sign", "dot", "mean", "round", "log1p", "erf", "cos", "sin"}  # fmt: skip
_MOST_NAMES = 6


class Shape(NamedTuple):
    """A node of a shape: its kind, its word, and its parts."""

    kind: str
    word: str = ""
    parts: tuple[Shape, ...] = ()


def shape_of(node: Node, own: set[str]) -> Shape:
    """Return the shape of an expression, with the names still in it.

    Parameters
    ----------
    node : Node
        An expression.
    own : set of str
        The trainer's functions: the result of a call of one counts as a variable.
    """
    node = unwrapped(node)
    value = literal(node)
    if isinstance(value, float):
        return Shape("number", f"{value:g}" if value == value else "NaN")
    return _READ.get(node.type, _opaque)(node, own)


def written(shape: Shape) -> str:
    """Return the shape as text, the same for all formulas of one shape."""
    names = sorted(_names(shape))
    if len(names) > _MOST_NAMES:
        return _rendered(shape, {name: "V" for name in names})
    numbers = [f"V{place}" for place in range(len(names))]
    return min(_rendered(shape, dict(zip(names, order, strict=True))) for order in permutations(numbers))


def computes(shape: Shape) -> bool:
    """Return whether there is any arithmetic in it, arguments of the trainer's functions aside."""
    if shape.kind in ("sum", "product", "elementwise", "power", "built-in"):
        return True
    return shape.kind != "own" and any(map(computes, shape.parts))


def uncast(node: Node) -> Node:
    """Return x for a cast of x; any other expression as it is."""
    node = unwrapped(node)
    while node.type == "function_call" and called(node) in _SAME and arguments(node):
        node = unwrapped(arguments(node)[0])
    return node


def nodes_of(shape: Shape) -> Iterator[Shape]:
    """Yield the shape and all shapes in it."""
    yield shape
    for part in shape.parts:
        yield from nodes_of(part)


def _names(shape: Shape) -> set[str]:
    if shape.kind in ("name", "own"):
        return set[str]() if shape.word in PROPER else {shape.word}
    return set[str]().union(*map(_names, shape.parts))


def _rendered(shape: Shape, names: Mapping[str, str]) -> str:
    if shape.kind in ("name", "own"):
        return names.get(shape.word, shape.word)
    parts = [_rendered(part, names) for part in shape.parts]
    if shape.kind in ("sum", "product", "elementwise"):
        return {"sum": "+", "product": "*", "elementwise": ".*"}[shape.kind] + "(" + " ".join(sorted(parts)) + ")"
    return f"{shape.word}({' '.join(parts)})" if parts else shape.word


def _opaque(node: Node, own: set[str]) -> Shape:
    del own
    return Shape("text", text_of(node))


def _range(node: Node, own: set[str]) -> Shape:
    del own
    return Shape("range", text_of(node))


def _name(node: Node, own: set[str]) -> Shape:
    name = text_of(node).rpartition(".")[2]
    return Shape("own" if name in own else "name", name)


def _negated(shape: Shape) -> Shape:
    if shape.kind == "number":
        return Shape("number", f"{-float(shape.word):g}")
    if shape.kind == "sum":
        return Shape("sum", "", tuple(map(_negated, shape.parts)))
    if shape.kind in ("product", "elementwise"):
        return _product(shape.kind, (Shape("number", "-1"), *shape.parts))
    return _product("product", (Shape("number", "-1"), shape))


def _unary(node: Node, own: set[str]) -> Shape:
    inner = shape_of(node.named_children[-1], own)
    sign = text_of(node.children[0])
    return _negated(inner) if sign == "-" else inner if sign == "+" else Shape("call", sign, (inner,))


def _postfix(node: Node, own: set[str]) -> Shape:
    return Shape("call", "T", (shape_of(node.named_children[0], own),))


def _binary(node: Node, own: set[str]) -> Shape:
    parts = operands(node)
    if parts is None:
        return _opaque(node, own)
    left, sign, right = shape_of(parts[0], own), parts[1], shape_of(parts[2], own)
    if sign in ("+", "-"):
        return _sum((left, right if sign == "+" else _negated(right)))
    if sign in ("^", ".^"):
        return Shape("power", "^", (left, right))
    if sign in ("*", ".*"):
        return _product("product" if sign == "*" else "elementwise", (left, right))
    if sign in ("/", "./") and right.kind == "number" and float(right.word):
        return _product("product", (left, Shape("number", f"{1 / float(right.word):g}")))
    if sign in ("/", "./"):
        return _product("product", (left, Shape("power", "^", (right, Shape("number", "-1")))))
    return Shape("call", sign, (left, right))


def _sum(parts: tuple[Shape, ...]) -> Shape:
    flat = [inner for part in parts for inner in (part.parts if part.kind == "sum" else (part,))]
    return Shape("sum", "", tuple(flat))


def _product(kind: str, parts: tuple[Shape, ...]) -> Shape:
    """Return a product with one number at most; factors 1 are left out, and a scalar makes no product elementwise."""
    flat = [inner for part in parts for inner in (part.parts if part.kind in (kind, "product") else (part,))]
    number = 1.0
    for part in flat:
        number *= float(part.word) if part.kind == "number" else 1.0
    rest = [part for part in flat if part.kind != "number"]
    lead = [Shape("number", f"{number:g}")] if number != 1 or not rest else []
    if len(rest) + len(lead) == 1:
        return (rest + lead)[0]
    arrays = [part for part in rest if part.word not in _SCALARS]
    return Shape("product" if len(arrays) < 2 else kind, "", (*lead, *rest))


def _call(node: Node, own: set[str]) -> Shape:
    name, given = called(node), arguments(node)
    if name in _LAID_OUT and given and not is_cell_index(node):
        return shape_of(given[0], own)
    if name in _CONSTANT:
        return Shape("number", _CONSTANT[name])
    if name in _BUILT_IN:
        return Shape("built-in", name, tuple(shape_of(each, own) for each in given))
    if name in own and not is_cell_index(node):
        return Shape("own", text_of(node), tuple(shape_of(each, own) for each in given))
    return Shape("name", text_of(node))


def _compared(node: Node, own: set[str]) -> Shape:
    parts = operands(node)
    if parts is None:
        return _opaque(node, own)
    return Shape("call", parts[1], (shape_of(parts[0], own), shape_of(parts[2], own)))


def _lambda(node: Node, own: set[str]) -> Shape:
    body = node.named_children[-1] if node.named_children else None
    return Shape("call", "@", (shape_of(body, own),)) if body is not None else _opaque(node, own)


_READ: Mapping[str, Callable[[Node, set[str]], Shape]] = {
    "identifier": _name,
    "field_expression": _name,
    "unary_operator": _unary,
    "not_operator": _unary,
    "postfix_operator": _postfix,
    "binary_operator": _binary,
    "function_call": _call,
    "comparison_operator": _compared,
    "boolean_operator": _compared,
    "lambda": _lambda,
    "range": _range,
}
