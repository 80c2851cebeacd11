"""How far a comparison is, and how long it will take: a sentence a run, and now and then one within a long run."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from hf_matlab_compat.parity.certificate import Line

_SELDOM = 10.0
"""Seconds between two sentences within one run."""


class Progress:
    """Counts runs, and tells of each.

    Parameters
    ----------
    say : callable
        Gets sentences.
    runs : int
        How many there will be.
    """

    def __init__(self, say: Callable[[str], None], runs: int) -> None:
        self._say, self._runs = say, runs
        self._began = self._last = monotonic()
        self._run, self._part, self._about = 0, 0.0, ""

    def begin(self, about: str) -> None:
        """Another run."""
        self._run, self._part, self._about = self._run + 1, 0.0, about
        self.tell()

    def tell(self, more: str = "") -> None:
        """What is being done in this run."""
        self._last = monotonic()
        self._say(f"{self._run} of {self._runs}{self._left()}: {self._about}{more}")

    def part(self, done: int, of: int) -> None:
        """So many parts of this run are done; told of now and then."""
        self._part = done / of
        if monotonic() - self._last > _SELDOM:
            self.tell(f": how far rounding moves it, {done} of {of}")

    def judging(self, line: Line) -> None:
        """A line was judged; told of where it is the first of its run."""
        about = f"judging {line.case}, {line.precision}, {line.mode}"
        if about != self._about:
            self._run = self._run + 1 if self._about.startswith("judging ") else 1
            self._about = about
            self._say(f"{about} ({self._run} of {self._runs})")

    def _left(self) -> str:
        """As long as the runs so far took, for each of the others; nothing before it is known."""
        done = self._run - 1 + self._part
        if done <= 0:
            return ""
        left = (monotonic() - self._began) / done * (self._runs - done)
        return f", about {in_words(left)} left" if left >= 1 else ""


def in_words(seconds: float) -> str:
    """In the unit that a reader would take."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
