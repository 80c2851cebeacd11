"""Units: what a layer does to its input x.

Every unit's Jacobian J = ∂y/∂x is symmetric (diagonal, or softmax's diag(y) - y yᵀ), so one product serves
forward and backward. Arrays are (units of the layer, cases). What takes `out` writes there, and may be given one
of its own arguments; without it the result is new.
"""

from __future__ import annotations

from typing import Any, Protocol

from hf_matlab_compat.backends.arrays import Array


class Unit(Protocol):
    """A kind of unit. `y` is always its output, from which all derivatives are formed."""

    name: str

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        """y = f(x)."""
        ...

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> Array | None:
        """What J needs: f' for a unit that looks at its own input only, y for softmax, None where J = I."""
        ...

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        """J r, from `slope`."""
        ...

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        """(∂J/∂x · Rx) d, written with r = R{y} = J Rx: how the Jacobian moves when x moves."""
        ...


class Pointwise:
    """A unit that looks at its own input only: J = diag(f')."""

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        return xp.multiply(r, slope, out=out)

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        return r * self.bend(xp, y, d)

    def bend(self, xp: Any, y: Array, d: Array) -> Array:
        """d f''/f', whose product with r = f' Rx is `curvature_product`."""
        raise NotImplementedError


class Logistic(Pointwise):
    """y = 1 / (1 + exp(-x)); f' = y (1 - y)."""

    name = "logistic"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        y = xp.negative(x, out=out)
        y = xp.exp(y, out=y)
        y += 1
        return xp.divide(1, y, out=y)

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> Array:
        s = xp.subtract(1, y, out=out)
        s *= y
        return s

    def bend(self, xp: Any, y: Array, d: Array) -> Array:
        return d * (1 - 2 * y)


class Tanh(Pointwise):
    """y = tanh(x); f' = (1 + y)(1 - y)."""

    name = "tanh"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return xp.tanh(x, out=out)

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> Array:
        s = xp.subtract(1, y, out=out)
        s *= 1 + y
        return s

    def bend(self, xp: Any, y: Array, d: Array) -> Array:
        return -2 * d * y


class Linear(Pointwise):
    """y = x."""

    name = "linear"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return _same(x, out)

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> None:
        return None

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        return _same(r, out)

    def bend(self, xp: Any, y: Array, d: Array) -> Array:
        return xp.zeros_like(y)


class Softmax:
    """y = exp(x) / Σ exp(x) down each column; J r = r∘y - y Σ(r∘y)."""

    name = "softmax"

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        # MATLAB: softmax is shifted by the column's maximum, so that inputs above 88 do not overflow in single
        e = xp.subtract(x, x.max(axis=0, keepdims=True), out=out)
        e = xp.exp(e, out=e)
        e /= e.sum(axis=0, keepdims=True)
        return e

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> Array:
        return y

    def jacobian_product(self, xp: Any, slope: Array | None, r: Array, out: Array | None = None) -> Array:
        y = slope
        ry = xp.multiply(r, y, out=out)
        ry -= y * ry.sum(axis=0, keepdims=True)
        return ry

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        def column_sum(a: Array) -> Array:
            return a.sum(axis=0, keepdims=True)

        return d * r - y * column_sum(d * r) - r * column_sum(d * y)


def _same(a: Array, out: Array | None) -> Array:
    if out is None or out is a:
        return a
    out[...] = a
    return out


UNITS: dict[str, Unit] = {unit.name: unit for unit in (Logistic(), Tanh(), Linear(), Softmax())}
"""All kinds of units by name."""
