"""What is known of a value before anything runs: its syntax tree in Python, its kind, what it shares."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from functools import cached_property
from typing import Any

from hf_matlab_compat.migrate.build import call, expr
from hf_matlab_compat.migrate.syntax import Untranslatable


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


class Binding(IntEnum):
    """How tightly an expression holds together, loosest first."""

    LAMBDA = 0
    OR = 1
    AND = 2
    NOT = 3
    COMPARE = 4
    BIT_OR = 5
    BIT_AND = 6
    ADD = 7
    MULTIPLY = 8
    UNARY = 9
    POWER = 10
    ATOM = 11


_BINDINGS: dict[type, Binding] = {
    ast.Lambda: Binding.LAMBDA,
    ast.IfExp: Binding.LAMBDA,
    ast.Or: Binding.OR,
    ast.And: Binding.AND,
    ast.Not: Binding.NOT,
    ast.Compare: Binding.COMPARE,
    ast.BitOr: Binding.BIT_OR,
    ast.BitAnd: Binding.BIT_AND,
    ast.Add: Binding.ADD,
    ast.Sub: Binding.ADD,
    ast.UnaryOp: Binding.UNARY,
    ast.Pow: Binding.POWER,
    ast.BinOp: Binding.MULTIPLY,
}


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

    node: Any = field(default=None, compare=False)
    kind: Kind = Kind.UNKNOWN
    integer: bool = False
    logical: bool = False
    nd: bool = False
    owner: str = ""
    zero_based: bool = False
    applied: bool = False
    effect: bool = False

    def __post_init__(self) -> None:
        text: Any = self.node
        if isinstance(text, str):
            object.__setattr__(self, "node", _parsed(text))

    @cached_property
    def text(self) -> str:
        """Its Python text."""
        return "" if self.node is None else ast.unparse(self.node)

    def at(self, binding: Binding) -> str:
        """The text, in parentheses where it binds less tightly than `binding`."""
        operator = getattr(self.node, "op", self.node)
        own = _BINDINGS.get(type(operator)) or _BINDINGS.get(type(self.node), Binding.ATOM)
        return self.text if own >= binding else f"({self.text})"

    def as_two_dimensional(self) -> Value:
        """The same value with a ROW made (1, n)."""
        if self.kind is not Kind.ROW:
            return self
        return replace(self, node=call("np.atleast_2d", self), kind=Kind.ARRAY)

    @property
    def is_scalar(self) -> bool:
        return self.kind is Kind.NUM

    @property
    def starred(self) -> bool:
        """Whether it is the entries of a list: ``*c``."""
        return isinstance(self.node, ast.Starred)


def _parsed(text: str) -> ast.expr | ast.stmt | None:
    if not text:
        return None
    try:
        statement = ast.parse(text).body[0]
    except (SyntaxError, ValueError, IndexError):
        raise Untranslatable("has no form in Python that can be read back") from None
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = expr(node.value).value  # type: ignore[attr-defined]
    return statement.value if isinstance(statement, ast.Expr) else statement


def number(node: Any, *, integer: bool = False) -> Value:
    """Return a scalar."""
    return Value(node, Kind.NUM, integer=integer)


def integer(node: Any) -> Value:
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
