"""What watches a run: it is told what happened, and may end the run or ask for a state to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from hf_matlab_compat.answers import shown
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Outcome, Report, State


@dataclass(frozen=True)
class Stop:
    """What an observer returns from `Observer.epoch` to end the run after this epoch.

    Attributes
    ----------
    reason : str
        A sentence for the user; `Result.reason` names the observer and says it.
    """

    reason: str


class Keep(Enum):
    """The one value `KEEP`."""

    KEEP = "keep"


KEEP = Keep.KEEP
"""What an observer returns from `Observer.epoch` to have this state kept as `Result.best`, in place of the last."""

Answer = Stop | Keep | bool | None


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
        Units of every layer, inputs first; for a problem that is no network of this package, its number of parameters
        alone.
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

    def epoch(self, report: Report, state: State) -> Answer:
        """An epoch ended with `report` and left `state`, whose arrays are the run's own and are not to be changed.

        Returns
        -------
        Stop, bool, KEEP or None
            `Stop` (or True) ends the run here, `KEEP` keeps the state as the best so far; None does nothing.
        """

    def end(self, outcome: Outcome, state: State) -> None:
        """The run is over."""

    def close(self) -> None:
        """Give back files and the terminal; called however the run ended."""


def checked_answer(observer: Observer, answer: Any) -> Answer:
    """What an observer returned from `Observer.epoch`; True as a `Stop`.

    Raises
    ------
    OptionError
        It is none of what an observer may return.
    """
    name = type(observer).__name__
    if answer is True or isinstance(answer, np.bool_):
        return Stop("") if answer else None
    if isinstance(answer, Stop) and not isinstance(answer.reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise OptionError("observers", expected=f"a Stop with a sentence from {name}.epoch", got=shown(answer.reason))
    if not isinstance(answer, Stop | Keep | bool | None):
        expected = f"Stop(reason), KEEP, True, False or None from {name}.epoch"
        raise OptionError("observers", expected=expected, got=shown(answer))
    return answer or None


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
