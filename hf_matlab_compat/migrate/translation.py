"""The result of a translation: the Python text, and what became of every line of MATLAB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

ASSUMED = "assumed to be in"
"""What a remark says of a name that nothing but a file can define, where the file is not at hand."""

NOT_EXPRESSED = "that no option expresses"
"""What a remark says of a call of an edited trainer, where options cannot stand for all its edits."""


class Fate(Enum):
    """What became of a line; the value says it. The later ones outweigh the earlier where a line holds several."""

    BLANK = "blank"
    COMMENT = "kept as comment"
    TRANSLATED = "translated"
    REPLACED = "replaced"
    TODO = "TODO"


@dataclass(frozen=True)
class ReportLine:
    """One line of the MATLAB script.

    Attributes
    ----------
    number : int
        From 1.
    text : str
        As it stood.
    fate : Fate
    remark : str
        Why, or what took its place; empty where there is nothing to say.
    """

    number: int
    text: str
    fate: Fate
    remark: str = ""


@dataclass(frozen=True)
class LeftToDo:
    """A statement that was not translated.

    Attributes
    ----------
    number, last : int
        Its lines, from 1.
    text : str
        As it stood.
    remark : str
        Why.
    unknown : str
        The function that is not known here, where that is why.
    """

    number: int
    last: int
    text: str
    remark: str
    unknown: str = ""

    @property
    def where(self) -> str:
        """Its lines in words."""
        return f"line {self.number}" if self.number == self.last else f"lines {self.number}-{self.last}"


@dataclass(frozen=True)
class Translation:
    """A translated script.

    Attributes
    ----------
    name : str
        Of the script, without suffix.
    python : str
        The Python script.
    lines : tuple of ReportLine
        One for every line of the MATLAB script, in order.
    todos : tuple of LeftToDo
        Statements that are left to do, in order.
    calls : tuple of str
        Functions in files beside it that it calls.
    unfinished : tuple of str
        Those among them whose own file, or one that it calls, is not complete.
    positions : frozenset of str
        Variables of the script that hold positions, which count from 0 in Python.
    parts : tuple of str
        Scripts that it calls by name, whose statements stand in it.
    """

    name: str
    python: str
    lines: tuple[ReportLine, ...]
    todos: tuple[LeftToDo, ...] = ()
    calls: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    positions: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ()

    @property
    def to_verify(self) -> tuple[ReportLine, ...]:
        """Lines that rest on what nobody but the user knows: `ASSUMED`, `NOT_EXPRESSED`."""
        return tuple(line for line in self.lines if ASSUMED in line.remark or NOT_EXPRESSED in line.remark)

    @property
    def state(self) -> str:
        """How far it is, in words: 'complete' where nothing is left to do or to verify."""
        left = [f"{len(self.todos)} left to do"] if self.todos else []
        left += [f"{len(self.to_verify)} to verify"] if self.to_verify else []
        left += [f"calls {', '.join(f'{n}.m' for n in self.unfinished)}, not complete"] if self.unfinished else []
        return ", ".join(left) or "complete"

    @property
    def trains_otherwise(self) -> bool:
        """Whether it calls a copy of the trainer whose edits no option expresses in full."""
        return any(NOT_EXPRESSED in line.remark for line in self.lines)

    @property
    def runs(self) -> bool:
        """Whether nothing is left to do, neither in the Python script nor in the files that it calls."""
        return not self.todos and not self.unfinished


def with_unfinished(made: Sequence[Translation], failed: Iterable[str] = ()) -> list[Translation]:
    """The translations of a folder, each knowing which of the functions that it calls are not complete."""
    unfinished = {each.name for each in made if each.todos} | set(failed)
    while more := {each.name for each in made if unfinished & set(each.calls)} - unfinished:
        unfinished |= more
    return [replace(each, unfinished=tuple(n for n in each.calls if n in unfinished - {each.name})) for each in made]


class Ledger:
    """Collects what becomes of each line while a script is translated."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self._lines = lines
        self._fates: dict[int, tuple[Fate, str]] = {}
        self._todos: dict[tuple[int, str], LeftToDo] = {}

    def copy(self) -> Ledger:
        """The same entries, to go on from again."""
        other = Ledger(self._lines)
        other._fates, other._todos = dict(self._fates), dict(self._todos)
        return other

    def leave(self, one: LeftToDo) -> None:
        """A statement is left to do."""
        self._todos[one.number, one.text] = one
        self.enter(one.number, one.last, Fate.TODO, one.remark)

    @property
    def todos(self) -> tuple[LeftToDo, ...]:
        """Statements that are left to do, in order."""
        return tuple(sorted(self._todos.values(), key=lambda each: each.number))

    def enter(self, first: int, last: int, fate: Fate, remark: str = "") -> None:
        """Lines `first` … `last` met this fate."""
        order = list(Fate)
        for number in range(first, last + 1):
            known, said = self._fates.get(number, (Fate.BLANK, ""))
            heavier = max(known, fate, key=order.index)
            remarks = [each for each in (said, remark) if each]
            self._fates[number] = heavier, "; ".join(dict.fromkeys(remarks))

    def unread(self) -> list[int]:
        """Numbers of the lines that hold something and that nobody has entered."""
        numbered = enumerate(self._lines, 1)
        return [number for number, text in numbered if text.strip() and number not in self._fates]

    def close(self) -> tuple[ReportLine, ...]:
        """An entry for every line; one that nobody has entered is blank, or is left to do."""
        return tuple(self._entry(number, text) for number, text in enumerate(self._lines, 1))

    def _entry(self, number: int, text: str) -> ReportLine:
        if not text.strip():
            return ReportLine(number, text, Fate.BLANK)
        fate, remark = self._fates.get(number, (Fate.TODO, "was not read"))
        return ReportLine(number, text, fate, remark)
