"""An objective by its definition alone; all its derivatives come from automatic differentiation (autograd).

Shares no code with the package. Everything is of the negative log-likelihood, to be minimised:
f(θ) = (1/Z) Σ_n w_n l_n(output(θ)) + ½ Σ_i decay_i θ_i²
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad, hessian_vector_product, make_ggnvp, make_vjp
from numpy.typing import NDArray

Vector = NDArray[Any]
EXACT = 1e-13
"""Largest relative distance between a derivative of the package and the same one by automatic differentiation."""


@dataclass(frozen=True)
class Objective:
    """`losses` maps `output(θ)` to l of every case; `curved`, where given, is what Gauss-Newton sees in their place."""

    output: Callable[[Any], Any]
    losses: Callable[[Any], Any]
    weights: Vector
    Z: float
    decay: Vector
    curved: Callable[[Any], Any] | None = None

    def value(self, theta: Any) -> Any:
        return anp.sum(self.weights * self.losses(self.output(theta))) / self.Z + anp.sum(self.decay * theta**2) / 2

    def gradient(self, theta: Vector) -> Vector:
        return grad(self.value)(theta)

    def hessian_product(self, theta: Vector, v: Vector) -> Vector:
        return hessian_vector_product(self.value)(theta, v)

    def gauss_newton_product(self, theta: Vector, v: Vector) -> Vector:
        """Jᵀ H_L J v: second derivatives of `losses` in the output, none of the output in θ."""
        curved = self.curved or (lambda y: anp.sum(self.weights * self.losses(y)))
        return make_ggnvp(self.output, curved)(theta)(v) / self.Z + self.decay * v

    def gauss_newton(self, theta: Vector) -> Vector:
        return np.array([self.gauss_newton_product(theta, e) for e in np.eye(theta.size)])

    def by_case(self, theta: Vector) -> Vector:
        """∇l_n of every case, (n, P), without weights and decay."""
        back, each = make_vjp(lambda at: self.losses(self.output(at)))(theta)
        return np.array([back(e) for e in np.eye(each.size)])

    def squares(self, theta: Vector) -> Vector:
        return self.weights @ self.by_case(theta) ** 2 / self.Z

    def fisher_product(self, theta: Vector, v: Vector) -> Vector:
        """Second moment of the cases' gradients, times v; neither centred nor decayed."""
        g = self.by_case(theta)
        return g.T @ (self.weights * (g @ v)) / self.Z


def apart(ours: Any, theirs: Any) -> float:
    """Relative distance in the Euclidean norm."""
    ours, theirs = np.ravel(ours), np.ravel(theirs)
    return float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), np.finfo(float).tiny))


def agree(ours: dict[str, Any], theirs: dict[str, Any], bound: float = EXACT) -> None:
    """Refuse figures that differ, all of them by name."""
    assert ours.keys() == theirs.keys()
    distances = {name: apart(ours[name], theirs[name]) for name in theirs}
    far = {name: distance for name, distance in distances.items() if not distance <= bound}
    assert not far, f"relative distances above {bound:g}: {far}"


# --- units and losses, each as its page of the documentation says


def softmax(x: Any) -> Any:
    e = anp.exp(x - anp.max(x, axis=0))
    return e / anp.sum(e, axis=0)


def _normal_distribution(x: Any) -> Any:
    from autograd.scipy.special import erf

    return (1 + erf(x / np.sqrt(2))) / 2


UNITS: dict[str, Callable[[Any], Any]] = {
    "logistic": lambda x: 1 / (1 + anp.exp(-x)),
    "tanh": anp.tanh,
    "linear": lambda x: x,
    "softmax": softmax,
    "relu": lambda x: anp.where(x > 0, x, 0.0),
    "softplus": lambda x: anp.logaddexp(0.0, x),
    "elu": lambda x: anp.where(x > 0, x, anp.exp(anp.minimum(x, 0.0)) - 1),
    "gelu": lambda x: x * _normal_distribution(x),
    "bent": lambda x: x + anp.sin(x) / 2,
}
"""'bent' is that of `Bent`."""


class Bent:
    """A user's unit: neither monotonic derivatives nor a formula in y alone."""

    name = "bent"

    def activate(self, xp: Any, x: Any) -> Any:
        return x + xp.sin(x) / 2

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return 1 + xp.cos(x) / 2

    def bend(self, xp: Any, x: Any, y: Any) -> Any:
        return -xp.sin(x) / 2


def _graded(xp: Any, y: Any) -> Any:
    """Weights 1, 2, … of the outputs, (s, 1)."""
    return xp.arange(1, len(y) + 1, dtype=y.dtype)[:, None]


class Quartic:
    """A user's loss whose outputs depend on each other: ll = -Σ (t - y)⁴ / 4 - ½ (Σ k y_k)²."""

    name = "quartic"

    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return -((t - y) ** 4).sum(axis=0) / 4 - (_graded(xp, y) * y).sum(axis=0) ** 2 / 2

    def gradient(self, xp: Any, y: Any, t: Any) -> Any:
        k = _graded(xp, y)
        return (t - y) ** 3 - k * (k * y).sum(axis=0)

    def curvature_product(self, xp: Any, y: Any, t: Any, r: Any) -> Any:
        k = _graded(xp, y)
        return 3 * (t - y) ** 2 * r + k * (k * r).sum(axis=0)


OWN: dict[str, Any] = {"bent": Bent(), "quartic": Quartic()}


def given(name: str) -> Any:
    """A unit or a loss as a caller gives it: a name, or an object for the user's own."""
    return OWN.get(name, name)


def quartic(y: Any, t: Any) -> Any:
    return anp.sum((t - y) ** 4, axis=0) / 4 + anp.dot(np.arange(1.0, len(y) + 1), y) ** 2 / 2


def cross_entropy(x: Any, t: Any) -> Any:
    return anp.sum(anp.logaddexp(0.0, x) - t * x, axis=0)


def softmax_cross_entropy(x: Any, t: Any) -> Any:
    top = anp.max(x, axis=0)
    return anp.sum(t, axis=0) * (top + anp.log(anp.sum(anp.exp(x - top), axis=0))) - anp.sum(t * x, axis=0)


def squared(y: Any, t: Any) -> Any:
    return anp.sum((t - y) ** 2, axis=0)


def at_the_input(unit: str, loss: str) -> bool:
    """True where Gauss-Newton differentiates the loss twice in the input x of the output layer, not in its output y."""
    return loss == "matching" and unit != "linear"


def loss_of(unit: str, loss: str) -> Callable[[Any, Any], Any]:
    """(x or y, t) → l of every case."""
    if loss == "quartic":
        return quartic
    if at_the_input(unit, loss):
        return {"logistic": cross_entropy, "softmax": softmax_cross_entropy}[unit]
    return squared


OUTPUTS = [
    ("logistic", "matching"),
    ("softmax", "matching"),
    ("linear", "matching"),
    *((unit, "squared") for unit in UNITS),
    *((unit, "quartic") for unit in ("softmax", "tanh", "bent")),
]
"""Every output unit with every loss that it can have; the user's loss on three."""
