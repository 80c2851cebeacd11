"""A display that may fail: a closed pipe or a full disk must not end a training run."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from hf_matlab_compat.errors import DisplayWarning
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.state import Outcome, Report, State

_UNWRITABLE = (OSError, ValueError)  # ValueError: the stream is closed, or cannot encode a character


class Dispensable(Observer):
    """Passes every event on to a display until the display cannot be written; then the run continues without it.

    Parameters
    ----------
    display : Observer

    Warns
    -----
    DisplayWarning
        Once, when the display fails.
    """

    def __init__(self, display: Observer) -> None:
        self._display: Observer | None = display

    def begin(self, run: Run, state: State) -> None:
        """See `Observer.begin`."""
        self._hand_on(lambda display: display.begin(run, state))

    def progress(self, stage: str, step: int, of: int) -> None:
        """See `Observer.progress`."""
        self._hand_on(lambda display: display.progress(stage, step, of))

    def epoch(self, report: Report, state: State) -> None:
        """See `Observer.epoch`."""
        self._hand_on(lambda display: display.epoch(report, state))

    def end(self, outcome: Outcome, state: State) -> None:
        """See `Observer.end`."""
        self._hand_on(lambda display: display.end(outcome, state))

    def close(self) -> None:
        """See `Observer.close`."""
        self._hand_on(lambda display: display.close())

    def _hand_on(self, event: Callable[[Observer], object]) -> None:
        if self._display is None:
            return
        try:
            event(self._display)
        except _UNWRITABLE as error:
            self._give_up(self._display, error)

    def _give_up(self, display: Observer, error: OSError | ValueError) -> None:
        self._display = None
        try:
            display.close()
        except _UNWRITABLE as again:  # the terminal that it would restore is gone as well
            error = again
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        warnings.warn(f"The screen cannot be written ({reason}); the run continues without it.", DisplayWarning, 2)
