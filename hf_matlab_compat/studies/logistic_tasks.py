"""Batches of logistic regressions with badly scaled inputs, the tasks on which the rule for λ and M is learned.

Notation
--------
Arrays are (S, T, …): S streams of random numbers, T tasks each;  n cases, d weights
w : (S, T, d, 1);  z = X w;  p = 1 / (1 + e⁻ᶻ);  f = mean ln(1 + eᶻ) - y z + ½ μ wᵀw, to be minimised
anp : numpy, or autograd.numpy where the figures are differentiated
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = Any
"""An array of numpy, or autograd's stand-in for one."""


@dataclass(frozen=True)
class Kind:
    """The kind of tasks: logistic regression on inputs with scales 10^U(low, high), labels drawn from the model.

    Attributes
    ----------
    weights, cases : int
        d and n.
    low, high : float
        Range of the exponents.
    ridge : float
        μ.
    """

    weights: int = 10
    cases: int = 60
    low: float = -1.5
    high: float = 1.0
    ridge: float = 1e-3


class Point(NamedTuple):
    """Figures at one w: f (…, 1, 1), g and mean squared per-case gradients (…, d, 1), and p(1 - p)/n (…, n, 1)."""

    f: Array
    g: Array
    squares: Array
    slope: Array


class Tasks:
    """A batch of tasks.

    Parameters
    ----------
    X : (S, T, n, d) array
    y : (S, T, n, 1) array
        Labels, 0 or 1.
    ridge : float
    """

    def __init__(self, X: NDArray[Any], y: NDArray[Any], ridge: float) -> None:
        self.X, self.y, self.ridge = X, y, ridge
        self.Xt = np.ascontiguousarray(np.swapaxes(X, -1, -2))
        self._squared = self.Xt**2

    @classmethod
    def draw(cls, streams: Sequence[np.random.Generator], count: int, kind: Kind) -> Tasks:
        """Draw `count` tasks from each stream; those of a stream do not depend on the other streams."""
        drawn = [_drawn(stream, count, kind) for stream in streams]
        return cls(np.array([X for X, _ in drawn]), np.array([y for _, y in drawn]), kind.ridge)

    def at(self, anp: Any, w: Array) -> Point:
        """Return the figures at w."""
        z, n = self.X @ w, self.X.shape[-2]
        p = 0.5 * (1 + anp.tanh(z / 2))
        f = anp.mean(anp.logaddexp(0, z) - self.y * z, axis=-2, keepdims=True) + 0.5 * self.ridge * dot(anp, w, w)
        error = p - self.y
        return Point(f, self.Xt @ error / n + self.ridge * w, self._squared @ error**2 / n, p * (1 - p) / n)

    def product(self, at: Point, lam: Array) -> Callable[[Array], Array]:
        """Return v → (H + λI) v at a point."""
        return lambda v: self.Xt @ (at.slope * (self.X @ v)) + (self.ridge + lam) * v

    def least(self) -> NDArray[Any]:
        """Return the least f of each task, by Newton's method with halved steps, (S, T)."""
        w, eye = np.zeros((*self.X.shape[:2], self.X.shape[-1], 1)), np.eye(self.X.shape[-1])
        at = self.at(np, w)
        for _ in range(100):
            step = -np.linalg.solve(self.Xt @ (at.slope * self.X) + self.ridge * eye, at.g)
            length, slope = np.ones_like(at.f), dot(np, at.g, step)
            for _ in range(40):
                worse = self.at(np, w + length * step).f > at.f + 1e-4 * length * slope + 1e-15
                length = np.where(worse, length / 2, length)
            w = w + length * step
            at = self.at(np, w)
            if abs(slope).max() < 1e-24:
                break
        return at.f[..., 0, 0]


def _drawn(random: np.random.Generator, count: int, kind: Kind) -> tuple[NDArray[Any], NDArray[Any]]:
    scales = 10 ** random.uniform(kind.low, kind.high, (count, 1, kind.weights))
    Z = random.standard_normal((count, kind.cases, kind.weights))
    z = Z @ random.standard_normal((count, kind.weights, 1))
    labels = random.uniform(size=z.shape) < 0.5 * (1 + np.tanh(z / 2))
    return Z * scales, labels.astype(float)


def dot(anp: Any, a: Array, b: Array) -> Array:
    """Return aᵀb of the columns, (…, 1, 1)."""
    return anp.sum(a * b, axis=-2, keepdims=True)
