"""First-order methods that update once per minibatch: gradient descent, momentum, Nesterov's gradient, Adam.

Notation
--------
g : gradient of the log-likelihood on one chunk, so every step ascends;  ε : rate;  v : velocity;  μ : momentum
t : updates since the first epoch
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import AT_LEAST_0, FLAG, POSITIVE, SHARE, check_settings, or_none, whole
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.problem import Cases, ChunkGradient, Curvature, Gradient, Problem
from hf_matlab_compat.state import Memory, Watch


class OnChunk(NamedTuple):
    """The problem on the chunk of one update: θ → gradient of the log-likelihood there."""

    problem: Problem
    on: Cases

    def __call__(self, theta: Vector) -> Vector:
        """Return the gradient at θ."""
        return self.whole(theta).full

    def whole(self, theta: Vector) -> Gradient:
        """Return all results of the gradient pass at θ."""
        return cast("ChunkGradient", self.problem).chunk_gradient(theta, self.on)  # a run's problem always has it

    def curvature(self, theta: Vector, gradient: Gradient) -> Curvature:
        """Return the curvature at θ, where `gradient` was formed."""
        return self.problem.curvature(theta, self.on, gradient)


class Minibatch:
    """A method that goes through the chunks in order and updates the parameters after each; an epoch is one pass."""

    rate: float
    remembers: tuple[str, ...] = ()
    """Names of the vectors that the method keeps, zero before the first update."""

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """Return the memory before the first epoch: no updates, and vectors of zeros."""
        return {"updates": 0, **{name: theta * 0 for name in self.remembers}}

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """Update once on each chunk, then score all training cases."""
        for c in range(problem.num_chunks):
            watch("minibatch", c, problem.num_chunks)
            theta, kept = self.update(theta, memory, OnChunk(problem, Cases(chunk=c, draw=n)))
            memory = {**kept, "updates": memory["updates"] + 1}
        figures = {"rate": self.rate, "updates": memory["updates"]}
        return Epoch(theta, memory, problem.score(theta, Cases(draw=n)), figures)

    def update(self, theta: Vector, memory: Memory, gradient: OnChunk) -> tuple[Vector, dict[str, Any]]:
        """Return new parameters and the vectors to remember; change neither argument."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class GradientDescent(Minibatch):
    """θ ← θ + ε g; on the full data with one chunk.

    Attributes
    ----------
    rate : float
        ε.
    """

    rate: float = 0.03

    def __post_init__(self) -> None:
        check_settings(self, rate=POSITIVE)

    def update(self, theta: Vector, memory: Memory, gradient: OnChunk) -> tuple[Vector, dict[str, Any]]:
        """See `Minibatch.update`."""
        return theta + self.rate * gradient(theta), {}


@dataclass(frozen=True, kw_only=True)
class Momentum(Minibatch):
    """Classical momentum, v ← μ v + ε g(θ), or Nesterov's, v ← μ v + ε g(θ + μ v); then θ ← θ + v.

    The schedule is μ_t = min(1 - 2^(-1 - log2(⌊t / period⌋ + 1)), μ) (Sutskever, Martens, Dahl and Hinton 2013,
    "On the importance of initialization and momentum in deep learning", equation 5, where the period is 250).

    Attributes
    ----------
    rate : float
        ε.
    momentum : float
        μ, or the largest value that the schedule reaches.
    period : int or None
        Updates after which the schedule steps up; None for a constant μ.
    nesterov : bool
        Evaluate the gradient ahead of the parameters.
    """

    rate: float = 0.01
    momentum: float = 0.9
    period: int | None = None
    nesterov: bool = False
    remembers = ("v",)

    def __post_init__(self) -> None:
        check_settings(self, rate=POSITIVE, momentum=SHARE, period=or_none(whole(1)), nesterov=FLAG)

    def momentum_at(self, t: int) -> float:
        """Return μ of update `t`, counted from 0."""
        if self.period is None:
            return self.momentum
        return min(1 - 2 ** (-1 - math.log2(t // self.period + 1)), self.momentum)

    def update(self, theta: Vector, memory: Memory, gradient: OnChunk) -> tuple[Vector, dict[str, Any]]:
        """See `Minibatch.update`."""
        carried = self.momentum_at(memory["updates"]) * memory["v"]
        v = carried + self.rate * gradient(theta + carried if self.nesterov else theta)
        return theta + v, {"v": v}


@dataclass(frozen=True, kw_only=True)
class Adam(Minibatch):
    """Adam (Kingma and Ba 2015, algorithm 1), with bias-corrected first and second moments m and s of the gradient.

    Attributes
    ----------
    rate : float
        ε.
    decay, square_decay : float
        β₁ and β₂ of the moments.
    floor : float
        Added to the root of the second moment.
    """

    rate: float = 1e-3
    decay: float = 0.9
    square_decay: float = 0.999
    floor: float = 1e-8
    remembers = ("m", "s")

    def __post_init__(self) -> None:
        check_settings(self, rate=POSITIVE, decay=SHARE, square_decay=SHARE, floor=AT_LEAST_0)

    def update(self, theta: Vector, memory: Memory, gradient: OnChunk) -> tuple[Vector, dict[str, Any]]:
        """See `Minibatch.update`."""
        g, t = gradient(theta), memory["updates"] + 1
        m = self.decay * memory["m"] + (1 - self.decay) * g
        s = self.square_decay * memory["s"] + (1 - self.square_decay) * g * g
        mean, square = m / (1 - self.decay**t), s / (1 - self.square_decay**t)
        return theta + self.rate * mean / (square**0.5 + self.floor), {"m": m, "s": s}
