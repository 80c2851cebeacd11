"""Units: the function from a layer's input x to its output y, and its derivatives.

Every unit's Jacobian J = ∂y/∂x is symmetric (diagonal, or softmax's diag(y) - y yᵀ), so one product serves forward and
backward. Arrays are (units of the layer, cases). A method with `out` writes the result there, and `out` may be one of
its arguments; without `out` the result is a new array.

Most units form their derivatives from the output y alone; their x is not kept, and methods get any array of that shape
for x. Units with `keeps_x` get x itself, in memory that only such layers have.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.errors import OptionError


class Unit(Protocol):
    """A kind of unit, as the passes use it. A user's unit needs only the methods of `OwnFunction`."""

    name: str
    keeps_x: bool
    """True if the derivatives need the input x beside the output y."""

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """Return y = f(x)."""
        ...

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array | None:
        """Return the array from which J is formed: f' for a pointwise unit, y for softmax, None if J = I."""
        ...

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        """Return J r, from `slope`."""
        ...

    def curvature_product(self, xp: Any, x: Array, y: Array, d: Array, r: Array, Rx: Array) -> Array:
        """Return (∂J/∂x · Rx) d, the change of J d as x moves along Rx; r = R{y} = J Rx."""
        ...


class OwnFunction(Protocol):
    """The methods that a user's unit must have. Each of its outputs depends on its own input only.

    Arrays are (units of the layer, cases), in the working precision and on the backend; `xp` is the array namespace
    (numpy, or CuPy on a GPU). Results are new arrays of the same shape.
    """

    def activate(self, xp: Any, x: Array) -> Array:
        """Return y = f(x)."""
        ...

    def slope(self, xp: Any, x: Array, y: Array) -> Array:
        """Return f'(x)."""
        ...

    # curvature='hessian' also needs bend(self, xp, x, y), which returns f''(x)


class Pointwise:
    """A unit each of whose outputs depends on its own input only: J = diag(f')."""

    keeps_x: bool = False

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        """See `Unit.jacobian_product`."""
        return xp.multiply(r, slope, out=out)

    def curvature_product(self, xp: Any, x: Array, y: Array, d: Array, r: Array, Rx: Array) -> Array:
        """See `Unit.curvature_product`."""
        return (Rx if self.keeps_x else r) * self.bend(xp, x, y, d)

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """Return d f''/f', to be multiplied with r = f' Rx; with `keeps_x` d f'', to be multiplied with Rx."""
        return xp.zeros_like(y)  # of linear units, and of relu


class Logistic(Pointwise):
    """y = 1 / (1 + exp(-x)); f' = y (1 - y)."""

    name = "logistic"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        y = xp.negative(x, out=out)
        y = xp.exp(y, out=y)
        y += 1
        return xp.divide(1, y, out=y)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        s = xp.subtract(1, y, out=out)
        s *= y
        return s

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """See `Pointwise.bend`."""
        return d * (1 - 2 * y)


