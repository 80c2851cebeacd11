"""Error measures: the second figure, reported and not optimised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hf_matlab_compat.backends.arrays import Array


def squared(xp: Any, y: Array, t: Array, room: Array | None = None) -> float:
    """Σ (y - t)² over units and cases."""
    difference = xp.subtract(y, t, out=room)
    difference *= difference
    return float(difference.sum())


def misclassified(xp: Any, y: Array, t: Array, room: Array | None = None) -> float:
    """Number of cases whose target unit is not a largest one, for one-of-k targets."""
    return float(((t * y).sum(axis=0) != y.max(axis=0)).sum())


def none(xp: Any, y: Array, t: Array, room: Array | None = None) -> float:
    """Nothing is measured."""
    return 0.0


ERROR_MEASURES: dict[str, Callable[..., float]] = {
    "squared": squared,
    "misclassified": misclassified,
    "none": none,
}
"""Error measures by name: (xp, y, t, room) → the sum over the cases given; `room`, like y, may be worked in."""
