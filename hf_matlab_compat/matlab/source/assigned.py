"""Assignments in MATLAB source, and which of them are made under a condition only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hf_matlab_compat.matlab.source.arithmetic import evaluate
from hf_matlab_compat.matlab.source.text import code_only

_OPENING = ("if", "switch", "for", "parfor", "while", "try", "unwind_protect", "do", "function")
_DECIDING = ("if", "switch")
_CLOSING = re.compile(r"end\w*|until\b.*")
_WORD = re.compile(r"\w*")
_ASSIGNMENT = re.compile(r"(?<![\w.])(?P<struct>[A-Za-z]\w*\.)?(?P<name>[A-Za-z]\w*)\s*=(?!=)\s*(?P<value>.+)$")


class Assignment(NamedTuple):
    """``name = value`` somewhere; `place` is ``file:line``, `struct` tells that it is a field."""

    name: str
    value: str
    place: str
    conditional: bool
    struct: bool


def assignments(file: str, source: str) -> list[Assignment]:
    """All assignments of a file to plain variables and to fields of structs, in order."""
    found: list[Assignment] = []
    blocks: list[str] = []
    for number, line in enumerate(code_only(source), start=1):
        for statement in _statements(line):
            word = _WORD.match(statement)
            if word is not None and word[0] in _OPENING:
                blocks.append(word[0])
            elif _CLOSING.fullmatch(statement) and blocks:
                blocks.pop()
            if match := _ASSIGNMENT.search(statement):
                conditional = any(block in _DECIDING for block in blocks)
                place = f"{file}:{number}"
                found.append(
                    Assignment(match["name"], match["value"].strip(), place, conditional, bool(match["struct"]))
                )
    return found


def variables(made: Sequence[Assignment]) -> Mapping[str, float]:
    """Those of one file that have one value, whatever is run of it."""
    values: dict[str, float] = {}
    spoiled: set[str] = set()
    for each in made:
        value = None if each.struct or each.conditional else evaluate(each.value, values)
        if each.struct:
            continue
        if value is None or values.get(each.name, value) != value:
            spoiled.add(each.name)
        else:
            values[each.name] = value
    return {name: value for name, value in values.items() if name not in spoiled}


def _statements(line: str) -> Iterator[str]:
    """The parts between commas and semicolons, but for those in brackets."""
    depth, start = 0, 0
    for at, character in enumerate(line):
        depth = max(0, depth + (character in "([{") - (character in ")]}"))
        if character in ",;" and not depth:
            yield line[start:at].strip()
            start = at + 1
    yield line[start:].strip()
