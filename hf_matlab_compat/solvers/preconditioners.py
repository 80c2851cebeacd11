"""Preconditioners: an approximation to the curvature that is easy to invert."""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.state import Vector


def martens_diagonal(squared_gradient: Vector, lam: float, decay: Any, exponent: float) -> Vector:
    """M = (Σ∇ᵢ² / N + λ + decay)^exponent (Martens 2010, section 4.7).

    Parameters
    ----------
    squared_gradient : (P,) vector
        Mean over cases of squared per-case gradients.
    lam : float
        Damping λ.
    decay : float or (P,) vector
        Diagonal of the weight decay's curvature.
    exponent : float
        ¾ in the paper.
    """
    return (squared_gradient + lam + decay) ** exponent
