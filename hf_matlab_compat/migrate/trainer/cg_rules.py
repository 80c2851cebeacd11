"""Conjugate gradients: the preconditioner, the stopping rule, the grid of iterates, the start, the backtracking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.migrate.trainer.constant_value import EMPTY, constant_value
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.named_constants import abs_is_small, in_loop
from hf_matlab_compat.migrate.trainer.nodes import (
    Node,
    arguments,
    called,
    factors,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
)
from hf_matlab_compat.migrate.trainer.source import Assignment, Source

Known = Mapping[str, Any]
_ONES = {"ones", "mones", "gones"}
_ZEROS = {"zeros", "mzeros", "gzeros"}


def solver_call(source: Source) -> Assignment | None:
    """``[chs, …] = conjgrad…(…)``: the first output of the call of the solver."""
    for one in source.assignments:
        if one.index == 0 and one.value.type == "function_call" and called(one.value).startswith("conjgrad"):
            return one
    return None


def preconditioner(source: Source, known: Known) -> Iterator[Finding]:
    """The exponent of the preconditioner, or none."""
    call = solver_call(source)
    given = arguments(call.value)[5:6] if call else []
    if not given or constant_value(given[0], {}) == EMPTY:
        if call is not None:
            yield Implied("preconditioner_exponent", None, row(call.node), source.line(call.node))
        return
    named = [one for one in source.of(text_of(given[0])) if _before(one, call)]
    for one in _powers(source, named):
        yield from _exponent(source, one, known)


def _powers(source: Source, named: list[Assignment]) -> list[Assignment]:
    """Assignments that say what the preconditioner is: those of a function of that name where it is called."""
    elsewhere = {called(one.value) for one in named if one.value.type == "function_call"} - _ONES
    bodies = [f for f in source.functions if text_of(f.child_by_field_name("name") or f) in elsewhere]
    within = [one for f in bodies for one in source.assignments if f in outer_nodes(one.node)]
    return within or named


def outer_nodes(node: Node) -> list[Node]:
    """All nodes around a node, beyond its function too."""
    found: list[Node] = []
    while (node := node.parent) is not None:
        found.append(node)
    return found


def _before(one: Assignment, call: Assignment | None) -> bool:
    return call is None or row(one.node) <= row(call.node)


def _exponent(source: Source, one: Assignment, known: Known) -> Iterator[Finding]:
    line, text, value = row(one.node), source.line(one.node), unwrapped(one.value)
    parts = operands(value)
    if parts is not None and parts[1] in (".^", "^"):
        exponent = constant_value(parts[2], known)
        if isinstance(exponent, float) and 0 <= exponent <= 1:
            yield Implied("preconditioner_exponent", exponent, line, text)
            yield from _ingredients(parts[0], line, text)
            return
    if _is_call_of(value, _ONES) or constant_value(value, known) == 1:
        yield Implied("preconditioner_exponent", None, line, text)
    elif _is_call_of(value, {"sqrt"}):
        yield Implied("preconditioner_exponent", 0.5, line, text)
        yield from _ingredients(value, line, text)
    elif parts is not None and parts[1] == "+" and "grad2" in names_in(value) and "^" not in text_of(value):
        yield Implied("preconditioner_exponent", 1.0, line, text)
        yield from _ingredients(value, line, text)
    else:
        yield Unexpressed(line, text, "another preconditioner than a power of grad2 + lambda + weightcost")


def _ingredients(base: Node, line: int, text: str) -> Iterator[Finding]:
    missing = [name for name in ("grad2", "lambda", "weightcost") if name not in names_in(base)]
    if missing:
        yield Unexpressed(line, text, f"the preconditioner leaves out {' and '.join(missing)}")


def _is_call_of(node: Node, names: set[str]) -> bool:
    return node.type == "function_call" and called(node) in names


def stopping_rule(source: Source, known: Known) -> Iterator[Finding]:
    """Numbers within conjgrad_1 that have no name of their own."""
    for node in source.nodes:
        parts = operands(node) if node.type == "comparison_operator" else None
        if parts is not None and parts[1] in ("<", "<=") and "testgap" in names_in(parts[2]):
            value = _literal_factor(parts[2], known)
            if value is not None:
                yield Implied("cg_tolerance", value, row(node), source.line(node))
        if parts is not None and text_of(parts[0]) == "pAp":
            bound = constant_value(parts[2], known)
            if bound != 0:
                yield Unexpressed(row(node), source.line(node), "negative curvature is met at another bound than 0")
    for one in source.of("testgap"):
        yield from _gap(source, one, known)
    for one in source.of("inext"):
        value = _literal_factor(one.value, {name: number for name, number in known.items() if name != "inext"})
        if "inext" in names_in(one.value) and value is not None:
            yield Implied("iterate_grid_base", value, row(one.node), source.line(one.node))


def _gap(source: Source, one: Assignment, known: Known) -> Iterator[Finding]:
    line, text = row(one.node), source.line(one.node)
    parts = arguments(one.value) if _is_call_of(one.value, {"max"}) else []
    values = [constant_value(part, known) for part in parts]
    ratios = [
        _literal_factor(part, known)
        for part in (arguments(p) for p in parts if _is_call_of(p, {"ceil"}))
        for part in part
    ]
    if len(parts) != 2 or len(ratios) != 1 or sum(isinstance(value, float) for value in values) != 1:
        yield Unexpressed(line, text, "the gap of the stopping rule is computed otherwise")
        return
    least = next(value for value in values if isinstance(value, float))
    yield Implied("cg_min_gap", int(least) if abs_is_small(least) else least, line, text)
    if ratios[0] is not None:
        yield Implied("cg_gap_ratio", ratios[0], line, text)


def _literal_factor(node: Node, known: Known) -> float | None:
    """The one constant factor of a product."""
    found = [constant_value(each, known) for each in factors(node)]
    numbers = [value for value in found if isinstance(value, float)]
    return numbers[0] if len(numbers) == 1 else None


def start_of_solver(source: Source, known: Known) -> Iterator[Finding]:
    """What the last solution is multiplied by before it starts the next run."""
    call = solver_call(source)
    start = text_of(arguments(call.value)[2]) if call and len(arguments(call.value)) > 2 else ""
    for one in source.of(start):
        if not in_loop(one) or not _before(one, call):
            continue
        line, text = row(one.node), source.line(one.node)
        if _is_call_of(one.value, _ZEROS):
            yield Implied("start_decay", 0.0, line, text)
        elif start in names_in(one.value):
            value = _literal_factor(one.value, {})
            if value is not None and len(factors(one.value)) == 2:
                yield Implied("start_decay", value, line, text)
    if call is not None and any(_is_call_of(each, _ZEROS) for each in arguments(call.value)[2:3]):
        yield Implied("start_decay", 0.0, row(call.node), source.line(call.node))
