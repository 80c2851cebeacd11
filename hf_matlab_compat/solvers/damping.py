"""Damping: the damped operator and the rule for its strength λ (Martens 2010, section 4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.fused import fused_for
from hf_matlab_compat.backends.pieces import pieces
from hf_matlab_compat.problem import Product


@dataclass(frozen=True, kw_only=True)
class LevenbergMarquardt:
    """B = G + λI, with λ raised where the model was trusted too much and lowered where too little.

    Attributes
    ----------
    initial_lam : float
        λ of the first epoch.
    drop, boost : float
        Factors on λ after a good and after a bad epoch.
    rho_low, rho_high : float
        A reduction ratio below the first is bad, one above the second good.
    """

    initial_lam: float = 45.0
    drop: float = 2 / 3
    boost: float = 3 / 2
    rho_low: float = 0.25
    rho_high: float = 0.75

    def operator(self, G: Product, lam: float) -> Product:
        """B(d) = G d + λ d. The vector that G returns is changed."""
        return damp(G, lam)

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """The next λ; a rho of nan raises it."""
        if rho < self.rho_low or math.isnan(rho):
            return lam * self.boost
        return lam * self.drop if rho > self.rho_high else lam


@dataclass(frozen=True, kw_only=True)
class NoDamping:
    """B = G; λ stays what it was and enters the preconditioner only.

    Attributes
    ----------
    initial_lam : float
    """

    initial_lam: float = 45.0

    def operator(self, G: Product, lam: float) -> Product:
        """G itself."""
        return G

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """λ itself."""
        return lam


def damp(G: Product, lam: float) -> Product:
    """B(d) = G d + λ d.

    Parameters
    ----------
    G : callable
        v → G v. The vector it returns is changed.
    lam : float
        Damping λ.
    """

    def B(d: Vector) -> Vector:
        Bd = G(d)
        if (fused := fused_for(d)) is not None:
            return fused.add_scaled(lam, d, Bd)
        for piece in pieces(d):
            Bd[piece] += lam * d[piece]
        return Bd

    return B
