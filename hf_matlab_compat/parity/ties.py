"""Ties: whether two choices on one CG path are both ones that backtracking could make, but for rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence


def tie_distance(values: Sequence[float], steps: Sequence[int], ours: int, theirs: int) -> float:
    """How large, relative to the log-likelihood, a tie must be for both choices to come from the same rule.

    A tie far up the path parts two walks for good, so the two chosen iterates themselves may be worlds apart:
    what counts is the largest comparison, made in double, that speaks against either walk.

    Parameters
    ----------
    values : sequence of float
        Log-likelihood at each recorded iterate, in double precision.
    steps : sequence of int
        Their CG steps.
    ours, theirs : int
        Steps of the two chosen iterates.

    Returns
    -------
    float
        0 for the same choice; inf where one of them is not on the path.
    """
    if ours == theirs:
        return 0.0
    if ours not in steps or theirs not in steps:
        return math.inf
    return max(_objection(values, steps.index(step)) for step in (ours, theirs))


def _objection(values: Sequence[float], end: int) -> float:
    """The most by which a comparison speaks against a walk, from the last iterate down, that ends at `end`."""
    falls = [(values[j + 1] - values[j]) / abs(values[j + 1]) for j in range(end, len(values) - 1)]
    goes_on = [(values[end - 1] - values[end]) / abs(values[end])] if end > 0 else []
    return max([0.0, *falls, *goes_on])
