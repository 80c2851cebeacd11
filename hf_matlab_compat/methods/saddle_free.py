"""Saddle-free Newton (Dauphin et al. 2014): steps along -(|H| + λ)⁻¹ ∇f, which leave saddle points.

Notation
--------
f(θ) = -ll(θ);  g = ∇ll(θ);  H : Hessian of f;  |H| : the same eigenvectors with absolute eigenvalues
H ≈ Q T Qᵀ, T = S diag(t) Sᵀ, by the Lanczos process from g;  p = Q S (|t| + λ)⁻¹ Sᵀ |g| e₁
"""

from __future__ import annotations

from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import POSITIVE, check_settings, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.problem import Cases, Problem, Product, check_problem
from hf_matlab_compat.solvers.lanczos import Lanczos
from hf_matlab_compat.state import Memory, Watch

TRIED = (0.1, 1.0, 10.0)
"""Factors on λ whose steps are compared in every epoch."""


@dataclass(frozen=True, kw_only=True)
class SaddleFree:
    """Saddle-free Newton over a Krylov space of the problem's curvature, which should be its Hessian.

    Attributes
    ----------
    size : int
        Number of Lanczos steps, for one product each.
    initial_lam : float
        λ of the first epoch; the next one starts from the best λ, or from ten times λ where no step was better.
    """

    size: int = 40
    initial_lam: float = 1.0

    def __post_init__(self) -> None:
        check_settings(self, size=whole(1), initial_lam=POSITIVE)

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`."""
        check_problem(problem, "problem", "curvature")
        return {"lam": self.initial_lam}

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`."""
        on = Cases(chunk=(n - 1) % problem.num_chunks, draw=n)
        g = problem.gradient(theta, on)
        space = lanczos_space(problem.curvature(theta, on, g), g.full, self.size, watch)
        best = problem.score(theta, on.all)
        kept, lam, rate = theta, 10 * memory["lam"], 0.0
        for factor in TRIED:
            tried = theta + absolute_newton(space, factor * memory["lam"])
            score = problem.score(tried, on.all)
            if score.log_likelihood > best.log_likelihood:
                best, kept, lam, rate = score, tried, factor * memory["lam"], 1.0
        t = space.eigen()[0]
        figures = {"cg_steps": len(space.Q), "rate": rate, "least_eigenvalue": float(t[0]), "lam": lam}
        return Epoch(kept, {"lam": lam}, best, figures)


def lanczos_space(B: Product, g: Vector, size: int, watch: Watch) -> Lanczos:
    """Return the Krylov space of B and g after `size` steps, or as many as it has."""
    space = Lanczos(B, g)
    while len(space.Q) < size and not space.is_exhausted:
        space.extend()
        watch("cg", len(space.Q), size)
    return space


def absolute_newton(space: Lanczos, lam: float) -> Vector:
    """Return p = (|H| + λ)⁻¹ g on the space."""
    t, S = space.eigen()
    return space.combined(S @ (space.length * S[0] / (abs(t) + lam)))
