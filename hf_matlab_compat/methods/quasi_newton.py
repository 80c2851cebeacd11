"""Full-batch methods with a line search under the strong Wolfe conditions: nonlinear CG and L-BFGS.

Notation
--------
f(θ) = -ll(θ) is minimised;  g = ∇f(θ);  p : direction;  α : step length
s = θₖ₊₁ - θₖ;  y = gₖ₊₁ - gₖ;  H : approximation to the inverse Hessian, H y = s for the newest pair
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.kinds import BETWEEN_0_AND_1, check_settings, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.problem import Cases, Problem
from hf_matlab_compat.state import Memory, Score, Watch


class WolfeStep(NamedTuple):
    """A step along a direction.

    Attributes
    ----------
    theta, g : (P,) vectors
        After the step.
    score : Score
        There.
    rate : float
        α, 0 where no step satisfied the conditions.
    """

    theta: Vector
    g: Vector
    score: Score
    rate: float


class _LineSearched:
    """One iteration an epoch: a direction, then scipy's line search (Nocedal and Wright 2006, algorithms 3.5 and 3.6).

    What a subclass keeps from epoch to epoch gives its direction; after a failed search it starts over from the
    gradient.
    """

    curvature_constant: float
    _known: ClassVar[tuple[Problem, Vector, Vector, Score] | None] = None

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """Take one step along the method's direction.

        Raises
        ------
        OptionError
            The vectors are on a GPU.
        """
        if not isinstance(theta, np.ndarray):
            raise OptionError("method", expected=f"a CPU {{backend}} for {type(self).__name__}", got="a GPU's vectors")
        on = Cases(draw=n)
        g, score = self._at(problem, theta, on)
        p = self.direction(g, memory)
        if float(p @ g) >= 0:  # no descent: rounding, or memory of another objective
            memory, p = self.start(problem, theta), -g
        step = wolfe_search(problem, on, (theta, p, g), score, memory["before"], self.curvature_constant)
        kept = {"before": -score.log_likelihood} | self.remember(memory, g, p, step)
        kept = kept if step.rate else self.start(problem, theta)
        object.__setattr__(self, "_known", (problem, step.theta, step.g, step.score))
        return Epoch(step.theta, kept, step.score, {"rate": step.rate})

    def _at(self, problem: Problem, theta: Vector, on: Cases) -> tuple[Vector, Score]:
        """Return gradient of f and score, which the epoch before computed if the objective is still the same."""
        if self._known is not None and not getattr(problem, "is_random", True):
            of, at, g, score = self._known
            if of is problem and at is theta:
                return g, score
        return -problem.gradient(theta, on).full, problem.score(theta, on)

    def start(self, problem: Problem, theta: Vector) -> dict[str, Any]:
        """Return the memory of no iterations."""
        raise NotImplementedError

    def direction(self, g: Vector, memory: Memory) -> Vector:
        """Return the direction from the gradient of f and the memory."""
        raise NotImplementedError

    def remember(self, memory: Memory, g: Vector, p: Vector, step: WolfeStep) -> dict[str, Any]:
        """Return the memory after a step from a point with gradient `g` along `p`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class NonlinearCG(_LineSearched):
    """Polak-Ribière's nonlinear conjugate gradients, restarted where β would be negative (PR+).

    Attributes
    ----------
    curvature_constant : float
        c₂ of the Wolfe conditions; nonlinear CG needs it below ½ (0.4 as scipy has it).
    """

    curvature_constant: float = 0.4

    def __post_init__(self) -> None:
        check_settings(self, curvature_constant=BETWEEN_0_AND_1)

    def start(self, problem: Problem, theta: Vector) -> dict[str, Any]:
        """Return the memory of no iterations: no direction and no gradient."""
        return {"p": theta * 0, "g": theta * 0, "before": math.nan}

    def direction(self, g: Vector, memory: Memory) -> Vector:
        """Return -g + β p, β = max(gᵀ(g - gₖ₋₁) / ‖gₖ₋₁‖², 0)."""
        before = memory["g"]
        squared = float(before @ before)
        beta = max(float(g @ (g - before)) / squared, 0.0) if squared else 0.0
        return beta * memory["p"] - g

    def remember(self, memory: Memory, g: Vector, p: Vector, step: WolfeStep) -> dict[str, Any]:
        """Keep the direction and the gradient that it was made from."""
        return {"p": p, "g": g}


