"""Read a text log back: MATLAB's own, a fork's, or one of this package; the file or a copy of the screen.

Forks add and drop lines, Windows writes 2e-005 and -1.#INF and sometimes CR CR LF, and files are cut off at either
end. Whatever is there is read; figures that are missing are nan.
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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError, CheckpointError
from hf_matlab_compat.matlab.files.regular_file import read_file
from hf_matlab_compat.matlab.logs.lines import (
    BANNER,
    CONSTANTS_END,
    CONSTANTS_TITLE,
    COUNTS,
    DESCRIPTION,
    DIFFERENCE_LINE,
    EPOCH_FIGURES,
    EPOCH_LINES,
    NUMBER,
    RESUMING,
    SCORE_LINE,
    SETTINGS_LINE,
    START_TIME,
    TOTAL_TIME,
    number,
    read_time_stamp,
)
from hf_matlab_compat.matlab.logs.text_file import lines_of, text_of, without_stamps
from hf_matlab_compat.model.packing import num_parameters

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
        """Return the first words of the lines that a run like this one logs and no epoch of this one has."""
        may_lack = {"test_log_likelihood", "error_difference", "d_norm"}
        may_lack |= {"lam"} if self.constants.get("autodamp") == 0 else set()
        usual = (line for line in EPOCH_LINES if line.figures[0] not in may_lack)
        return [line.start.rstrip(" :=") for line in usual if line.figures[0] not in self.figures]


class LoggedSizes(NamedTuple):
    """Sizes s_0 … s_L, and the name of the log."""

    log: str
    sizes: tuple[int, ...]


def logged_sizes(path: str | PathLike[str], psize: int) -> LoggedSizes | None:
    """Return the layer sizes of a checkpoint with `psize` parameters as the log of its run names them.

    The log of ``<run>_nnet_running.mat`` is ``<run>.txt`` beside it; the last run in it whose sizes fit counts. None
    if there is no such log or run.
    """
    named = re.fullmatch(r"(.+)_nnet_(?:running|epoch\d+)", Path(path).stem)
    log = Path(path).with_name(f"{named[1]}.txt") if named else None
    if log is None or not log.is_file():
        return None
    try:
        runs = read_log(log)
    except ArgumentError:
        return None
    for run in reversed(runs):
        sizes = run.constants.get("layersizes")
        if isinstance(sizes, tuple) and len(sizes) > 1 and min(sizes) > 0 and num_parameters(sizes) == psize:
            return LoggedSizes(log.name, sizes)
    return None


def read_log(path: str | PathLike[str]) -> list[LoggedRun]:
    """Read the runs of a log file, in the file's order.

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
    """Return the runs in the text of a log.

    Lines may end in CR LF, LF or CR, and may begin with a time stamp. Unknown lines (messages on a copy of the
    screen, lines of a fork), a run cut off in its header and an epoch cut off before its last line are skipped. A log
    whose beginning is lost gives a run without constants.
    """
    lines = without_stamps(lines_of(text), list(_STARTS))
    starts = [i for i, line in enumerate(lines) if line.strip() == BANNER]
    body = _without_a_cut_epoch(lines[: starts[0]] if starts else lines)
    before = _run((), body, is_whole=False)
    runs = [before] if before.epochs.size else []
    for start, end in pairwise([*starts, len(lines)]):
        run = lines[start + 1 : end]
        at = next((i for i, line in enumerate(run) if line == CONSTANTS_END or SETTINGS_LINE.read(line.strip())), None)
        if at is not None and at < len(run) - 1:
            runs.append(_run(run[:at], run[at:], is_whole=True))
    return runs


_STARTS = {line.start: line.figures[0] for line in EPOCH_LINES}
"""How each line begins, and its first figure."""


def _run(header: Sequence[str], body: Sequence[str], *, is_whole: bool) -> LoggedRun:
    """Read a run; one that is not whole has lost its beginning."""
    total_time = next((found["total_time"] for line in body[:-1] if (found := TOTAL_TIME.read(line.strip()))), None)
    epochs = list(_read_epochs(body))
    finished = [each for each in epochs if each.is_finished]
    rows = [each.figures for each in finished]
    return LoggedRun(
        start_time=_start_time(_after(START_TIME, header)),
        description=_description(header),
        resume_from=_after(RESUMING, header),
        constants=dict(_constants(header)),
        epochs=np.array([_row(figures) for figures in rows], dtype=EPOCH_FIGURES),
        total_time=None if total_time is None else number(total_time),
        damage=tuple(_damage(finished if total_time is None else epochs, is_whole=is_whole)),
        figures=frozenset(name for figures in rows for name in figures),
        not_numbers=frozenset(
            (i, name) for i, figures in enumerate(rows) for name in figures if math.isnan(number(figures[name]))
        ),
        unfinished=_unfinished(epochs) if total_time is None else None,
    )


