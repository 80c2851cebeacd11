"""Krylov subspace descent (Vinyals & Povey 2012): BFGS over a few Krylov directions in place of the quadratic model.

Notation
--------
f(θ) = -ll(θ);  B : undamped curvature of f;  M : preconditioner, diagonal
Q : orthonormal basis of M⁻¹g, (M⁻¹B) M⁻¹g, … and the step of the epoch before;  T = Qᵀ B Q = U diag(t) Uᵀ
C = Q U diag(t)^-½ : directions along which the model's curvature is 1;  a : coordinates, θ + C a
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import NotFinite
from hf_matlab_compat.kinds import AT_LEAST_0, POSITIVE, check_settings, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.problem import Cases, Problem, check_problem
from hf_matlab_compat.solvers.flexible_cg import inverse_of
from hf_matlab_compat.solvers.lanczos import combined, norm, orthogonalised
from hf_matlab_compat.solvers.preconditioners import MartensDiagonal
from hf_matlab_compat.solvers.rules import Preconditioner, Preconditioning
from hf_matlab_compat.state import Memory, Watch

_DEPENDENT = 1e-10
"""A direction of which less than this is left after it is orthogonalised adds nothing."""


@dataclass(frozen=True, kw_only=True)
class KrylovSubspace:
    """Krylov subspace descent. Gradient on all cases, curvature on the target chunk, BFGS on the next chunk.

    Attributes
    ----------
    size : int
        K, the number of Krylov directions, for one product each.
    max_evaluations : int
        Of the gradient, in BFGS.
    floor : float
        Smallest eigenvalue of T, relative to the largest; of an indefinite T the absolute values count.
    preconditioner : Preconditioner
        Made with λ = `lam`.
    lam : float
    """

    size: int = 20
    max_evaluations: int = 30
    floor: float = 1e-4
    preconditioner: Preconditioner = field(default_factory=MartensDiagonal)
    lam: float = 1e-4

    def __post_init__(self) -> None:
        check_settings(self, size=whole(1), max_evaluations=whole(1), floor=POSITIVE, lam=AT_LEAST_0)

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: no step before the first epoch."""
        check_problem(problem, "problem", "curvature")
        return {"d": theta * 0}

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`."""
        on = Cases(chunk=(n - 1) % problem.num_chunks, draw=n)
        g = problem.gradient(theta, on)
        G = problem.curvature(theta, on, g)
        M = self.preconditioner(G, g, self.lam)
        Q, products = krylov_basis(G, g.full, M, self.size, memory["d"], lambda k: watch("cg", k, self.size))
        if not Q:  # no gradient and no step before
            none = {"cg_steps": 0, "evaluations": 0, "rate": 0.0}
            return Epoch(theta.copy(), memory, problem.score(theta, on.all), none)
        C = directions_of_unit_curvature(Q, products, self.floor)
        judged = Cases(n % problem.num_chunks, n)
        a, evaluations = self._descend(problem, theta, C, judged, watch)
        d = combined(C, a)
        score, before = problem.score(theta + d, on.all), float(g.log_likelihood)
        figures = {"cg_steps": len(products), "evaluations": evaluations, "rate": 1.0}
        if not score.log_likelihood >= before:
            score, d = problem.score(theta, on.all), d * 0
            figures["rate"] = 0.0
        return Epoch(theta + d, {"d": d}, score, figures)

    def _descend(
        self, problem: Any, theta: Vector, C: Sequence[Vector], on: Cases, watch: Watch
    ) -> tuple[NDArray[Any], int]:
        """Return the coordinates that BFGS finds, and how many gradients it took."""
        from scipy.optimize import minimize

        count = 0

        def value_and_slope(a: NDArray[Any]) -> tuple[float, NDArray[Any]]:
            nonlocal count
            count += 1
            watch("line search", count, self.max_evaluations)
            g = problem.chunk_gradient(theta + combined(C, a), on)
            slope = np.array([-float(c @ g.full) for c in C])
            value = -float(g.log_likelihood)
            return (value, slope) if np.isfinite(value) and np.isfinite(slope).all() else (np.inf, slope * 0)

        # each iteration takes one gradient or a few; the count ends the run between two
        def enough(_: Any) -> None:
            if count >= self.max_evaluations:
                raise StopIteration

        found = minimize(value_and_slope, np.zeros(len(C)), jac=True, method="BFGS", callback=enough)
        return found.x, count


def krylov_basis(
    B: Callable[[Vector], Vector],
    g: Vector,
    M: Preconditioning,
    size: int,
    before: Vector,
    watch: Callable[[int], None] = lambda k: None,
) -> tuple[list[Vector], list[Vector]]:
    """Return an orthonormal basis Q, the step before as its last direction, and the products B q.

    Parameters
    ----------
    B : callable
        v → B v.
    g : (P,) vector
        Gradient of the log-likelihood.
    M : (P,) vector, function or None
        The preconditioner.
    size : int
        Number of Krylov directions.
    before : (P,) vector
        The step of the epoch before, or 0.
    watch : callable
        Called with the number of each product.
    """
    Q: list[Vector] = []
    products: list[Vector] = []
    inverse = inverse_of(M)
    v = inverse(g)
    for k in range(size + 1):
        if k == size:
            v = before
        length = norm(v)
        w = orthogonalised(v.copy(), Q)
        left = norm(w)
        if left > _DEPENDENT * length:
            Q.append(w / left)
            products.append(B(Q[-1]))
            watch(len(products))
            v = inverse(products[-1])
    return Q, products


def directions_of_unit_curvature(Q: Sequence[Vector], products: Sequence[Vector], floor: float) -> list[Vector]:
    """Return C = Q U diag(t)^-½, with the absolute values of t, and none below `floor` of the largest.

    Raises
    ------
    NotFinite
        A product is NaN or infinite.
    """
    T = np.array([[float(q @ Bq) for Bq in products] for q in Q])
    if not np.isfinite(T).all():
        raise NotFinite("curvature product")
    t, U = np.linalg.eigh((T + T.T) / 2)
    t = np.maximum(np.abs(t), floor * (np.abs(t).max() or 1.0))
    return [combined(Q, column) for column in (U / np.sqrt(t)).T]
