"""Backtracking line search along the chosen step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.kinds import BETWEEN_0_AND_1, FLAG, FROM_0_TO_1, check_settings, whole
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.rules import Step
from hf_matlab_compat.state import Score, Watch


@dataclass(frozen=True, kw_only=True)
class Armijo:
    """Shorten α until ll(θ + α p) ≥ ll(θ) + c α gᵀp.

    Attributes
    ----------
    c : float
        Constant of the sufficient-increase condition.
    factor : float
        Factor on α at each reduction.
    max_reductions : int
        The step is rejected after this number of reductions.
    rescore_rejected : bool
        After a rejected step report the error at the parameters that are kept. MATLAB reports the error at the last
        length tried.
    """

    c: float = Options.line_search_c
    factor: float = Options.line_search_factor
    max_reductions: int = Options.max_reductions
    rescore_rejected: bool = False

    def __post_init__(self) -> None:
        check_settings(self, c=FROM_0_TO_1, factor=BETWEEN_0_AND_1, max_reductions=whole(1), rescore_rejected=FLAG)

    def search(
        self, score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, watch: Watch
    ) -> Step:
        """See `LineSearch.search`. It compares in single precision if `before` is a numpy single, as in MATLAB."""
        watch("line search", 0, self.max_reductions)
        rate, reductions, score = 1.0, 0, full_step
        while reductions < self.max_reductions and not (
            score.log_likelihood >= before + self.c * rate * slope
        ):  # `not ≥` instead of `<`, so that a NaN shortens the step too
            rate *= self.factor
            reductions += 1
            score = score_at(rate)
        if reductions < self.max_reductions:
            return Step(rate, reductions, score)
        kept = score_at(0.0) if self.rescore_rejected else Score(log_likelihood=float(before), error=score.error)
        return Step(0.0, math.inf, kept)


@dataclass(frozen=True)
class FullStep:
    """Take the full step if it does not lower the log-likelihood, otherwise no step."""

    def search(
        self, score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, watch: Watch
    ) -> Step:
        """See `LineSearch.search`."""
        if full_step.log_likelihood >= before:
            return Step(1.0, 0, full_step)
        return Step(0.0, math.inf, score_at(0.0))
