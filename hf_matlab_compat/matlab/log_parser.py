"""Reads a text log back: MATLAB's own, or one of this package; the file or a copy of the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.text_log import BANNER, CONSTANTS_END, CONSTANTS_TITLE, read_time_stamp

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


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """One run of a log.

    Attributes
    ----------
    start_time : datetime
        When it began.
    description : str
        Free text about the run.
    resume_from : str
        The checkpoint it went on from, or an empty string.
    constants : mapping of str to int, float, str or tuple of int
        The header's constants by MATLAB's names; ``layersizes`` is a tuple.
    epochs : (k,) array of `EPOCH_FIGURES`
        Its finished epochs, in the order of the log.
    total_time : float or None
        Seconds; None where the run did not come to its end.
    """

    start_time: datetime
    description: str
    resume_from: str
    constants: Mapping[str, int | float | str | tuple[int, ...]]
    epochs: NDArray[np.void]
    total_time: float | None


def read_log(path: str | PathLike[str]) -> list[LoggedRun]:
    """The runs of a log file, in the file's order.

    Raises
    ------
    ArgumentError
        The file cannot be read, or no run is in it.
    """
    advice = "Give the <runName>.txt of a training run."
    try:
        text = Path(path).read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        reason = f"{str(path)!r} ({error.strerror})"
        raise ArgumentError("log", expected="a file that can be read", got=reason, advice=advice) from error
    runs = parse_log(text)
    if not runs:
        empty = f"{str(path)!r}, which holds none"
        raise ArgumentError("log", expected="the text log of a run", got=empty, advice=advice)
    return runs


def parse_log(text: str) -> list[LoggedRun]:
    """The runs in the text of a log.

    Lines may end in CR LF or LF. What the log does not know (messages on a copy of the screen) is passed
    over, and so are a run cut off in its header and an epoch cut off before its last line.
    """
    _before, *runs = re.split(rf"^{re.escape(BANNER)}$", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    headers = [(_HEADER.match(run), run) for run in runs]
    return [_run(header, run[header.end() :]) for header, run in headers if header]


_HEADER = re.compile(
    r"\s*Start time: (?P<start>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d)\n\n"
    r"Description: (?P<description>.*?)\n\n"
    r"(?:Resuming from file: (?P<resume_from>[^\n]*)\n\n)?"
    rf"{CONSTANTS_TITLE}\n-+\n\n(?P<constants>.*?)\n\n{CONSTANTS_END}\n",
    flags=re.DOTALL,
)


def _line(words: str) -> re.Pattern[str]:
    """A log line: `words`, in which each ``<field>`` stands for a figure."""
    figure = r"(?P<\1>[-+.\\w]+)"
    return re.compile(re.sub(r"<(\w+)>", figure, re.escape(words)))


_LINES = tuple(
    _line(words)
    for words in (
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
)
_TOTAL_TIME = re.compile(r"^Total time: (\S+)\n", flags=re.MULTILINE)


def _run(header: re.Match[str], body: str) -> LoggedRun:
    total = _TOTAL_TIME.search(body)
    epochs = [_row(figures) for figures in _finished_epochs(body)]
    return LoggedRun(
        start_time=read_time_stamp(header["start"]),
        description=header["description"],
        resume_from=header["resume_from"] or "",
        constants=dict(_constants(header["constants"])),
        epochs=np.array(epochs, dtype=EPOCH_FIGURES),
        total_time=float(total[1]) if total else None,
    )


def _finished_epochs(body: str) -> Iterator[dict[str, str]]:
    """The figures of each epoch that has its last line: the error difference, or without test data an empty one."""
    figures: dict[str, str] = {}
    for line in body.split("\n")[:-1]:  # what follows the last line end was cut off
        found = next((match for match in (known.fullmatch(line) for known in _LINES) if match), None)
        figures |= found.groupdict() if found else {}
        if "error_difference" in figures or ("epoch" in figures and not line):
            yield figures
            figures = {}


def _row(figures: Mapping[str, str]) -> tuple[Any, ...]:
    return tuple(int(figures.get(n, "0")) if n in _WHOLE else float(figures.get(n, "NaN")) for n in _NAMES)


_NAMES = EPOCH_FIGURES.names or ()
_WHOLE = {name for name in _NAMES if EPOCH_FIGURES[name].kind == "i"}


def _constants(text: str) -> Iterator[tuple[str, int | float | str | tuple[int, ...]]]:
    for line in text.split("\n"):
        name, _colon, value = line.partition(": ")
        if name == "layersizes":
            yield name, tuple(map(int, value.split()))
        elif name:
            yield name, _plain_value(value)


def _plain_value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
