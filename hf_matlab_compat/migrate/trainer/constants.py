"""Options that a trainer's constants imply, and arguments of the call that it sets again in its body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hf_matlab_compat.matlab.source.constants import NAMES, Reading, read_constants, reading_of
from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.tree import Assignment, names_in, operands
from hf_matlab_compat.matlab.source.values import EMPTY, UNKNOWN, joined
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TRAINER_ARGUMENTS, WORDS
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed

HOLDERS = {"precision", *NAMES, *(name for names in NAMES.values() for name in names)}
"""Variables that hold constants."""

ARGUMENTS = {
    theirs: ours
    for theirs, ours in TRAINER_ARGUMENTS.items()
    if ours in {"max_epochs", "num_chunks", "num_test_chunks", "weight_decay", "start_decay", *WORDS}
}
"""Arguments that a copy may set in its body, after which the caller's value is lost."""


def constants(program: Program) -> Iterator[Finding]:
    """Find the options that constants and reset arguments imply."""
    for name, reading in read_constants(program).items():
        yield from _of(program, name, CONSTANTS[name], reading)
    if program.of("precision"):
        yield from _of(program, "precision", "precision", reading_of(program.by_name({"precision"})))
    for name, option in ARGUMENTS.items():
        yield from _of_argument(program, name, option)


def _of(program: Program, name: str, option: str, reading: Reading) -> Iterator[Finding]:
    line, text = reading.line, program.lines[reading.line - 1].strip()
    if reading.ambiguous:
        said = reading.in_words(lambda line: f"line {program.place(line)[1]}")
        yield Unexpressed(line, text, f"{name} is ambiguous: {said}; the option keeps its published value")
    elif reading.found:
        yield _implied(option, reading.value, line, text)


def _of_argument(program: Program, name: str, option: str) -> Iterator[Finding]:
    made = [one for one in program.of(name) if program.reached(one.value) and not _is_cast(one)]
    for one in made:
        if program.value(one.value) is UNKNOWN and one.target.parent.type != "multioutput_variable":
            yield Unexpressed.at(program, one.node, f"{name} is computed, not a constant")
    if any(program.value(one.value) is not UNKNOWN for one in made):
        used = program.by_name({name}) or joined(*(program.values(one.value) for one in made))
        yield from _of(program, name, option, reading_of(used))


def _is_cast(one: Assignment) -> bool:
    """Return whether it is ``name = single(name)`` or the like."""
    names = names_in(one.value)
    casts = {one.name, "double", "single", "conv", "as_doubles"}
    return one.name in names and names <= casts and operands(one.value) is None


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
        return Implied(option, value != 0, line, text)
    counts = option.startswith(("max_", "min_", "num_")) or option in ("cg_min_gap", "checkpoint_period")
    whole = isinstance(value, float) and abs(value) < 1e15 and value == int(value)
    return Implied(option, int(value) if whole and counts else value, line, text)
