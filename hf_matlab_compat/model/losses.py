"""Losses: the log-likelihood of targets given the output layer, and its first two derivatives there.

Notation
--------
x, y : (s_L, n) input and output of the output layer;  t : (s_L, n) targets
e = ∂ll/∂x;  R = R{y} = J Rx
All sums run over units and cases; nothing is divided by the number of cases. Derivatives are those of each case by
itself; case weights enter where they are summed over cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.units import Unit, name_of


class Loss(Protocol):
    """A log-likelihood at the output layer. Curvatures are those of -ll, so that they come out positive.

    This is what the passes use; a loss of the caller's own is an `OwnLogLikelihood`, which is less to write.
    """

    @property
    def keeps_output(self) -> bool:
        """Whether `gauss_newton_product` reads what is there."""
        ...

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        """Σ w ll over units and cases, a scalar in working precision; `weights`, (1, n), are 1 by default.

        With `room`, like y, it is used up, and x where the gradient does without.
        """
        ...

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        """e = ∂ll/∂x."""
        ...

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        """H_L Jv at the output layer's input, given R = J Rx, whose memory it may take, and the unit's `slope`."""
        ...

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        """-R{e}: the change of -e when x moves along Rx."""
        ...


@dataclass(frozen=True)
class AtOutput:
    """The output layer of a block: x, or anything of that shape where the unit keeps none, y, and the targets t."""

    x: Array
    y: Array
    t: Array


class OwnLogLikelihood(Protocol):
    """What a loss of the caller's own must have: a log-likelihood of targets t given outputs y, to be made large.

    Arrays are (output units, cases). With 'linear' output units y is x, so that a loss may have its unit inside it.
    One with the attribute ``exact_curvature = False`` may have another curvature than that of its log-likelihood, a
    positive semidefinite one for Gauss-Newton.
    """

    def log_likelihood(self, xp: Any, y: Array, t: Array) -> Array:
        """ll of each case, summed over its units, (cases,)."""
        ...

    def gradient(self, xp: Any, y: Array, t: Array) -> Array:
        """∂ll/∂y, like y."""
        ...

    def curvature_product(self, xp: Any, y: Array, t: Array, r: Array) -> Array:
        """-∂²ll/∂y² r, case by case, like y. Gauss-Newton is positive semidefinite where this matrix is."""
        ...


class _Canonical:
    """Derivatives of a loss whose unit is its canonical link: e = t - y, H_L = J."""

    keeps_output = False

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        return xp.subtract(t, y, out=out)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        return R

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        return R


class CrossEntropy(_Canonical):
    """Targets in [0, 1] on logistic units: ll = Σ t log y + (1 - t) log(1 - y)."""

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        # zeros: numpy compares arrays several times as fast as an array with a number or with a row
        positive = xp.empty_like(x) if room is None else room
        positive[...] = 0
        positive = xp.maximum(x, positive, out=positive)
        terms = xp.multiply(x, t, out=None if room is None else x)
        terms -= positive
        # MATLAB: log(1 + exp(-|x|)) is read off y as -log max(y, 1 - y), which rounds alike and spares an exp
        larger = xp.subtract(1, y, out=room)
        larger = xp.maximum(larger, y, out=larger)
        terms += xp.log(larger, out=larger)
        return _summed(terms, weights)


class SoftmaxCrossEntropy(_Canonical):
    """One-of-k targets on softmax units: ll = Σ t log y."""

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        # MATLAB: log y is formed from x, so that a class of vanishing probability costs a finite amount
        shifted = x - x.max(axis=0, keepdims=True)
        terms = t * (shifted - xp.log(xp.exp(shifted).sum(axis=0, keepdims=True)))
        return _summed(terms, weights)


class _ThroughUnit:
    """Derivatives of a log-likelihood of y, carried through whatever unit gives y.

    Parameters
    ----------
    unit : Unit
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def _back(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """J d, in the memory of d."""
        return self.unit.jacobian_product(xp, self.unit.slope(xp, x, y), d, out=d)


class SquaredError(_ThroughUnit):
    """ll = -Σ (t - y)², without a factor ½, through whatever unit gives the output."""

    keeps_output = False

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        difference = xp.subtract(t, y, out=room)
        difference *= difference
        return -_summed(difference, weights)

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        slope = self.unit.slope(xp, x, y)  # before `out`, which may be x
        e = xp.subtract(t, y, out=out)
        e *= 2
        return self.unit.jacobian_product(xp, slope, e, out=e)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        doubled = xp.multiply(R, 2, out=R)
        return self.unit.jacobian_product(xp, slope, doubled, out=doubled)

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        a = 2 * (at.t - at.y)
        return self._back(xp, at.x, at.y, 2 * R) - self.unit.curvature_product(xp, at.x, at.y, a, R, Rx)


class OwnLoss(_ThroughUnit):
    """A loss of the caller's own, with the methods that the passes use.

    Attributes
    ----------
    name : str
        That of the object, or of its class.
    of_output : OwnLogLikelihood

    Parameters
    ----------
    unit : Unit
        Of the output layer.
    of_output : OwnLogLikelihood

    Raises
    ------
    OptionError
        It lacks a method.
    """

    keeps_output = True

    def __init__(self, unit: Unit, of_output: OwnLogLikelihood) -> None:
        super().__init__(unit)
        self.name, self.of_output = name_of(of_output), of_output
        wanted = ("log_likelihood", "gradient", "curvature_product")
        missing = [method for method in wanted if not callable(getattr(of_output, method, None))]
        if missing or isinstance(of_output, type):
            is_class = isinstance(of_output, type)
            raise OptionError(
                "loss",
                expected="'matching', 'squared', or an object with the methods log_likelihood(xp, y, t), "
                "gradient(xp, y, t) and curvature_product(xp, y, t, r)",
                got=f"the class {self.name}" if is_class else f"{self.name!r} without {missing[0]}",
                advice="Make an object of it." if is_class else "",
            )

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        by_case = self.of_output.log_likelihood(xp, y, t)
        return _summed(xp.asarray(by_case, dtype=y.dtype).reshape(1, -1), weights)

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        slope = self.unit.slope(xp, x, y)
        e = y.copy() if out is None else out
        e[...] = self.of_output.gradient(xp, y, t)
        return self.unit.jacobian_product(xp, slope, e, out=e)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        assert at is not None  # `keeps_output`
        R[...] = self.of_output.curvature_product(xp, at.y, at.t, R)
        return self.unit.jacobian_product(xp, slope, R, out=R)

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        d = R.copy()
        d[...] = self.of_output.curvature_product(xp, at.y, at.t, R)
        of_loss = self._back(xp, at.x, at.y, d)
        a = R.copy()
        a[...] = self.of_output.gradient(xp, at.y, at.t)
        return of_loss - self.unit.curvature_product(xp, at.x, at.y, a, R, Rx)


def _summed(terms: Array, weights: Array | None) -> Array:
    """Σ w terms over units and cases."""
    return (terms if weights is None else terms * weights).sum()


_MATCHING = {"logistic": CrossEntropy, "softmax": SoftmaxCrossEntropy}
HAVE_MATCHING = (*_MATCHING, "linear")
"""Output units that have a log-likelihood of their own; of linear ones it is the squared error."""


def loss_for(unit: Unit, loss: Any) -> Loss:
    """The loss of an output unit.

    Parameters
    ----------
    unit : Unit
    loss : {'matching', 'squared'} or OwnLogLikelihood
        For linear units the matching loss is the squared error.

    Raises
    ------
    OptionError
        The unit has no matching loss, or the loss of the caller's own lacks a method.
    """
    if not isinstance(loss, str):
        return OwnLoss(unit, loss)
    if loss == "squared" or unit.name == "linear":
        return SquaredError(unit)
    if unit.name not in _MATCHING:
        raise no_matching_loss(unit.name)
    return _MATCHING[unit.name]()


def no_matching_loss(output: str) -> OptionError:
    """That this output unit has no log-likelihood of its own."""
    return OptionError(
        "unit_types",
        expected="without {loss='squared'} an output that has a log-likelihood of its own",
        got=repr(output),
        advice="Set {loss='squared'}, or use a 'linear' output.",
    )
