"""The classifier of the study of hypergradients: 64-16-10 tanh and softmax on the digits, with its derivatives by hand.

Notation
--------
x : parameters (1210,), for each layer W column-major, then b;  η_l : logarithm of layer l's weight decay, biases too
loss : mean cross-entropy of 50 cases + ½ Σ_l e^{η_l} |x_l|²;  Rz : derivative of z along w (Pearlmutter 1994)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.demo.digits import load_digits
from hf_matlab_compat.hypergradients import Descent

Vector = NDArray[Any]
SIZES = (64, 16, 10)
LAYERS = (65 * 16, 17 * 10)
P = sum(LAYERS)
BATCH = 50
ETA = np.log([1e-3, 1e-2])


@dataclass(frozen=True)
class Cases:
    """Pictures and one-hot labels, a case a row.

    Attributes
    ----------
    inputs : (n, 64) array
    targets : (n, 10) array
    """

    inputs: Vector
    targets: Vector


def by_layer(x: Any) -> list[tuple[Any, Any]]:
    """Return (Wᵀ, b) of each layer."""
    a, b, c = 64 * 16, 65 * 16, 65 * 16 + 16 * 10
    return [(x[:a].reshape(64, 16), x[a:b]), (x[b:c].reshape(16, 10), x[c:])]


def joined(layers: list[tuple[Vector, Vector]]) -> Vector:
    """Return the vector of (Wᵀ, b) of each layer."""
    return np.concatenate([part.reshape(-1) for layer in layers for part in layer])


@dataclass(frozen=True)
class Pass:
    """A forward and a backward pass over some cases, kept for products.

    Attributes
    ----------
    layers : list of pairs
        The parameters.
    cases : Cases
    h, p : (n, 16) and (n, 10) arrays
        Hidden activations and probabilities.
    value : float
        Mean cross-entropy.
    """

    layers: list[tuple[Vector, Vector]]
    cases: Cases
    h: Vector
    p: Vector
    value: float

    @classmethod
    def at(cls, x: Vector, cases: Cases) -> Pass:
        """Run forward."""
        (W1, b1), (W2, b2) = layers = by_layer(x)
        h = np.tanh(cases.inputs @ W1 + b1)
        z = h @ W2 + b2
        z -= z.max(axis=1, keepdims=True)
        norm = np.exp(z).sum(axis=1, keepdims=True)
        value = float((np.log(norm).sum() - (z * cases.targets).sum()) / len(z))
        return cls(layers, cases, h, np.exp(z) / norm, value)

    def _errors(self) -> tuple[Vector, Vector]:
        d2 = (self.p - self.cases.targets) / len(self.p)
        return d2, d2 @ self.layers[1][0].T

    def gradient(self) -> Vector:
        """Return the gradient of the mean cross-entropy."""
        d2, back = self._errors()
        d1 = back * (1 - self.h**2)
        return joined([(self.cases.inputs.T @ d1, d1.sum(axis=0)), (self.h.T @ d2, d2.sum(axis=0))])

    def product(self, w: Vector) -> Vector:
        """Return the product of its Hessian with w."""
        (V1, c1), (V2, c2) = by_layer(w)
        h, p, W2 = self.h, self.p, self.layers[1][0]
        d2, back = self._errors()
        Rh = (1 - h**2) * (self.cases.inputs @ V1 + c1)
        Rz = h @ V2 + Rh @ W2 + c2
        Rd2 = p * (Rz - (p * Rz).sum(axis=1, keepdims=True)) / len(p)
        Rd1 = (d2 @ V2.T + Rd2 @ W2.T) * (1 - h**2) - 2 * back * h * Rh
        return joined([(self.cases.inputs.T @ Rd1, Rd1.sum(axis=0)), (h.T @ Rd2 + Rh.T @ d2, Rd2.sum(axis=0))])


@dataclass(frozen=True)
class Classifier:
    """Losses and derivatives: training cases in batches of 50, in turn, and validation cases.

    Attributes
    ----------
    training, validated : Cases
    """

    training: Cases
    validated: Cases
    _batches: list[Cases] = field(init=False)

    def __post_init__(self) -> None:
        parts = [slice(k, k + BATCH) for k in range(0, len(self.training.inputs), BATCH)]
        batches = [Cases(self.training.inputs[part], self.training.targets[part]) for part in parts]
        object.__setattr__(self, "_batches", batches)

    def batch(self, t: int) -> Cases:
        """Return the cases of step t."""
        return self._batches[t % len(self._batches)]

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return the gradient of the training loss of step t."""
        return Pass.at(x, self.batch(t)).gradient() + _by_parameter(np.exp(eta)) * x

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Any]:
        """Return the gradient and w → (H w, (∂g/∂η)ᵀ w)."""
        at, decay = Pass.at(x, self.batch(t)), _by_parameter(np.exp(eta))

        def products(w: Vector) -> tuple[Vector, Vector]:
            each = decay * x * w
            return at.product(w) + decay * w, np.array([each[: LAYERS[0]].sum(), each[LAYERS[0] :].sum()])

        return at.gradient() + decay * x, products

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives."""
        at = Pass.at(x, self.validated)
        return at.value, at.gradient(), np.zeros_like(eta)


def _by_parameter(of_layers: Vector) -> Vector:
    return np.repeat(of_layers, LAYERS)


def mean_loss(x: Any, cases: Cases) -> Any:
    """Return the mean cross-entropy, in operations that autograd differentiates."""
    anp: Any = import_module("autograd.numpy")
    (W1, b1), (W2, b2) = by_layer(x)
    z = anp.dot(anp.tanh(anp.dot(cases.inputs, W1) + b1), W2) + b2
    z = z - anp.max(z, axis=1, keepdims=True)
    return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - anp.sum(z * cases.targets, axis=1))


@dataclass(frozen=True)
class Functions:
    """The same losses as functions that autograd differentiates.

    Attributes
    ----------
    net : Classifier
    """

    net: Classifier

    def loss(self, x: Any, eta: Any, t: int) -> Any:
        """Return the training loss of step t."""
        anp: Any = import_module("autograd.numpy")
        decay = anp.exp(eta)
        first, second = x[: LAYERS[0]], x[LAYERS[0] :]
        penalty = decay[0] * anp.sum(first**2) + decay[1] * anp.sum(second**2)
        return mean_loss(x, self.net.batch(t)) + 0.5 * penalty

    def validation(self, x: Any, eta: Any) -> Any:
        """Return the validation loss."""
        return mean_loss(x, self.net.validated)


def classifier() -> Classifier:
    """Return the classifier: digits 1 to 300 for training, 901 to 1300 for validation."""
    return Classifier(_digits(0, 300), _digits(900, 1300))


def held_out() -> Cases:
    """Return digits 1301 to 1797, for tests."""
    return _digits(1300, 1797)


def _digits(begin: int, end: int) -> Cases:
    digits = load_digits()
    return Cases(digits.images.T[begin:end].astype(float), np.eye(10)[digits.labels[begin:end]])


def start(seed: int) -> Vector:
    """Return initial parameters: normal with standard deviation .3."""
    return 0.3 * np.random.RandomState(seed).standard_normal(P)


def descent(steps: int) -> Descent:
    """Return the settings of the study: learning rates that swing about .6, and momentum .9."""
    return Descent(0.6 * (1 + 0.2 * np.sin(np.arange(steps) / 7)), 0.9)
