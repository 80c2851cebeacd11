"""What is known of a value before anything runs: its syntax tree in Python, its kind, what it shares."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from enum import Enum

from hf_matlab_compat.migrate.build import call


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
        """Whether it is a single number."""
        return self.kind is Kind.NUM

    @property
    def starred(self) -> bool:
        """Whether it is the entries of a list: ``*c``."""
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
