"""Networks without hidden layers, trained on the mean over all corruptions of the inputs: no noise is drawn.

Notation
--------
x̃ : corrupted input, E x̃ = x, independent between inputs;  V = Var(x̃), (s_0, N);  y = W x + b
E exp(α x̃) = M(α, x) : moment-generating function of the corruption
(van der Maaten, Chen, Tyree and Weinberger 2013, "Learning with marginalized corrupted features")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Score

Array = NDArray[np.float64]


class Moments(Protocol):
    """A corruption: its variance, and its cumulants log E exp(α x̃) with first and second derivatives in α."""

    def __call__(self, alpha: Array, x: Array) -> tuple[Array, Array, Array]:
        """Return log M, d log M / dα and d² log M / dα² for each input."""
        ...

    def variance(self, x: Array) -> Array:
        """Return Var(x̃) for each input."""
        ...


@dataclass(frozen=True)
class Blankout:
    """x̃ = 0 with probability q, else x / (1 - q)."""

    share: float

    def variance(self, x: Array) -> Array:
        """See `Moments`."""
        return self.share / (1 - self.share) * x**2

    def __call__(self, alpha: Array, x: Array) -> tuple[Array, Array, Array]:
        """See `Moments`."""
        kept = x / (1 - self.share)
        # log(q + (1 - q) e^t) with t = α kept; p = P(kept | tilted by e^(α x̃))
        t = alpha * kept
        log_m = np.logaddexp(np.log(self.share), np.log1p(-self.share) + t)
        p = np.exp(np.log1p(-self.share) + t - log_m)
        return log_m, p * kept, p * (1 - p) * kept**2


@dataclass(frozen=True)
class Normal:
    """x̃ = x + a z with z normal."""

    deviation: float

    def variance(self, x: Array) -> Array:
        """See `Moments`."""
        return np.full_like(x, self.deviation**2)

    def __call__(self, alpha: Array, x: Array) -> tuple[Array, Array, Array]:
        """See `Moments`."""
        v = self.deviation**2
        return alpha * x + alpha**2 * v / 2, x + alpha * v, np.full_like(alpha * x, v)


@dataclass(frozen=True)
class Laplace:
    """x̃ = x + Laplace noise of scale a; α must stay below 1/a."""

    scale: float

    def variance(self, x: Array) -> Array:
        """See `Moments`."""
        return np.full_like(x, 2 * self.scale**2)

    def __call__(self, alpha: Array, x: Array) -> tuple[Array, Array, Array]:
        """See `Moments`; infinite where the mean does not exist."""
        u = (alpha * self.scale) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            log_m = np.where(u < 1, alpha * x - np.log1p(-np.minimum(u, 1)), np.inf)
            first = x + 2 * alpha * self.scale**2 / (1 - u)
            second = 2 * self.scale**2 * (1 + u) / (1 - u) ** 2
        return log_m, first, second


@dataclass(frozen=True)
class Poisson:
    """x̃ is Poisson with mean x, which must not be negative."""

    def variance(self, x: Array) -> Array:
        """See `Moments`."""
        return x

    def __call__(self, alpha: Array, x: Array) -> tuple[Array, Array, Array]:
        """See `Moments`."""
        e = np.exp(alpha)
        return x * (e - 1), x * e, x * e


_NEAR_0 = 0.3
_LOG_SINH = np.polynomial.Polynomial(
    [0, 1 / 6, -1 / 180, 1 / 2835, -1 / 37800, 1 / 467775, -691 / 3831077250, 2 / 127702575, -3617 / 2605132530000]
)
"""log(sinh(t) / t) as a series in t², exact to rounding for t up to `_NEAR_0`; the closed forms cancel there."""


@dataclass(frozen=True)
class Dilation:
    """x̃ = (1 + s u) x with u uniform in [-1, 1]."""

    largest: float

    def variance(self, x: Array) -> Array:
        """See `Moments`."""
        return (self.largest * x) ** 2 / 3

    def __call__(self, alpha: Array, x: Array) -> tuple[Array, Array, Array]:
        """See `Moments`: log(sinh(t) / t) with t = α s x, and its derivatives; by a series near 0."""
        t = alpha * self.largest * x
        small = abs(t) < _NEAR_0
        safe, squared = np.where(small, 1.0, t), np.where(small, t, 0.0) ** 2
        slope, bend = _LOG_SINH.deriv(1)(squared), _LOG_SINH.deriv(2)(squared)
        log_sinh = np.where(small, _LOG_SINH(squared), abs(safe) + np.log(-np.expm1(-2 * abs(safe)) / (2 * abs(safe))))
        first = np.where(small, 2 * t * slope, 1 / np.tanh(safe) - 1 / safe)
        second = np.where(
            small, 2 * slope + 4 * squared * bend, 1 / safe**2 - 1 / np.sinh(np.minimum(abs(safe), 300)) ** 2
        )
        r = self.largest * x
        return alpha * x + log_sinh, x + first * r, second * r**2


@dataclass(frozen=True)
class MarginalisedProblem:
    """A linear or logistic output layer on the mean over all corruptions of its inputs; see `Problem`.

    With linear outputs and squared error the mean is exact: the clean error plus Σ_d V_d W_d², weight decay that
    depends on the data. With logistic outputs it is the bound log(1 + Π_d E exp(∓ w_d x̃_d)) on the mean cross-entropy.

    Attributes
    ----------
    inputs, targets : (s_0, N), (s_1, N) arrays
        Clean cases.
    corruption : Moments
        What the mean is over.
    output : {'linear', 'logistic'}
        The unit.
    weight_decay : float
        As in `Options`, on weights and biases.
    """

    inputs: Array
    targets: Array
    corruption: Moments
    output: str = "linear"
    weight_decay: float = 0.0
    num_chunks = 1
    is_random = False

    @property
    def num_parameters(self) -> int:
        """P: weights, column by column, then biases."""
        return self.targets.shape[0] * (self.inputs.shape[0] + 1)

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`; the error is that of the clean cases."""
        W, b = self._layer(theta)
        likelihood = self._parts(W, b)[0] - self.weight_decay / 2 * float(theta @ theta)
        y = W @ self.inputs + b
        if self.output == "logistic":
            return Score(log_likelihood=likelihood, error=float(((y > 0) != self.targets).any(axis=0).mean()))
        return Score(log_likelihood=likelihood, error=float(((y - self.targets) ** 2).sum(axis=0).mean()))

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`; without squares of single cases."""
        likelihood, gW, gb, _ = self._parts(*self._layer(theta))
        full = self._packed(gW, gb) - self.weight_decay * theta
        cost = self.weight_decay / 2 * float(theta @ theta)
        return Gradient(full=full.astype(theta.dtype), log_likelihood=likelihood - cost)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient) -> _Curvature:
        """See `Problem.curvature`: the Hessian, positive semidefinite for every corruption here."""
        *_, per_output = self._parts(*self._layer(theta))
        return _Curvature(per_output, self.weight_decay, self.targets.shape[0])

    def _parts(self, W: Array, b: Array) -> tuple[float, Array, Array, list[Array]]:
        """Return the mean log-likelihood, its gradient, and the negative Hessian of each output's [w, b]."""
        return (self._squared if self.output == "linear" else self._logistic)(W, b)

    def _squared(self, W: Array, b: Array) -> tuple[float, Array, Array, list[Array]]:
        X, N = self.inputs, self.inputs.shape[1]
        e, v = self.targets - W @ X - b, self.corruption.variance(X).sum(axis=1) / N
        X1 = np.vstack([X, np.ones(N)])
        likelihood = -0.5 * float((e**2).sum() / N + (W**2 @ v).sum())
        H = X1 @ X1.T / N + np.diag([*v, 0.0])
        return likelihood, e @ X.T / N - W * v, e.mean(axis=1, keepdims=True), [H] * len(W)

    def _logistic(self, W: Array, b: Array) -> tuple[float, Array, Array, list[Array]]:
        X, N = self.inputs, self.inputs.shape[1]
        likelihood, gW, gb = 0.0, np.empty_like(W), np.empty_like(b)
        hessians: list[Array] = []
        for k, (w, t) in enumerate(zip(W, self.targets, strict=True)):
            sign = np.where(t > 0.5, -1.0, 1.0)  # log(1 + exp(sign · y))
            log_m, first, second = self.corruption(sign * w[:, None], X)
            z = log_m.sum(axis=0) + sign * b[k]
            p = 1 / (1 + np.exp(-np.clip(z, -700, 700)))
            likelihood -= float(np.logaddexp(0, z).sum()) / N
            slopes = np.vstack([sign * first, sign])  # dz / d[w, b]
            mean = slopes @ p / N
            gW[k], gb[k] = -mean[:-1], -mean[-1]
            bend = np.append(second @ p / N, 0.0)
            hessians.append((slopes * (p * (1 - p))) @ slopes.T / N + np.diag(bend))
        return likelihood, gW, gb, hessians

    def _layer(self, theta: Vector) -> tuple[Array, Array]:
        outputs, size = self.targets.shape[0], self.inputs.shape[0]
        whole = np.asarray(theta, dtype=np.float64)
        return whole[: outputs * size].reshape(outputs, size, order="F"), whole[outputs * size :].reshape(-1, 1)

    def _packed(self, W: Array, b: Array) -> Array:
        return np.concatenate([W.ravel(order="F"), b.ravel()])


class _Curvature:
    """Block-diagonal: outputs share no parameters."""

    def __init__(self, blocks: list[Array], decay: float, outputs: int) -> None:
        self._blocks, self._decay, self._outputs = blocks, decay, outputs

    def __call__(self, v: Vector) -> Vector:
        """Return the product with v."""
        rows = self._split(v)
        made = np.stack([H @ row for H, row in zip(self._blocks, rows, strict=True)])
        return self._joined(made).astype(v.dtype) + self._decay * v

    def diagonal(self, lam: float) -> Vector:
        """See `Curvature.diagonal`."""
        return self._joined(np.stack([np.diag(H) for H in self._blocks])) + lam + self._decay

    def _split(self, v: Vector) -> Array:
        return np.asarray(v, dtype=np.float64).reshape(self._outputs, -1, order="F")

    def _joined(self, rows: Array) -> Array:
        return rows.ravel(order="F")


_CORRUPTIONS: Mapping[str, Any] = {
    "blankout": Blankout,
    "normal": Normal,
    "laplace": Laplace,
    "poisson": Poisson,
    "dilation": Dilation,
}


def marginalised_problem(
    inputs: ArrayLike,
    targets: ArrayLike,
    corruption: str,
    amount: float | None = None,
    *,
    output: str = "linear",
    weight_decay: float = 0.0,
) -> MarginalisedProblem:
    """Return a problem for `train` whose corruption is averaged exactly, or bounded, instead of drawn.

    Parameters
    ----------
    inputs, targets : (s_0, N), (s_1, N) array_like
        Clean cases in columns; targets 0 and 1 for logistic outputs.
    corruption : {'blankout', 'normal', 'laplace', 'poisson', 'dilation'}
        Kind of corruption.
    amount : float, optional
        The share q, the standard deviation, the scale, or the largest relative change; none for 'poisson'.
    output : {'linear', 'logistic'}
        The output unit; there are no hidden layers.
    weight_decay : float
        As in `Options`.

    Returns
    -------
    MarginalisedProblem
        For ``train(problem=..., initial_theta=np.zeros(problem.num_parameters))``.

    Raises
    ------
    DataError
        Inputs or targets do not fit.
    OptionError
        The corruption, its amount or the output unit does not fit.
    """
    X, T = np.asarray(inputs, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if X.ndim != 2 or T.ndim != 2 or X.shape[1] != T.shape[1] or not (np.isfinite(X).all() and np.isfinite(T).all()):
        got = f"shapes {X.shape} and {T.shape}"
        raise DataError("inputs", expected="as many finite cases as targets, in columns", got=got)
    if corruption not in _CORRUPTIONS:
        raise OptionError("corruption", expected="one of " + ", ".join(map(repr, _CORRUPTIONS)), got=quoted(corruption))
    if output not in ("linear", "logistic"):
        raise OptionError("output", expected="'linear' or 'logistic'", got=quoted(output))
    if output == "logistic" and not np.isin(T, (0, 1)).all():
        raise DataError("targets", expected="0 and 1 with output='logistic'", got="other numbers")
    if corruption == "poisson":
        if X.min() < 0:
            raise DataError("inputs", expected="no negative numbers with corruption='poisson'", got=f"{X.min():g}")
        return MarginalisedProblem(X, T, Poisson(), output, weight_decay)
    below = 1.0 if corruption == "blankout" else np.inf
    if amount is None or not 0 < amount < below:
        expected = "a number above 0" + (" and below 1" if corruption == "blankout" else "")
        raise OptionError("amount", expected=f"{expected} with corruption={corruption!r}", got=amount)
    return MarginalisedProblem(X, T, _CORRUPTIONS[corruption](amount), output, weight_decay)
