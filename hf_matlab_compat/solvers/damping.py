"""Damping: the damped operator and the rule for its strength λ (Martens 2010, section 4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.fused import fused_for
from hf_matlab_compat.backends.pieces import pieces
from hf_matlab_compat.kinds import ABOVE_0_TO_1, ANY_NUMBER, AT_LEAST_0, AT_LEAST_1, check_settings
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Curvature, Product, StructuralCurvature


@dataclass(frozen=True, kw_only=True)
class LevenbergMarquardt:
    """B = G + λI + λμS. λ rises if the model predicted the change badly and falls if it predicted it well.

    Attributes
    ----------
    initial_lam : float
        λ of the first epoch.
    drop, boost : float
        Factors on λ after a good and after a bad epoch.
    rho_low, rho_high : float
        An epoch is bad if its reduction ratio is below `rho_low`, and good if it is above `rho_high`.
    structural : float
        μ, which stays: λ carries λμ with it. S is the matrix of structural damping of a recurrent net (Martens and
        Sutskever 2011); with 0 the problem needs none.
    """

    initial_lam: float = Options.initial_lam
    drop: float = Options.lam_drop
    boost: float = 1 / Options.lam_drop
    rho_low: float = Options.rho_low
    rho_high: float = Options.rho_high
    structural: float = Options.structural_damping

    def __post_init__(self) -> None:
        check_settings(self, initial_lam=AT_LEAST_0, drop=ABOVE_0_TO_1, boost=AT_LEAST_1, structural=AT_LEAST_0)
        check_settings(self, rho_low=ANY_NUMBER, rho_high=ANY_NUMBER)

    def operator(self, G: Curvature, lam: float) -> Product:
        """Return d → G d + λ d, with structural damping d → (G + λμS) d + λ d; see `damp`."""
        if not self.structural:
            return damp(G, lam)
        both, strength = cast(StructuralCurvature, G).structurally_damped, lam * self.structural
        return damp(lambda d: both(d, strength), lam)

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """Return the next λ; a rho of NaN raises λ."""
        if rho < self.rho_low or math.isnan(rho):
            return lam * self.boost
        return lam * self.drop if rho > self.rho_high else lam


@dataclass(frozen=True, kw_only=True)
class NoDamping:
    """B = G. λ stays constant and enters the preconditioner only.

    Attributes
    ----------
    initial_lam : float
    """

    initial_lam: float = Options.initial_lam

    def __post_init__(self) -> None:
        check_settings(self, initial_lam=AT_LEAST_0)

    def operator(self, G: Product, lam: float) -> Product:
        """Return G itself."""
        return G

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """Return λ itself."""
        return lam


def damp(G: Product, lam: float) -> Product:
    """Return d → G d + λ d; the vector that G returns is changed in place."""

    def B(d: Vector) -> Vector:
        Bd = G(d)
        if (fused := fused_for(d)) is not None:
            return fused.add_scaled(lam, d, Bd)
        for piece in pieces(d):
            Bd[piece] += lam * d[piece]
        return Bd

    return B
