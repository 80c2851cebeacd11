"""Units: what a layer does to its input x.

Every unit's Jacobian J = ∂y/∂x is symmetric (diagonal, or softmax's diag(y) - y yᵀ), so one product serves
forward and backward. Arrays are (units of the layer, cases).
"""

from __future__ import annotations

from typing import Any, Protocol

from hf_matlab_compat.backends.backend import Array


class Unit(Protocol):
    """A kind of unit. `y` is always its output, from which all derivatives are formed."""

    name: str

    def activate(self, xp: Any, x: Array) -> Array:
        """y = f(x)."""
        ...

    def jacobian_product(self, xp: Any, y: Array, r: Array) -> Array:
        """J r."""
        ...

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        """(∂J/∂x · Rx) d, written with r = R{y} = J Rx: how the Jacobian moves when x moves."""
        ...


class Logistic:
    """y = 1 / (1 + exp(-x)); f' = y (1 - y)."""

    name = "logistic"

    def activate(self, xp: Any, x: Array) -> Array:
        return 1 / (1 + xp.exp(-x))

    def jacobian_product(self, xp: Any, y: Array, r: Array) -> Array:
        return r * y * (1 - y)

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        return d * r * (1 - 2 * y)


class Tanh:
    """y = tanh(x); f' = (1 + y)(1 - y)."""

    name = "tanh"

    def activate(self, xp: Any, x: Array) -> Array:
        return xp.tanh(x)

    def jacobian_product(self, xp: Any, y: Array, r: Array) -> Array:
        return r * (1 + y) * (1 - y)

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        return -2 * d * r * y


class Linear:
    """y = x."""

    name = "linear"

    def activate(self, xp: Any, x: Array) -> Array:
        return x

    def jacobian_product(self, xp: Any, y: Array, r: Array) -> Array:
        return r

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        return xp.zeros_like(r)


class Softmax:
    """y = exp(x) / Σ exp(x) down each column; J r = r∘y - y Σ(r∘y)."""

    name = "softmax"

    def activate(self, xp: Any, x: Array) -> Array:
        # MATLAB: softmax is shifted by the column's maximum, so that inputs above 88 do not overflow in single
        e = xp.exp(x - x.max(axis=0, keepdims=True))
        return e / e.sum(axis=0, keepdims=True)

    def jacobian_product(self, xp: Any, y: Array, r: Array) -> Array:
        ry = r * y
        return ry - y * ry.sum(axis=0, keepdims=True)

    def curvature_product(self, xp: Any, y: Array, d: Array, r: Array) -> Array:
        def column_sum(a: Array) -> Array:
            return a.sum(axis=0, keepdims=True)

        return d * r - y * column_sum(d * r) - r * column_sum(d * y)


UNITS: dict[str, Unit] = {unit.name: unit for unit in (Logistic(), Tanh(), Linear(), Softmax())}
"""All kinds of units by name."""
