"""Derivatives of a controller in its loop with a plant, from nothing but the definition: dense, one case at a time.

Complex steps through network and plant give the Jacobian of the residuals and that of the hidden pre-activations.
Shares no code with the package; parameters as [vec W_hx; vec W_hh; b_h; h_0; vec W_oh; b_o].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.oracles.dense import jacobian

Vector = NDArray[Any]


@dataclass(frozen=True)
class DenseLoop:
    """`step` is the plant's; `shown` and `seen` are components of the goal and of the state that the network sees."""

    step: Callable[[Vector, Vector], Vector]
    hidden: int
    controls: int
    steps: int
    shown: Sequence[int]
    seen: Sequence[int]
    end_weights: Vector
    effort: float

    def parts(self, theta: Vector) -> list[Vector]:
        H, D, k = self.hidden, len(self.shown) + len(self.seen), self.controls
        shapes, parts, start = [(H, D), (H, H), (H,), (H,), (k, H), (k,)], [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            parts.append(theta[start : start + size].reshape(shape, order="F"))
            start += size
        return parts

    def run(self, theta: Vector, start: Vector, goal: Vector) -> tuple[Vector, Vector]:
        """Residuals and hidden pre-activations of one case, both as one vector."""
        W_hx, W_hh, b_h, h, W_oh, b_o = self.parts(theta)
        s, residuals, activations = start, [], []
        for _ in range(self.steps):
            a = W_hx @ np.concatenate([goal[list(self.shown)], s[list(self.seen)]]) + W_hh @ h + b_h
            h = np.tanh(a)
            u = W_oh @ h + b_o
            activations.append(a)
            residuals.append(np.sqrt(self.effort) * u)
            s = self.step(s[:, None], u[:, None])[:, 0]
        residuals.append(self.end_weights * (s - goal))
        return np.concatenate(residuals), np.concatenate(activations)

    def sums(self, theta: Vector, starts: Vector, goals: Vector) -> tuple[float, Vector, Vector, Vector, Vector]:
        """Cost, gradient of the cost, its square, and the matrices G and S; sums over cases."""
        P = theta.size
        cost, gradient, squares, G, S = 0.0, np.zeros(P), np.zeros(P), np.zeros((P, P)), np.zeros((P, P))
        for start, goal in zip(starts.T, goals.T, strict=True):

            def of(moved: Vector, which: int, start: Vector = start, goal: Vector = goal) -> Vector:
                return self.run(moved, start, goal)[which]

            r, J = of(theta, 0), jacobian(lambda moved: of(moved, 0), theta)
            a, K = of(theta, 1), jacobian(lambda moved: of(moved, 1), theta)
            cost += 0.5 * float(r @ r)
            gradient += J.T @ r
            squares += (J.T @ r) ** 2
            G += J.T @ J
            S += K.T @ np.diag(1 - np.tanh(a) ** 2) @ K
        return cost, gradient, squares, G, S
