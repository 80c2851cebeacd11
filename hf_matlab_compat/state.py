"""State (what the next epoch starts from) and Report (what one epoch did): plain values.

Vectors are one-dimensional, of length P (the number of parameters), in working precision and on the
device of the backend. Everything else is an ordinary Python or host numpy value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = Any
"""A vector of the backend in use: numpy.ndarray or cupy.ndarray, shape (P,)."""


class CGStop(Enum):
    """Why conjugate gradients stopped; the value is the sentence the user sees."""

    CONVERGED = "the quadratic model no longer improves"
    MAX_STEPS = "the largest number of CG steps was reached"
    NEGATIVE_CURVATURE = "negative curvature"
    EXACT = "the residual is exactly zero"
    NOT_FINITE = "a curvature product is not finite"


class Outcome(Enum):
    """Why a training run ended; the value is the sentence the user sees."""

    FINISHED = "all epochs were run"
    NOTHING_TO_DO = "the last epoch had been reached before; nothing was run"
    FAILED = "broken off by an error"
    STALLED = "no step improves the likelihood at this precision; training has converged"
    INTERRUPTED = "interrupted by Ctrl-C; the unfinished epoch was dropped"
    TERMINATED = "terminated by SIGTERM; the unfinished epoch was dropped"
    HUNG_UP = "ended by SIGHUP, as the terminal was closed; the unfinished epoch was dropped"


@dataclass(frozen=True, kw_only=True)
class Score:
    """What the model makes of some cases.

    Attributes
    ----------
    log_likelihood : float
        Mean over the cases, less the weight decay. Larger is better.
    error : float
        The second, reported figure (`Options.error_measure`), mean over the cases.
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
    cg_steps, total_cg_steps : int
        CG steps of this epoch (after a bail-out: the number of the failed step) and of the whole run.
    cg_stop : CGStop
        Why conjugate gradients stopped.
    d_norm : float
        Euclidean norm of the last CG iterate.
    chosen_step : int
        The CG step whose iterate backtracking chose.
    old_log_likelihood, old_log_likelihood_chunk : float
        Before the step: on all training cases, on the target chunk.
    log_likelihood_chunk : float
        On the target chunk after the full step p, before the line search.
    predicted_change : float
        Denominator of rho: minus the increase of log-likelihood that the undamped quadratic model predicts.
    rho : float
        Reduction ratio; -inf where the chunk got worse, nan for a step of zero.
    reductions : float
        How often the line search shortened the step; inf when it gave up.
    rate : float
        Step length, 1 for the full step, 0 when the step was rejected.
    lam : float
        Damping for the next epoch.
    train, test : Score
        After the step, on all training cases and on the test cases (None without test data).
    seconds : float
        Wall-clock duration of the epoch.
    """

    epoch: int
    cg_steps: int
    total_cg_steps: int
    cg_stop: CGStop
    d_norm: float
    chosen_step: int
    old_log_likelihood: float
    old_log_likelihood_chunk: float
    log_likelihood_chunk: float
    predicted_change: float
    rho: float
    reductions: float
    rate: float
    lam: float
    train: Score
    test: Score | None
    seconds: float


def _no_pairs() -> NDArray[np.float64]:
    return np.zeros((0, 2))


def _none() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True, kw_only=True)
class Records:
    """The figures of all epochs so far, epoch k in row k-1.

    Attributes
    ----------
    log_likelihood, error : (k, 2) float64 arrays
        Training cases, test cases (nan without test data).
    lam, seconds : (k,) float64 arrays
        Damping after the epoch; duration.
    """

    log_likelihood: NDArray[np.float64] = field(default_factory=_no_pairs)
    error: NDArray[np.float64] = field(default_factory=_no_pairs)
    lam: NDArray[np.float64] = field(default_factory=_none)
    seconds: NDArray[np.float64] = field(default_factory=_none)

    def extended(self, report: Report) -> Records:
        """These records and one more epoch."""
        test = report.test or Score(log_likelihood=np.nan, error=np.nan)
        return Records(
            log_likelihood=np.vstack([self.log_likelihood, [report.train.log_likelihood, test.log_likelihood]]),
            error=np.vstack([self.error, [report.train.error, test.error]]),
            lam=np.append(self.lam, report.lam),
            seconds=np.append(self.seconds, report.seconds),
        )


@dataclass(frozen=True, kw_only=True)
class State:
    """All that the next epoch needs and a checkpoint keeps.

    Attributes
    ----------
    theta : (P,) vector
        Parameters.
    d : (P,) vector
        Last CG iterate, from which the next CG run starts after decay.
    lam : float
        Damping λ.
    epoch : int
        Finished epochs.
    total_cg_steps : int
        CG steps of the whole run.
    records : Records
        Figures of the finished epochs.
    """

    theta: Vector
    d: Vector
    lam: float
    epoch: int = 0
    total_cg_steps: int = 0
    records: Records = field(default_factory=Records)

    def after(self, report: Report, *, theta: Vector, d: Vector) -> State:
        """The state that this epoch leaves behind."""
        return replace(
            self,
            theta=theta,
            d=d,
            lam=report.lam,
            epoch=report.epoch,
            total_cg_steps=report.total_cg_steps,
            records=self.records.extended(report),
        )
