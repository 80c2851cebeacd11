"""Losses: the log-likelihood of targets given the output layer, and its first two derivatives there.

Notation
--------
x, y : (s_L, n) input and output of the output layer;  t : (s_L, n) targets
e = ∂ll/∂x;  R = R{y} = J Rx
All sums are over units and cases, not divided by the number of cases. Derivatives are per case, without case weights;
the sums over cases apply those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.units import Unit, name_of


class Loss(Protocol):
    """A log-likelihood at the output layer. Curvatures are those of -ll, so that they are positive.

    The passes use this protocol; a user's loss needs only the methods of `OwnLogLikelihood`.
    """

    @property
    def keeps_output(self) -> bool:
        """True if `gauss_newton_product` reads the output y and the targets t."""
        ...

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        """Return Σ w ll over units and cases, a scalar in working precision; `weights`, (1, n), are 1 by default.

        With `room` it may overwrite `room` and y, and x if the gradient does not need x.
        """
        ...

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        """Return e = ∂ll/∂x, (s_L, n)."""
        ...

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        """Return H_L Jv at the output layer's input from R = J Rx, whose memory it may use, and the unit's `slope`."""
        ...

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        """Return -R{e}, the change of -e as x moves along Rx."""
        ...

    def root_product(self, xp: Any, slope: Array | None, y: Array, z: Array) -> Array:
        """Return K z with K Kᵀ = H_L, the Gauss-Newton form of the Hessian in x; `slope` is that of the unit."""
        ...


@dataclass(frozen=True)
class AtOutput:
    """The output layer of a block: x (any array of that shape if the unit keeps none), y, and the targets t."""

    x: Array
    y: Array
    t: Array


class OwnLogLikelihood(Protocol):
    """The methods that a user's loss must have: a log-likelihood of targets t given outputs y, to be maximised.

    Arrays are (output units, cases). With 'linear' output units y is x, so a loss may contain its own output function.
    A loss with the attribute ``exact_curvature = False`` may return another curvature than that of its log-likelihood,
    a positive semidefinite one for Gauss-Newton.
    """

    def log_likelihood(self, xp: Any, y: Array, t: Array) -> Array:
        """Return ll of each case, summed over its units, (cases,)."""
        ...

    def gradient(self, xp: Any, y: Array, t: Array) -> Array:
        """Return ∂ll/∂y, of the shape of y."""
        ...

    def curvature_product(self, xp: Any, y: Array, t: Array, r: Array) -> Array:
        """Return -∂²ll/∂y² r, case by case, of the shape of y.

        Gauss-Newton is positive semidefinite if this matrix is.
        """
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

    def root_product(self, xp: Any, slope: Array | None, y: Array, z: Array) -> Array:
        return z if slope is None else xp.sqrt(slope) * z


class CrossEntropy(_Canonical):
    """Targets in [0, 1] on logistic units: ll = Σ t log y + (1 - t) log(1 - y)."""

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        """See `Loss.log_likelihood`."""
        # an array of zeros: numpy compares two arrays several times as fast as an array with a number
        positive = xp.empty_like(x) if room is None else room
        positive[...] = 0
        positive = xp.maximum(x, positive, out=positive)
        terms = xp.multiply(x, t, out=None if room is None else x)
        terms -= positive
        # MATLAB: log(1 + exp(-|x|)) is formed from y as -log max(y, 1 - y), which rounds alike and saves an exp
        larger = xp.subtract(1, y, out=room)
        larger = xp.maximum(larger, y, out=larger)
        terms += xp.log(larger, out=larger)
        return _summed(terms, weights)


class SoftmaxCrossEntropy(_Canonical):
    """One-of-k targets on softmax units: ll = Σ t log y."""

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        """See `Loss.log_likelihood`."""
        # MATLAB: log y is formed from x, so that the log-likelihood of a class whose probability underflows is finite
        shifted = x - x.max(axis=0, keepdims=True)
        terms = t * (shifted - xp.log(xp.exp(shifted).sum(axis=0, keepdims=True)))
        return _summed(terms, weights)

    def root_product(self, xp: Any, slope: Array | None, y: Array, z: Array) -> Array:
        """See `Loss.root_product`: K = diag(√y) - y √yᵀ."""
        root = xp.sqrt(y)
        return root * z - y * (root * z).sum(axis=0, keepdims=True)


class _ThroughUnit:
    """Derivatives of a log-likelihood of y, carried back through the unit that computes y.

    Parameters
    ----------
    unit : Unit
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def _back(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """Return J d, in the memory of d."""
        return self.unit.jacobian_product(xp, self.unit.slope(xp, x, y), d, out=d)


class SquaredError(_ThroughUnit):
    """ll = -Σ (t - y)², without a factor ½, for any output unit."""

    keeps_output = False

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        """See `Loss.log_likelihood`."""
        difference = xp.subtract(t, y, out=room)
        difference *= difference
        return -_summed(difference, weights)

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        """See `Loss.gradient`."""
        slope = self.unit.slope(xp, x, y)  # before `out` is written, which may be x
        e = xp.subtract(t, y, out=out)
        e *= 2
        return self.unit.jacobian_product(xp, slope, e, out=e)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        """See `Loss.gauss_newton_product`."""
        doubled = xp.multiply(R, 2, out=R)
        return self.unit.jacobian_product(xp, slope, doubled, out=doubled)

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        """See `Loss.hessian_product`."""
        a = 2 * (at.t - at.y)
        return self._back(xp, at.x, at.y, 2 * R) - self.unit.curvature_product(xp, at.x, at.y, a, R, Rx)

    def root_product(self, xp: Any, slope: Array | None, y: Array, z: Array) -> Array:
        """See `Loss.root_product`: K = √2 J."""
        return self.unit.jacobian_product(xp, slope, 2**0.5 * z)


class OwnLoss(_ThroughUnit):
    """A user's loss, with the methods that the passes use.

    Attributes
    ----------
    name : str
        The object's `name`, or its class.
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
                advice="Give an object of this class." if is_class else "",
            )

    def log_likelihood(
        self, xp: Any, x: Array, y: Array, t: Array, room: Array | None = None, weights: Array | None = None
    ) -> Array:
        """See `Loss.log_likelihood`."""
        by_case = self.of_output.log_likelihood(xp, y, t)
        return _summed(xp.asarray(by_case, dtype=y.dtype).reshape(1, -1), weights)

    def gradient(self, xp: Any, x: Array, y: Array, t: Array, out: Array | None = None) -> Array:
        """See `Loss.gradient`."""
        slope = self.unit.slope(xp, x, y)
        e = y.copy() if out is None else out
        e[...] = self.of_output.gradient(xp, y, t)
        return self.unit.jacobian_product(xp, slope, e, out=e)

    def gauss_newton_product(self, xp: Any, slope: Array | None, R: Array, at: AtOutput | None) -> Array:
        """See `Loss.gauss_newton_product`."""
        assert at is not None  # since `keeps_output` is True
        R[...] = self.of_output.curvature_product(xp, at.y, at.t, R)
        return self.unit.jacobian_product(xp, slope, R, out=R)

    def root_product(self, xp: Any, slope: Array | None, y: Array, z: Array) -> Array:
        """Refuse: the root of the curvature of a user's loss is not known.

        Raises
        ------
        OptionError
            Always.
        """
        expected = "another one than 'jacobi' beside a loss of your own, whose curvature has no known root"
        raise OptionError("preconditioner", expected=expected, got="'jacobi'")

    def hessian_product(self, xp: Any, at: AtOutput, R: Array, Rx: Array) -> Array:
        """See `Loss.hessian_product`."""
        d = R.copy()
        d[...] = self.of_output.curvature_product(xp, at.y, at.t, R)
        of_loss = self._back(xp, at.x, at.y, d)
        a = R.copy()
        a[...] = self.of_output.gradient(xp, at.y, at.t)
        return of_loss - self.unit.curvature_product(xp, at.x, at.y, a, R, Rx)


def _summed(terms: Array, weights: Array | None) -> Array:
    """Return Σ w terms over units and cases."""
    return (terms if weights is None else terms * weights).sum()


_MATCHING = {"logistic": CrossEntropy, "softmax": SoftmaxCrossEntropy}
HAVE_MATCHING = (*_MATCHING, "linear")
"""Output units with a log-likelihood of their own; that of linear units is the squared error."""


def loss_for(unit: Unit, loss: Any) -> Loss:
    """Return the loss of an output unit.

    Parameters
    ----------
    unit : Unit
        Of the output layer.
    loss : {'matching', 'squared'} or OwnLogLikelihood
        The matching loss of linear units is the squared error.

    Raises
    ------
    OptionError
        The unit has no matching loss, or the user's loss lacks a method.
    """
    if not isinstance(loss, str):
        return OwnLoss(unit, loss)
    if loss == "squared" or unit.name == "linear":
        return SquaredError(unit)
    if unit.name not in _MATCHING:
        error = no_matching_loss(unit.name)
        raise error
    return _MATCHING[unit.name]()


def no_matching_loss(output: str) -> OptionError:
    """Return the error that this output unit has no log-likelihood of its own."""
    return OptionError(
        "unit_types",
        expected="an output unit with a log-likelihood of its own, or {loss='squared'}",
        got=repr(output),
        advice="Set {loss='squared'}, or use a 'linear' output.",
    )
