"""The result of a translation: the Python text, the fate of every line of MATLAB, and the report (Markdown, JSON)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum

from hf_matlab_compat.migrate.beside import UNEDITED, Copy

ASSUMED = "assumed to be in"
"""Part of the remark on a name that only a missing file can define."""

OFFERED = "could be"
"""Start of the remark on what an option or a command could do in the place of the script."""
NOT_EXPRESSED = "that no option expresses"
"""Part of the remark on a call of a trainer with edits that no option expresses."""

Failures = Sequence[tuple[str, str]]
"""Names of files that could not be translated at all, and why."""


class Fate(Enum):
    """The fate of a line. If a line holds several statements, the later member outweighs the earlier one."""

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
        As in the script.
    fate : Fate
    remark : str
        The reason, or what takes its place; may be empty.
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
        Its first and last line, from 1.
    text : str
        As in the script.
    remark : str
        The reason.
    unknown : str
        The unknown function that is the reason; empty if it is another one.
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
        Name of the script, without suffix.
    python : str
        The Python script.
    lines : tuple of ReportLine
        One for every line of the MATLAB script, in order.
    todos : tuple of LeftToDo
        Statements that are left to do, in order.
    calls : tuple of str
        Functions in files beside the script that it calls.
    unfinished : tuple of str
        Those of `calls` that are not complete, or that call one that is not.
    positions : frozenset of str
        Variables of the script that hold positions, which count from 0 in Python.
    parts : tuple of str
        Scripts that it calls by name and whose statements it contains.
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
        """Lines whose remark is an assumption that only the user can verify: `ASSUMED`, `NOT_EXPRESSED`."""
        return tuple(line for line in self.lines if ASSUMED in line.remark or NOT_EXPRESSED in line.remark)

    @property
    def offered(self) -> tuple[ReportLine, ...]:
        """Lines that an option or a command could replace: `OFFERED`."""
        return tuple(line for line in self.lines if OFFERED in line.remark)

    @property
    def state(self) -> str:
        """Its state in words: 'complete' if nothing is left to do or to verify."""
        left = [f"{len(self.todos)} left to do"] if self.todos else []
        left += [f"{len(self.to_verify)} to verify"] if self.to_verify else []
        left += [f"calls {', '.join(f'{n}.m' for n in self.unfinished)}, not complete"] if self.unfinished else []
        return ", ".join(left) or "complete"

    @property
    def trains_otherwise(self) -> bool:
        """True if it calls a copy of the trainer with edits that no option expresses."""
        return any(NOT_EXPRESSED in line.remark for line in self.lines)

    @property
    def runs(self) -> bool:
        """True if nothing is left to do, neither in the Python script nor in the files that it calls."""
        return not self.todos and not self.unfinished


def with_unfinished(made: Sequence[Translation], failed: Iterable[str] = ()) -> list[Translation]:
    """Return the translations of a folder with `unfinished` filled in; `failed` names other files."""
    unfinished = {each.name for each in made if each.todos} | set(failed)
    while more := {each.name for each in made if unfinished & set(each.calls)} - unfinished:
        unfinished |= more
    return [replace(each, unfinished=tuple(n for n in each.calls if n in unfinished - {each.name})) for each in made]


class Ledger:
    """Collects the fate of each line while a script is translated."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self._lines = lines
        self._fates: dict[int, tuple[Fate, str]] = {}
        self._todos: dict[tuple[int, str], LeftToDo] = {}

    def leave(self, one: LeftToDo) -> None:
        """Enter a statement that is left to do."""
        self._todos[one.number, one.text] = one
        self.enter(one.number, one.last, Fate.TODO, one.remark)

    @property
    def todos(self) -> tuple[LeftToDo, ...]:
        """Statements that are left to do, in order."""
        return tuple(sorted(self._todos.values(), key=lambda each: each.number))

    def enter(self, first: int, last: int, fate: Fate, remark: str = "") -> None:
        """Enter the fate of lines `first` … `last`."""
        order = list(Fate)
        for number in range(first, last + 1):
            known, said = self._fates.get(number, (Fate.BLANK, ""))
            heavier = max(known, fate, key=order.index)
            remarks = [each for each in (said, remark) if each]
            self._fates[number] = heavier, "; ".join(dict.fromkeys(remarks))

    def unread(self) -> list[int]:
        """Return the numbers of lines with text that have no entry."""
        numbered = enumerate(self._lines, 1)
        return [number for number, text in numbered if text.strip() and number not in self._fates]

    def close(self) -> tuple[ReportLine, ...]:
        """Return an entry for every line; a line of text without one is left to do."""
        return tuple(self._entry(number, text) for number, text in enumerate(self._lines, 1))

    def _entry(self, number: int, text: str) -> ReportLine:
        if not text.strip():
            return ReportLine(number, text, Fate.BLANK)
        fate, remark = self._fates.get(number, (Fate.TODO, "was not read"))
        return ReportLine(number, text, fate, remark)


