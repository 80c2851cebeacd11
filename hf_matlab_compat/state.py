"""State (where the next epoch starts) and Report (what happened in one epoch): plain values.

Vectors are one-dimensional, of length P (the number of parameters), in working precision and on the device of the
backend. Everything else is an ordinary Python value or a numpy array on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector

Watch = Callable[[str, int, int], None]
"""(stage, step, largest step): progress inside an epoch."""

Memory = Mapping[str, Any]
"""Values that a method keeps from one epoch to the next: name → (P,) vector of the backend, other array, or number."""


class Outcome(Enum):
    """The reason why a training run ended; the value is the sentence that the user sees."""

    FINISHED = "all epochs were run"
    NOTHING_TO_DO = "the last epoch had been reached before; nothing was run"
    FAILED = "broken off by an error"
    STALLED = "no step improves the likelihood at this precision; training has converged"
    STOPPED = "stopped by an observer"
    INTERRUPTED = "interrupted by Ctrl-C; the unfinished epoch was dropped"
    TERMINATED = "terminated by SIGTERM; the unfinished epoch was dropped"
    UNKNOWN = "not known: this is a checkpoint of the run"
    HUNG_UP = "ended by SIGHUP, as the terminal was closed; the unfinished epoch was dropped"


@dataclass(frozen=True, kw_only=True)
class Score:
    """Figures of the model on some cases.

    Attributes
    ----------
    log_likelihood : float
        Mean over the cases, minus the weight decay. Larger is better.
    error : float
        The second figure (`Options.error_measure`), mean over the cases; reported, not optimised.
    """

    log_likelihood: float
    error: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """One finished epoch.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    train, test : Score
        After the step, on all training cases and on the test cases (None without test data).
    seconds : float
        Duration of the epoch.
    figures : mapping of str to object
        What the method reports (`hessian_free.FIGURES` describes the figures of Hessian-free). They are attributes
        too: ``report.rho`` is ``report.figures["rho"]``.
    """

    epoch: int
    train: Score
    test: Score | None
    seconds: float
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __getattr__(self, name: str) -> Any:
        return _named(self, "figures", name)

    def having(self, **figures: Any) -> Report:
        """Return the same report with some figures replaced."""
        return replace(self, figures={**self.figures, **figures})


@dataclass(frozen=True, kw_only=True)
class Records:
    """The figures of all epochs so far, epoch k in row k-1.

    Attributes
    ----------
    log_likelihood, error : (k, 2) float64 arrays
        Columns: training cases, test cases (nan without test data).
    lam, seconds : (k,) float64 arrays
        λ after the epoch (nan for a method without λ); duration of the epoch.
    """

    log_likelihood: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    error: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    lam: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    seconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def extended(self, report: Report) -> Records:
        """Return these records with one more epoch."""
        test = report.test or Score(log_likelihood=np.nan, error=np.nan)
        return Records(
            log_likelihood=np.vstack([self.log_likelihood, [report.train.log_likelihood, test.log_likelihood]]),
            error=np.vstack([self.error, [report.train.error, test.error]]),
            lam=np.append(self.lam, report.figures.get("lam", np.nan)),
            seconds=np.append(self.seconds, report.seconds),
        )


@dataclass(frozen=True, kw_only=True)
class State:
    """All that the next epoch needs and a checkpoint keeps.

    Attributes
    ----------
    theta : (P,) vector
        Parameters.
    memory : mapping of str to object
        The memory of the method. Hessian-free: ``d`` (the last CG iterate; times `start_decay` it starts the next CG
        run), ``lam`` (λ) and ``total_cg_steps``. Entries are attributes too: ``state.lam``.
    epoch : int
        Number of finished epochs.
    records : Records
        Figures of the finished epochs.
    """

    theta: Vector
    memory: Memory = field(default_factory=dict[str, Any])
    epoch: int = 0
    records: Records = field(default_factory=Records)

    def __getattr__(self, name: str) -> Any:
        return _named(self, "memory", name)

    def remembering(self, **memory: Any) -> State:
        """Return the same state with some entries of the memory replaced."""
        return replace(self, memory={**self.memory, **memory})

    def mapped(self, change: Callable[[Vector], Vector]) -> State:
        """Return the same state with `change` applied to θ and to every array of the memory."""
        memory = {name: change(value) if is_array(value) else value for name, value in self.memory.items()}
        return replace(self, theta=change(self.theta), memory=memory)

    def in_precision(self, kind: Any) -> State:
        """Return the same state in another precision: θ, and the arrays of the memory that have its dtype."""
        before = self.theta.dtype
        return self.mapped(lambda array: array.astype(kind, copy=False) if array.dtype == before else array)

    def after(self, report: Report, theta: Vector, memory: Memory) -> State:
        """Return the state after this epoch."""
        return State(theta=theta, memory=memory, epoch=report.epoch, records=self.records.extended(report))


def hessian_free_state(
    theta: Vector, d: Vector, lam: float, epoch: int = 0, total_cg_steps: int = 0, records: Records | None = None
) -> State:
    """Return a state of Hessian-free optimisation; see `State`."""
    memory = {"d": d, "lam": lam, "total_cg_steps": total_cg_steps}
    return State(theta=theta, memory=memory, epoch=epoch, records=records or Records())


def is_array(value: Any) -> bool:
    """Return whether a value is an array of a backend; numpy's scalars are none."""
    return hasattr(value, "ndim") and not isinstance(value, np.generic)


def _named(owner: Any, mapping: str, name: str) -> Any:
    # return an entry of the owner's mapping, for attribute access, except names that Python itself looks up
    if name != mapping and not name.startswith("__"):
        entries = getattr(owner, mapping)
        if name in entries:
            return entries[name]
    raise AttributeError(f"{type(owner).__name__} has no {name!r}")
