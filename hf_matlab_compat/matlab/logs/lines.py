"""The lines of MATLAB's text log, in one table: the writer, the parser, the audit and the parity check all read it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.logs.num2str import num2str

BANNER = "==================== New Run ===================="
START_TIME, DESCRIPTION, RESUMING = "Start time: ", "Description: ", "Resuming from file: "
CONSTANTS_TITLE = "Initial constant values:"
CONSTANTS_RULE = "-" * 24
CONSTANTS_END = "=" * 49

NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[Ii]nf|[Nn]a[Nn]|1\.#[A-Z]+\d*)"
"""A printed number, in the words of Octave, MATLAB or an old Windows program."""

_WORDS = {"1.#INF": math.inf, "-1.#INF": -math.inf}
"""Infinities as old Windows programs print them; their other words (1.#IND, 1.#QNAN) mean NaN."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class LogLine:
    """A line of the log: its words and its figures.

    Attributes
    ----------
    words : str
        The line, with ``<name>`` for each figure. Figures are printed by `num2str`. The line is printed if all of
        its figures are known: without test data there are no test figures, and a method other than Hessian-free
        reports fewer.
    rounded : bool
        Whether rounding may move its figures between two programs that agree. The figures of other lines are counts,
        or follow from decisions.
    """

    words: str
    rounded: bool = False

    @cached_property
    def figures(self) -> tuple[str, ...]:
        """Names of its figures, in order."""
        return tuple(re.findall(r"<(\w+)>", self.words))

    @cached_property
    def start(self) -> str:
        """The words before the first figure."""
        return self.words.partition("<")[0].strip()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        spaced = re.escape(self.words).replace(r"\ ", " +")
        return re.compile(re.sub(r"<(\w+)>", lambda field: f"(?P<{field[1]}>{NUMBER})", spaced))

    def written(self, figures: Mapping[str, Any]) -> str:
        """Return the line with these figures."""
        return re.sub(r"<(\w+)>", lambda field: num2str(figures[field[1]]), self.words)

    def read(self, line: str, *, whole: bool = True) -> dict[str, str] | None:
        """Return the figures of a line as printed, or None if it is another line; unless `whole`, words may follow."""
        match = (self._pattern.fullmatch if whole else self._pattern.match)(line)
        return match.groupdict() if match else None


EPOCH_LINES = (
    LogLine("maxiters = <max_cg_steps>; miniters = <min_cg_steps>"),
    LogLine("CG steps used: <cg_steps>, total is: <total_cg_steps>"),
    LogLine("ch magnitude : <d_norm>", rounded=True),
    LogLine("Chose iters : <chosen_step>"),
    LogLine("rho = <rho>", rounded=True),
    LogLine("Number of reductions : <reductions>, chosen rate: <rate>"),
    LogLine("New lambda: <lam>"),
    LogLine("epoch: <epoch>, Log likelihood: <log_likelihood>, error rate: <error>", rounded=True),
    LogLine("TEST Log likelihood: <test_log_likelihood>, error rate: <test_error>", rounded=True),
    LogLine("Error rate difference (test - train): <error_difference>", rounded=True),
)
"""The lines of an epoch, in order; an empty line ends it."""

SETTINGS_LINE, SCORE_LINE, TEST_LINE, DIFFERENCE_LINE = EPOCH_LINES[0], *EPOCH_LINES[7:]

METHOD_LINES = EPOCH_LINES[1:7]
"""Those whose figures the method reports."""

TOTAL_TIME = LogLine("Total time: <total_time>")
"""The last line of a run that came to its end, in seconds."""

COUNTS: Mapping[str, str] = {
    "epoch": "epochs",
    "max_cg_steps": "CG steps (maxiters)",
    "min_cg_steps": "CG steps (miniters)",
    "cg_steps": "CG steps",
    "total_cg_steps": "CG steps in total",
    "chosen_step": "CG steps (the chosen iterate)",
}
"""Figures that are whole numbers, and what they count."""

EPOCH_FIGURES = np.dtype(
    [
        (name, np.int64 if name in COUNTS else np.float64)
        for name in dict.fromkeys(("epoch", *(name for line in EPOCH_LINES for name in line.figures)))
    ]
)
"""One epoch as logged, under the names of `state.Report`; nan (0 for a count) where the log does not say."""


def number(text: str) -> float:
    """Return the number that a log prints as `text`, which `NUMBER` matches."""
    return _WORDS.get(text.lstrip("+"), math.nan) if "#" in text else float(text)


def time_stamp(moment: datetime) -> str:
    """Return the moment as ``dd-mmm-yyyy HH:MM:SS``, with English months in every locale."""
    return f"{moment.day:02d}-{_MONTHS[moment.month - 1]}-{moment.year:04d} {moment:%H:%M:%S}"


def read_time_stamp(text: str) -> datetime:
    """Return the moment that `time_stamp` wrote.

    Raises
    ------
    ValueError
        The text is no such time stamp.
    """
    day, month, rest = text.strip().split("-", 2)
    year, clock = rest.split(" ")
    hour, minute, second = map(int, clock.split(":"))
    try:
        return datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second)
    except OverflowError as error:
        raise ValueError(f"expected a moment of the calendar, got {text.strip()!r}") from error