@dataclass(frozen=True, kw_only=True)
class LBFGS(_LineSearched):
    """Limited-memory BFGS: the two-loop recursion over the newest pairs (Nocedal and Wright 2006, algorithm 7.4).

    Attributes
    ----------
    pairs : int
        Most pairs (s, y) that are kept.
    curvature_constant : float
        c₂ of the Wolfe conditions.
    """

    pairs: int = 20
    curvature_constant: float = 0.9

    def __post_init__(self) -> None:
        check_settings(self, pairs=whole(1), curvature_constant=BETWEEN_0_AND_1)

    def start(self, problem: Problem, theta: Vector) -> dict[str, Any]:
        """Return the memory of no iterations: no pairs."""
        none = np.zeros((0, theta.size), theta.dtype)
        return {"pairs_s": none, "pairs_y": none, "before": math.nan}

    def direction(self, g: Vector, memory: Memory) -> Vector:
        """Return -H g."""
        return -two_loop(g, memory["pairs_s"], memory["pairs_y"])

    def remember(self, memory: Memory, g: Vector, p: Vector, step: WolfeStep) -> dict[str, Any]:
        """Add the pair of this step, oldest first, where its curvature is positive."""
        s, y = step.rate * p, step.g - g
        added = {"pairs_s": s, "pairs_y": y} if float(s @ y) > 0 else {}
        pairs = {name: np.vstack([memory[name], pair])[-self.pairs :] for name, pair in added.items()}
        # -inf: α = 1 is tried first, since H has the scale of the step
        return {"pairs_s": memory["pairs_s"], "pairs_y": memory["pairs_y"], **pairs, "before": -math.inf}


def two_loop(g: Vector, s: Array, y: Array) -> Vector:
    """Return H g for the inverse Hessian that pairs stand for.

    Parameters
    ----------
    g : (P,) vector
        What is multiplied.
    s, y : (m, P) arrays
        Pairs, oldest first, with sᵀy > 0.
    """
    q, along = g.copy(), np.zeros(len(s))
    for j in reversed(range(len(s))):
        along[j] = float(s[j] @ q) / float(s[j] @ y[j])
        q -= float(along[j]) * y[j]
    if len(s):
        q *= float(s[-1] @ y[-1]) / float(y[-1] @ y[-1])
    for j in range(len(s)):
        q += (float(along[j]) - float(y[j] @ q) / float(s[j] @ y[j])) * s[j]
    return q


def wolfe_search(
    problem: Problem, on: Cases, along: tuple[Vector, Vector, Vector], score: Score, before: float, c2: float
) -> WolfeStep:
    """Search for a step length that satisfies the strong Wolfe conditions with c₁ = 10⁻⁴.

    Parameters
    ----------
    problem : Problem
        -f is its log-likelihood.
    on : Cases
        All cases, with the draws of the epoch.
    along : tuple
        θ, the direction p, and the gradient of f at θ.
    score : Score
        At θ.
    before : float
        f at the iterate before θ: the first α is the one that would repeat its decrease (Nocedal and Wright,
        equation 3.60). NaN makes the first step one of length 1, -inf tries α = 1.
    c2 : float
        The curvature constant.
    """
    from scipy.optimize import line_search  # its import takes a while, and changes the filters of warnings

    theta, p, g = along
    here = -score.log_likelihood
    scores: dict[float, Score] = {}

    def f(at: Vector) -> float:
        score = problem.score(at.astype(theta.dtype), on)  # scipy's α widens single precision
        scores[-score.log_likelihood] = score
        return -score.log_likelihood

    unit = here + float(g @ g) ** 0.5 / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a failed search shows in the rate
        alpha, _, _, there, _, slope = line_search(
            f,
            lambda at: -problem.gradient(at.astype(theta.dtype), on).full,
            theta,
            p,
            gfk=g,
            old_fval=here,
            old_old_fval=unit if math.isnan(before) else before,
            c1=1e-4,
            c2=c2,
            maxiter=20,
        )
    if alpha is None or slope is None:
        return WolfeStep(theta, g, score, 0.0)
    return WolfeStep((theta + alpha * p).astype(theta.dtype), slope, scores[there], float(alpha))
