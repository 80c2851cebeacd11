"""What is known of a value before anything runs: its Python text, its kind, how it binds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, IntEnum


class Kind(Enum):
    """What a value is in the Python script. The value says it in words."""

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


@dataclass(frozen=True)
class Value:
    """An expression of the Python script.

    Attributes
    ----------
    text : str
    kind : Kind
    binding : Binding
        Of its outermost operator.
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
    """

    text: str
    kind: Kind = Kind.UNKNOWN
    binding: Binding = Binding.ATOM
    integer: bool = False
    logical: bool = False
    nd: bool = False
    owner: str = ""
    zero_based: bool = False
    applied: bool = False

    def at(self, binding: Binding) -> str:
        """The text, in parentheses where it binds less tightly than `binding`."""
        return self.text if self.binding >= binding else f"({self.text})"

    def as_two_dimensional(self) -> Value:
        """The same value with a ROW made (1, n)."""
        if self.kind is not Kind.ROW:
            return self
        return replace(self, text=f"np.atleast_2d({self.text})", kind=Kind.ARRAY, binding=Binding.ATOM)

    @property
    def is_scalar(self) -> bool:
        return self.kind is Kind.NUM


def number(text: str, *, integer: bool = False, binding: Binding = Binding.ATOM) -> Value:
    """A scalar."""
    return Value(text, Kind.NUM, binding, integer=integer)


def integer(text: str, binding: Binding = Binding.ATOM) -> Value:
    """A whole scalar."""
    return Value(text, Kind.NUM, binding, integer=True)


def array(text: str, kind: Kind = Kind.ARRAY, *, nd: bool = False, logical: bool = False) -> Value:
    """A fresh array."""
    return Value(text, kind, nd=nd, logical=logical)


def join(one: Value, other: Value) -> Value:
    """What is known of a variable that may hold either."""
    return Value(
        one.text,
        joined_kind(one.kind, other.kind),
        integer=one.integer and other.integer,
        logical=one.logical and other.logical,
        nd=one.nd or other.nd,
        zero_based=one.zero_based and other.zero_based,
        applied=one.applied or other.applied,
    )


def joined_kind(one: Kind, other: Kind) -> Kind:
    """The kind that covers both."""
    if one is other:
        return one
    pair = {one, other}
    if pair == {Kind.EMPTY, Kind.CELL}:
        return Kind.CELL
    if pair <= {Kind.EMPTY, Kind.COLUMN, Kind.ARRAY, Kind.LOADED}:
        return Kind.LOADED
    return Kind.UNKNOWN