def _without_a_cut_epoch(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines without an epoch that has lost the line with its number, which was cut off."""
    for place, line in enumerate(map(str.strip, lines)):
        if SCORE_LINE.read(line):
            return lines
        if DIFFERENCE_LINE.read(line):
            return lines[place + 1 :]
    return lines


@dataclass(frozen=True)
class _Epoch:
    """The figures of an epoch, and its lines that begin like a known one but cannot be read, by their first figure."""

    figures: dict[str, str]
    unreadable: dict[str, str]
    is_finished: bool


def _read_epochs(lines: Sequence[str]) -> Iterator[_Epoch]:
    """Yield the epochs; one is finished by the error difference, or without test data by an empty line."""
    figures, unreadable = dict[str, str](), dict[str, str]()
    for line in map(str.strip, lines[:-1]):  # what follows the last line end was cut off
        found = next((read for known in EPOCH_LINES if (read := known.read(line))), None)
        figures |= found or {}
        start = next((start for start in _STARTS if line.startswith(start)), None) if found is None else None
        unreadable |= {} if start is None else {_STARTS[start]: line}
        if "error_difference" in figures or ("epoch" in figures and not line):
            yield _Epoch(figures, unreadable, True)
            figures, unreadable = {}, {}
    if figures:
        yield _Epoch(figures, unreadable, False)


def _unfinished(epochs: Sequence[_Epoch]) -> int | None:
    """Return the number of the epoch in which a run breaks off."""
    if not epochs or epochs[-1].is_finished:
        return None
    known = [_whole(each.figures.get("epoch", "")) for each in epochs]
    return known[-1] or (known[-2] if len(known) > 1 else 0) + 1


def _damage(epochs: Sequence[_Epoch], *, is_whole: bool) -> Iterator[Damage]:
    """Yield what is wrong with the lines of the epochs.

    A fork may reword or leave out a line in all epochs alike. The first epoch of a log whose beginning is lost is not
    looked at.
    """
    usual = {name for each in epochs for name in each.figures}
    epoch = 0
    for place, each in enumerate(epochs):
        epoch = _whole(each.figures.get("epoch", "")) or epoch + 1
        if place or is_whole:
            yield from _damaged_lines(each, epoch, usual, alone=len(epochs) == 1)
            yield from _damaged_counts(each.figures, epoch)


def _damaged_lines(epoch: _Epoch, which: int, usual: set[str], *, alone: bool) -> Iterator[Damage]:
    for line in EPOCH_LINES:
        first = line.figures[0]
        if first in epoch.figures:
            continue
        if first in epoch.unreadable and (first in usual or alone):
            yield Damage(which, f"'{line.words}'", f"'{epoch.unreadable[first][:80]}'")
        elif first in usual:
            yield Damage(which, f"'{line.words}'", "no such line")


def _damaged_counts(figures: Mapping[str, str], which: int) -> Iterator[Damage]:
    for name in sorted(set(COUNTS) & set(figures)):
        if not _is_count(figures[name]) and not (name == "max_cg_steps" and number(figures[name]) == math.inf):
            yield Damage(which, f"a whole number of {COUNTS[name]}", figures[name])
    used, total = (_whole(figures.get(name, "")) for name in ("cg_steps", "total_cg_steps"))
    if _is_count(figures.get("total_cg_steps", "nan")) and total < used:
        yield Damage(which, f"a total of at least {used} CG steps", figures["total_cg_steps"])


def _row(figures: Mapping[str, str]) -> tuple[Any, ...]:
    names = EPOCH_FIGURES.names or ()
    return tuple(_whole(figures.get(n, "")) if n in COUNTS else number(figures.get(n, "NaN")) for n in names)


def _whole(text: str) -> int:
    value = number(text) if text else 0.0
    return int(value) if math.isfinite(value) and value == int(value) and abs(value) < 2.0**53 else 0


def _is_count(text: str) -> bool:
    value = number(text)
    return 0 <= value < _MOST_COUNTED and value == int(value)


_MOST_COUNTED = 1e12
"""No run takes more CG steps than that."""


def _after(words: str, lines: Sequence[str]) -> str:
    return next((line.removeprefix(words) for line in lines if line.startswith(words)), "")


def _start_time(text: str) -> datetime | None:
    try:
        return read_time_stamp(text)
    except ValueError:
        return None


def _description(header: Sequence[str]) -> str:
    """Return all lines up to the header's next part: a description may have several."""
    start = next((i for i, line in enumerate(header) if line.startswith(DESCRIPTION)), len(header))
    ends = (RESUMING, CONSTANTS_TITLE)
    end = next((i for i in range(start, len(header)) if header[i].startswith(ends)), len(header))
    return "\n".join(header[start:end]).removeprefix(DESCRIPTION).rstrip("\n")


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
    if not re.fullmatch(NUMBER, text):
        return text
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 17 else number(text)
