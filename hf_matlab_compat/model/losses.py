"""Losses: the log-likelihood of targets given the output layer, and its first two derivatives there.

Notation
--------
x, y : (s_L, n) input and output of the output layer;  t : (s_L, n) targets
e = ∂ll/∂x;  R = R{y} = J Rx
All sums run over units and cases; nothing is divided by the number of cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.units import UNITS, Unit


class Loss(Protocol):
    """A log-likelihood at the output layer. Curvatures are those of -ll, so that they come out positive."""

    def log_likelihood(self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None) -> Array:
        """Σ ll over units and cases, a scalar in working precision; with `room`, like y, both it and x are used up."""
        ...

    def gradient(self, xp: Any, y: Array, t: Array, out: Array | None = None) -> Array:
        """e = ∂ll/∂x."""
        ...

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array) -> Array:
        """H_L Jv at the output layer's input, given R = J Rx, whose memory it may take, and the unit's `slope`."""
        ...

    def hessian_product(self, xp: Any, y: Array, t: Array, R: Array) -> Array:
        """-R{e}: the change of -e when x moves along Rx."""
        ...


class _Canonical:
    """Derivatives of a loss whose unit is its canonical link: e = t - y, H_L = J."""

    def gradient(self, xp: Any, y: Array, t: Array, out: Array | None = None) -> Array:
        return xp.subtract(t, y, out=out)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array) -> Array:
        return R

    def hessian_product(self, xp: Any, y: Array, t: Array, R: Array) -> Array:
        return R


class CrossEntropy(_Canonical):
    """Targets in [0, 1] on logistic units: ll = Σ t log y + (1 - t) log(1 - y)."""

    def log_likelihood(self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None) -> Array:
        # a row of zeros: numpy compares arrays three times as fast as an array with a number
        positive = xp.maximum(x, xp.zeros_like(x[:1]), out=room)
        terms = xp.multiply(x, t, out=None if room is None else x)
        terms -= positive
        # MATLAB: log(1 + exp(-|x|)) is read off y as -log max(y, 1 - y), which rounds alike and spares an exp
        larger = xp.subtract(1, y, out=room)
        larger = xp.maximum(larger, y, out=larger)
        terms += xp.log(larger, out=larger)
        return terms.sum()


class SoftmaxCrossEntropy(_Canonical):
    """One-of-k targets on softmax units: ll = Σ t log y."""

    def log_likelihood(self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None) -> Array:
        # MATLAB: log y is formed from x, so that a class of vanishing probability costs a finite amount
        shifted = x - x.max(axis=0, keepdims=True)
        return (t * (shifted - xp.log(xp.exp(shifted).sum(axis=0, keepdims=True)))).sum()


@dataclass(frozen=True)
class SquaredError:
    """ll = -Σ (t - y)², without a factor ½, through whatever unit gives the output."""

    unit: Unit

    def log_likelihood(self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None) -> Array:
        difference = xp.subtract(t, y, out=room)
        difference *= difference
        return -difference.sum()

    def gradient(self, xp: Any, y: Array, t: Array, out: Array | None = None) -> Array:
        e = xp.subtract(t, y, out=out)
        e *= 2
        return self._through_unit(xp, y, e)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array) -> Array:
        doubled = xp.multiply(R, 2, out=R)
        return self.unit.jacobian_product(xp, slope, doubled, out=doubled)

    def hessian_product(self, xp: Any, y: Array, t: Array, R: Array) -> Array:
        a = 2 * (t - y)
        return self._through_unit(xp, y, 2 * R) - self.unit.curvature_product(xp, y, a, R)

    def _through_unit(self, xp: Any, y: Array, r: Array) -> Array:
        return self.unit.jacobian_product(xp, self.unit.slope(xp, y), r, out=r)


def loss_for(output_unit: str, loss: str) -> Loss:
    """The loss of an output unit.

    Parameters
    ----------
    output_unit : {'logistic', 'tanh', 'linear', 'softmax'}
    loss : {'matching', 'squared'}
        For linear units the matching loss is the squared error.
    """
    if loss == "squared" or output_unit == "linear":
        return SquaredError(UNITS[output_unit])
    return {"logistic": CrossEntropy, "softmax": SoftmaxCrossEntropy}[output_unit]()
