"""How far apart the same epoch may be in two programs that differ by rounding alone, in double precision.

E is the largest distance of a figure among runs of the reference itself that are the same mathematics in another
order of adding (`ensemble` measures it).
"""

from __future__ import annotations

from typing import Any

import numpy as np

UNIT_ROUNDOFF = 2.0**-53

GRADIENT = 5e-15
"""The gradient has not gone through CG. Another `exp` or `tanh` alone moves it by so much."""

TRAJECTORY_FACTOR = 10
"""On E, for what has gone through CG: its spread is bimodal, and few members underestimate it."""

RHO_FLOOR = 1e3
"""In units of roundoff: rho is a difference of two likelihoods, which cancel, over the model's change."""

FLOOR = 4
"""In units of roundoff: below this, distances are those of adding in another order."""


def distance(ours: Any, theirs: Any) -> float:
    """‖ours - theirs‖ / ‖theirs‖: 0 for equal values, infinities and NaN included; inf where it has no value."""
    a, b = (np.asarray(value, np.float64).ravel() for value in (ours, theirs))
    if a.shape != b.shape:
        return np.inf
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        ratio = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return ratio if np.isfinite(ratio) else np.inf


def figure_bound(figure: str, E: float) -> float:
    """Of the distance of a figure or vector of an epoch; 0 for a decision, which must be equal."""
    if figure in ("cg_steps", "reductions", "lam"):
        return 0.0
    if figure == "gradient":
        return max(GRADIENT, 4 * E)
    floor = RHO_FLOOR if figure == "rho" else FLOOR
    return max(TRAJECTORY_FACTOR * E, floor * UNIT_ROUNDOFF)


def tie_bound(E: float) -> float:
    """Of the relative difference between the log-likelihoods of two CG iterates either of which may be chosen."""
    return max(4 * E, 8 * UNIT_ROUNDOFF)
