"""Preconditioned conjugate gradients that records iterates on the way.

Notation
--------
A x = b, A symmetric;  φ(x) = ½ xᵀA x - bᵀx the quadratic model, to be minimised
M : (P,) diagonal of the preconditioner;  r = A x - b residual;  y = M⁻¹ r;  p search direction
(Martens 2010, sections 4.4 and 4.6; Nocedal & Wright, algorithm 5.3)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hf_matlab_compat.backends.fused import Fused, fused_for
from hf_matlab_compat.backends.numba_backend import CGStep, cg_step
from hf_matlab_compat.backends.pieces import inner, pieces
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import CGStop, Vector


@dataclass(frozen=True)
class CGPath:
    """Recorded iterates, in order; never empty.

    Attributes
    ----------
    steps : list of int
        Step numbers, counted from 1.
    iterates : list of (P,) vectors
    stop : CGStop
        Why CG stopped.
    last_step : int
        The last step begun; after a bail-out the failed one.
    """

    steps: list[int]
    iterates: list[Vector]
    stop: CGStop
    last_step: int


def conjgrad(
    A: Callable[[Vector], Vector],
    b: Vector,
    x0: Vector,
    M: Vector | None,
    options: Options,
    watch: Callable[[int], None] | None = None,
) -> CGPath:
    """CG-Minimize(A, b) from x0.

    Parameters
    ----------
    A : callable
        v → A v, symmetric; should be positive definite.
    b, x0 : (P,) vectors
        x0 is not changed.
    M : (P,) vector or None
        Diagonal preconditioner, positive; None for none.
    options : Options
        The fields on conjugate gradients, and `faithful`.
    watch : callable, optional
        Called with the number of every step that was done.

    Returns
    -------
    CGPath
    """
    recorder = _Recorder(options)
    at = _vectors(x0, A(x0), b, M, options.backend)
    values: list[float] = []
    stop = CGStop.MAX_STEPS
    i = 0
    for i in range(1, options.max_cg_steps + 1):
        value = at.advance(A(at.p))
        if isinstance(value, CGStop):
            stop = value
            break
        values.append(value)
        recorder.offer(i, at.x)
        if watch is not None:
            watch(i)
        if progress_is_small(values, options):
            stop = CGStop.CONVERGED
            break
    recorder.close(i, at.x)
    return CGPath(recorder.steps, recorder.iterates, stop, i)


class _At(Protocol):
    """Where CG is: x, the direction p that it goes next, and what else a step needs."""

    x: Vector
    p: Vector

    def advance(self, Ap: Vector) -> float | CGStop:
        """One step, and φ(x) after it; or why there is none, and then x is as it was."""
        ...


def _vectors(x0: Vector, Ax0: Vector, b: Vector, M: Vector | None, backend: str) -> _At:
    if (fused := fused_for(x0)) is not None:
        return _FusedVectors(fused, x0, Ax0, b, M)
    step = cg_step(backend, len(x0))
    if step is not None and M is not None:  # without M, which few runs are, y would be r itself
        return _CompiledVectors(step, x0, Ax0, b, M)
    return _Vectors(x0, Ax0, b, M)


class _Vectors:
    """x, r, y and p of one step, changed in place, piece by piece."""

    def __init__(self, x0: Vector, Ax0: Vector, b: Vector, M: Vector | None) -> None:
        self.x = x0.copy()
        self.r = Ax0 - b
        self.y = self.r if M is None else self.r / M
        self.p = -self.y
        self._b, self._M = b, M
        self._pieces = pieces(x0)
        self._ry = inner(self.r, self.y)

    def advance(self, Ap: Vector) -> float | CGStop:
        pAp, ry = inner(self.p, Ap), self._ry
        if (stop := _no_step(pAp, ry)) is not None:
            return stop
        value = self.step(ry / pAp, Ap)
        self._ry = inner(self.r, self.y)
        self.turn(self._ry / ry)
        return value

    def step(self, alpha: Any, Ap: Vector) -> float:
        """x ← x + α p, r ← r + α A p, y ← M⁻¹ r; returns φ(x) = ½ (r - b)ᵀ x."""
        value: Any = 0
        for s in self._pieces:
            x, r = self.x[s], self.r[s]
            x += alpha * self.p[s]
            r += alpha * Ap[s]
            if self._M is not None:
                self.y[s] = r / self._M[s]
            value = value + (r - self._b[s]) @ x
        return 0.5 * float(value)

    def turn(self, beta: Any) -> None:
        """p ← β p - y."""
        for s in self._pieces:
            p = self.p[s]
            p *= beta
            p -= self.y[s]


class _CompiledVectors:
    """The same in one compiled call a step."""

    def __init__(self, step: CGStep, x0: Vector, Ax0: Vector, b: Vector, M: Vector) -> None:
        self.x, self._r = x0.copy(), Ax0 - b
        self._y = self._r / M
        self.p = -self._y
        self._step, self._b, self._M = step, b, M
        self._ry = float(inner(self._r, self._y))

    def advance(self, Ap: Vector) -> float | CGStop:
        pAp, twice_phi, ry = self._step(self.x, self._r, self._y, self.p, Ap, self._b, self._M, self._ry)
        if (stop := _no_step(pAp, self._ry)) is not None:
            return stop
        self._ry = ry
        return 0.5 * twice_phi


class _FusedVectors:
    """The same on a device, which is waited for once a step: for the three numbers that decide whether to go on."""

    def __init__(self, fused: Fused, x0: Vector, Ax0: Vector, b: Vector, M: Vector | None) -> None:
        self._fused = fused
        self._vectors, self._scalars = fused.cg_start(x0.copy(), Ax0 - b, b, M)
        self._ry = fused.fetch(self._scalars.before)[2]

    @property
    def x(self) -> Vector:
        return self._vectors.x

    @property
    def p(self) -> Vector:
        return self._vectors.p

    def advance(self, Ap: Vector) -> float | CGStop:
        self._fused.cg_step(self._scalars, self._vectors, Ap)
        self._fused.cg_turn(self._scalars, self._vectors)
        pAp, twice_phi, ry_next = self._fused.fetch(self._scalars.now)
        if (stop := _no_step(pAp, self._ry)) is not None:
            return stop
        self._ry = ry_next
        self._scalars.swap()
        return 0.5 * twice_phi


def progress_is_small(values: list[float], options: Options) -> bool:
    """Whether φ fell, over the last k steps, by less than k times the tolerance, relative to itself.

    Parameters
    ----------
    values : list of float
        φ after steps 1 … i.
    options : Options
        The fields on conjugate gradients, and `faithful`.
    """
    i = len(values)
    k = max(math.ceil(options.cg_gap_ratio * i), options.cg_min_gap)
    if i <= k or i < options.min_cg_steps:
        return False
    now, before = values[-1], values[-1 - k]
    return before < 0 and (now - before) / now < options.cg_tolerance * k


def _no_step(pAp: Any, ry: Any) -> CGStop | None:
    """Why there is no step α = rᵀy / pᵀAp, or None. `compiled_cg` and the kernels of a device ask the same."""
    if not math.isfinite(pAp):
        return CGStop.NOT_FINITE
    # MATLAB: rᵀy = 0 stops too: where single precision underflows, the original goes on to divide 0 by 0
    if ry == 0:
        return CGStop.EXACT
    return None if pAp > 0 else CGStop.NEGATIVE_CURVATURE


class _Recorder:
    """Keeps the iterates of steps 5, 7, 9, 11, 15, … and of the last.

    Faithful, it does so as the original does: the last iterate twice when it lies on this grid, and none for a
    bail-out on the grid. Otherwise every path's last iterate is recorded, once.
    """

    def __init__(self, options: Options) -> None:
        self.steps: list[int] = []
        self.iterates: list[Vector] = []
        self._next = options.iterate_grid_start
        self._base = options.iterate_grid_base
        self._faithful = options.faithful

    def offer(self, i: int, x: Vector) -> None:
        if i == math.ceil(self._next):
            self._record(i, x)
            self._next *= self._base

    def close(self, i: int, x: Vector) -> None:
        if self._faithful:
            # MATLAB: a bail-out on the grid with nothing recorded crashes there; here the iterate is kept
            wanted = i != math.ceil(self._next) or not self.steps
        else:
            wanted = not self.steps or self.steps[-1] != i
        if wanted:
            self._record(i, x)

    def _record(self, i: int, x: Vector) -> None:
        self.steps.append(i)
        self.iterates.append(x.copy())
