"""The base class of observers: it is told what happens in a run, and may stop the run or have a state kept."""

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
    """An observer returns this from `Observer.epoch` to stop the run after this epoch.

    Attributes
    ----------
    reason : str
        A sentence for the user; `Result.reason` shows it after the name of the observer.
    """

    reason: str


class Keep(Enum):
    """The one value `KEEP`."""

    KEEP = "keep"


KEEP = Keep.KEEP
"""An observer returns this from `Observer.epoch` to keep this state as `Result.best`, in place of the previous one."""


@dataclass(frozen=True)
class Kept:
    """An observer returns this from `Observer.epoch` to have a state of its own kept.

    Attributes
    ----------
    state : State
        With arrays of the host.
    name : {'best', 'average'}
        The attribute of the `Result` that holds it, in place of the previous one.
    """

    state: State
    name: str = "best"


Answer = Stop | Keep | Kept | bool | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """Facts about a run that are known before its first epoch.

    Attributes
    ----------
    name : str
        Stem of the files that the run writes; may contain a directory. Empty: nothing is written.
    description : str
        A line for the log.
    resume_from : str
        The checkpoint that the run continues from, or an empty string.
    sizes : tuple of int
        Units of every layer, inputs first; for a user's problem its number of parameters alone.
    options : Options
        All settings.
    num_cases : int
        Training cases; 0 if unknown.
    described : mapping
        These and more in plain values, for the sidecar of a checkpoint (`preflight.description`).
    kept : mapping of str to State
        Best and average state of the result that the run continues from, if it is no checkpoint.
    """

    name: str
    description: str
    resume_from: str
    sizes: tuple[int, ...]
    options: Options
    num_cases: int = 0
    described: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, State] = field(default_factory=dict)

    @property
    def cases(self) -> str:
        """The number of cases and of numbers in each, in words; empty if unknown."""
        return f"{self.num_cases} cases of {self.sizes[0]} numbers" if self.num_cases else ""


class Observer:
    """Base of all observers: each method does nothing unless it is overridden."""

    def begin(self, run: Run, state: State) -> Answer:
        """Prepare; the run is about to start its first epoch from `state`.

        Returns
        -------
        Stop, bool, KEEP, Kept or None
            As from `epoch`; a run that is stopped here runs no epoch.
        """

    def progress(self, stage: str, step: int, of: int) -> None:
        """Take note of progress inside an epoch.

        `stage` is 'gradient', 'cg', 'backtracking' or 'line search'; `of` is the largest possible `step`.
        """

    def epoch(self, report: Report, state: State) -> Answer:
        """Take note of an epoch that ended with `report` and `state`, whose arrays must not be changed.

        Returns
        -------
        Stop, bool, KEEP, Kept or None
            `Stop` (or True) stops the run here, `KEEP` keeps the state as the best so far; None does nothing.
        """

    def stopped(self, reason: str) -> None:
        """Take note that an observer stopped the run, and why; called before `end`."""

    def end(self, outcome: Outcome, state: State) -> None:
        """Take note of the end of the run."""

    def close(self) -> None:
        """Close files and give the terminal back; called however the run ended."""


def checked_answer(name: str, answer: Any) -> Answer:
    """Return what an observer returned from the method of this name; True as a `Stop`.

    Raises
    ------
    OptionError
        It is nothing that an observer may return.
    """
    if answer is True or isinstance(answer, np.bool_):
        return Stop("") if answer else None
    if isinstance(answer, Stop) and not isinstance(answer.reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise OptionError("observers", expected=f"a Stop with a sentence from {name}", got=shown(answer.reason))
    if not isinstance(answer, Stop | Keep | Kept | bool | None):
        expected = f"Stop(reason), KEEP, True, False or None from {name}"
        raise OptionError("observers", expected=expected, got=shown(answer))
    return answer or None


def checked_observers(observers: Any) -> list[Observer]:
    """Return the user's observers as a list; empty for None.

    Raises
    ------
    OptionError
        One of them is no `Observer`.
    """
    given = [] if observers is None else observers
    if not isinstance(given, list | tuple):
        raise OptionError("observers", expected="a list of observers", got=repr(given))
    for one in given:
        if not isinstance(one, Observer):
            advice = "Derive its class from observers.observer.Observer."
            raise OptionError("observers", expected="a list of observers", got=f"a list with {one!r}", advice=advice)
    return list(given)
