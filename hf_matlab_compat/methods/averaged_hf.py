"""Hessian-free with averaged gradients: the newest gradient of each chunk is stored, and a step uses their mean.

Notation
--------
g_j : newest gradient of chunk j;  w_j = γ^age_j, age in updates;  g = Σ w_j g_j / Σ w_j over the chunks seen so far
γ = 1 is stochastic average gradient (Le Roux, Schmidt and Bach 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import FLAG, check_settings
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.methods.krylov_subspace import combined
from hf_matlab_compat.methods.samples import Sampled
from hf_matlab_compat.methods.stochastic_hf import StochasticHF
from hf_matlab_compat.problem import Cases, Gradient, Problem
from hf_matlab_compat.state import Memory, Watch

_MOST, _LEAST, _UP, _DOWN = 1.0, 0.3, 1.1, 0.7
"""Limits of γ, and factors on it after a fall and a rise of the held-out loss."""


@dataclass(frozen=True, kw_only=True)
class AveragedHF(StochasticHF):
    """Stochastic Hessian-free whose quadratic model has the averaged gradient of all chunks.

    Curvature, backtracking, ρ and line search stay on the chunk of the iteration, so a step that follows the average
    must also improve this chunk. One (P,) vector for each chunk is kept. Stored gradients have the weight decay of
    their own θ.

    Attributes
    ----------
    dynamic : bool
        Older gradients count less, and the less the more often steps raise the loss of the next chunk, which the step
        has not seen: γ ← min(1, 1.1 γ) after a fall, max(0.3, 0.7 γ) after a rise. False leaves γ = 1. (The idea is
        of US patent 9483728, which does not state its rule; this one is the package's own.)
    """

    slices: int = 1
    rate_decay: float = 1.0
    start_growth: float = 1.0
    dynamic: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_settings(self, dynamic=FLAG)

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: no gradient has been stored."""
        empty = {_name(c): theta * 0 for c in range(problem.num_chunks)}
        seen = np.zeros(problem.num_chunks, np.int64)
        return {**super().start(problem, theta), **empty, "seen": seen, "gamma": 1.0}

    def update(self, problem: Problem, on: Cases, theta: Vector, memory: Memory, watch: Watch) -> Epoch:
        """Return the result of one iteration on a chunk, with its gradient stored."""
        if len(memory["seen"]) != problem.num_chunks:  # resumed with other chunks
            memory = {**memory, **self.start(problem, theta)}
        averaged = _Averaged(self.on_chunk(problem, on), on.chunk or 0, memory)
        done = self.iterate(averaged, on, theta, memory, watch)
        gamma = memory["gamma"]
        if self.dynamic:
            held_out = Cases(((on.chunk or 0) + 1) % problem.num_chunks, on.draw)
            fell = problem.score(done.theta, held_out).log_likelihood > problem.score(theta, held_out).log_likelihood
            gamma = min(_MOST, _UP * gamma) if fell else max(_LEAST, _DOWN * gamma)
        return done._replace(memory={**memory, **done.memory, **averaged.stored, "gamma": gamma})


class _Averaged(Sampled):
    """The problem of an iteration, with the gradient averaged over what is stored."""

    def __init__(self, of: Sampled, chunk: int, memory: Memory) -> None:
        super().__init__(of.batch, of.curved)
        self._chunk, self._memory = chunk, memory
        self.stored: Mapping[str, Any] = {}

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """Store the gradient of the chunk and return the average in its place."""
        g = super().gradient(theta, on)
        seen = self._memory["seen"].copy()
        seen[self._chunk] = seen.max() + 1
        self.stored = {_name(self._chunk): g.full, "seen": seen}
        mean = averaged_gradient({**self._memory, **self.stored})
        return replace(g, full=mean, chunk=mean)


def averaged_gradient(memory: Memory) -> Vector:
    """Return Σ w_j g_j / Σ w_j over the stored gradients."""
    seen = memory["seen"]
    weights = np.where(seen > 0, memory["gamma"] ** (seen.max() - seen).astype(float), 0.0)
    return combined([memory[_name(c)] for c in range(len(seen))], weights / weights.sum())


def _name(chunk: int) -> str:
    return f"gradient_{chunk}"
