"""The rules that Hessian-free optimisation is made of, one protocol for each, and what passes between them.

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

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.problem import Cases, Curvature, Gradient, Product
from hf_matlab_compat.state import Score, Watch

ScoreOf = Callable[[Cases, Vector | None], Score]
"""(cases, p) → Score at θ + p on these cases; at θ for None."""


class Quadratic(NamedTuple):
    """The model that an inner solver minimises: φ(p) = ½ pᵀB p - gᵀp.

    Attributes
    ----------
    B : callable
        v → B v, damping included.
    g : (P,) vector
        Gradient of the log-likelihood over all cases.
    strength : float
        What damping made of the memory ``lam``: λ, or a radius for a trust region.
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
        Why the solver stopped; its value is the sentence the user sees.
    last_step : int
        The last step begun; after a bail-out the failed one.
    """

    steps: list[int]
    iterates: list[Vector]
    stop: Enum
    last_step: int


@dataclass(frozen=True)
class Chosen:
    """An iterate and its score.

    Attributes
    ----------
    p : (P,) vector
    step : int
        Its number on the path.
    score : Score
        At θ + p on all cases.
    """

    p: Vector
    step: int
    score: Score


@dataclass(frozen=True)
class Judgement:
    """How well the quadratic model foretold the change.

    Attributes
    ----------
    before, after : float
        Log-likelihood at θ and θ + p on the cases that are compared.
    predicted : float
        Predicted change of the negative log-likelihood, negative.
    rho : float
        Actual over predicted change; -inf where the likelihood fell, nan for 0/0.
    """

    before: float
    after: float
    predicted: float
    rho: float


@dataclass(frozen=True)
class Step:
    """How far to go along the chosen iterate.

    Attributes
    ----------
    rate : float
        α; 0 when no length would do.
    reductions : float
        How often the length was reduced; inf when none would do.
    score : Score
        At θ + α p. See `line_search.Armijo` for a rejected step.
    """

    rate: float
    reductions: float
    score: Score


class Damping(Protocol):
    """How the curvature is damped, and how strongly."""

    @property
    def initial_lam(self) -> float:
        """Strength in the first epoch."""
        ...

    def operator(self, G: Curvature, lam: float) -> Product:
        """The damped curvature, v → B v."""
        ...

    def adapt(self, lam: float, rho: float, p: Vector) -> float:
        """The strength of the next epoch, after a step p with reduction ratio rho."""
        ...


class Preconditioner(Protocol):
    """An approximation to the damped curvature that is easy to invert."""

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Vector | None:
        """Its diagonal, positive, (P,); None for none."""
        ...


class InnerSolver(Protocol):
    """Minimises the quadratic model, at least roughly."""

    def solve(self, model: Quadratic, start: Vector, M: Vector | None, watch: Watch) -> Path:
        """Iterates from `start`, which is not changed; `watch` is told ``("cg", step, of at most)``."""
        ...


class Selection(Protocol):
    """Which iterate of the path becomes the step."""

    def choose(self, path: Path, score: ScoreOf, on: Cases, watch: Watch) -> Chosen:
        """The iterate to step along, with its score on all cases; ``on.chunk`` is the epoch's target chunk."""
        ...


class Judge(Protocol):
    """Compares the change that came with the change that the model predicted."""

    def judge(self, p: Vector, score: ScoreOf, gradient: Gradient, G: Curvature, on: Cases) -> Judgement:
        """The reduction ratio ρ of the full step p, and what it is made of."""
        ...


class LineSearch(Protocol):
    """How far to go along the chosen iterate."""

    def search(
        self, score_at: Callable[[float], Score], full_step: Score, before: Any, slope: float, watch: Watch
    ) -> Step:
        """The step length.

        Parameters
        ----------
        score_at : callable
            α → Score at θ + α p; at θ for 0.
        full_step : Score
            At α = 1.
        before : scalar
            ll(θ), in working precision where the original's is.
        slope : float
            gᵀp.
        watch : callable
            Told of progress.
        """
        ...
