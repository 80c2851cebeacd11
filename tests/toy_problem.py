"""A problem without a network: one concave quadratic a chunk, and a record of what was asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Score, State, hessian_free_state


@dataclass
class ToyProblem:
    """ll of chunk c is bₖᵀθ - ½ θᵀAₖθ, over all chunks their mean; its error is the number of scores asked for."""

    num_chunks: int = 3
    size: int = 20
    nan_gradient_from: float = np.inf
    product: Callable[[Any], Any] | None = None
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

    @property
    def num_parameters(self) -> int:
        return self.size

    def score(self, theta: Any, on: Cases) -> Score:
        self.scores.append((theta.tobytes(), on.chunk))
        value = self.likelihood_of(theta) if self.likelihood_of else self.value(theta, on.chunk)
        return Score(log_likelihood=value, error=float(len(self.scores)))

    def gradient(self, theta: Any, on: Cases) -> Gradient:
        chunk = on.chunk or 0
        self.gradients.append(chunk)
        each = self.b - self.A @ theta
        full = each.mean(axis=0) * (np.nan if len(self.gradients) >= self.nan_gradient_from else 1)
        return Gradient(
            full=full,
            chunk=each[chunk],
            full_squared=(each**2).mean(axis=0),
            chunk_squared=each[chunk] ** 2,
            log_likelihood=self.likelihood_of(theta) if self.likelihood_of else self.value(theta, None),
        )

    def curvature(self, theta: Any, on: Cases, gradient: Gradient) -> ToyCurvature:
        chunk = on.chunk or 0
        self.curvatures.append(chunk)
        return ToyCurvature(self.product or (lambda v: self.A[chunk] @ v), gradient.full_squared)

    def start(self, lam: float = 1.0) -> State:
        return hessian_free_state(np.full(self.size, 0.1), np.zeros(self.size), lam)


@dataclass
class ToyCurvature:
    """A product, and the squares that its diagonal is estimated from."""

    product: Callable[[Any], Any]
    squares: Any

    def __call__(self, v: Any) -> Any:
        return self.product(v)

    def diagonal(self, lam: float) -> Any:
        return self.squares + lam

    def unbiased_diagonal(self, lam: float, draw: int) -> Any:
        return np.array([self.product(e)[i] for i, e in enumerate(np.eye(len(self.squares)))]) + lam
