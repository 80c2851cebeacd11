"""The result of a translation: the Python text, and what became of every line of MATLAB."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ASSUMED = "assumed to be in"
"""What a remark says of a name that nothing but a file can define, where the file is not at hand."""


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
    """

    name: str
    python: str
    lines: tuple[ReportLine, ...]

    @property
    def todos(self) -> tuple[ReportLine, ...]:
        """Lines that are left to do."""
        return tuple(line for line in self.lines if line.fate is Fate.TODO)

    @property
    def to_verify(self) -> tuple[ReportLine, ...]:
        """Lines whose names are assumed to come from a file."""
        return tuple(line for line in self.lines if ASSUMED in line.remark)

    @property
    def runs(self) -> bool:
        """Whether the Python script is complete."""
        return not self.todos


class Ledger:
    """Collects what becomes of each line while a script is translated."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self._lines = lines
        self._fates: dict[int, tuple[Fate, str]] = {}

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
