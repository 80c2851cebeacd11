"""The rules of Hessian-free optimisation: a protocol for each rule, and the values that pass between rules.

A variant of the method is a class with the one or two methods of a protocol, passed to `train` in place of a name.

Notation
--------
f(θ) = -ll(θ);  g = ∇ll(θ);  G : curvature of f, undamped;  B : G with its damping;  p : a step
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.problem import Cases, Curvature, Gradient, Product
from hf_matlab_compat.state import Score, Watch

ScoreOf = Callable[[Cases, Vector | None], Score]
"""(cases, p) → Score at θ + p on these cases; p = None means at θ."""


Preconditioning = Vector | Callable[[Vector], Vector] | None
"""A diagonal M, or r → M⁻¹ r, or None for no preconditioner."""


class Quadratic(NamedTuple):
    """The model that an inner solver minimises: φ(p) = ½ pᵀB p - gᵀp.

    Attributes
    ----------
    B : callable
        v → B v, weight decay and damping included.
    g : (P,) vector
        Gradient of the log-likelihood over all cases, weight decay included.
    strength : float
        The value of ``lam`` in this epoch: λ, or the radius of a trust region.
    """

    B: Product
    g: Vector
    strength: float


@dataclass(frozen=True)
class Path:
    """Iterates of an inner solver, in order; never empty.

    Attributes
    ----------
    steps : list of int
        Step numbers, counted from 1.
    iterates : list of (P,) vectors
    stop : Enum
        Why the solver stopped; its value is the sentence that the user sees.
    last_step : int
        The last step begun; if the solver failed, the failed step.
    pairs : tuple of (k, P) arrays or None
        Some steps s of the solver and their products B s, the oldest first, if it leaves them.
    """

    steps: list[int]
    iterates: list[Vector]
    stop: Enum
    last_step: int
    pairs: tuple[Array, Array] | None = None


@dataclass(frozen=True)
class Chosen:
    """A selected iterate and its score.

    Attributes
    ----------
    p : (P,) vector
    step : int
        Its step number on the path.
    score : Score
        At θ + p on all cases.
    """

    p: Vector
    step: int
    score: Score


@dataclass(frozen=True)
class Judgement:
    """Comparison of the actual with the predicted change.

    Attributes
    ----------
    before, after : float
        Log-likelihood at θ and θ + p on the cases that are compared.
    predicted : float
        Predicted change of the negative log-likelihood, negative.
    rho : float
        Actual over predicted change; -inf if the log-likelihood fell, nan for 0/0.
    """

    before: float
    after: float
    predicted: float
    rho: float


@dataclass(frozen=True)
class Step:
    """The step length along the chosen iterate.

    Attributes
    ----------
    rate : float
        α; 0 if the step was rejected.
    reductions : float
        Number of reductions of the length; inf if the step was rejected.
    score : Score
        At θ + α p. See `line_search.Armijo` for a rejected step.
    """

    rate: float
    reductions: float
    score: Score


class Damping(Protocol):
    """The damped curvature and the rule for its strength."""

    @property
    def initial_lam(self) -> float:
        """Strength in the first epoch."""
        ...

    def operator(self, G: Curvature, lam: float) -> Product:
        """Return the damped curvature, v → B v."""
        ...

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """Return the strength of the next epoch, after a step p with reduction ratio rho."""
        ...


class Preconditioner(Protocol):
    """An approximation to the damped curvature that is easy to invert."""

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Preconditioning:
        """Return its diagonal, positive, (P,); or r → M⁻¹ r, for solvers that take it; None for no preconditioner."""
        ...


class InnerSolver(Protocol):
    """Minimises the quadratic model approximately."""

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """Return the iterates from `start`, which is not changed; call ``watch("cg", step, largest step)``."""
        ...


class Selection(Protocol):
    """Selects the iterate of the path that becomes the step."""

    def choose(self, path: Path, score: ScoreOf, on: Cases, watch: Watch) -> Chosen:
        """Return the iterate to step along, with its score on all cases; ``on.chunk`` is the epoch's target chunk."""
        ...


class Judge(Protocol):
    """Compares the actual change with the change that the model predicted."""

    def judge(self, p: Vector, score: ScoreOf, gradient: Gradient, G: Curvature, on: Cases) -> Judgement:
        """Return the reduction ratio ρ of the full step p, and its parts."""
        ...


class LineSearch(Protocol):
    """Finds the step length along the chosen iterate."""

    def search(
        self, score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, watch: Watch
    ) -> Step:
        """Return the step length and its score.

        Parameters
        ----------
        score_at : callable
            α → Score at θ + α p; 0 means at θ.
        full_step : Score
            At α = 1.
        before : scalar
            ll(θ), in working precision where MATLAB's is.
        slope : float
            gᵀp.
        watch : callable
            Told of progress.
        """
        ...
