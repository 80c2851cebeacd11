"""Constants that have a name of their own: ``initlambda = 45;`` and the like, and arguments set anew in the body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TRAINER_ARGUMENTS, WORDS
from hf_matlab_compat.migrate.trainer.constant_value import EMPTY, constant_value
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.nodes import inside, names_in, operands, row, text_of, unwrapped, walk
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

_SET_AND_RESET = {"autodamp"}
"""The published file switches the damping off and on again around the computation of rho."""


def known_constants(source: Source) -> dict[str, Any]:
    """Variables whose first assignment is a constant, with its value."""
    known: dict[str, Any] = {}
    for one in source.assignments:
        if one.name in known or not _is_plain(one):
            continue
        value = constant_value(one.value, known)
        if isinstance(value, float | str):
            known[one.name] = value
    return known


def named_constants(source: Source, known: Mapping[str, Any]) -> Iterator[Finding]:
    """Options that assignments to known names imply."""
    used = _used_names(source)
    for name, option in OPTION_OF.items():
        if name in used and not (name == "initlambda" and _starts_from_another(source)):
            # a constant that a literal has taken the place of says nothing
            yield from _of_name(source, known, name, option)
    for name, option in ARGUMENTS.items():
        yield from _of_name(source, known, name, option)


def _starts_from_another(source: Source) -> bool:
    """Whether lambda starts from an expression of initlambda: the whole of it is the option."""
    starts = [one for one in source.of("lambda") if not in_loop(one) and "initlambda" in names_in(one.value)]
    return any(operands(unwrapped(one.value)) is not None for one in starts)


def _used_names(source: Source) -> set[str]:
    """Names that stand anywhere but to the left of an assignment to themselves."""
    targets = {node.id for one in source.assignments for node in walk(one.target)}
    return {text_of(node) for node in source.nodes if node.type == "identifier" and node.id not in targets}


def _of_name(source: Source, known: Mapping[str, Any], name: str, option: str) -> Iterator[Finding]:
    others = {key: value for key, value in known.items() if key != name}
    first: Any = None
    for one in source.of(name):
        if not _is_plain(one) or name in names_in(one.value):
            continue
        line, text, value = row(one.node), source.line(one.node), constant_value(one.value, others)
        if value is None and first is None:
            yield from _computed(one, name, line, text)
        elif first is None:
            first = value
            yield _implied(option, value, line, text)
        elif first not in (value, EMPTY) and name not in _SET_AND_RESET:
            yield Unexpressed(line, text, f"{name} changes during the run, for which there is no option")


def _computed(one: Assignment, name: str, line: int, text: str) -> Iterator[Finding]:
    casts = names_in(one.value) <= {name, "double", "single", "conv", "as_doubles"}
    if one.target.parent.type != "multioutput_variable" and not casts:
        yield Unexpressed(line, text, f"{name} is computed, not a constant")


def _implied(option: str, value: Any, line: int, text: str) -> Finding:
    if option in WORDS:
        key = value if isinstance(value, str) else int(value) if value != EMPTY else None
        words = WORDS[option]
        if key in words:
            return Implied(option, words[key], line, text)
        return Unexpressed(line, text, f"there is no such value of {option}")
    if value == EMPTY:
        return Implied(option, None, line, text)
    if option == "decay_biases":
        return Implied(option, value == 0, line, text)
    whole = isinstance(value, float) and value == int(value) if abs_is_small(value) else False
    return Implied(option, int(value) if whole and _counts(option) else value, line, text)


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
