"""The vectors of conjugate gradients and one step on them: numpy operations, one compiled call, or a device's kernels.

Notation
--------
A x = b;  φ(x) = ½ xᵀA x - bᵀx;  M : diagonal of the preconditioner
r = A x - b residual;  y = M⁻¹ r;  p search direction;  α = rᵀy / pᵀAp;  β = (rᵀy)ₙₑₓₜ / rᵀy
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.fused import Fused, fused_for
from hf_matlab_compat.backends.numba_backend import CGStep
from hf_matlab_compat.backends.pieces import inner, pieces


class CGVectors(Protocol):
    """The current iterate of CG, and the step from it.

    Attributes
    ----------
    pAp, ry : scalars
        pᵀAp and rᵀy of the latest step, or of the step that failed.
    """

    pAp: Any
    ry: Any

    @property
    def x(self) -> Vector:
        """The iterate, (P,)."""
        ...

    @property
    def p(self) -> Vector:
        """The direction of the next step, (P,)."""
        ...

    def advance(self, Ap: Vector) -> float | None:
        """Take one step and return φ(x) after it; if `no_step`, return None and leave x unchanged."""
        ...


def no_step(pAp: Any, ry: Any) -> bool:
    """Return whether α = rᵀy / pᵀAp cannot be used. `compiled_cg` and the device kernels test the same."""
    # MATLAB: rᵀy = 0 stops CG too; if single precision underflows, MATLAB goes on and divides 0 by 0
    return not math.isfinite(pAp) or ry == 0 or not pAp > 0


class PlainVectors:
    """CG's vectors as numpy arrays, changed in place, piece by piece, so that a piece stays in the caches."""

    def __init__(self, x0: Vector, Ax0: Vector, b: Vector, M: Vector | None) -> None:
        self.x = x0.copy()
        self.r = Ax0 - b
        self.y = self.r if M is None else self.r / M
        self.p = -self.y
        self.pAp: Any = 0.0
        self.ry = inner(self.r, self.y)
        self._b, self._M = b, M
        self._pieces = pieces(x0)

    def advance(self, Ap: Vector) -> float | None:
        """See `CGVectors.advance`."""
        self.pAp, ry = inner(self.p, Ap), self.ry
        if no_step(self.pAp, ry):
            return None
        value = self._step(ry / self.pAp, Ap)
        self.ry = inner(self.r, self.y)
        self._turn(self.ry / ry)
        return value

    def _step(self, alpha: Any, Ap: Vector) -> float:
        """Compute x ← x + α p, r ← r + α A p, y ← M⁻¹ r; return φ(x) = ½ (r - b)ᵀ x."""
        value: Any = 0
        for s in self._pieces:  # the sum over pieces has a fixed order, so φ has the same bits in every run
            x, r = self.x[s], self.r[s]
            x += alpha * self.p[s]
            r += alpha * Ap[s]
            if self._M is not None:
                self.y[s] = r / self._M[s]
            value = value + (r - self._b[s]) @ x
        return 0.5 * float(value)

    def _turn(self, beta: Any) -> None:
        """Compute p ← β p - y."""
        for s in self._pieces:
            p = self.p[s]
            p *= beta
            p -= self.y[s]


class CompiledVectors:
    """CG's vectors for short vectors: one compiled call per step."""

    def __init__(self, step: CGStep, x0: Vector, Ax0: Vector, b: Vector, M: Vector) -> None:
        self.x, self._r = x0.copy(), Ax0 - b
        self._y = self._r / M
        self.p = -self._y
        self.pAp: Any = 0.0
        self.ry = float(inner(self._r, self._y))
        self._step, self._b, self._M = step, b, M

    def advance(self, Ap: Vector) -> float | None:
        """See `CGVectors.advance`."""
        self.pAp, twice_phi, ry = self._step(self.x, self._r, self._y, self.p, Ap, self._b, self._M, self.ry)
        if no_step(self.pAp, self.ry):
            return None
        self.ry = ry
        return 0.5 * twice_phi


class DeviceVectors:
    """CG's vectors on a device. The host waits once per step, for the three numbers that decide whether CG goes on."""

    def __init__(self, fused: Fused, x0: Vector, Ax0: Vector, b: Vector, M: Vector | None) -> None:
        self._fused = fused
        self._vectors, self._scalars = fused.cg_start(x0.copy(), Ax0 - b, b, M)
        self.pAp: Any = 0.0
        self.ry = fused.fetch(self._scalars.before)[2]

    @property
    def x(self) -> Vector:
        """See `CGVectors`."""
        return self._vectors.x

    @property
    def p(self) -> Vector:
        """See `CGVectors`."""
        return self._vectors.p

    def advance(self, Ap: Vector) -> float | None:
        """See `CGVectors.advance`."""
        self._fused.cg_step(self._scalars, self._vectors, Ap)
        self._fused.cg_turn(self._scalars, self._vectors)
        self.pAp, twice_phi, ry_next = self._fused.fetch(self._scalars.now)
        if no_step(self.pAp, self.ry):
            return None
        self.ry = ry_next
        self._scalars.swap()
        return 0.5 * twice_phi


def cg_vectors(x0: Vector, Ax0: Vector, b: Vector, M: Vector | None, step: CGStep | None = None) -> CGVectors:
    """Return CG's vectors at x0, in the implementation that is fastest for them.

    Parameters
    ----------
    x0, Ax0, b : (P,) vectors
        Not changed.
    M : (P,) vector or None
        Diagonal of the preconditioner; None for none.
    step : callable, optional
        `compiled_cg.cg_step`, if the backend has it.
    """
    if (fused := fused_for(x0)) is not None:
        return DeviceVectors(fused, x0, Ax0, b, M)
    if step is not None and M is not None and len(x0) <= SHORT:  # the compiled step has no case for y = r (no M)
        return CompiledVectors(step, x0, Ax0, b, M)
    return PlainVectors(x0, Ax0, b, M)


SHORT = 1 << 15
"""Longest vectors for which the compiled step is faster; for longer ones the cost of numpy's calls does not matter,
and numpy works piece by piece."""
