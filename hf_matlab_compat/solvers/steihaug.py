"""Conjugate gradients in a trust region (Steihaug 1983; Nocedal & Wright, algorithm 7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import AT_LEAST_0, check_settings, or_none, whole
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.lanczos import norm
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.solvers.stopping import curvature_along, residual_tolerance
from hf_matlab_compat.state import Watch


@dataclass(frozen=True, kw_only=True)
class Steihaug:
    """Conjugate gradients from 0 that stop at the boundary of the trust region, or follow negative curvature to it.

    Attributes
    ----------
    max_steps : int
    tolerance : float or None
        As for `NewtonLanczos`.
    """

    max_steps: int = 250
    tolerance: float | None = None
    knows_radius = True
    takes_preconditioner = False

    def __post_init__(self) -> None:
        check_settings(self, max_steps=whole(1), tolerance=or_none(AT_LEAST_0))

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning | None, watch: Watch) -> Path:
        """See `InnerSolver.solve`; `start` is not used, and ``model.strength`` is the radius."""
        D, g = model.strength, model.g
        wanted = residual_tolerance(norm(g), self.tolerance)
        x, r = g * 0, -g
        d, rr = g.copy(), float(g @ g)
        if not rr:
            return Path([1], [x], CGStop.SMALL_RESIDUAL, 1)
        for k in range(1, self.max_steps + 1):
            Bd = model.B(d)
            curvature = curvature_along(d, Bd)
            watch("cg", k, self.max_steps)
            if curvature <= 0:
                return Path([k], [x + _to_boundary(x, d, D) * d], CGStop.FOLLOWED_TO_BOUNDARY, k)
            alpha = rr / curvature
            if norm(x + alpha * d) >= D:
                return Path([k], [x + _to_boundary(x, d, D) * d], CGStop.BOUNDARY, k)
            x, r = x + alpha * d, r + alpha * Bd
            before, rr = rr, float(r @ r)
            if rr**0.5 <= wanted:
                return Path([k], [x], CGStop.SMALL_RESIDUAL, k)
            d = -r + (rr / before) * d
        return Path([self.max_steps], [x], CGStop.MAX_STEPS, self.max_steps)


def _to_boundary(x: Vector, d: Vector, D: float) -> float:
    """Return τ ≥ 0 with |x + τ d| = D."""
    xd, dd = float(x @ d), float(d @ d)
    return (-xd + (xd**2 + dd * (D**2 - float(x @ x))) ** 0.5) / dd
