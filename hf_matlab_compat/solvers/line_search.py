"""Backtracking line search along the chosen step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Score


@dataclass(frozen=True)
class Step:
    """How far to go.

    Attributes
    ----------
    rate : float
        α; 0 when no length would do.
    reductions : float
        How often the length was reduced; inf when none would do.
    score : Score
        At θ + α p. After a rejected step the error is that of the last length tried.
    """

    rate: float
    reductions: float
    score: Score


def line_search(
    score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, options: Options
) -> Step:
    """Shorten α until ll(θ + α p) ≥ ll(θ) + c α gᵀp.

    Parameters
    ----------
    score_at : callable
        α → Score at θ + α p.
    full_step : Score
        At α = 1.
    before : scalar
        ll(θ). Where it is a numpy single the comparison is made in single precision, as in MATLAB.
    slope : float
        gᵀp.
    options : Options
        The fields on the line search.
    """
    rate, reductions, score = 1.0, 0, full_step
    while reductions < options.max_reductions and not (
        score.log_likelihood >= before + options.line_search_c * rate * slope
    ):  # `not ≥` rather than `<`: a NaN is shortened too
        rate *= options.line_search_factor
        reductions += 1
        score = score_at(rate)
    if reductions == options.max_reductions:
        return Step(0.0, math.inf, Score(log_likelihood=float(before), error=score.error))
    return Step(rate, reductions, score)
