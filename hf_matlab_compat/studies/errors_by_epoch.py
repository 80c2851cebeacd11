"""A run whose errors are noted after every epoch, for studies that compare starts or methods."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hf_matlab_compat.errors import NonFiniteError
from hf_matlab_compat.observers.observer import Answer, Observer
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Report, State
from hf_matlab_compat.training import train

Tell = Callable[[str], None]


@dataclass
class Errors:
    """Errors of a run; entry k belongs to epoch k + 1.

    Attributes
    ----------
    train, test : list of float
        Squared error per case, or share misclassified; nan without test cases.
    seconds : float
        CPU time of the process.
    failed : str
        Why the run ended before its time; empty if it did not.
    """

    train: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: str = ""

    def after(self, epoch: int) -> float:
        """Return the training error after an epoch; infinite if the run did not come so far."""
        return self.train[epoch - 1] if len(self.train) >= epoch else math.inf


class _Notes(Observer):
    def __init__(self, errors: Errors, tell: Tell) -> None:
        self._errors, self._tell, self._told = errors, tell, 0.0

    def epoch(self, report: Report, state: State) -> Answer:
        self._errors.train.append(float(report.train.error))
        self._errors.test.append(float(report.test.error) if report.test else math.nan)
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self._tell(f"epoch {report.epoch:5}: error {report.train.error:.4g}")
        return None


def train_noting(errors: Errors, tell: Tell, **given: Any) -> Result | None:
    """Train on one thread, adding to `errors`, and return the result; None if the run failed, which `errors` says.

    Parameters
    ----------
    errors : Errors
        Also of the epochs before, where a run goes on.
    tell : callable
        Called with a line once a second, after an epoch.
    **given
        Keywords of `train`.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; the errors of a run that was broken off are not to be used.
    """
    began = time.process_time()
    try:
        result = train(**{"num_threads": 1, **given, "observers": [_Notes(errors, tell)]})
    except NonFiniteError:
        errors.failed = f"not finite in epoch {len(errors.train) + 1}"
        return None
    finally:
        errors.seconds += time.process_time() - began
    if result.interrupted:
        raise KeyboardInterrupt
    return result
