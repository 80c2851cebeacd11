"""The arguments of a call, as the tables of functions look at them, and the rows of those tables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn, TypeAlias

from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import Apply, Name, Node, Number, Text, refuse
from hf_matlab_compat.migrate.values import NO_NUMBERS, Kind, Part, Value, call, expr


@dataclass(frozen=True)
class Arguments:
    """A call of `name` with the expressions `nodes`."""

    name: str
    nodes: tuple[Node, ...]
    context: Context

    @cached_property
    def values(self) -> list[Value]:
        """The arguments, translated."""
        return [self.context(node) for node in self.nodes]

    def __len__(self) -> int:
        return len(self.nodes)

    def expect(self, *counts: int) -> list[Value]:
        """Return the values, where there are as many as one of `counts`; raise Untranslatable for other numbers."""
        if len(self.nodes) not in counts:
            refuse(f"calls {self.name} with {len(self.nodes)} arguments")
        return self.values

    def numbers(self, *counts: int) -> list[Value]:
        """Return the values as `expect` does; refuse strings, lists and functions, with which nothing is computed."""
        values = self.expect(*counts) if counts else self.values
        for value in values:
            if value.kind in NO_NUMBERS:
                refuse(f"calls {self.name} with {value.kind.value}")
        return values

    def refuse_form(self) -> NoReturn:
        """Refuse a form of the call that is not known."""
        refuse(f"calls {self.name} in an unknown way")

    def literal(self, place: int) -> str | None:
        """Return the text of a string literal at this place."""
        node = self.nodes[place] if place < len(self.nodes) else None
        return node.text if isinstance(node, Text) else None

    def dimension(self, place: int) -> int | None:
        """Return a literal dimension argument as an axis, from 0; None where there is no argument."""
        if place >= len(self.nodes):
            return None
        node = self.nodes[place]
        if isinstance(node, Number) and node.text in ("1", "2", "3", "4"):
            return int(node.text) - 1
        return refuse(f"calls {self.name} along a dimension that is not written out")

    def whole(self, place: int) -> ast.expr:
        """Return a whole number at this place: a size or a count."""
        value = self.values[place]
        if value.kind is Kind.NUM and value.integer:
            return expr(value)
        return call("int" if value.kind is Kind.NUM else "ml.integer", value)

    def wholes(self, start: int = 0) -> list[ast.expr]:
        """Return whole numbers from a place on."""
        return [self.whole(place) for place in range(start, len(self.nodes))]

    def sized_as(self, place: int) -> Value | None:
        """Return x for an argument ``size(x)``; None for any other."""
        match self.nodes[place] if place < len(self.nodes) else None:
            case Apply(Name("size"), (inner,), False):
                return self.context(inner)
            case _:
                return None


Translator: TypeAlias = Callable[[Arguments], Value]
Table: TypeAlias = Mapping[str, Translator]
Outputs: TypeAlias = Callable[[Arguments, int], tuple[ast.expr, list[Value]]]


@dataclass(frozen=True)
class Routine:
    """A function of MATLAB's that is one call in Python, whatever it is given.

    Attributes
    ----------
    kind : Kind
        Of the result.
    counts : int or tuple of int
        Possible numbers of arguments.
    function : str
        In Python; the run time's routine of MATLAB's name where it is empty.
    logical, nd, integer, effect : bool
        As in `Value`.
    numbers : bool
        Whether strings, lists and functions are refused.
    """

    kind: Kind
    counts: int | tuple[int, ...] = 1
    function: str = ""
    logical: bool = False
    nd: bool = False
    integer: bool = False
    numbers: bool = True

    def __call__(self, arguments: Arguments) -> Value:
        """Translate a call."""
        counts = (self.counts,) if isinstance(self.counts, int) else self.counts
        values = arguments.numbers(*counts) if self.numbers else arguments.expect(*counts)
        return self.of(arguments.name, *values)

    def of(self, name: str, *values: Part) -> Value:
        """Return the call, of a function called `name` in MATLAB, with the values in two dimensions."""
        given = [value.as_two_dimensional() if isinstance(value, Value) else value for value in values]
        made = call(self.function or f"ml.{name}", *given)
        return Value(made, self.kind, integer=self.integer, logical=self.logical, nd=self.nd)
