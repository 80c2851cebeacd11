"""LiSSA: Newton steps by Neumann series whose curvature is that of another case in every term.

Agarwal, N., Bullins, B. and Hazan, E. (2016), "Second-order stochastic optimization for machine learning in linear
time". The expectation of a step is the Neumann series of depth S₂ of the curvature on all cases.

Notation
--------
g = ∇ll(θ) on all cases;  p : the step;  c : scale, Ĥ ≤ cI
Ĥ : curvature of -ll on the cases of a draw, weight decay included
X_0 = g, X_j = g + (I - Ĥ_j / c) X_{j-1}, j ≤ S₂;  p = (mean of S₁ chains X_{S₂}) / c
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import speaking
from hf_matlab_compat.kinds import POSITIVE, SEED, check_settings, or_none, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.methods.samples import drawn_cases
from hf_matlab_compat.model.corruption import words
from hf_matlab_compat.problem import Cases, Divisible, Gradient, Problem, Product, check_problem
from hf_matlab_compat.solvers.inverse_series import neumann, scale_of, spectrum_ends
from hf_matlab_compat.solvers.line_search import Armijo
from hf_matlab_compat.solvers.rules import LineSearch, Step
from hf_matlab_compat.state import Memory, Score, Watch

DRAWS = 104
"""The purpose of the drawn parts, in their key."""

_KEPT = 1 << 24
"""Most curvatures of single parts that are kept within an epoch, times parameters."""

_STEPS = 3
"""Lanczos steps of the estimate of c for one part: the curvature of one case has few directions beside weight decay."""


@dataclass(frozen=True, kw_only=True)
class LiSSA:
    """One step an epoch, for convex losses; on other ones use a small depth, which acts as a damping of c / S₂.

    Attributes
    ----------
    chains : int
        S₁. The error of a step that is due to sampling falls as 1 / √S₁.
    depth : int
        S₂, terms of each chain: several times c over the least eigenvalue of the curvature.
    scale : float or None
        c; for a logistic unit ¼ times the largest squared norm of a case, plus weight decay. None takes, in every
        epoch, the largest eigenvalue that three Lanczos steps from g find in any part drawn, for three products each:
        a bound that holds for all cases at all θ is not known for a problem of one's own.
    cases : int
        Cases of a part. Every epoch divides all cases at random into such parts; Ĥ is that of one.
    gradient_epochs : int
        Number of first epochs that are gradient steps, θ ← θ + g / c, from a start that is far from the minimum.
    seed : int
        Key of the draws.
    line_search : LineSearch or None
        Shortens or rejects a step; None takes every step in full, as published.
    """

    chains: int = 1
    depth: int = 200
    scale: float | None = None
    cases: int = 1
    gradient_epochs: int = 0
    seed: int = 0
    line_search: LineSearch | None = field(default_factory=lambda: Armijo(rescore_rejected=True))

    def __post_init__(self) -> None:
        check_settings(self, chains=whole(1), depth=whole(1), cases=whole(1), gradient_epochs=whole(0))
        check_settings(self, scale=or_none(POSITIVE), seed=SEED)

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: nothing is remembered."""
        check_problem(problem, "problem", "part", "num_cases", "curvature")
        return {}

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`."""
        on = Cases(draw=n)
        g = problem.gradient(theta, on)
        parts = Parts(cast("Divisible", problem), theta, on, g, self.cases, self.seed)
        drawn = parts.drawn(self.chains * self.depth).reshape(self.chains, self.depth)
        c = self.scale or parts.largest_eigenvalue(np.unique(drawn), g.full)
        depth = 0 if n <= self.gradient_epochs else self.depth
        total = theta * 0
        for s in range(self.chains):
            watch("cg", s * depth, self.chains * depth)
            total += parts.chain(drawn[s, :depth], g.full, c)
        p = total / self.chains
        step = self._along(p, lambda rate: problem.score(theta + rate * p if rate else theta, on), g, watch)
        figures = {"rate": step.rate, "scale": c, "products": self.chains * depth}
        return Epoch(theta + step.rate * p, memory, step.score, figures)

    def _along(self, p: Vector, score_at: Callable[[float], Score], g: Gradient, watch: Watch) -> Step:
        full = score_at(1.0)
        if self.line_search is None:
            return Step(1.0, 0, full)
        return self.line_search.search(score_at, full, g.log_likelihood, float(g.full @ p), watch)


class Parts:
    """All cases, divided at random into parts of equal size, and the curvature on each part at one θ.

    Parameters
    ----------
    problem : Divisible
    theta : (P,) vector
    on : Cases
        The key of the epoch.
    gradient : Gradient
        Formed at θ on all cases.
    size : int
        Cases of a part; the last one has what is left.
    seed : int
        Key of the division and of the draws.
    """

    def __init__(self, problem: Divisible, theta: Vector, on: Cases, gradient: Gradient, size: int, seed: int) -> None:
        self._draw, self._seed, self._size = on.draw, seed, size
        self._num_cases = problem.num_cases
        order = drawn_cases(problem.num_cases, seed, on.draw)

        def curvature(part: int) -> Product:
            cases: NDArray[np.int64] = np.sort(order[part * size : (part + 1) * size])
            return problem.part(cases).curvature(theta, Cases(0, on.draw), gradient)

        self.curvature: Callable[[int], Product] = lru_cache(max(_KEPT // theta.size, 1))(curvature)

    def drawn(self, count: int) -> NDArray[np.int64]:
        """Return numbers of parts, each with a probability in proportion to its cases, so that the mean is unbiased."""
        uniform = (words((self._seed, DRAWS), 0, count, self._draw) >> np.uint64(32)).astype(np.int64)
        return (uniform * self._num_cases >> 32) // self._size

    def largest_eigenvalue(self, parts: NDArray[np.int64], g: Vector) -> float:
        """Return the largest eigenvalue that a few Lanczos steps from g find in any of the parts.

        Raises
        ------
        OptionError
            They have no curvature along g.
        """
        found = [spectrum_ends(self.curvature(part), g, _STEPS) for part in parts.tolist()]
        with speaking({"B": "curvature"}):
            return scale_of(max(found, key=lambda ends: ends.largest))

    def chain(self, parts: NDArray[np.int64], g: Vector, scale: float) -> Vector:
        """Return the end of a chain through these parts, X / c.

        Raises
        ------
        OptionError
            See `inverse_series.neumann`.
        """
        numbers = iter(parts.tolist())
        with speaking({"B": "curvature"}):
            return neumann(lambda v: self.curvature(next(numbers))(v), g, len(parts), scale)
