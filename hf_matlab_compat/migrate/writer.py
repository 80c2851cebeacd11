"""Collects the Python script line by line, and the ledger of MATLAB's lines beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hf_matlab_compat.migrate.accounting import Account
from hf_matlab_compat.migrate.layout import WIDTH
from hf_matlab_compat.migrate.literals import UnsafeStatement, opened
from hf_matlab_compat.migrate.syntax import Place, Untranslatable
from hf_matlab_compat.migrate.translation import Fate, Ledger, LeftToDo

_NOQA = re.compile(r"  # noqa: \w+\Z")


class Writer:
    """Python lines at the current depth.

    Parameters
    ----------
    ledger : Ledger
        Where fates of MATLAB's lines are entered.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.lines: list[str] = []
        self._indent = 0
        self._statement = -1
        self._accounts: list[Account] = []
        self.rehearsals = 0

    def code(self, text: str) -> None:
        """A Python statement, or the header of a block; its strings are written out here.

        Raises
        ------
        Untranslatable
            It would not be the statement that was put together.
        """
        try:
            written, tree = opened(text)
        except UnsafeStatement as failure:
            raise Untranslatable(str(failure)) from None
        for account in self._accounts[-1:]:
            account.enter(tree)
        self._statement = len(self.lines)
        self.lines.append(" " * self._indent + written)

    @contextmanager
    def on_account_of(self, account: Account) -> Iterator[None]:
        """What is written here belongs to this account."""
        self._accounts.append(account)
        try:
            yield
        finally:
            self._accounts.pop()

    def insert(self, place: int, statements: Sequence[str]) -> None:
        """Statements at the current depth, before the line at `place`."""
        self.lines[place:place] = [" " * self._indent + _on_one_line(each) for each in statements]
        self._statement += len(statements) if self._statement >= place else 0

    def comment(self, text: str) -> None:
        """A comment on lines of its own, from MATLAB's text."""
        for line in _uncommented(text):
            self.lines.append(" " * self._indent + (f"# {line}" if line else "#"))
        self._statement = -1

    def trailing(self, text: str) -> None:
        """A comment behind the last statement, or above it where it does not fit."""
        lines = _uncommented(text)
        if self._statement < 0 or len(lines) != 1 or not lines[0]:
            self.comment(text)
            return
        place, last = self._statement, len(self.lines) - 1
        fits = len(self.lines[-1]) + len(lines[0]) + 4 <= WIDTH
        if place == last and fits and not _NOQA.search(self.lines[-1]):
            self.lines[-1] += f"  # {lines[0]}"
        else:
            self.lines.insert(place, " " * self._margin(place) + f"# {lines[0]}")
        self._statement = -1

    def blank(self) -> None:
        """An empty line."""
        self.lines.append("")

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Statements below a header; ``pass`` where there are none."""
        self.code(header)
        start = len(self.lines)
        self._indent += 4
        try:
            yield
        finally:
            self._indent -= 4
        if all(not line.strip() or line.lstrip().startswith("#") for line in self.lines[start:]):
            self.lines.append(" " * (self._indent + 4) + "pass")

    def todo(self, place: Place, reason: str, unknown: str = "") -> None:
        """What could not be translated: its text as a comment, and a stop where the script would go wrong."""
        lines = place.text.split("\n")
        self.comment(f"TODO(migrate): line {place.first}: {lines[0].strip()}")
        for line in lines[1:]:
            self.comment("    " + line.rstrip())
        self.comment(f"    ({reason})")
        self.code(f'raise NotImplementedError("line {place.first} of the MATLAB script")')
        self._statement = -1
        self.ledger.leave(LeftToDo(place.first, place.last, place.text, reason, unknown))

    def enter(self, place: Place, fate: Fate, remarks: Sequence[str] = ()) -> None:
        """The fate of a statement's lines."""
        self.ledger.enter(place.first, place.last, fate, "; ".join(dict.fromkeys(remarks)))

    def enter_header(self, place: Place, remark: str = "") -> None:
        """The header and the last line of a compound statement are translated; its body enters its own lines."""
        self.ledger.enter(place.first, place.header, Fate.TRANSLATED, remark)
        self.ledger.enter(place.last, place.last, Fate.TRANSLATED)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What is written here is thrown away."""
        kept, ledger, statement = self.lines, self.ledger, self._statement
        self.lines, self.ledger, self._statement = [], Ledger(()), -1
        self.rehearsals += 1
        try:
            yield
        finally:
            self.lines, self.ledger, self._statement = kept, ledger, statement
            self.rehearsals -= 1

    def mark(self) -> tuple[int, int]:
        """Where the script stands now, for `cut_back`."""
        return len(self.lines), self._statement

    def cut_back(self, mark: tuple[int, int]) -> None:
        """Throw away what was written since the mark."""
        length, self._statement = mark
        del self.lines[length:]

    def _margin(self, place: int) -> int:
        return len(self.lines[place]) - len(self.lines[place].lstrip())


def _on_one_line(text: str) -> str:
    """The text without what would end a line or turn it around."""
    return "".join(each if each.isprintable() or each == "\t" else " " for each in text)


def _uncommented(text: str) -> list[str]:
    """MATLAB's comment text without its marks."""
    lines = [_on_one_line(line) for line in text.split("\n")]
    if text.lstrip().startswith("%{"):
        return [line.rstrip() for line in lines]
    return [_without_mark(line) for line in lines]


def _without_mark(line: str) -> str:
    stripped = line.strip() if line.lstrip().startswith("%") else line.rstrip()
    if stripped.startswith("%%"):
        title = stripped.lstrip("%").strip()
        return f"%% {title}" if title and stripped.lstrip("%") != stripped[1:] else stripped.lstrip("%").strip()
    return stripped[1:].removeprefix(" ").rstrip() if stripped.startswith("%") else stripped
