"""Preconditioned conjugate gradients that record iterates on a grid of steps.

Notation
--------
A x = b, A symmetric;  φ(x) = ½ xᵀA x - bᵀx is the quadratic model to be minimised
M : (P,) diagonal of the preconditioner;  p : search direction
(Martens 2010, sections 4.4 and 4.6; Nocedal & Wright, algorithm 5.3; `backends.cg_vectors` does the vector step)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.cg_vectors import CGVectors, cg_vectors
from hf_matlab_compat.errors import NotFinite, OptionError
from hf_matlab_compat.kinds import ABOVE_1, AT_LEAST_0, FLAG, FROM_0_TO_1, POSITIVE, check_settings, whole
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.state import Watch


class CGStop(Enum):
    """The reason why conjugate gradients stopped; the value is the sentence that the user sees."""

    CONVERGED = "the quadratic model no longer improves"
    MAX_STEPS = "the largest number of CG steps was reached"
    SMALL_RESIDUAL = "the residual is small"
    BOUNDARY = "the boundary of the trust region was reached"
    FOLLOWED_TO_BOUNDARY = "negative curvature was followed to the boundary of the trust region"
    BREAKDOWN = "a division by zero ended the recursion"
    NEGATIVE_CURVATURE = "negative curvature"
    EXACT = "the residual is exactly zero"
    NOT_FINITE = "a curvature product is not finite"


@dataclass(frozen=True, kw_only=True)
class ConjugateGradients:
    """The inner solver of the published method.

    Attributes
    ----------
    max_cg_steps, min_cg_steps : int
        Largest number of steps; first step at which convergence is tested.
    cg_tolerance, cg_gap_ratio, cg_min_gap : float, float, int
        Stop if φ fell by less than `cg_tolerance` per step, relative to φ, over the last k steps. k is
        `cg_gap_ratio` times the steps done so far, and at least `cg_min_gap`.
    iterate_grid_start, iterate_grid_base : float
        First step that is recorded, and the ratio between consecutive recorded steps.
    faithful : bool
        Record as MATLAB does: the last iterate twice if it lies on the grid, and no iterate if CG fails at a step
        on the grid. False always records the last iterate, and once.
    vectors : callable
        (x0, A x0, b, M) → CGVectors: `Backend.cg_vectors` of the backend that holds the vectors.
    """

    max_cg_steps: int = Options.max_cg_steps
    min_cg_steps: int = Options.min_cg_steps
    cg_tolerance: float = Options.cg_tolerance
    cg_gap_ratio: float = Options.cg_gap_ratio
    cg_min_gap: int = Options.cg_min_gap
    iterate_grid_start: float = Options.iterate_grid_start
    iterate_grid_base: float = Options.iterate_grid_base
    faithful: bool = Options.faithful
    vectors: Callable[[Vector, Vector, Vector, Vector | None], CGVectors] = cg_vectors

    def __post_init__(self) -> None:
        check_settings(self, max_cg_steps=whole(1), min_cg_steps=whole(0), cg_min_gap=whole(1), faithful=FLAG)
        check_settings(self, cg_tolerance=AT_LEAST_0, cg_gap_ratio=FROM_0_TO_1)
        check_settings(self, iterate_grid_start=POSITIVE, iterate_grid_base=ABOVE_1)

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """See `InnerSolver.solve`.

        Raises
        ------
        OptionError
            The preconditioner is a function.
        NotFinite
            A curvature product, or the inverse of the preconditioner, is NaN or infinite.
        """
        if callable(M):
            advice = "{solver='truncated_newton'} takes any preconditioner."
            raise OptionError("preconditioner", expected="a diagonal", got="a function", advice=advice)
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
    """Minimise φ from x0 by conjugate gradients: CG-Minimize(A, b) of Martens 2010, algorithm 1.

    Parameters
    ----------
    A : callable
        v → A v, symmetric; should be positive definite.
    b, x0 : (P,) vectors
        Not changed.
    M : (P,) vector or None
        Diagonal of the preconditioner, positive; None for no preconditioner.
    settings : ConjugateGradients
        Limits and tolerances.
    watch : callable, optional
        Called with the number of each finished step.

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
    """Return whether φ (`values`, one per step) fell by less than k times the tolerance, relative to φ, in k steps."""
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
    """Keeps the iterates of steps 5, 7, 9, 11, 15, … and of the last step; see `ConjugateGradients.faithful`."""

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
            # MATLAB: crashes if CG fails at the first grid step, with nothing recorded; here the iterate is kept
            wanted = i != math.ceil(self._next) or not self.steps
        else:
            wanted = not self.steps or self.steps[-1] != i
        if wanted:
            self._record(i, x)

    def _record(self, i: int, x: Vector) -> None:
        self.steps.append(i)
        self.iterates.append(x.copy())
