"""Values: their syntax trees in Python, what is known of them before anything runs, and builders of trees.

Strings of the script stand in trees as constants only, so that none of them can become code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

from hf_matlab_compat.migrate.syntax import refuse


class Kind(Enum):
    """Kind of a value in the Python script; the member's value says it in words."""

    NUM = "a number"
    STR = "a string"
    ROW = "a one-dimensional array, which stands for MATLAB's 1×n"
    COLUMN = "an array of shape (n, 1)"
    ARRAY = "an array of two or more dimensions"
    LOADED = "an array of two or more dimensions, perhaps 1×1, or whatever else a file held"
    EMPTY = "MATLAB's []"
    CELL = "a list"
    STRUCT = "a struct"
    HANDLE = "a function"
    FILE = "an open file"
    UNKNOWN = "a number, a string, a list, or an array of two or more dimensions"


MATRICES = (Kind.COLUMN, Kind.ARRAY)
SHAPED = (Kind.ROW, Kind.COLUMN, Kind.ARRAY, Kind.LOADED)
NO_NUMBERS = (Kind.STR, Kind.CELL, Kind.STRUCT, Kind.HANDLE, Kind.FILE)


@dataclass(frozen=True)
class Value:
    """An expression of the Python script.

    Attributes
    ----------
    node : ast.expr, ast.stmt or None
        A statement for what Python has no expression for (``raise``); None where there is nothing to write.
    kind : Kind
    integer : bool
        Surely whole numbers, of an integer type where it is a single one.
    logical : bool
        Surely true or false throughout.
    nd : bool
        An ARRAY with three dimensions or more, perhaps.
    owner : str
        The variables whose memory this may share, with spaces between; empty for a fresh value.
    zero_based : bool
        Positions counted from 0.
    applied : bool
        Perhaps a function, which parentheses call.
    effect : bool
        Evaluated for what it does; it has no value to show.
    """

    node: ast.expr | ast.stmt | None = field(default=None, compare=False)
    kind: Kind = Kind.UNKNOWN
    integer: bool = False
    logical: bool = False
    nd: bool = False
    owner: str = ""
    zero_based: bool = False
    applied: bool = False
    effect: bool = False

    def as_two_dimensional(self) -> Value:
        """Return the same value with a ROW made (1, n)."""
        if self.kind is not Kind.ROW:
            return self
        return replace(self, node=call("np.atleast_2d", self), kind=Kind.ARRAY)

    @property
    def is_scalar(self) -> bool:
        """True if it is a single number."""
        return self.kind is Kind.NUM

    @property
    def starred(self) -> bool:
        """True if it is the entries of a list: ``*c``."""
        return isinstance(self.node, ast.Starred)


def number(node: ast.expr, *, integer: bool = False) -> Value:
    """Return a scalar."""
    return Value(node, Kind.NUM, integer=integer)


def integer(node: ast.expr) -> Value:
    """Return a whole scalar."""
    return Value(node, Kind.NUM, integer=True)


def join(one: Value, other: Value) -> Value:
    """Return what is known of a variable that may hold either."""
    return Value(
        one.node,
        joined_kind(one.kind, other.kind),
        integer=one.integer and other.integer,
        logical=one.logical and other.logical,
        nd=one.nd or other.nd,
        zero_based=one.zero_based and other.zero_based,
        applied=one.applied or other.applied,
    )


def joined_kind(one: Kind, other: Kind) -> Kind:
    """Return the kind that covers both."""
    if one is other:
        return one
    pair = {one, other}
    if pair == {Kind.EMPTY, Kind.CELL}:
        return Kind.CELL
    if pair <= {Kind.EMPTY, Kind.COLUMN, Kind.ARRAY, Kind.LOADED}:
        return Kind.LOADED
    return Kind.UNKNOWN


Part: TypeAlias = "Value | ast.expr | str | float | list[Any] | tuple[Any, ...] | None"
"""A value, a node, or a constant of Python; a str is a string literal and never code."""

_OPERATORS: dict[str, ast.operator] = {
    "+": ast.Add(),
    "-": ast.Sub(),
    "*": ast.Mult(),
    "/": ast.Div(),
    "//": ast.FloorDiv(),
    "%": ast.Mod(),
    "@": ast.MatMult(),
    "**": ast.Pow(),
    "|": ast.BitOr(),
    "&": ast.BitAnd(),
}
_COMPARISONS: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
    "in": ast.In(),
    "is": ast.Is(),
    "is not": ast.IsNot(),
}
_UNARY: dict[str, ast.unaryop] = {"-": ast.USub(), "+": ast.UAdd(), "~": ast.Invert(), "not": ast.Not()}
_LOAD = ast.Load()


class _DoubleQuoted(str):
    """String that `ast.unparse` writes in double quotes, unless that needs more escapes."""

    __slots__ = ()

    def __repr__(self) -> str:
        plain = str.__repr__(self)
        return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in plain and "\\'" not in plain else plain


class _Written(float):
    """Number that `ast.unparse` writes with the digits of the script."""

    text: str

    def __repr__(self) -> str:
        return self.text


def written_number(text: str) -> ast.expr:
    """Return a number with a fraction or an exponent, written as `text`."""
    number = _Written(text)
    number.text = text
    return ast.Constant(number)


def expr(part: Part) -> ast.expr:
    """Return the node of a part."""
    if isinstance(part, ast.expr):
        return part
    if isinstance(part, str):
        return ast.Constant(_DoubleQuoted(part))
    if part is None or isinstance(part, int | float):
        return _number(part)
    if isinstance(part, list):
        return ast.List([expr(each) for each in part], _LOAD)
    if isinstance(part, tuple):
        return ast.Tuple([expr(each) for each in part], _LOAD)
    if isinstance(part.node, ast.expr):
        return part.node
    return refuse("uses the value of something that has none")


