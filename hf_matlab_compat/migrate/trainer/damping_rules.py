"""lambda: the thresholds on rho, the factors, and what else happens to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.migrate.trainer.constant_value import constant_value
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.named_constants import in_loop
from hf_matlab_compat.migrate.trainer.nodes import (
    Node,
    ancestors,
    called,
    factors,
    function_of,
    inside,
    name_of,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
    walk,
)
from hf_matlab_compat.migrate.trainer.source import Assignment, Source

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CLAUSES = ("if_statement", "elseif_clause")


def damping_rules(source: Source, known: Mapping[str, Any]) -> Iterator[Finding]:
    """Options of the Levenberg-Marquardt rule."""
    adapted = False
    for one in source.of("lambda"):
        if not (in_loop(one) or name_of(function_of(one.node)) == "update_damping"):
            yield from _start(source, one, known)
            continue
        if called(one.value) == "update_damping":  # a function of its own, which is among the files or not
            adapted = True
            continue
        side = _side_of_rho(one.node, known)
        adapted |= side is not None
        yield from _factor(source, one, side, known) if side else _otherwise(source, one)
    if not adapted and source.of("lambda"):
        last = source.of("lambda")[-1].node
        yield Implied("lam_drop", 1.0, row(last), "(nothing adapts lambda)")
        yield Implied("lam_boost", 1.0, row(last), "(nothing adapts lambda)")


def _start(source: Source, one: Assignment, known: Mapping[str, Any]) -> Iterator[Finding]:
    named = operands(unwrapped(one.value)) is None  # lambda = initlambda: its own line says what it is
    others = {key: value for key, value in known.items() if not (named and key == "initlambda")}
    value = constant_value(one.value, others)
    if isinstance(value, float):
        yield Implied("initial_lam", value, row(one.node), source.line(one.node))


def _side_of_rho(node: Node, known: Mapping[str, Any]) -> tuple[str, float, Node] | None:
    """low or high, the threshold, and the comparison: of the innermost clause around that compares rho."""
    for clause in (outer for outer in ancestors(node) if outer.type in _CLAUSES):
        for each in _condition(clause):
            parts = operands(each) if each.type == "comparison_operator" else None
            found = _threshold(parts, known) if parts else None
            if found is not None:
                return (*found, each)
    return None


def _condition(clause: Node) -> Iterator[Node]:
    """The nodes of a clause's own condition."""
    for child in clause.named_children:
        if child.type == "block":
            return
        yield from walk(child)


def _threshold(parts: tuple[Node, str, Node], known: Mapping[str, Any]) -> tuple[str, float] | None:
    left, operator, right = parts
    if text_of(unwrapped(right)) == "rho":
        left, operator, right = right, _FLIPPED.get(operator, operator), left
    value = constant_value(right, known)
    if text_of(unwrapped(left)) != "rho" or not isinstance(value, float) or operator not in _FLIPPED:
        return None
    return ("low" if operator in ("<", "<=") else "high"), value


def _factor(
    source: Source, one: Assignment, side: tuple[str, float, Node], known: Mapping[str, Any]
) -> Iterator[Finding]:
    where, threshold, comparison = side
    yield Implied(f"rho_{where}", threshold, row(comparison), source.line(comparison))
    factor = _multiplier(one, known)
    if factor is None:
        yield Unexpressed(row(one.node), source.line(one.node), "lambda does not become a constant multiple of itself")
    else:
        option = "lam_boost" if where == "low" else "lam_drop"
        yield Implied(option, factor, row(one.node), source.line(one.node))


def _multiplier(one: Assignment, known: Mapping[str, Any]) -> float | None:
    """c of ``lambda = lambda*c`` or ``lambda/c``."""
    parts = operands(unwrapped(one.value))
    if parts is not None and parts[1] in ("/", "./") and text_of(unwrapped(parts[0])) == one.name:
        divisor = constant_value(parts[2], known)
        return 1 / divisor if isinstance(divisor, float) and divisor else None
    others = [each for each in factors(one.value) if text_of(each) != one.name]
    if len(others) != len(factors(one.value)) - 1:
        return None
    product = 1.0
    for each in others:
        value = constant_value(each, known)
        if not isinstance(value, float):
            return None
        product *= value
    return product


def _otherwise(source: Source, one: Assignment) -> Iterator[Finding]:
    condition = inside(one.node, _CLAUSES)
    resumes = condition is not None and "resumeFile" in names_in(condition)
    harmless = names_in(one.value) <= {"initlambda", "double", "single", "conv", "lambda", "gather"}
    if not (resumes or (harmless and operands(unwrapped(one.value)) is None)):
        yield Unexpressed(row(one.node), source.line(one.node), "lambda changes otherwise than by the rule on rho")
