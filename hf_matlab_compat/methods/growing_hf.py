"""Hessian-free on growing samples of the cases, small ones first (Byrd, Chin, Nocedal and Wu 2012).

"Sample size selection in optimization methods for machine learning", Mathematical Programming 134.

Notation
--------
S : the cases of an update, drawn again for each;  g_S : gradient on them;  V : sum over parameters of the sample
variance of the cases' gradients;  ϑ : largest acceptable ratio of the error of g_S to its length
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.kinds import AT_LEAST_1, POSITIVE, SEED, check_settings, or_none, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.methods.samples import Sampled, drawn_cases, figures_of, sampled
from hf_matlab_compat.problem import Cases, Problem, check_problem
from hf_matlab_compat.state import Memory, Watch


@dataclass(frozen=True, kw_only=True)
class GrowingHF:
    """Hessian-free, each update on a random sample; an epoch is as many updates as it takes to pass all cases once.

    Attributes
    ----------
    inner : HessianFree
        Its rules; by default those of the run's options.
    first_size : int
        |S| of the first update.
    tolerance : float
        ϑ of the variance test.
    growth : float or None
        a: |S| of update k (from 0) is a^k times the first. None applies the variance test.
    slices : int
        The curvature is on a sample of |S| / slices cases, a part of S.
    seed : int
        Key of the draws.
    """

    inner: HessianFree = None  # type: ignore[assignment]  # `registry.method_of` makes it of the options
    first_size: int = 100
    tolerance: float = 0.5
    growth: float | None = None
    slices: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self, first_size=whole(1), slices=whole(1), seed=SEED)
        check_settings(self, tolerance=POSITIVE, growth=or_none(AT_LEAST_1))

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: the memory of Hessian-free, and the first size."""
        check_problem(problem, "problem", "part", "num_cases", *(["gradient_variance"] if self.growth is None else []))
        size = min(self.first_size, cast(Any, problem).num_cases)
        return {**self.inner.start(problem, theta), "sample_size": size, "updates": 0}

    def epoch(self, problem: Any, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`: updates until their samples add up to all cases, then the score of all cases."""
        passed, N, told = 0, problem.num_cases, list[Mapping[str, Any]]()
        while passed < N:
            watch("minibatch", passed, N)
            size, before = min(memory["sample_size"], N), theta
            of = self._on_sample(problem, size, n, len(told))
            done = self.inner.epoch(of, theta, memory, n, watch)
            theta, k = done.theta, memory["updates"] + 1
            larger = self._next_size(of, before, size, k, N)
            memory = {**memory, **done.memory, "sample_size": larger, "updates": k}
            passed += size
            told.append({**done.figures, "sample_size": size})
        own = {"sample_size": told[-1]["sample_size"], "updates": memory["updates"]}
        figures = {**figures_of(told, memory), **own}
        return Epoch(theta, memory, problem.score(theta, Cases(draw=n)), figures)

    def _on_sample(self, problem: Any, size: int, n: int, update: int) -> Sampled:
        """Return the problem of an update; all cases are the problem itself."""
        order = drawn_cases(problem.num_cases, self.seed, n, update)
        return sampled(problem, np.sort(order[:size]), np.sort(order[: max(size // self.slices, 1)]))

    def _next_size(self, of: Sampled, theta: Vector, size: int, k: int, most: int) -> int:
        if size == most:
            return most
        if self.growth is not None:
            return min(most, math.ceil(self.growth**k * self.first_size))
        return next_size(*of.variance(theta), size, self.tolerance, most)


def next_size(variance: float, squared_norm: float, size: int, tolerance: float, most: int) -> int:
    """Return |S| of the next update: larger if V / |S| > ϑ² |g_S|², as large as would pass the test.

    Parameters
    ----------
    variance : float
        V.
    squared_norm : float
        |g_S|².
    size : int
        |S|.
    tolerance : float
        ϑ.
    most : int
        Number of all cases.
    """
    allowed = tolerance**2 * squared_norm
    if variance <= size * allowed:
        return size
    return min(most, math.ceil(variance / allowed)) if allowed else most
