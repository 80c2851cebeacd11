"""A trainer's source with the values that its expressions have when it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from hf_matlab_compat.matlab.source.execution import Run
from hf_matlab_compat.matlab.source.tree import (
    LOOPS,
    Node,
    Source,
    ancestors,
    factors,
    head_of,
    names_in,
    row,
    text_of,
    unwrapped,
    walk,
)
from hf_matlab_compat.matlab.source.values import ANYTHING, BINARY, UNKNOWN, Values, computed, exactly, joined, only

NOTHING: Values = frozenset()
"""No value: the expression is never reached, or a rule does not apply."""


class Program(Source):
    """One or more files of a trainer, parsed and run on what is known before it is called.

    Parameters
    ----------
    texts : sequence of str
        The trainer's file first.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(texts)
        self._run = Run(self)

    def reached(self, node: Node) -> bool:
        """Return whether the run came to an expression."""
        return not self._run.finished or unwrapped(node).id in self._run.seen

    def values(self, node: Node) -> Values:
        """Return the values of an expression, literals with the line they are in; `NOTHING` if it is never reached."""
        if not self._run.finished:
            return exactly(UNKNOWN, row(node))
        found = self._run.seen.get(unwrapped(node).id, NOTHING)
        return frozenset((value, line or row(node)) for value, line in found)

    def value(self, node: Node) -> Any:
        """Return the one value of an expression; `UNKNOWN` if there is none, or there are several."""
        return only(self.values(node))

    def by_name(self, names: Iterable[str]) -> Values:
        """Return what variables or fields of these names hold where they are used, but for their own assignments.

        Arguments of functions that nobody calls with a known value say nothing.
        """
        wanted = set(names)
        own = {node.id for one in self.assignments if one.name in wanted for node in walk(one.node)}
        uses = [node for name in wanted for node in self._by_name.get(name, ()) if node.id not in own]
        return joined(*(self.values(node) for node in uses if self._run.seen.get(node.id, ANYTHING) != ANYTHING))

    @cached_property
    def _by_name(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.type in ("identifier", "field_expression"):
                found.setdefault(last_name(node), []).append(node)
        return found

    def product(self, node: Node, variables: Iterable[str]) -> Values:
        """Return the product of a product's constant factors, without factors that mention these variables."""
        known = [
            self.values(each)
            for each in factors(node)
            if not names_in(each) & set(variables) and any(value is not UNKNOWN for value, _ in self.values(each))
        ]
        return times(known)

    def entering(self, loop: Node | None, name: str) -> Values:
        """Return the values of a variable where a loop begins."""
        return NOTHING if loop is None else self._run.entries.get(loop.id, {}).get(name, NOTHING)

    def turning(self, loop: Node | None, name: str) -> Values:
        """Return the values of a variable at the beginning of any turn of a loop."""
        return NOTHING if loop is None else self._run.heads.get(loop.id, {}).get(name, NOTHING)

    @property
    def epochs(self) -> Node | None:
        """The loop over epochs: the outermost one around the solver's call, or the one up to maxepoch."""
        call = self.solver_call
        around = [each for each in ancestors(call.node) if each.type in LOOPS] if call is not None else []
        heads = (node for node in self.nodes if node.type in LOOPS and "maxepoch" in names_in(head_of(node)))
        return around[-1] if around else next(heads, None)


def times(found: Sequence[Values]) -> Values:
    """Return the products of values; `NOTHING` of nothing."""
    product = found[0] if found else NOTHING
    for each in found[1:]:
        product = computed(BINARY["*"], [product, each])
    return product


def last_name(node: Node) -> str:
    """Return the name of a variable or the last field of a struct; empty for anything else, parts of a field too."""
    if node.type == "field_expression":
        last = node.children[-1]
        return text_of(last) if last.type == "identifier" else ""
    within = node.parent is not None and node.parent.type == "field_expression"
    return text_of(node) if node.type == "identifier" and not within else ""
