"""The arguments of a call, as the tables of functions look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import Node, Number, Text, Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value


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
        """The values, where there are as many as one of `counts`."""
        if len(self.nodes) not in counts:
            raise Untranslatable(f"calls {self.name} with {len(self.nodes)} arguments")
        return self.values

    def literal(self, place: int) -> str | None:
        """The text of a string literal at this place."""
        node = self.nodes[place] if place < len(self.nodes) else None
        return node.text if isinstance(node, Text) else None

    def dimension(self, place: int) -> int | None:
        """A literal dimension argument as an axis, from 0; None where there is no argument."""
        if place >= len(self.nodes):
            return None
        node = self.nodes[place]
        if isinstance(node, Number) and node.text in ("1", "2", "3", "4"):
            return int(node.text) - 1
        raise Untranslatable(f"calls {self.name} along a dimension that is not written out")

    def whole(self, place: int) -> str:
        """A whole number at this place: a size or a count."""
        value = self.values[place]
        if value.kind is Kind.NUM and value.integer:
            return value.text
        if value.kind is Kind.NUM:
            return f"int({value.text})"
        self.context.needs("ml")
        return f"ml.integer({value.text})"

    def refuse_texts(self) -> None:
        """Refuse strings, lists and functions where numbers are computed."""
        for value in self.values:
            if value.kind in (Kind.STR, Kind.CELL, Kind.STRUCT, Kind.HANDLE, Kind.FILE):
                raise Untranslatable(f"calls {self.name} with {value.kind.value}")


Translator: TypeAlias = Callable[[Arguments], Value]
Table: TypeAlias = Mapping[str, Translator]
Outputs: TypeAlias = Callable[[Arguments, int], tuple[str, list[Value]]]


def method(value: Value, text: str) -> str:
    """``value.text``."""
    return f"{value.at(Binding.ATOM)}.{text}"
