"""Reads a text log back: MATLAB's own, a fork's, or one of this package; the file or a copy of the screen.

Forks add lines and drop some, Windows writes 2e-005 and -1.#INF and sometimes CR CR LF, and files are cut off at
either end: what is there is read, what is not there is nan.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError, CheckpointError
from hf_matlab_compat.matlab.files.regular_file import read_file
from hf_matlab_compat.matlab.logs.text_file import lines_of, text_of, without_stamps
from hf_matlab_compat.matlab.logs.text_log import BANNER, CONSTANTS_END, CONSTANTS_TITLE, read_time_stamp

EPOCH_FIGURES = np.dtype(
    [
        ("epoch", np.int64),
        ("max_cg_steps", np.int64),
        ("min_cg_steps", np.int64),
        ("cg_steps", np.int64),
        ("total_cg_steps", np.int64),
        ("d_norm", np.float64),
        ("chosen_step", np.int64),
        ("rho", np.float64),
        ("reductions", np.float64),
        ("rate", np.float64),
        ("lam", np.float64),
        ("log_likelihood", np.float64),
        ("error", np.float64),
        ("test_log_likelihood", np.float64),
        ("test_error", np.float64),
        ("error_difference", np.float64),
    ]
)
"""One epoch as logged, in the terms of `state.Report`; nan (0 for a whole number) where the log does not say."""


Constant = int | float | str | tuple[int, ...]


@dataclass(frozen=True)
class Damage:
    """A line of a finished epoch that is missing or cannot be read.

    Attributes
    ----------
    epoch : int
        The epoch's number, or what follows from the one before where the log does not say.
    expected, got : str
    """

    epoch: int
    expected: str
    got: str


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """One run of a log.

    Attributes
    ----------
    start_time : datetime or None
        When it began; None where the log does not say, or in words of another language.
    description : str
        Free text about the run.
    resume_from : str
        The checkpoint it went on from, or an empty string.
    constants : mapping of str to int, float, str or tuple of int
        The header's constants by MATLAB's names, those that a fork adds too; ``layersizes`` is a tuple.
    epochs : (k,) array of `EPOCH_FIGURES`
        Its finished epochs, in the order of the log.
    total_time : float or None
        Seconds; None where the run did not come to its end.
    damage : tuple of Damage
        Lines that its other epochs have and one has not, or that cannot be read.
    figures : set of str
        Fields of `EPOCH_FIGURES` that a line of a finished epoch tells; the others were never logged.
    not_numbers : set of (int, str)
        Rows of `epochs` and fields whose figure the log gives as NaN.
    unfinished : int or None
        The epoch in the middle of which the run breaks off, without saying that it came to its end.
    """

    start_time: datetime | None
    description: str
    resume_from: str
    constants: Mapping[str, Constant]
    epochs: NDArray[np.void]
    total_time: float | None
    damage: tuple[Damage, ...] = ()
    figures: frozenset[str] = frozenset(EPOCH_FIGURES.names or ())
    not_numbers: frozenset[tuple[int, str]] = frozenset()
    unfinished: int | None = None

    def lines_not_logged(self) -> list[str]:
        """Lines of the method, by their first words, that no epoch has and that a run like this one logs."""
        usual = {start: figure for start, figure in _STARTS.items() if figure not in self._may_lack}
        return [start.rstrip(" :=") for start, figure in usual.items() if figure not in self.figures]

    @property
    def _may_lack(self) -> set[str]:
        undamped = {"lam"} if self.constants.get("autodamp") == 0 else set[str]()
        return {"test_log_likelihood", "error_difference", "d_norm"} | undamped


def read_log(path: str | PathLike[str]) -> list[LoggedRun]:
    """The runs of a log file, in the file's order.

    Raises
    ------
    ArgumentError
        The file cannot be read, or no run is in it.
    """
    advice = "Give the <runName>.txt of a training run."
    try:
        content = read_file(Path(path).expanduser())
    except CheckpointError as error:
        reason = f"{str(path)!r} ({str(error).partition('got ')[2].partition('. ')[0].strip(chr(39) + '.')})"
        raise ArgumentError("log", expected="a file that can be read", got=reason, advice=advice) from error
    text = text_of(content)
    runs = parse_log(text)
    if not runs:
        empty = f"{str(path)!r}, which holds none"
        raise ArgumentError("log", expected="the text log of a run", got=empty, advice=advice)
    if _KFAC_WORDS in text and not any(run.epochs.size for run in runs):
        other = f"{str(path)!r}, a log of the later Kronecker-factored program (KFAC)"
        raise ArgumentError("log", expected="the log of a Hessian-free run", got=other, advice=advice)
    return runs


_KFAC_WORDS = ", Minibatch log likelihood (pre-update): "


def parse_log(text: str) -> list[LoggedRun]:
    """The runs in the text of a log.

    Lines may end in CR LF, LF or CR, and have a time stamp before them. What the log does not know (messages on a copy
    of the screen, lines of a fork) is passed over, and so are a run cut off in its header and an epoch cut off before
    its last line. A log whose beginning is lost gives a run without constants.
    """
    lines = without_stamps(lines_of(text), list(_STARTS))
    starts = [i for i, line in enumerate(lines) if line.strip() == BANNER]
    runs = [_run(lines[start + 1 : end]) for start, end in pairwise([*starts, len(lines)])]
    before = _run_without_header(lines[: starts[0]] if starts else lines)
    return [run for run in (before, *runs) if run is not None]


_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[Ii]nf|[Nn]a[Nn]|1\.#[A-Z]+\d*)"
_WORDS = {"1.#INF": math.inf, "-1.#INF": -math.inf}
"""Infinities as old Windows programs print them; their other words (1.#IND, 1.#QNAN) mean NaN."""


def _line(words: str) -> re.Pattern[str]:
    """A log line: `words`, in which each ``<field>`` stands for a figure."""
    figure = re.escape(words).replace(r"\ ", " +")
    return re.compile(re.sub(r"<(\w+)>", lambda field: f"(?P<{field[1]}>{_NUMBER})", figure))


_WORDING = (
    "maxiters = <max_cg_steps>; miniters = <min_cg_steps>",
    "CG steps used: <cg_steps>, total is: <total_cg_steps>",
    "ch magnitude : <d_norm>",
    "Chose iters : <chosen_step>",
    "rho = <rho>",
    "Number of reductions : <reductions>, chosen rate: <rate>",
    "New lambda: <lam>",
    "epoch: <epoch>, Log likelihood: <log_likelihood>, error rate: <error>",
    "TEST Log likelihood: <test_log_likelihood>, error rate: <test_error>",
    "Error rate difference (test - train): <error_difference>",
)
_LINES = tuple(map(_line, _WORDING))
_EPOCH_LINE = next(line for line in _LINES if "epoch" in line.groupindex)
_STARTS = {words.split("<")[0].strip(): re.findall(r"<(\w+)>", words)[0] for words in _WORDING}
"""How each line begins, and its first figure."""
_TOTAL_TIME = re.compile(rf"Total time: +({_NUMBER})")


def _run(lines: Sequence[str]) -> LoggedRun | None:
    """A run from the lines after its banner; None where they break off in the header."""
    end = next((i for i, line in enumerate(lines) if line == CONSTANTS_END or _LINES[0].fullmatch(line.strip())), None)
    if end is None or end == len(lines) - 1:
        return None
    header, body = lines[:end], lines[end:]
    return LoggedRun(
        start_time=_start_time(_after("Start time: ", header)),
        description=_description(header),
        resume_from=_after("Resuming from file: ", header),
        constants=dict(_constants(header)),
        epochs=_epochs(body),
        total_time=_total_time(body),
        damage=tuple(_damage(body, is_whole=True)),
        figures=_told(body),
        not_numbers=_not_numbers(body),
        unfinished=_unfinished(body),
    )


def _run_without_header(remains: Sequence[str]) -> LoggedRun | None:
    lines = _without_a_cut_epoch(remains)
    epochs = _epochs(lines)
    if not epochs.size:
        return None
    return LoggedRun(
        start_time=None,
        description="",
        resume_from="",
        constants={},
        epochs=epochs,
        total_time=_total_time(lines),
        damage=tuple(_damage(lines, is_whole=False)),
        figures=_told(lines),
        not_numbers=_not_numbers(lines),
        unfinished=_unfinished(lines),
    )


def _without_a_cut_epoch(lines: Sequence[str]) -> Sequence[str]:
    """The lines without an epoch whose end alone is there: the line with its number was cut off."""
    for place, line in enumerate(map(str.strip, lines)):
        if _EPOCH_LINE.fullmatch(line):
            return lines
        if _LINES[-1].fullmatch(line):
            return lines[place + 1 :]
    return lines


def _epochs(lines: Sequence[str]) -> NDArray[np.void]:
    return np.array([_row(each.figures) for each in _read_epochs(lines) if each.is_finished], dtype=EPOCH_FIGURES)


def _told(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(name for each in _read_epochs(lines) if each.is_finished for name in each.figures)


def _not_numbers(lines: Sequence[str]) -> frozenset[tuple[int, str]]:
    rows = (each.figures for each in _read_epochs(lines) if each.is_finished)
    return frozenset((i, name) for i, row in enumerate(rows) for name in row if math.isnan(_figure(row[name])))


def _unfinished(lines: Sequence[str]) -> int | None:
    """The number of the epoch that the lines break off in."""
    epochs = list(_read_epochs(lines))
    if not epochs or epochs[-1].is_finished or _total_time(lines) is not None:
        return None
    known = [_whole(each.figures.get("epoch", "")) for each in epochs]
    return known[-1] or (known[-2] if len(known) > 1 else 0) + 1


@dataclass(frozen=True)
class _Epoch:
    """The figures of an epoch, and its lines that begin like a known one but cannot be read, by their first figure."""

    figures: dict[str, str]
    unreadable: dict[str, str]
    is_finished: bool


def _read_epochs(lines: Sequence[str]) -> Iterator[_Epoch]:
    """The epochs; finished is one that has its last line: the error difference, or without test data an empty one."""
    figures, unreadable = dict[str, str](), dict[str, str]()
    for line in map(str.strip, lines[:-1]):  # what follows the last line end was cut off
        found = next((match for match in (known.fullmatch(line) for known in _LINES) if match), None)
        figures |= found.groupdict() if found else {}
        start = next((start for start in _STARTS if line.startswith(start)), None) if found is None else None
        unreadable |= {} if start is None else {_STARTS[start]: line}
        if "error_difference" in figures or ("epoch" in figures and not line):
            yield _Epoch(figures, unreadable, True)
            figures, unreadable = {}, {}
    if figures:
        yield _Epoch(figures, unreadable, False)


def _damage(lines: Sequence[str], *, is_whole: bool) -> Iterator[Damage]:
    """What is wrong with the lines of a run.

    A fork may word a line otherwise or leave it out, in all epochs alike. What a run broke off in is no damage, unless
    it says that it came to its end; nor is the first epoch of a log whose beginning is lost.
    """
    ended = _total_time(lines) is not None
    epochs = [each for each in _read_epochs(lines) if each.is_finished or ended]
    usual = {name for each in epochs for name in each.figures}
    number = 0
    for place, each in enumerate(epochs):
        number = _whole(each.figures.get("epoch", "")) or number + 1
        if place or is_whole:
            yield from _damage_of(each, number, usual, alone=len(epochs) == 1)


def _damage_of(epoch: _Epoch, number: int, usual: set[str], *, alone: bool) -> Iterator[Damage]:
    for words, line in zip(_WORDING, _LINES, strict=True):
        first = next(iter(line.groupindex))
        if first in epoch.figures:
            continue
        if first in epoch.unreadable and (first in usual or alone):
            yield Damage(number, f"'{words}'", f"'{epoch.unreadable[first][:80]}'")
        elif first in usual:
            yield Damage(number, f"'{words}'", "no such line")
    for name in sorted(_WHOLE & set(epoch.figures)):
        text = epoch.figures[name]
        if not _is_count(text) and not (name == "max_cg_steps" and _figure(text) == math.inf):
            yield Damage(number, f"a whole number of {_COUNTED[name]}", text)
    used, total = (_whole(epoch.figures.get(name, "")) for name in ("cg_steps", "total_cg_steps"))
    if _is_count(epoch.figures.get("total_cg_steps", "nan")) and total < used:
        yield Damage(number, f"a total of at least {used} CG steps", epoch.figures["total_cg_steps"])


_COUNTED = {
    "epoch": "epochs",
    "max_cg_steps": "CG steps (maxiters)",
    "min_cg_steps": "CG steps (miniters)",
    "cg_steps": "CG steps",
    "total_cg_steps": "CG steps in total",
    "chosen_step": "CG steps (the chosen iterate)",
}


def _row(figures: Mapping[str, str]) -> tuple[Any, ...]:
    return tuple(_whole(figures.get(n, "")) if n in _WHOLE else _figure(figures.get(n, "NaN")) for n in _NAMES)


_NAMES = EPOCH_FIGURES.names or ()
_WHOLE = {name for name in _NAMES if EPOCH_FIGURES[name].kind == "i"}


def _figure(text: str) -> float:
    return _WORDS.get(text.lstrip("+"), math.nan) if "#" in text else float(text)


def _whole(text: str) -> int:
    value = _figure(text) if text else 0.0
    return int(value) if math.isfinite(value) and value == int(value) and abs(value) < 2.0**53 else 0


def _is_count(text: str) -> bool:
    value = _figure(text)
    return 0 <= value < _MOST_COUNTED and value == int(value)


_MOST_COUNTED = 1e12
"""More CG steps than that no run takes."""


def _total_time(lines: Sequence[str]) -> float | None:
    found = next((match for match in map(_TOTAL_TIME.fullmatch, map(str.strip, lines[:-1])) if match), None)
    return _figure(found[1]) if found else None


def _after(words: str, lines: Sequence[str]) -> str:
    return next((line.removeprefix(words) for line in lines if line.startswith(words)), "")


def _start_time(text: str) -> datetime | None:
    try:
        return read_time_stamp(text)
    except ValueError:
        return None


def _description(header: Sequence[str]) -> str:
    """All lines up to the header's next part: a description may have several."""
    start = next((i for i, line in enumerate(header) if line.startswith("Description: ")), len(header))
    end = next((i for i in range(start, len(header)) if header[i].startswith(_NEXT_PARTS)), len(header))
    return "\n".join(header[start:end]).removeprefix("Description: ").rstrip("\n")


_NEXT_PARTS = ("Resuming from file: ", CONSTANTS_TITLE)


def _constants(header: Sequence[str]) -> Iterator[tuple[str, Constant]]:
    start = next((i for i, line in enumerate(header) if line == CONSTANTS_TITLE), len(header))
    for line in header[start + 1 :]:
        name, colon, value = line.strip().partition(": ")
        if not colon or not name.isidentifier():
            continue
        sizes = value.split()
        if name == "layersizes" and all(size.isdecimal() and len(size) < 10 for size in sizes):
            yield name, tuple(map(int, sizes))
        else:
            yield name, _plain_value(value.strip())


def _plain_value(text: str) -> int | float | str:
    if not re.fullmatch(_NUMBER, text):
        return text
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 17 else _figure(text)