class Tanh(Pointwise):
    """y = tanh(x); f' = (1 + y)(1 - y)."""

    name = "tanh"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        return xp.tanh(x, out=out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        s = xp.subtract(1, y, out=out)
        s *= 1 + y
        return s

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """See `Pointwise.bend`."""
        return -2 * d * y


class Linear(Pointwise):
    """y = x."""

    name = "linear"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        return _same(x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> None:
        """See `Unit.slope`."""
        return

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        """See `Unit.jacobian_product`."""
        return _same(r, out)


class Softmax:
    """y = exp(x) / Σ exp(x) down each column; J r = r∘y - y Σ(r∘y)."""

    name = "softmax"
    keeps_x = False

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        # MATLAB: softmax is shifted by the column's maximum, so that inputs above 88 do not overflow in single
        e = xp.subtract(x, x.max(axis=0, keepdims=True), out=out)
        e = xp.exp(e, out=e)
        e /= e.sum(axis=0, keepdims=True)
        return e

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        return y

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        """See `Unit.jacobian_product`."""
        y = slope
        ry = xp.multiply(r, y, out=out)
        ry -= y * ry.sum(axis=0, keepdims=True)
        return ry

    def curvature_product(self, xp: Any, x: Array, y: Array, d: Array, r: Array, Rx: Array) -> Array:
        """See `Unit.curvature_product`."""

        def column_sum(a: Array) -> Array:
            return a.sum(axis=0, keepdims=True)

        return d * r - y * column_sum(d * r) - r * column_sum(d * y)


class ReLU(Pointwise):
    """y = max(x, 0); f' is 1 above 0 and 0 elsewhere, f'' is taken as 0."""

    name = "relu"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        return xp.maximum(x, 0, out=out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        return xp.sign(y, out=out)  # 0 or 1, since y is never negative


class Softplus(Pointwise):
    """y = log(1 + exp(x)); f' = 1 - exp(-y), the logistic function of x; f''/f' = exp(-y)."""

    name = "softplus"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        below = xp.minimum(x, -x)  # -|x|, so that exp cannot overflow
        below = xp.log1p(xp.exp(below, out=below), out=below)
        y = xp.maximum(x, 0, out=out)
        y += below
        return y

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        s = xp.negative(y, out=out)
        s = xp.expm1(s, out=s)
        return xp.negative(s, out=s)

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """See `Pointwise.bend`."""
        return d * xp.exp(-y)


class ELU(Pointwise):
    """y = x above 0, exp(x) - 1 below; f' = 1 above, y + 1 below, where f'' = f'."""

    name = "elu"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        below = xp.minimum(x, 0)
        below = xp.expm1(below, out=below)
        y = xp.maximum(x, 0, out=out)
        y += below
        return y

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        s = xp.minimum(y, 0, out=out)
        s += 1
        return s

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """See `Pointwise.bend`."""
        return -d * xp.sign(xp.minimum(y, 0))


class GELU(Pointwise):
    """y = x Φ(x), where Φ is the standard normal distribution and φ its density; f' = Φ + x φ, f'' = (2 - x²) φ.

    It is not monotonic, so y alone does not determine x.
    """

    name = "gelu"
    keeps_x = True

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        return xp.multiply(x, _distribution(xp, x), out=out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        s = _density(xp, x)
        s *= x
        return xp.add(s, _distribution(xp, x), out=out)

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """See `Pointwise.bend`."""
        return d * (2 - x * x) * _density(xp, x)


def _density(xp: Any, x: Array) -> Array:
    """Return φ(x)."""
    half_square = x * x
    half_square *= -0.5
    density = xp.exp(half_square, out=half_square)
    density *= 0.3989422804014327  # 1 / sqrt(2 pi)
    return density


def _distribution(xp: Any, x: Array) -> Array:
    """Return Φ(x), accurate also in the lower tail."""
    return import_module("scipy.special" if xp is np else "cupyx.scipy.special").ndtr(x)


class OwnUnit(Pointwise):
    """A user's unit, with the methods that the passes use.

    Attributes
    ----------
    name : str
        The object's `name`, or its class.
    function : OwnFunction
    bends : bool
        True if it has a second derivative.

    Parameters
    ----------
    function : OwnFunction

    Raises
    ------
    OptionError
        It lacks a method, or has the name of a built-in unit.
    """

    keeps_x = True

    def __init__(self, function: OwnFunction) -> None:
        self.name = name_of(function)
        self.function = function
        _require(function, self.name)
        if self.name in UNITS:
            own = type(function).__name__
            raise OptionError(
                "unit_types",
                expected=f"an object {own} with a name of its own",
                got=f"the name of the built-in {self.name!r}",
            )
        self.bends = callable(getattr(function, "bend", None))

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """See `Unit.activate`."""
        return _written(self.function.activate(xp, x), x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        """See `Unit.slope`."""
        return _written(self.function.slope(xp, x, y), x, out)

    def bend(self, xp: Any, x: Array, y: Array, d: Array) -> Array:
        """See `Pointwise.bend`."""
        function: Any = self.function
        return d * function.bend(xp, x, y)


def _require(function: Any, name: str) -> None:
    # refuse anything but an object with the methods of `OwnFunction`
    missing = [method for method in ("activate", "slope") if not callable(getattr(function, method, None))]
    is_class = isinstance(function, type)
    if missing or is_class:
        half = f"{name!r} without {missing[0]}" if len(missing) == 1 else repr(function)
        raise OptionError(
            "unit_types",
            expected="names, or objects with the methods activate(xp, x) and slope(xp, x, y)",
            got=f"the class {name}" if is_class else half,
            advice="Give an object of this class." if is_class else "",
        )


def _written(result: Array, like: Array, out: Array | None) -> Array:
    """Copy the result to `out` in working precision; a user's unit may use another one, or return its argument."""
    out = like.copy() if out is None else out
    out[...] = result
    return out


def _same(a: Array, out: Array | None) -> Array:
    if out is None or out is a:
        return a
    out[...] = a
    return out


UNITS: dict[str, Unit] = {
    unit.name: unit for unit in (Logistic(), Tanh(), Linear(), Softmax(), ReLU(), Softplus(), GELU(), ELU())
}
"""All built-in kinds of units by name."""

ORIGINAL = ("logistic", "tanh", "linear", "softmax")
"""Units of the published trainer."""


def name_of(choice: Any) -> str:
    """Return the name of a unit or a loss: a name is itself; an object has its `name`, or that of its class."""
    if isinstance(choice, str):
        return choice
    if isinstance(choice, type):
        return choice.__name__
    name = getattr(choice, "name", None)
    return name if isinstance(name, str) else type(choice).__name__


def unit_of(choice: Any) -> Unit:
    """Return the unit of a name or of a user's object."""
    if isinstance(choice, str):
        return UNITS[choice]
    return OwnUnit(choice)
