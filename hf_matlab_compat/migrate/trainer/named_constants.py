"""Constants with a name of their own, such as ``initlambda = 45;``, and arguments assigned again in the body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TRAINER_ARGUMENTS, WORDS
from hf_matlab_compat.migrate.trainer.constant_value import EMPTY, Exact, constant_value
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.nodes import (
    LOOPS,
    Node,
    ancestors,
    inside,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
    walk,
)
from hf_matlab_compat.migrate.trainer.source import Assignment, Source

_NOT_IN_MATLAB = ("trim_cases", "faithful", "numthreads", "seed")

OPTION_OF: Mapping[str, str] = {
    **{theirs: ours for theirs, ours in CONSTANTS.items() if theirs not in _NOT_IN_MATLAB},
    "preconditioner_exponent": "preconditioner_exponent",
    "linesearch_max_reductions": "max_reductions",
    "mask_biases": "decay_biases",
    "checkpoint_period": "checkpoint_period",
    "precision": "precision",
}
"""Names of constants, in the published file and in reference_matlab, and the options they set."""

ARGUMENTS = {
    theirs: ours
    for theirs, ours in TRAINER_ARGUMENTS.items()
    if ours in {"max_epochs", "num_chunks", "num_test_chunks", "weight_decay", "start_decay", *WORDS}
}
"""Arguments that a copy may set in its body, after which the caller's value is lost."""

_STEPPED = {"inext", "initcoeff"}
"""Constants that are also counters: what steps them is read elsewhere."""

_SET_AND_RESET = {"autodamp"}
"""The published file switches the damping off and on again around the computation of rho."""


def known_constants(source: Source) -> dict[str, Any]:
    """Variables whose first assignment is a constant, with its value; the last one of several in a row."""
    known: dict[str, Any] = {}
    given: dict[str, Assignment] = {}
    for one in source.assignments:
        if not _is_plain(one) or (one.name in known and not _in_a_row(given[one.name], one)):
            continue
        value = constant_value(one.value, known)
        if isinstance(value, float | str):
            known[one.name], given[one.name] = value, one
    return known


def named_constants(source: Source, known: Mapping[str, Any]) -> Iterator[Finding]:
    """Options that assignments to known names imply."""
    used, values = _used_names(source), _values(source, known)
    for name, option in OPTION_OF.items():
        if name in used and not (name == "initlambda" and _starts_from_another(source)):
            # a constant that a literal has taken the place of says nothing
            yield from _of_name(source, values, name, option)
    for name, option in ARGUMENTS.items():
        yield from _of_name(source, values, name, option)


def _values(source: Source, known: Mapping[str, Any]) -> dict[tuple[int, int], Any]:
    """What each assignment of a constant gives, as far as the variables have one value each where it stands.

    Variables that their own function nowhere sets have the value that is `known` of them.
    """
    found: dict[tuple[int, int], Any] = {}
    scopes: dict[int, Exact] = {}
    own = {(_scope(one.node), text_of(one.target).split(".")[0]) for one in source.assignments}
    for one in source.assignments:
        scope = _scope(one.node)
        here = scopes.setdefault(scope, Exact())
        value = constant_value(one.value, here) if _is_plain(one) else None
        if value is None and not any((scope, name) in own for name in names_in(one.value)):
            value = constant_value(one.value, known)
        found[one.node.id, one.index] = value
        if isinstance(value, float | str) and inside(one.node, _BRANCHES) is None:
            here[text_of(one.target)] = value
        else:
            here.pop(text_of(one.target), None)
    return found


_BRANCHES = ("if_statement", "switch_statement", "try_statement", *LOOPS)


def _scope(node: Node) -> int:
    """The outermost function around, with which nested ones share their variables."""
    return next((outer.id for outer in [*ancestors(node)][::-1] if outer.type == "function_definition"), 0)


def _in_a_row(one: Assignment, other: Assignment) -> bool:
    """Whether both stand in the same block, so that the later one alone counts."""
    return one.node.parent == other.node.parent and one.name not in _SET_AND_RESET


