"""MINRES: the iterate with the smallest residual in each Krylov space; B may be indefinite.

Notation
--------
p = Q h;  |B p - g| = |T̄ h - |g| e₁|, T̄ = [T; b_k e_kᵀ], (k + 1, k)  (Paige & Saunders 1975)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import AT_LEAST_0, FLAG, check_settings, or_none, whole
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.lanczos import Lanczos, norm
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.solvers.stopping import residual_tolerance
from hf_matlab_compat.state import Watch


@dataclass(frozen=True, kw_only=True)
class Minres:
    """MINRES from 0, and, if asked for, the direction of most negative curvature beside it.

    Attributes
    ----------
    max_steps : int
    tolerance : float or None
        Stop when the residual is below this, relative to |g|; None for min(½, √|g|).
    follow_negative_curvature : bool
        Where the space has a direction u of negative curvature, record u, as long as p, and p + u before p, so that
        backtracking can choose among them.
    """

    max_steps: int = 100
    tolerance: float | None = None
    follow_negative_curvature: bool = False
    takes_preconditioner = False

    def __post_init__(self) -> None:
        check_settings(self, max_steps=whole(1), tolerance=or_none(AT_LEAST_0), follow_negative_curvature=FLAG)

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """See `InnerSolver.solve`; `start` is not used. A p that points downhill in the likelihood is reversed."""
        space = Lanczos(model.B, model.g)
        wanted = residual_tolerance(space.length, self.tolerance)
        stop, h = CGStop.MAX_STEPS, np.zeros(0)
        for k in range(1, self.max_steps + 1):
            space.extend()
            watch("cg", k, self.max_steps)
            h, residual = least_residual(space)
            if residual <= wanted:
                stop = CGStop.SMALL_RESIDUAL
                break
            if space.is_exhausted:  # B is singular, and g not in its range
                stop = CGStop.BREAKDOWN
                break
        p = space.combined(h)
        p = -p if float(model.g @ p) < 0 else p
        u = negative_direction(space, model.g, norm(p)) if self.follow_negative_curvature else None
        iterates = [p] if u is None else [u, p + u, p]
        k = len(space.Q)
        return Path(list(range(k - len(iterates) + 1, k + 1)), iterates, stop, k)


def least_residual(space: Lanczos) -> tuple[NDArray[Any], float]:
    """Return the h with the smallest |T̄ h - |g| e₁|, and that residual."""
    k = len(space.Q)
    T = np.zeros((k + 1, k))
    T[range(k), range(k)] = space.a
    T[range(1, k + 1), range(k)] = space.b
    T[range(k - 1), range(1, k)] = space.b[:-1]
    right = np.zeros(k + 1)
    right[0] = space.length
    h = np.linalg.lstsq(T, right, rcond=None)[0]
    return h, float(np.linalg.norm(T @ h - right))


def negative_direction(space: Lanczos, g: Vector, length: float) -> Vector | None:
    """Return the leftmost Ritz vector, uphill in the likelihood and of this length; None without negative curvature."""
    t, S = space.eigen()
    if t[0] >= 0:
        return None
    u = space.combined(S[:, 0])
    return (length if float(g @ u) >= 0 else -length) * u
