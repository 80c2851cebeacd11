"""What watches a run: it is told what happened and changes nothing about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Outcome, Report, State


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is known of a run before its first epoch.

    Attributes
    ----------
    name : str
        Stem of the files that the run writes; may contain a directory. Empty: nothing is written.
    description : str
        A line for the log.
    resume_from : str
        The checkpoint the run goes on from, or an empty string.
    sizes : tuple of int
        Units of every layer, inputs first.
    options : Options
        All settings.
    num_cases : int
        Training cases; 0 where it is not told.
    described : mapping
        The same and more in plain values, for the file beside a checkpoint (`preflight.description`).
    """

    name: str
    description: str
    resume_from: str
    sizes: tuple[int, ...]
    options: Options
    num_cases: int = 0
    described: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cases(self) -> str:
        """How many cases of how many numbers, in words; empty where it is not told."""
        return f"{self.num_cases} cases of {self.sizes[0]} numbers" if self.num_cases else ""


class Observer:
    """Base of all observers: every event does nothing until it is overridden."""

    def begin(self, run: Run, state: State) -> None:
        """The run is about to do its first epoch from `state`."""

    def progress(self, stage: str, step: int, of: int) -> None:
        """Inside an epoch: `stage` ('gradient', 'cg', 'backtracking', 'line search') is at `step` of at most `of`."""

    def epoch(self, report: Report, state: State) -> None:
        """An epoch ended with `report` and left `state`."""

    def end(self, outcome: Outcome, state: State) -> None:
        """The run is over."""

    def close(self) -> None:
        """Give back files and the terminal; called however the run ended."""


def checked_observers(observers: Any) -> list[Observer]:
    """The caller's observers as a list; None holds none.

    Raises
    ------
    OptionError
    """
    given = [] if observers is None else observers
    if not isinstance(given, list | tuple):
        raise OptionError("observers", expected="a list of observers", got=repr(given))
    for one in given:
        if not isinstance(one, Observer):
            advice = "Derive its class from observers.observer.Observer."
            raise OptionError("observers", expected="a list of observers", got=f"{one!r} in it", advice=advice)
    return list(given)