def _starts_from_another(source: Source) -> bool:
    """Whether lambda starts from an expression of initlambda: the whole of it is the option."""
    starts = [one for one in source.of("lambda") if not in_loop(one) and "initlambda" in names_in(one.value)]
    return any(operands(unwrapped(one.value)) is not None for one in starts)


def _used_names(source: Source) -> set[str]:
    """Names that stand anywhere but to the left of an assignment to themselves."""
    targets = {node.id for one in source.assignments for node in walk(one.target)}
    return {text_of(node) for node in source.nodes if node.type == "identifier" and node.id not in targets}


def _of_name(source: Source, values: Mapping[tuple[int, int], Any], name: str, option: str) -> Iterator[Finding]:
    last: Assignment | None = None
    value: Any = None
    sure = True
    for one in _given(source, name):
        new = values[one.node.id, one.index]
        if last is None and new is None:
            yield from _computed(one, name, source)
        elif last is None or (new is not None and _in_a_row(last, one)):
            last, value = one, new
        elif value not in (new, EMPTY) and name not in _SET_AND_RESET and not _is_cast(one, name):
            sure = False
            yield _changes(source, one, name)
    for one in source.of(name):
        if not _is_plain(one):
            sure = False
            yield _changes(source, one, name)
    if last is not None:
        yield _implied(option, value, row(last.node), source.line(last.node), sure)


def _changes(source: Source, one: Assignment, name: str) -> Unexpressed:
    why = f"{name} changes during the run, for which there is no option"
    return Unexpressed(row(one.node), source.line(one.node), why)


def _given(source: Source, name: str) -> list[Assignment]:
    """Assignments to the constant; of several variables of that name (``p.drop``, ``drop``) the one that is used."""
    plain = [
        one for one in source.of(name) if _is_plain(one) and not (name in _STEPPED and name in names_in(one.value))
    ]
    if len({text_of(one.target) for one in plain}) > 1:
        among = {node.id for one in source.of(name) for node in walk(one.node)}
        kinds = ("identifier", "field_expression")
        used = {text_of(node) for node in source.nodes if node.type in kinds and node.id not in among}
        chosen = [one for one in plain if text_of(one.target) in used]
        return chosen if len({text_of(one.target) for one in chosen}) == 1 else plain
    return plain


def _computed(one: Assignment, name: str, source: Source) -> Iterator[Finding]:
    if (one.target.parent.type != "multioutput_variable" or name in OPTION_OF) and not _is_cast(one, name):
        yield Unexpressed(row(one.node), source.line(one.node), f"{name} is computed, not a constant")


def _is_cast(one: Assignment, name: str) -> bool:
    """Whether it is ``name = single(name)`` or the like."""
    names = names_in(one.value)
    return name in names and names <= {name, "double", "single", "conv", "as_doubles"} and operands(one.value) is None


def _implied(option: str, value: Any, line: int, text: str, sure: bool) -> Finding:
    if option in WORDS:
        key = value if isinstance(value, str) else int(value) if value != EMPTY else None
        words = WORDS[option]
        if key in words:
            return Implied(option, words[key], line, text, sure=sure)
        return Unexpressed(line, text, f"there is no such value of {option}")
    if value == EMPTY:
        return Implied(option, None, line, text, sure=sure)
    if option == "decay_biases":
        return Implied(option, value == 0, line, text, sure=sure)
    whole = isinstance(value, float) and value == int(value) if abs_is_small(value) else False
    return Implied(option, int(value) if whole and _counts(option) else value, line, text, sure=sure)


def abs_is_small(value: Any) -> bool:
    """Whether it is a number that an int holds without ado."""
    return isinstance(value, float) and abs(value) < 1e15


def _counts(option: str) -> bool:
    return option.startswith(("max_", "min_", "num_")) or option in ("cg_min_gap", "checkpoint_period")


def _is_plain(one: Assignment) -> bool:
    """``name = …`` or ``struct.name = …``, not an element of it, and not inside an if on something else."""
    return one.target.type in ("identifier", "field_expression")


def in_loop(one: Assignment) -> bool:
    """Whether it is repeated within its function."""
    return inside(one.node, ("for_statement", "while_statement")) is not None
