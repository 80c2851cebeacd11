"""The residual rule of inexact Newton methods, and the check of a product's curvature."""

from __future__ import annotations

import math

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import NotFinite


def residual_tolerance(length: float, relative: float | None) -> float:
    """Return the residual at which a solver stops.

    Parameters
    ----------
    length : float
        |g|.
    relative : float or None
        As a share of |g|; None for min(½, √|g|), which makes Newton steps converge superlinearly
        (Dembo, Eisenstat & Steihaug 1982; Nocedal & Wright, section 7.1).
    """
    return length * (min(0.5, math.sqrt(length)) if relative is None else relative)


def curvature_along(d: Vector, Bd: Vector) -> float:
    """Return dᵀB d.

    Raises
    ------
    NotFinite
        It is NaN or infinite.
    """
    curvature = float(d @ Bd)
    if not math.isfinite(curvature):
        raise NotFinite("curvature product")
    return curvature