def _number(value: float | None) -> ast.expr:
    """Return a number, a negative one with a minus sign of its own: a constant -2 has no parentheses in a power."""
    if value is None or isinstance(value, bool) or not value < 0:
        return ast.Constant(value)
    return ast.UnaryOp(ast.USub(), ast.Constant(-value))


def name(text: str) -> ast.expr:
    """Return a name, or names with dots between: ``np.linalg.norm``."""
    first, *others = text.split(".")
    node: ast.expr = ast.Name(first, _LOAD)
    for each in others:
        node = ast.Attribute(node, each, _LOAD)
    return node


def call(function: Part, *arguments: Part, **keywords: Part) -> ast.expr:
    """Return ``function(arguments, keyword=…)``; a function given as a str is a name, with dots or without."""
    called = name(function) if isinstance(function, str) else expr(function)
    named = [ast.keyword(key, expr(value)) for key, value in keywords.items()]
    return ast.Call(called, [expr(each) for each in arguments], named)


def attribute(base: Part, field: str) -> ast.expr:
    """Return ``base.field``."""
    return ast.Attribute(expr(base), field, _LOAD)


def method(base: Part, field: str, *arguments: Part, **keywords: Part) -> ast.expr:
    """Return ``base.field(arguments, keyword=…)``."""
    return call(attribute(base, field), *arguments, **keywords)


def item(base: Part, *indices: Part) -> ast.expr:
    """Return ``base[indices]``."""
    chosen = expr(indices[0]) if len(indices) == 1 else expr(indices)
    return ast.Subscript(expr(base), chosen, _LOAD)


def slice_of(lower: Part = None, upper: Part = None, step: Part = None) -> ast.Slice:
    """Return ``lower:upper:step`` for an index; None leaves a part out."""
    return ast.Slice(*(None if each is None else expr(each) for each in (lower, upper, step)))


def starred(part: Part) -> ast.expr:
    """Return ``*part``."""
    return ast.Starred(expr(part), _LOAD)


def binary(left: Part, operator: str, right: Part) -> ast.expr:
    """Return ``left operator right``."""
    return ast.BinOp(expr(left), _OPERATORS[operator], expr(right))


def unary(operator: str, operand: Part) -> ast.expr:
    """Return ``-operand``, ``~operand`` or ``not operand``."""
    return ast.UnaryOp(_UNARY[operator], expr(operand))


def compare(left: Part, operator: str, right: Part) -> ast.expr:
    """Return ``left operator right`` for a comparison."""
    return ast.Compare(expr(left), [_COMPARISONS[operator]], [expr(right)])


def junction(word: str, parts: Iterable[Part]) -> ast.expr:
    """Return ``a and b`` or ``a or b``."""
    kind = ast.And if word == "and" else ast.Or
    values: list[ast.expr] = []
    for place, part in enumerate(map(expr, parts)):
        same = place == 0 and isinstance(part, ast.BoolOp) and isinstance(part.op, kind)
        values += part.values if same else [part]  # type: ignore[attr-defined]
    return ast.BoolOp(kind(), values)


def lambda_of(parameters: ast.arguments, body: Part) -> ast.expr:
    """Return ``lambda parameters: body``."""
    return ast.Lambda(parameters, expr(body))


def parameters(names: Iterable[str], kept: Iterable[tuple[str, Part]] = ()) -> ast.arguments:
    """Return parameters `names`, and keyword-only ones with defaults `kept`."""
    pairs = list(kept)
    return ast.arguments(
        posonlyargs=[],
        args=[ast.arg(each) for each in names],
        kwonlyargs=[ast.arg(each) for each, _ in pairs],
        kw_defaults=[expr(value) for _, value in pairs],
        defaults=[],
    )


def whole(part: Part) -> int | None:
    """Return the whole number that a part is, with its sign; None where it is not written out."""
    value = written(part)
    return value if isinstance(value, int) else None


def is_count(part: Part) -> bool:
    """Return whether a part is a whole number without a sign that is written out."""
    return (whole(part) or 0) > 0 or whole(part) == 0


def plus(part: Part, change: int) -> ast.expr:
    """Return the part plus a whole number: a number that is written out is added up, ``x - 1`` plus 1 is ``x``."""
    node, known = expr(part), whole(part)
    if known is not None:
        return expr(known + change)
    match node:
        case ast.BinOp(left, ast.Sub(), ast.Constant(int() as value)) if value == change:
            return left
        case _:
            return node if change == 0 else binary(node, "+" if change > 0 else "-", abs(change))


def called(part: Part) -> str:
    """Return the dotted name of the function that a part is a call of; empty for anything else."""
    match expr(part):
        case ast.Call(function):
            return _dotted(function)
        case _:
            return ""


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(identifier):
            return identifier
        case ast.Attribute(base, field):
            return f"{_dotted(base)}.{field}"
        case _:
            return ""


def uses(part: Part, *names: str) -> bool:
    """Return whether one of the names occurs in a part."""
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(expr(part)))


def written(part: Part) -> float | None:
    """Return the number that a part is, with its sign; None where it is not written out."""
    match expr(part):
        case ast.Constant(int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)) if not isinstance(value, bool):
            return -value
        case _:
            return None


def same_tree(one: object, other: object) -> bool:
    """Return whether two trees are equal, however their constants are written."""
    if isinstance(one, ast.AST):
        return type(one) is type(other) and all(
            same_tree(getattr(one, field, None), getattr(other, field, None)) for field in one._fields
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_tree, one, other))
    return one == other and isinstance(one, bool) is isinstance(other, bool)
