"""Logistic regression as a problem whose curvature is convex and bounded, with cases drawn at random.

Notation
--------
f(w) = -ll(w) = mean of ln(1 + exp(wᵀx)) - y wᵀx, plus ½ · decay · |w|²;  f* : its least value
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.state import Score


@dataclass(frozen=True)
class LogisticRegression:
    """log p(y | x) = y wᵀx - ln(1 + exp(wᵀx)), mean over cases, minus ½ · decay · |w|².

    Attributes
    ----------
    X : (n, d) array
        Cases in rows, |x| ≤ 1.
    y : (n,) array
        0 or 1.
    decay : float
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    decay: float
    num_chunks = 1
    is_random = False

    @property
    def num_parameters(self) -> int:
        """d."""
        return self.X.shape[1]

    @property
    def num_cases(self) -> int:
        """See `problem.Divisible`."""
        return len(self.y)

    @property
    def scale(self) -> float:
        """The largest eigenvalue that the curvature of any case can have at any w, for |x| ≤ 1."""
        return 0.25 + self.decay

    def part(self, cases: NDArray[np.int64]) -> LogisticRegression:
        """See `problem.Divisible`."""
        return LogisticRegression(self.X[cases], self.y[cases], self.decay)

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`; the error is the share of misclassified cases."""
        z = self.X @ theta
        ll = float((self.y * z - np.logaddexp(0, z)).mean() - 0.5 * self.decay * theta @ theta)
        return Score(log_likelihood=ll, error=float(np.mean((z > 0) != self.y)))

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`."""
        full = (self.y - self._mean(theta)) @ self.X / len(self.y) - self.decay * theta
        return Gradient(full, self.score(theta, on).log_likelihood)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient | None) -> Curvature:
        """See `Problem.curvature`: the Hessian, which is the Gauss-Newton matrix."""
        p, X = self._mean(theta), self.X
        weights = p * (1 - p) / len(p)
        return cast(Curvature, lambda v: (weights * (X @ v)) @ X + self.decay * v)

    def hessian(self, theta: Vector) -> NDArray[np.float64]:
        """Return the dense curvature, (d, d)."""
        H = self.curvature(theta, Cases(), None)
        return np.array([H(e) for e in np.eye(len(theta))])

    def _mean(self, theta: Vector) -> Vector:
        return 1 / (1 + np.exp(-self.X @ theta))


def drawn_problem(seed: int, n: int = 400, d: int = 8) -> tuple[LogisticRegression, Vector]:
    """Return random cases of features of falling size, with labels drawn from a random w; and a start."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 0.72 ** np.arange(d)
    X /= np.linalg.norm(X, axis=1).max()
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ (3 * rng.standard_normal(d))))).astype(float)
    return LogisticRegression(X, y, 0.01), 0.5 * rng.standard_normal(d)


def least_value(problem: LogisticRegression, start: Vector) -> float:
    """Return f*, by dense Newton steps."""
    w = start
    for _ in range(30):
        w = w + np.linalg.solve(problem.hessian(w), problem.gradient(w, Cases()).full)
    return -problem.score(w, Cases()).log_likelihood