def unknown_functions(translations: Sequence[Translation]) -> list[str]:
    """Return the unknown functions that leave statements to do, each with the scripts that use it."""
    users: dict[str, dict[str, None]] = {}
    for each in translations:
        for one in each.todos:
            if one.unknown:
                users.setdefault(one.unknown, {})[f"{each.name}.m"] = None
    return [f"{name} ({', '.join(scripts)})" for name, scripts in sorted(users.items())]


def as_json(translations: Sequence[Translation], failures: Failures = (), copies: Mapping[str, Copy] = UNEDITED) -> str:
    """Return the report for programs: every line of every script, failures, and copies of the trainer."""
    scripts = [
        {
            "name": each.name,
            "runs": each.runs,
            "state": each.state,
            "todos": [asdict(one) for one in each.todos],
            "unfinished": list(each.unfinished),
            "parts": list(each.parts),
            "lines": [
                {"line": line.number, "text": line.text, "fate": line.fate.value, "remark": line.remark}
                for line in each.lines
            ],
        }
        for each in translations
    ]
    failed = [{"name": name, "reason": reason} for name, reason in failures]
    trainers = [{"name": name, "options": dict(copy.options), "refusal": copy.refusal} for name, copy in copies.items()]
    return json.dumps({"scripts": scripts, "failed": failed, "trainers": trainers}, indent=1, ensure_ascii=False) + "\n"


def as_markdown(
    translations: Sequence[Translation], failures: Failures = (), copies: Mapping[str, Copy] = UNEDITED
) -> str:
    """Return the report for people: every line of every script, failures, and copies of the trainer."""
    parts = ["# Migration report", "", "| script | lines | translated | comments | replaced | TODO | runs as is |"]
    parts.append("|---|---|---|---|---|---|---|")
    parts += [_row(each) for each in translations]
    parts += [f"| {name}.m | not translated: {_cell(reason)} | | | | | no |" for name, reason in failures]
    for name, copy in copies.items():
        parts += _of_copy(name, copy)
    for each in translations:
        parts += ["", f"## {each.name}.m", "", *_of_script(each)]
    unknown = unknown_functions(translations)
    parts += ["", "## Functions that are not known here", "", *(f"- {each}" for each in unknown)] if unknown else []
    return "\n".join(parts) + "\n"


def _of_copy(name: str, copy: Copy) -> list[str]:
    if copy.report is None:
        return ["", f"## {name}.m, the trainer", "", copy.refusal] if copy.refusal else []
    options = ", ".join(f"`{key}={value!r}`" for key, value in copy.report.legacy_options.items())
    rows = ["", f"## {name}.m, the trainer", "", f"Options of `nnet_train` that it implies: {options or 'none'}.", ""]
    said = "  \n".join(f"{words[0].upper()}{words[1:]}." for words in copy.report.in_words())
    lost = (f"- line {one.line}: {one.text.strip()}  ({one.why})" for one in copy.report.unexpressed)
    return [*rows, said, "", *lost]


def _row(translation: Translation) -> str:
    found = Counter(line.fate for line in translation.lines)
    figures = [found[fate] for fate in (Fate.TRANSLATED, Fate.COMMENT, Fate.REPLACED, Fate.TODO)]
    runs = {"complete": "yes"}.get(translation.state, translation.state if translation.runs else "no")
    return f"| {translation.name}.m | {len(translation.lines)} | {' | '.join(map(str, figures))} | {runs} |"


def _of_script(translation: Translation) -> Iterator[str]:
    names = ", ".join(f"{name}.m" for name in translation.parts)
    if names:
        yield from (f"It calls {names}; their statements stand in place of the calls.", "")
    yield from ("| line | MATLAB | what became of it |", "|---|---|---|")
    for line in translation.lines:
        said = f"{line.fate.value}: {line.remark}" if line.remark else line.fate.value
        code = line.text.strip().replace("`", "'")
        yield f"| {line.number} | {f'`{_cell(code)}`' if code else ''} | {_cell(said)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
