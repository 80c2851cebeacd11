"""Preconditioners: approximations to the damped curvature that are easy to invert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Curvature, Gradient


@dataclass(frozen=True)
class MartensDiagonal:
    """M = (diagonal of the curvature + λ)^exponent (Martens 2010, section 4.7).

    Attributes
    ----------
    exponent : float
        ¾ in the paper.
    """

    exponent: float = cast(float, Options.preconditioner_exponent)

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Vector:
        """See `Preconditioner`."""
        return G.diagonal(lam) ** self.exponent


@dataclass(frozen=True)
class NoPreconditioner:
    """M = I."""

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> None:
        """See `Preconditioner`."""
        return
