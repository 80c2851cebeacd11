"""Stochastic Hessian-free: one outer iteration of Hessian-free on each minibatch (Kiros 2013).

Kiros, R. (2013), "Training neural networks with stochastic Hessian-free optimization". Dropout is the corruption of
the problem (`input_blankout`, `hidden_blankout`): the same masks in all passes of an iteration, others in every epoch.

Notation
--------
p : the step of an iteration;  α : its length by the line search;  F : factor on α, decreasing from epoch to epoch
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.kinds import ABOVE_0_TO_1, FROM_0_TO_1, POSITIVE, check_settings, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.methods.samples import Sampled, figures_of, sampled, slice_of
from hf_matlab_compat.model.packing import unpack
from hf_matlab_compat.problem import Cases, Divisible, Problem, check_problem
from hf_matlab_compat.state import Memory, Watch


@dataclass(frozen=True, kw_only=True)
class StochasticHF:
    """Hessian-free on one chunk after the other; an epoch is one pass over them.

    Gradient, backtracking, ρ and line search see the chunk, curvature products a slice of it. With one chunk, one
    slice and constant factors it is Hessian-free itself.

    Attributes
    ----------
    inner : HessianFree
        Its rules; by default those of the run's options. Its `start_decay` is that of the first epoch.
    slices : int
        Number of slices of a chunk; the curvature of epoch n is on slice n - 1, modulo `slices`.
    rate_decay : float
        Factor on F after every epoch, from 1.
    start_growth, largest_start_decay : float
        Factor on the decay of the CG start after every epoch, and where it ends.
    constrain : callable or None
        θ → θ, after every step: `max_norm` makes one.
    """

    inner: HessianFree = None  # type: ignore[assignment]  # `registry.method_of` makes it of the options
    slices: int = 5
    rate_decay: float = 0.998
    start_growth: float = 1.01
    largest_start_decay: float = 0.99
    constrain: Callable[[Vector], Vector] | None = None

    def __post_init__(self) -> None:
        check_settings(self, slices=whole(1), rate_decay=ABOVE_0_TO_1, start_growth=POSITIVE)
        check_settings(self, largest_start_decay=FROM_0_TO_1)

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: the memory of Hessian-free."""
        check_problem(problem, "problem", "part", "num_cases")
        return self.inner.start(problem, theta)

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`: one iteration on each chunk, then the score of all training cases."""
        told = list[Mapping[str, Any]]()
        for c in range(problem.num_chunks):
            watch("minibatch", c, problem.num_chunks)
            done = self.update(problem, Cases(c, n), theta, memory, watch)
            theta, memory = done.theta, done.memory
            told.append(done.figures)
        return Epoch(theta, memory, problem.score(theta, Cases(draw=n)), figures_of(told, memory))

    def update(self, problem: Problem, on: Cases, theta: Vector, memory: Memory, watch: Watch) -> Epoch:
        """Return the result of one iteration on a chunk."""
        return self.iterate(self.on_chunk(problem, on), on, theta, memory, watch)

    def on_chunk(self, problem: Problem, on: Cases) -> Sampled:
        """Return the problem of an iteration: a chunk, and its slice of this epoch."""
        per_chunk = cast("Divisible", problem).num_cases // problem.num_chunks  # `start` has checked it
        cases = np.arange(per_chunk) + (on.chunk or 0) * per_chunk
        return sampled(problem, cases, slice_of(cases, on.draw, self.slices))

    def iterate(self, of: Problem, on: Cases, theta: Vector, memory: Memory, watch: Watch) -> Epoch:
        """Run one iteration of Hessian-free on the problem of a chunk, and shorten its step by F."""
        n, first = on.draw, self.inner.start_decay
        decay = min(first * self.start_growth ** (n - 1), max(first, self.largest_start_decay))
        done = replace(self.inner, start_decay=decay).epoch(of, theta, memory, n, watch)
        F, theta_done = self.rate_decay ** (n - 1), done.theta
        if F != 1:
            theta_done = theta + F * (theta_done - theta)
        if self.constrain is not None:
            theta_done = self.constrain(theta_done)
        return done._replace(theta=theta_done, figures={**done.figures, "rate": F * done.figures["rate"]})


def max_norm(sizes: tuple[int, ...], limit: float) -> Callable[[Vector], Vector]:
    """Return θ → θ with the incoming weights of every unit scaled to a norm of at most `limit`; biases stay.

    `sizes` are the units of every layer, the inputs first.
    """

    def constrained(theta: Vector) -> Vector:
        theta = theta.copy()
        for layer in unpack(theta, sizes):
            norms = (layer.W**2).sum(axis=1, keepdims=True) ** 0.5
            layer.W[...] *= limit / norms.clip(limit)
        return theta

    return constrained
