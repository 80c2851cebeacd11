"""Backtracking line search along the chosen step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.solvers.rules import Step
from hf_matlab_compat.state import Score, Watch


@dataclass(frozen=True, kw_only=True)
class Armijo:
    """Shorten α until ll(θ + α p) ≥ ll(θ) + c α gᵀp.

    Attributes
    ----------
    c : float
        Sufficient-increase constant.
    factor : float
        Factor on α at each reduction.
    max_reductions : int
        The step is rejected after this number of reductions.
    rescore_rejected : bool
        After a rejected step report the error of the parameters kept. The original reports that of the last length
        tried.
    """

    c: float = 1e-2
    factor: float = 0.8
    max_reductions: int = 60
    rescore_rejected: bool = False

    def search(
        self, score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, watch: Watch
    ) -> Step:
        """See `LineSearch.search`. Where `before` is a numpy single, so is the comparison, as in MATLAB."""
        watch("line search", 0, self.max_reductions)
        rate, reductions, score = 1.0, 0, full_step
        while reductions < self.max_reductions and not (
            score.log_likelihood >= before + self.c * rate * slope
        ):  # `not ≥` rather than `<`: a NaN is shortened too
            rate *= self.factor
            reductions += 1
            score = score_at(rate)
        if reductions < self.max_reductions:
            return Step(rate, reductions, score)
        kept = score_at(0.0) if self.rescore_rejected else Score(log_likelihood=float(before), error=score.error)
        return Step(0.0, math.inf, kept)


@dataclass(frozen=True)
class FullStep:
    """Take the whole step where it raises the log-likelihood, and none where it does not."""

    def search(
        self, score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, watch: Watch
    ) -> Step:
        """See `LineSearch.search`."""
        if full_step.log_likelihood >= before:
            return Step(1.0, 0, full_step)
        return Step(0.0, math.inf, score_at(0.0))
