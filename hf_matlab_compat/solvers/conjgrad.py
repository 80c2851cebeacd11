"""Preconditioned conjugate gradients that record iterates on the way.

Notation
--------
A x = b, A symmetric;  φ(x) = ½ xᵀA x - bᵀx the quadratic model, to be minimised
M : (P,) diagonal of the preconditioner;  p search direction
(Martens 2010, sections 4.4 and 4.6; Nocedal & Wright, algorithm 5.3; the step itself is in `backends.cg_vectors`)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.cg_vectors import CGVectors, cg_vectors
from hf_matlab_compat.errors import NotFinite
from hf_matlab_compat.solvers.rules import Path, Quadratic
from hf_matlab_compat.state import Watch


class CGStop(Enum):
    """Why conjugate gradients stopped; the value is the sentence the user sees."""

    CONVERGED = "the quadratic model no longer improves"
    MAX_STEPS = "the largest number of CG steps was reached"
    NEGATIVE_CURVATURE = "negative curvature"
    EXACT = "the residual is exactly zero"
    NOT_FINITE = "a curvature product is not finite"


@dataclass(frozen=True, kw_only=True)
class ConjugateGradients:
    """The inner solver of the published method.

    Attributes
    ----------
    max_cg_steps, min_cg_steps : int
        Most steps; no test for convergence before this step.
    cg_tolerance, cg_gap_ratio, cg_min_gap : float, float, int
        Stop when φ fell by less than `cg_tolerance` a step, relative to itself, over the last k steps, where k is
        `cg_gap_ratio` times the steps done and at least `cg_min_gap`.
    iterate_grid_start, iterate_grid_base : float
        First step that is recorded, and the ratio between recorded steps.
    faithful : bool
        Record as the original does: the last iterate twice when it lies on the grid, and none for a bail-out on the
        grid. False records the last iterate always, and once.
    vectors : callable
        (x0, A x0, b, M) → CGVectors: `Backend.cg_vectors` of the backend that holds the vectors.
    """

    max_cg_steps: int = 250
    min_cg_steps: int = 1
    cg_tolerance: float = 5e-4
    cg_gap_ratio: float = 0.1
    cg_min_gap: int = 10
    iterate_grid_start: float = 5.0
    iterate_grid_base: float = 1.3
    faithful: bool = True
    vectors: Callable[[Vector, Vector, Vector, Vector | None], CGVectors] = cg_vectors

    def solve(self, model: Quadratic, start: Vector, M: Vector | None, watch: Watch) -> Path:
        """See `InnerSolver.solve`.

        Raises
        ------
        NotFinite
            A curvature product, or the inverse of the preconditioner, is NaN or infinite.
        """
        path = conjgrad(model.B, model.g, start, M, self, lambda i: watch("cg", i, self.max_cg_steps))
        if path.stop is CGStop.NOT_FINITE:
            inverse = M is None or bool((M > 0).all())
            raise NotFinite("curvature product" if inverse else "inverse of the preconditioner")
        return path


def conjgrad(
    A: Callable[[Vector], Vector],
    b: Vector,
    x0: Vector,
    M: Vector | None,
    settings: ConjugateGradients,
    watch: Callable[[int], None] | None = None,
) -> Path:
    """CG-Minimize(A, b) from x0.

    Parameters
    ----------
    A : callable
        v → A v, symmetric; should be positive definite.
    b, x0 : (P,) vectors
        x0 is not changed.
    M : (P,) vector or None
        Diagonal preconditioner, positive; None for none.
    settings : ConjugateGradients
    watch : callable, optional
        Called with the number of every step that was done.

    Returns
    -------
    Path
        Its `stop` is a `CGStop`.
    """
    recorder = _Recorder(settings)
    at = settings.vectors(x0, A(x0), b, M)
    values: list[float] = []
    stop = CGStop.MAX_STEPS
    i = 0
    for i in range(1, settings.max_cg_steps + 1):
        value = at.advance(A(at.p))
        if value is None:
            stop = _why_no_step(at.pAp, at.ry)
            break
        values.append(value)
        recorder.offer(i, at.x)
        if watch is not None:
            watch(i)
        if progress_is_small(values, settings):
            stop = CGStop.CONVERGED
            break
    recorder.close(i, at.x)
    return Path(recorder.steps, recorder.iterates, stop, i)


def progress_is_small(values: list[float], settings: ConjugateGradients) -> bool:
    """Whether φ fell, over the last k steps, by less than k times the tolerance, relative to itself.

    Parameters
    ----------
    values : list of float
        φ after steps 1 … i.
    settings : ConjugateGradients
    """
    i = len(values)
    k = max(math.ceil(settings.cg_gap_ratio * i), settings.cg_min_gap)
    if i <= k or i < settings.min_cg_steps:
        return False
    now, before = values[-1], values[-1 - k]
    return before < 0 and (now - before) / now < settings.cg_tolerance * k


def _why_no_step(pAp: Any, ry: Any) -> CGStop:
    if not math.isfinite(pAp):
        return CGStop.NOT_FINITE
    return CGStop.EXACT if ry == 0 else CGStop.NEGATIVE_CURVATURE


class _Recorder:
    """Keeps the iterates of steps 5, 7, 9, 11, 15, … and of the last; see `ConjugateGradients.faithful`."""

    def __init__(self, settings: ConjugateGradients) -> None:
        self.steps: list[int] = []
        self.iterates: list[Vector] = []
        self._next = settings.iterate_grid_start
        self._base = settings.iterate_grid_base
        self._faithful = settings.faithful

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
