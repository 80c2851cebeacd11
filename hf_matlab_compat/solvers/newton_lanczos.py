"""Trust-region steps by the Lanczos process: the exact minimiser of the model within a ball of the Krylov space.

Notation
--------
φ(p) = ½ pᵀB p - gᵀp, |p| ≤ D;  p = Q h, so φ = ½ hᵀT h - |g| e₁ᵀh
T = S diag(t) Sᵀ;  h(λ) = (T + λI)⁻¹ |g| e₁ with λ ≥ max(0, -t₁), and λ (D - |h|) = 0
(Gould, Lucidi, Roma & Toint 1999, "Solving the trust-region subproblem using the Lanczos method")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import AT_LEAST_0, check_settings, or_none, whole
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.lanczos import Lanczos
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.solvers.stopping import residual_tolerance
from hf_matlab_compat.state import Watch


@dataclass(frozen=True, kw_only=True)
class NewtonLanczos:
    """GLTR: the model's minimiser within the trust region, over a Krylov space that grows until it is good enough.

    Attributes
    ----------
    max_steps : int
        Largest size of the space, and number of products.
    tolerance : float or None
        Stop when the residual is below this, relative to |g|; None for min(½, √|g|).
    """

    max_steps: int = 100
    tolerance: float | None = None
    knows_radius = True
    takes_preconditioner = False

    def __post_init__(self) -> None:
        check_settings(self, max_steps=whole(1), tolerance=or_none(AT_LEAST_0))

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning | None, watch: Watch) -> Path:
        """See `InnerSolver.solve`; `start` is not used, and ``model.strength`` is the radius."""
        space = Lanczos(model.B, model.g)
        wanted = residual_tolerance(space.length, self.tolerance)
        h: NDArray[Any] = np.zeros(0)
        lam, stop = 0.0, CGStop.MAX_STEPS
        for k in range(1, self.max_steps + 1):
            space.extend()
            watch("cg", k, self.max_steps)
            t, S = space.eigen()
            h, lam = within_a_ball(t, S, space.length, model.strength)
            if space.b[-1] * abs(h[-1]) <= wanted:  # the residual of (B + λI) p = g
                stop = CGStop.BOUNDARY if lam > 0 else CGStop.SMALL_RESIDUAL
                break
        steps = len(space.Q)
        return Path([steps], [space.combined(h)], stop, steps)


def within_a_ball(t: NDArray[Any], S: NDArray[Any], length: float, D: float) -> tuple[NDArray[Any], float]:
    """Return the minimiser h of ½ hᵀT h - length·e₁ᵀh over |h| ≤ D, and its multiplier λ.

    Parameters
    ----------
    t, S : arrays
        Eigenvalues of T, ascending, and its eigenvectors, in columns.
    length : float
        |g|.
    D : float
        The radius.
    """
    c = length * S[0]

    def size(lam: float) -> float:
        return float(np.linalg.norm(c / (t + lam)))

    if t[0] > 0 and size(0.0) <= D:
        return S @ (c / t), 0.0
    low, high = max(0.0, -t[0]), float(np.linalg.norm(c)) / D - t[0]
    high += 1e-12 * max(abs(high), abs(t[0]))  # where g is an eigenvector, |h| = D here, but for rounding
    inner = t > t[0] + 1e-14 * max(abs(t[0]), abs(t[-1]))
    if abs(c[~inner]).max() <= 1e-14 * length:  # the hard case: g has no component along the leftmost eigenvectors
        h = np.where(inner, c / np.where(inner, t + low, 1), 0)
        missing = D**2 - float(h @ h)
        if missing >= 0:
            h[0] += np.sqrt(missing)
            return S @ h, low
    smallest = low + 1e-14 * max(abs(low), abs(high), 1e-300)
    lam = smallest if size(smallest) <= D else _root(lambda x: 1 / size(x) - 1 / D, smallest, high)
    return S @ (c / (t + lam)), lam


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize  # pyright: ignore[reportMissingTypeStubs]  # it takes half a second to import

    return float(cast(Any, optimize).brentq(f, low, high, xtol=1e-300))
