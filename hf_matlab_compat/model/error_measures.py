"""Error measures: the second figure of a score, which is reported and not optimised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hf_matlab_compat.backends.arrays import Array


def squared(xp: Any, y: Array, t: Array, room: Array | None = None) -> float:
    """Return Σ (y - t)² over units and cases."""
    difference = xp.subtract(y, t, out=room)
    difference *= difference
    return float(difference.sum())


def misclassified(xp: Any, y: Array, t: Array, room: Array | None = None) -> float:
    """Return the number of cases whose target unit does not have the largest output, for one-of-k targets."""
    return float(((t * y).sum(axis=0) != y.max(axis=0)).sum())


def none(xp: Any, y: Array, t: Array, room: Array | None = None) -> float:
    """Measure nothing and return 0."""
    return 0.0


ERROR_MEASURES: dict[str, Callable[..., float]] = {
    "squared": squared,
    "misclassified": misclassified,
    "none": none,
}
"""Error measures by name: (xp, y, t, room) → the sum over the given cases; they may overwrite `room` and y."""
