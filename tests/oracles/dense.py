"""Dense derivatives of a feed-forward network, from nothing but its definition.

One case at a time, in loops, with complex-step derivatives (exact to rounding) and central differences of those.
Shares no code with the package: sizes and names come in as plain values, parameters as [vec(W_1); b_1; vec(W_2); …].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Vector = NDArray[Any]

TINY = 1e-30
"""Imaginary step: its square vanishes, so the derivative has no truncation error."""

SMALL = 1e-5
"""Real step of a central difference: errors of about 1e-10."""


UNITS: dict[str, Callable[[Any], Any]] = {
    "logistic": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "linear": lambda a: a,
    "relu": lambda a: np.where(a.real > 0, a, 0),
    "softplus": lambda a: np.log(1 + np.exp(a)),
    "elu": lambda a: np.where(a.real > 0, a, np.exp(a) - 1),
    "gelu": lambda a: a * (1 + erf(a / np.sqrt(2))) / 2,
}
"""Functions of one input, of complex numbers too; softmax is apart."""


@dataclass(frozen=True)
class DenseNetwork:
    """Sizes s_0 … s_L, names of the units of layers 1 … L, and 'matching', 'squared' or (y, t) → ll of a case."""

    sizes: Sequence[int]
    units: Sequence[str]
    loss: str | Callable[[Any, Any], Any]

    def output(self, theta: Vector, x: Vector) -> tuple[Vector, Vector]:
        """Input and output of the output layer, for one case."""
        y, start, a = x.astype(theta.dtype), 0, x
        for below, above, unit in zip(self.sizes, self.sizes[1:], self.units, strict=False):
            a = np.zeros(above, theta.dtype)
            for row in range(above):
                for column in range(below):
                    a[row] += theta[start + column * above + row] * y[column]
                a[row] += theta[start + above * below + row]
            start += above * (below + 1)
            y = self.activation(unit, a)
        return a, y

    @staticmethod
    def activation(unit: str, a: Vector) -> Vector:
        if unit == "softmax":
            return np.exp(a) / np.exp(a).sum()
        return UNITS[unit](a)

    def log_likelihood_of_output(self, a: Vector, t: Vector) -> Any:
        """Of one case, given the input of the output layer."""
        y = self.activation(self.units[-1], a)
        if callable(self.loss):
            return self.loss(y, t)
        if self.loss == "squared" or self.units[-1] == "linear":
            return -((t - y) ** 2).sum()
        if self.units[-1] == "softmax":
            return (t * np.log(y)).sum()
        return (t * np.log(y) + (1 - t) * np.log(1 - y)).sum()

    def log_likelihood(self, theta: Vector, x: Vector, t: Vector) -> Any:
        """Of one case."""
        return self.log_likelihood_of_output(self.output(theta, x)[0], t)

    def gradient(self, theta: Vector, x: Vector, t: Vector) -> Vector:
        """∂ ll / ∂θ of one case."""
        return jacobian(lambda moved: np.array([self.log_likelihood(moved, x, t)]), theta)[0]

    def input_jacobian(self, theta: Vector, x: Vector) -> Vector:
        """J = ∂ x_L / ∂θ of one case, (s_L, P)."""
        return jacobian(lambda moved: self.output(moved, x)[0], theta)

    def output_hessian(self, theta: Vector, x: Vector, t: Vector) -> Vector:
        """Curvature of -ll at the output layer's input that Gauss-Newton keeps, (s_L, s_L).

        Of a matching loss its Hessian; of a squared error 2 JfᵀJf, with the curvature of the unit left out; of another
        loss JfᵀHJf likewise, with its Hessian H at the output.
        """
        a = self.output(theta, x)[0]
        if callable(self.loss):
            of_loss, y = self.loss, self.activation(self.units[-1], a)
            J_f = jacobian(lambda moved: self.activation(self.units[-1], moved), a)
            return J_f.T @ hessian(lambda moved: -of_loss(moved, t), y) @ J_f
        if self.loss == "squared" or self.units[-1] == "linear":
            J_f = jacobian(lambda moved: self.activation(self.units[-1], moved), a)
            return 2 * J_f.T @ J_f
        return hessian(lambda moved: -self.log_likelihood_of_output(moved, t), a)


def jacobian(function: Callable[[Vector], Vector], at: Vector) -> Vector:
    """∂ function / ∂ at, by complex steps."""
    columns = []
    for i in range(at.size):
        moved = at.astype(complex)
        moved[i] += 1j * TINY
        columns.append(function(moved).imag / TINY)
    return np.array(columns).T


def hessian(function: Callable[[Vector], Any], at: Vector) -> Vector:
    """Second derivatives of a scalar function: central differences of complex-step gradients."""

    def gradient(moved: Vector) -> Vector:
        return jacobian(lambda z: np.array([function(z)]), moved)[0]

    rows = []
    for i in range(at.size):
        step = np.zeros_like(at)
        step[i] = SMALL
        rows.append((gradient(at + step) - gradient(at - step)) / (2 * SMALL))
    return np.array(rows)


@dataclass(frozen=True)
class DenseSums:
    """Sums over cases, given as columns, formed one case at a time; each case counts as often as its weight says."""

    network: DenseNetwork
    theta: Vector
    inputs: Vector
    targets: Vector
    weights: Sequence[float] | None = None

    def w(self) -> Vector:
        return np.ones(self.inputs.shape[1]) if self.weights is None else np.array(self.weights)

    def cases(self) -> list[tuple[Vector, Vector]]:
        return list(zip(self.inputs.T, self.targets.T, strict=True))

    def log_likelihood(self) -> float:
        terms = [self.network.log_likelihood(self.theta, x, t) for x, t in self.cases()]
        return float(sum(w * term for w, term in zip(self.w(), terms, strict=True)))

    def gradients(self) -> Vector:
        """One row a case, without its weight."""
        return np.array([self.network.gradient(self.theta, x, t) for x, t in self.cases()])

    def gauss_newton(self) -> Vector:
        """Σ JᵀHJ."""
        total = np.zeros((self.theta.size, self.theta.size))
        for w, (x, t) in zip(self.w(), self.cases(), strict=True):
            J = self.network.input_jacobian(self.theta, x)
            total += w * J.T @ self.network.output_hessian(self.theta, x, t) @ J
        return total

    def hessian(self) -> Vector:
        """Σ of the Hessian of -ll."""

        def gradient(theta: Vector) -> Vector:
            return self.w() @ replace(self, theta=theta).gradients()

        rows = []
        for i in range(self.theta.size):
            step = np.zeros_like(self.theta)
            step[i] = SMALL
            rows.append((gradient(self.theta - step) - gradient(self.theta + step)) / (2 * SMALL))
        return np.array(rows)

    def empirical_fisher(self, *, faithful: bool) -> Vector:
        """Σ g gᵀ; faithful: with e = t - y for ∂ll/∂x whatever the loss, once doubled for linear outputs."""
        if not faithful:
            rows = self.gradients()
            return (self.w()[:, None] * rows).T @ rows
        total = np.zeros((self.theta.size, self.theta.size))
        for w, (x, t) in zip(self.w(), self.cases(), strict=True):
            g = self.network.input_jacobian(self.theta, x).T @ (t - self.network.output(self.theta, x)[1])
            total += w * np.outer(g, g)
        return total * (2 if self.network.units[-1] == "linear" else 1)
