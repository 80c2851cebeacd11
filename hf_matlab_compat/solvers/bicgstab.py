"""Bi-CGSTAB that remembers a direction of negative curvature (after He et al. 2016, "Large scale distributed HF").

Notation
--------
B p = g;  r = g - B p residual;  r̂ = g shadow residual;  d, s : search directions
(van der Vorst 1992; two products a step)
"""

from __future__ import annotations

from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import AT_LEAST_0, FLAG, check_settings, or_none, whole
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.lanczos import norm
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.solvers.stopping import curvature_along, residual_tolerance
from hf_matlab_compat.state import Watch


class _Lowest:
    """The direction of the least Rayleigh quotient so far, if it is negative."""

    def __init__(self) -> None:
        self.quotient, self.direction = 0.0, None

    def offer(self, d: Vector, Bd: Vector) -> None:
        quotient = curvature_along(d, Bd) / (float(d @ d) or 1.0)
        if quotient < self.quotient:
            self.quotient, self.direction = quotient, d.copy()


@dataclass(frozen=True, kw_only=True)
class BiCGSTAB:
    """Bi-CGSTAB from 0; B may be indefinite.

    Attributes
    ----------
    max_steps : int
        Of two products each.
    tolerance : float or None
        Stop when the residual is below this, relative to |g|; None for min(½, √|g|).
    follow_negative_curvature : bool
        Record the direction u of the most negative curvature that was met, as long as p, and p + u before p.
    """

    max_steps: int = 50
    tolerance: float | None = None
    follow_negative_curvature: bool = True
    takes_preconditioner = False

    def __post_init__(self) -> None:
        check_settings(self, max_steps=whole(1), tolerance=or_none(AT_LEAST_0), follow_negative_curvature=FLAG)

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """See `InnerSolver.solve`; `start` is not used. A p that points downhill in the likelihood is reversed."""
        p, k, stop, lowest = bicgstab(model, self, watch)
        p = -p if float(model.g @ p) < 0 else p
        if not self.follow_negative_curvature or lowest.direction is None:
            return Path([k], [p], stop, k)
        u = lowest.direction * (norm(p) / norm(lowest.direction))
        u = -u if float(model.g @ u) < 0 else u
        return Path([k - 2, k - 1, k], [u, p + u, p], stop, k)


def bicgstab(model: Quadratic, settings: BiCGSTAB, watch: Watch) -> tuple[Vector, int, CGStop, _Lowest]:
    """Return the last iterate, its number, why it is the last, and the direction of the least Rayleigh quotient."""
    g, lowest = model.g, _Lowest()
    wanted = residual_tolerance(norm(g), settings.tolerance)
    p, r, d = g * 0, g.copy(), g.copy()
    rho = float(g @ r)
    for k in range(1, settings.max_steps + 1):
        watch("cg", k, settings.max_steps)
        Bd = model.B(d)
        lowest.offer(d, Bd)
        if not (below := float(g @ Bd)):
            return p, k, CGStop.BREAKDOWN, lowest
        alpha = rho / below
        s = r - alpha * Bd
        if norm(s) <= wanted:
            return p + alpha * d, k, CGStop.SMALL_RESIDUAL, lowest
        Bs = model.B(s)
        lowest.offer(s, Bs)
        omega = float(Bs @ s) / (float(Bs @ Bs) or 1.0)
        p = p + alpha * d + omega * s
        r = s - omega * Bs
        if norm(r) <= wanted:
            return p, k, CGStop.SMALL_RESIDUAL, lowest
        before, rho = rho, float(g @ r)
        if not omega or not rho:
            return p, k, CGStop.BREAKDOWN, lowest
        d = r + (rho / before) * (alpha / omega) * (d - omega * Bd)
    return p, settings.max_steps, CGStop.MAX_STEPS, lowest
