"""The line search: its factor, its bound, the increase it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.migrate.trainer.constant_value import constant_value
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.named_constants import abs_is_small, in_loop
from hf_matlab_compat.migrate.trainer.nodes import (
    LOOPS,
    Node,
    called,
    factors,
    inside,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
    walk,
)
from hf_matlab_compat.migrate.trainer.source import Assignment, Source

Known = Mapping[str, Any]


def line_search(source: Source, known: Known) -> Iterator[Finding]:
    """Factor, bound and constant of the line search."""
    shrinking = [one for one in source.of("rate") if _shrinks(one)]
    if not shrinking and solver_is_there(source):
        yield Unexpressed(1, "", "no line search was found: nothing reduces rate by a factor")
    for one in shrinking:
        line, text = row(one.node), source.line(one.node)
        value = _shrink_factor(one, known)
        if value is None or not 0 < value < 1:
            yield Unexpressed(line, text, "rate is not reduced by a constant factor below 1")
        else:
            yield Implied("line_search_factor", value, line, text)
        loop = inside(one.node, LOOPS)
        if loop is not None:
            yield from _most_reductions(source, loop, known)
            yield from _increase(source, loop, known)
    yield from _first_rate(source, known)


def solver_is_there(source: Source) -> bool:
    """Whether the text calls a conjugate-gradient solver."""
    return any(called(call).startswith("conjgrad") for call in source.calls)


def _shrinks(one: Assignment) -> bool:
    return in_loop(one) and "rate" in names_in(one.value)


def _shrink_factor(one: Assignment, known: Known) -> float | None:
    parts = operands(unwrapped(one.value))
    if parts is not None and parts[1] in ("/", "./") and text_of(unwrapped(parts[0])) == "rate":
        divisor = constant_value(parts[2], known)
        return 1 / divisor if isinstance(divisor, float) and divisor else None
    return _other_factor(one.value, {key: value for key, value in known.items() if key != "rate"})


def _other_factor(node: Node, known: Known) -> float | None:
    values = [constant_value(each, known) for each in factors(node)]
    numbers = [value for value in values if isinstance(value, float)]
    return numbers[0] if len(numbers) == 1 and len(values) == 2 else None


def _most_reductions(source: Source, loop: Node, known: Known) -> Iterator[Finding]:
    head = next((child for child in loop.named_children if child.type != "block"), loop)
    for node in walk(head):
        parts = operands(node) if node.type == "comparison_operator" else None
        value = constant_value(parts[2], known) if parts else None
        if parts is not None and parts[1] in ("<", "<=") and isinstance(value, float) and abs_is_small(value):
            yield Implied("max_reductions", int(value) + (parts[1] == "<="), row(node), source.line(node))
        if node.type == "range":
            last = constant_value(node.named_children[-1], known)
            if isinstance(last, float) and abs_is_small(last):
                yield Implied("max_reductions", int(last), row(node), source.line(node))


def _increase(source: Source, loop: Node, known: Known) -> Iterator[Finding]:
    """c of ``ll >= oldll + c*rate*grad'*p``."""
    for node in walk(loop):
        parts = operands(node) if node.type == "comparison_operator" else None
        if parts is None or "oldll" not in names_in(node) or parts[1] not in ("<", "<=", ">", ">="):
            continue
        bound = parts[2] if "oldll" in names_in(parts[2]) else parts[0]
        terms = operands(unwrapped(bound))
        if terms is None:
            yield Implied("line_search_c", 0.0, row(node), source.line(node))
            continue
        slope = terms[2] if "oldll" in names_in(terms[0]) else terms[0]
        hidden = {key: value for key, value in known.items() if key not in ("rate", "grad", "p")}
        values = [constant_value(each, hidden) for each in factors(slope)]
        numbers = [value for value in values if isinstance(value, float)]
        where = next((one for one in source.assignments if one.name in names_in(slope) and one.name in hidden), None)
        if terms[1] == "+" and len(numbers) == 1 and "rate" in names_in(slope):
            at = where.node if where is not None else node
            yield Implied("line_search_c", numbers[0], row(at), source.line(at))
        else:
            yield Unexpressed(row(node), source.line(node), "the line search asks for another increase")


def _first_rate(source: Source, known: Known) -> Iterator[Finding]:
    for one in source.of("rate"):
        value = constant_value(one.value, {key: v for key, v in known.items() if key != "rate"})
        if isinstance(value, float) and value not in (0.0, 1.0):
            yield Unexpressed(row(one.node), source.line(one.node), "the line search starts from another rate than 1")
