"""Conjugate gradients from 0 with the residual rule, for any preconditioner, which may change from step to step.

Notation
--------
B p = g;  r = B p - g residual;  z = M⁻¹ r;  d : search direction;  β = z₊ᵀ(r₊ - r) / zᵀr, which is that of plain
conjugate gradients where M is fixed (Notay 2000, "Flexible conjugate gradients")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.kinds import AT_LEAST_0, check_settings, or_none, whole
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.lanczos import norm
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.solvers.stopping import curvature_along, residual_tolerance
from hf_matlab_compat.state import Watch


@dataclass(frozen=True, kw_only=True)
class FlexibleCG:
    """Truncated Newton: conjugate gradients until the residual is small, or the curvature is not positive.

    Attributes
    ----------
    max_steps : int
    tolerance : float or None
        Stop when the residual is below this, relative to |g|; None for min(½, √|g|).
    kept_pairs : int
        Number of steps that it leaves with their products, for `preconditioners.LimitedMemory`.
    """

    max_steps: int = 250
    tolerance: float | None = None
    kept_pairs: int = 0

    def __post_init__(self) -> None:
        check_settings(self, max_steps=whole(1), tolerance=or_none(AT_LEAST_0), kept_pairs=whole(0))

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """See `InnerSolver.solve`; `start` is not used. With negative curvature at once the step is g."""
        g, inverse = model.g, inverse_of(M)
        wanted = residual_tolerance(norm(g), self.tolerance)
        p, r = g * 0, -g
        pairs = _Pairs(self.kept_pairs)
        z = inverse(r)
        d, zr = -z, float(z @ r)
        for k in range(1, self.max_steps + 1):
            Bd = model.B(d)
            curvature = curvature_along(d, Bd)
            watch("cg", k, self.max_steps)
            if curvature <= 0:
                step = p if k > 1 else g.copy()
                return Path([k], [step], CGStop.NEGATIVE_CURVATURE, k, pairs.arrays())
            alpha = zr / curvature
            step, change = alpha * d, alpha * Bd
            p = p + step
            pairs.offer(k, step, change)
            r = r + change
            if norm(r) <= wanted:
                return Path([k], [p], CGStop.SMALL_RESIDUAL, k, pairs.arrays())
            z = inverse(r)
            beta, zr = float(z @ change) / zr, float(z @ r)
            d = beta * d - z
        return Path([self.max_steps], [p], CGStop.MAX_STEPS, self.max_steps, pairs.arrays())


class _Pairs:
    """Keeps a limited number of steps and their products, evenly spread over the run."""

    def __init__(self, most: int) -> None:
        self._most, self._stride = most, 1
        self._kept: list[tuple[Vector, Vector]] = []

    def offer(self, k: int, step: Vector, change: Vector) -> None:
        if not self._most or k % self._stride:
            return
        if len(self._kept) == self._most:
            self._kept = self._kept[1::2]
            self._stride *= 2
            if k % self._stride:
                return
        self._kept.append((step, change))

    def arrays(self) -> tuple[Array, Array] | None:
        """Return the steps and their products, (k, P) each."""
        if not self._kept:
            return None
        S, Y = zip(*self._kept, strict=True)
        return _stacked(S), _stacked(Y)


def _stacked(vectors: Sequence[Vector]) -> Array:
    made = vectors[0][None, :].repeat(len(vectors), axis=0)
    for k, vector in enumerate(vectors):
        made[k] = vector
    return made


def inverse_of(M: Preconditioning) -> Callable[[Vector], Vector]:
    """Return r → M⁻¹ r."""
    if M is None:
        return lambda r: r
    return M if callable(M) else lambda r: r / M
