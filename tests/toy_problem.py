"""A problem without a network: one concave quadratic a chunk, and a record of what was asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_matlab_compat.objective.problem import Gradient
from hf_matlab_compat.state import Score, State


@dataclass
class ToyProblem:
    """ll of chunk c is bₖᵀθ - ½ θᵀAₖθ, over all chunks their mean; its error is the number of scores asked for."""

    num_chunks: int = 3
    size: int = 20
    nan_gradient_from: float = np.inf
    curvature: Callable[[Any], Any] | None = None
    likelihood_of: Callable[[Any], float] | None = None
    gradients: list[int] = field(default_factory=list)
    curvatures: list[int] = field(default_factory=list)
    scores: list[tuple[bytes, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = np.random.default_rng(8)
        roots = random.standard_normal((self.num_chunks, self.size, self.size))
        self.A = np.array([root @ root.T / self.size + 0.1 * np.eye(self.size) for root in roots])
        self.b = random.standard_normal((self.num_chunks, self.size))

    def value(self, theta: Any, chunk: int | None) -> float:
        chunks = range(self.num_chunks) if chunk is None else [chunk]
        return float(np.mean([self.b[c] @ theta - 0.5 * theta @ self.A[c] @ theta for c in chunks]))

    def likelihood(self, theta: Any, chunk: int | None = None) -> Score:
        self.scores.append((theta.tobytes(), chunk))
        value = self.likelihood_of(theta) if self.likelihood_of else self.value(theta, chunk)
        return Score(log_likelihood=value, error=float(len(self.scores)))

    def gradient(self, theta: Any, target_chunk: int) -> Gradient:
        self.gradients.append(target_chunk)
        each = self.b - self.A @ theta
        full = each.mean(axis=0) * (np.nan if len(self.gradients) >= self.nan_gradient_from else 1)
        return Gradient(
            full=full,
            chunk=each[target_chunk],
            full_squared=(each**2).mean(axis=0),
            chunk_squared=each[target_chunk] ** 2,
            log_likelihood=self.likelihood_of(theta) if self.likelihood_of else self.value(theta, None),
        )

    def curvature_at(self, theta: Any, target_chunk: int, gradient: Gradient) -> Callable[[Any], Any]:
        self.curvatures.append(target_chunk)
        return self.curvature or (lambda v: self.A[target_chunk] @ v)

    def decay_diagonal(self) -> float:
        return 0.0

    def start(self, lam: float = 1.0) -> State:
        return State(theta=np.full(self.size, 0.1), d=np.zeros(self.size), lam=lam)
