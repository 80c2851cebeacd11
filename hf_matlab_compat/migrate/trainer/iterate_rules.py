"""What is done with the iterates of conjugate gradients, and whether chance has a part in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.migrate.trainer.cg_rules import outer_nodes, solver_call
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.nodes import (
    LOOPS,
    Node,
    arguments,
    called,
    inside,
    is_cell_index,
    names_in,
    row,
    text_of,
)
from hf_matlab_compat.migrate.trainer.source import Source

Known = Mapping[str, Any]


def backtracking(source: Source, known: Known) -> Iterator[Finding]:
    """On which cases iterates are compared."""
    del known
    call = solver_call(source)
    if call is None:
        return
    iterates = text_of(call.target)
    for node in source.calls:
        if not (is_cell_index(node) and called(node) == iterates):
            continue
        loop, judge = inside(node, LOOPS), _judging_call(node)
        if loop is not None and judge is not None and _runs_over(loop, node):
            words = "target_chunk" if len(arguments(judge)) > 4 else "all"
            yield Implied("backtracking_cases", words, row(judge), source.line(judge))
            return
    yield Implied("backtracking_cases", "none", row(call.node), source.line(call.node))


def _judging_call(node: Node) -> Node | None:
    """The call in whose first argument ``params + chs{j}`` stands."""
    outer = inside(node, ("function_call",))
    return outer if outer is not None and not is_cell_index(outer) else None


def _runs_over(loop: Node, index: Node) -> bool:
    """Whether the loop's own variable (of a while: of its condition) is the index."""
    used = set[str]().union(*(names_in(each) for each in arguments(index)))
    head = [child for child in loop.named_children if child.type != "block"]
    names = {text_of(each.named_children[0]) for each in head if each.type == "iterator"}
    if loop.type == "while_statement":
        names = set[str]().union(*(names_in(each) for each in head))
    return bool(used & names)


def random_draws(source: Source, known: Known) -> Iterator[Finding]:
    """Random numbers during training: noise, dropout, shuffling."""
    del known
    for node in source.calls:
        if called(node) in {"rand", "randn", "randi", "randperm", "mrandn", "grandn"} and _while_training(node):
            why = "random numbers are drawn during training: noise, dropout or shuffling, for which there is no option"
            yield Unexpressed(row(node), source.line(node), why)


def _while_training(node: Node) -> bool:
    """Inside the loop over epochs, or in a function that computes."""
    for outer in outer_nodes(node):
        if outer.type == "for_statement":
            heads = [child for child in outer.named_children if child.type == "iterator"]
            if any("maxepoch" in names_in(head) for head in heads):
                return True
        if outer.type == "function_definition" and text_of(outer.child_by_field_name("name") or outer).startswith(
            "compute"
        ):
            return True
    return False
