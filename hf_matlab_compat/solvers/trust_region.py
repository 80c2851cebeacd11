"""The radius of a trust region in place of damping."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import POSITIVE, check_settings
from hf_matlab_compat.problem import Curvature, Product
from hf_matlab_compat.solvers.lanczos import norm


@dataclass(frozen=True, kw_only=True)
class TrustRegion:
    """B = G; steps are at most as long as the radius D, which takes the place of λ (Nocedal & Wright, algorithm 4.1).

    Attributes
    ----------
    initial_radius : float
        D of the first epoch.
    """

    initial_radius: float = 1.0
    is_radius = True

    def __post_init__(self) -> None:
        check_settings(self, initial_radius=POSITIVE)

    @property
    def initial_lam(self) -> float:
        """The first value of ``lam``, which holds the radius."""
        return self.initial_radius

    def operator(self, G: Curvature, lam: float) -> Product:
        """Return G itself."""
        return G

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """Return the next radius: smaller after a bad step, larger after a good one that reached the boundary."""
        length = norm(p)
        if not length:  # says nothing of the model
            return lam
        if rho < 0.25 or math.isnan(rho):
            return length / 4
        return 2 * lam if rho > 0.75 and length > 0.99 * lam else lam
