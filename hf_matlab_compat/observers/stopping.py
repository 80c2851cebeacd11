"""Rules that end a run early. Each is an observer; most depend on the state alone.

A rule that depends on the state stops a resumed run at the same epoch as one that was never interrupted, and a run
that it has stopped runs no further epoch when resumed. `ConsecutiveWorse` and `Rejected` count the reports of one call.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.kinds import check, word
from hf_matlab_compat.observers.observer import Answer, Observer, Run, Stop
from hf_matlab_compat.state import Records, Report, State

MONITORS: Mapping[str, int] = {"log_likelihood": 1, "error": -1}
"""Held-out figures that can be monitored, and the sign that makes larger values better."""


def goodness(records: Records, monitor: str) -> NDArray[np.float64]:
    """Return the monitored held-out figure of every epoch, with the sign that makes larger values better."""
    return MONITORS[monitor] * getattr(records, monitor)[:, 1]


def best_epoch(records: Records, monitor: str) -> int:
    """Return the first epoch whose monitored figure no epoch exceeds, 0 where no epoch has a figure."""
    figures = goodness(records, monitor)
    return 0 if np.isnan(figures).all() else int(np.nanargmax(figures)) + 1


class OfState(Observer):
    """Base of the rules that depend on the state alone, so that a run that was stopped does not go on when resumed."""

    def begin(self, run: Run, state: State) -> Answer:
        """Judge the state that the run continues from."""
        return self.judge(state) if state.epoch else None

    def epoch(self, report: Report, state: State) -> Answer:
        """Judge the state after this epoch."""
        return self.judge(state)

    def judge(self, state: State) -> Stop | None:
        """Return a `Stop` if the run is to end with this state."""
        raise NotImplementedError


class Monitoring(Observer):
    """Base of the observers that look at a held-out figure.

    Parameters
    ----------
    monitor : {'log_likelihood', 'error'}
        The figure, on the test cases.

    Raises
    ------
    OptionError
        `monitor` is another word.
    """

    needs_test_cases = True

    def __init__(self, monitor: str = "log_likelihood") -> None:
        check(word(*MONITORS), monitor=monitor)
        self.monitor = monitor


class Patience(OfState, Monitoring):
    """Stops when the monitored figure has not improved for a number of epochs.

    The log-likelihood shows overfitting long before the error does, and Hessian-free starts slowly: on digits a
    patience of 5 epochs on the error stops far too soon (docs/toolbox.md).

    Parameters
    ----------
    patience : int
        Epochs since the best one, strictly better than all before it, after which the run stops.
    monitor : {'log_likelihood', 'error'}
        As in `Monitoring`.

    Raises
    ------
    OptionError
        `patience` is no whole number of at least 1.
    """

    def __init__(self, patience: int = 10, monitor: str = "log_likelihood") -> None:
        super().__init__(monitor)
        self.patience = _count("patience", patience)

    def judge(self, state: State) -> Stop | None:
        """Stop `patience` epochs after the best one."""
        best = best_epoch(state.records, self.monitor)
        if state.epoch - best < self.patience:
            return None
        return Stop(f"no better {_words(self.monitor)} of the test cases since epoch {best}")


class Bar(OfState, Monitoring):
    """Stops at a given epoch if the monitored figure is worse than a bar.

    Parameters
    ----------
    bars : mapping of int to float
        Epoch → the worst figure that lets the run go on.
    monitor : {'log_likelihood', 'error'}
        As in `Monitoring`.

    Raises
    ------
    OptionError
        `bars` is no such mapping, or `monitor` another word.
    """

    def __init__(self, bars: Mapping[int, float], monitor: str = "error") -> None:
        super().__init__(monitor)
        self.bars = _bars(bars)

    def judge(self, state: State) -> Stop | None:
        """Compare the figure of this epoch with its bar, if it has one."""
        bar, found = self.bars.get(state.epoch), getattr(state.records, self.monitor)[-1, 1]
        if bar is None or MONITORS[self.monitor] * (found - bar) >= 0:
            return None
        return Stop(f"{_words(self.monitor)} {found:g} of the test cases, where {bar:g} was asked for")


class MedianImprovement(Bar):
    """Stops at a given epoch if the median improvement of the monitored figure per epoch is below a bar.

    Parameters
    ----------
    bars : mapping of int to float
        Epoch → the least median of the improvements of all epochs so far.
    monitor : {'log_likelihood', 'error'}
        As in `Monitoring`.

    Raises
    ------
    OptionError
        `bars` is no such mapping, or `monitor` another word.
    """

    def judge(self, state: State) -> Stop | None:
        """Compare the median improvement until this epoch with its bar, if it has one."""
        bar, figures = self.bars.get(state.epoch), goodness(state.records, self.monitor)
        if bar is None or len(figures) < 2:
            return None
        median = float(np.median(np.diff(figures)))
        if median >= bar:
            return None
        return Stop(f"median improvement {median:g} of the {_words(self.monitor)}, where {bar:g} was asked for")


class ConsecutiveWorse(Observer):
    """Stops when the target chunk got worse (rho = -inf) in several epochs in a row, early in the run.

    Parameters
    ----------
    count : int
        Epochs in a row.
    within : int
        The last epoch that counts.

    Raises
    ------
    OptionError
        One is no whole number of at least 1.
    """

    def __init__(self, count: int = 3, within: int = 5) -> None:
        self.count, self.within, self._in_a_row = _count("count", count), _count("within", within), 0

    def begin(self, run: Run, state: State) -> None:
        """Start to count."""
        self._in_a_row = 0

    def epoch(self, report: Report, state: State) -> Stop | None:
        """Count this epoch."""
        worse = report.figures.get("rho") == -math.inf and report.epoch <= self.within
        self._in_a_row = self._in_a_row + 1 if worse else 0
        return Stop(f"rho was -inf in {self._in_a_row} epochs in a row") if self._in_a_row >= self.count else None


class Rejected(Observer):
    """Stops when the line search has rejected a number of steps.

    Parameters
    ----------
    count : int
        Rejected steps of this call.

    Raises
    ------
    OptionError
        It is no whole number of at least 1.
    """

    def __init__(self, count: int) -> None:
        self.count, self._rejected = _count("count", count), 0

    def begin(self, run: Run, state: State) -> None:
        """Start to count."""
        self._rejected = 0

    def epoch(self, report: Report, state: State) -> Stop | None:
        """Count this epoch."""
        self._rejected += report.figures.get("rate") == 0
        return Stop(f"{self._rejected} steps were rejected") if self._rejected >= self.count else None


class CGBudget(OfState):
    """Stops when the whole run has used a number of CG steps.

    Parameters
    ----------
    steps : int
        CG steps, those before a resume included.

    Raises
    ------
    OptionError
        It is no whole number of at least 1.
    """

    def __init__(self, steps: int) -> None:
        self.steps = _count("steps", steps)

    def judge(self, state: State) -> Stop | None:
        """Compare the steps so far with the budget."""
        used = state.memory.get("total_cg_steps", 0)
        return Stop(f"{used} CG steps, of a budget of {self.steps}") if used >= self.steps else None


class TimeLimit(OfState):
    """Stops when the epochs of the whole run have taken a time.

    Parameters
    ----------
    seconds : float
        Wall-clock seconds, those before a resume included.

    Raises
    ------
    OptionError
        It is no number above 0.
    """

    def __init__(self, seconds: float) -> None:
        if not isinstance(seconds, int | float) or not seconds > 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise OptionError("seconds", expected="a number above 0", got=quoted(seconds))
        self.seconds = seconds

    def judge(self, state: State) -> Stop | None:
        """Compare the seconds so far with the limit."""
        used = float(state.records.seconds.sum())
        return Stop(f"{used:.1f} seconds, of a limit of {self.seconds:g}") if used >= self.seconds else None


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise OptionError(name, expected="a whole number of at least 1", got=quoted(value))
    return int(value)


def _bars(bars: object) -> dict[int, float]:
    given = cast("Mapping[object, object]", bars) if isinstance(bars, Mapping) else {}
    right = all(isinstance(k, int) and isinstance(v, int | float) for k, v in given.items())
    if not given or not right:
        raise OptionError("bars", expected="epochs and figures, such as {5: 0.3}", got=repr(bars))
    return cast("dict[int, float]", dict(given))


def _words(monitor: str) -> str:
    return monitor.replace("_", "-")
