"""Fused kernels: one launch on a device does the work of several array operations. The host has none.

A launch costs a GPU several microseconds whatever it does, and a whole pass through a small layer takes no longer.
"""

from __future__ import annotations

from typing import Protocol

from hf_matlab_compat.backends.arrays import Array


class Fused(Protocol):
    """Operations that a device does in one launch. All arrays of a call have one precision; outputs come last."""

    def of_one(self, name: str, a: Array, out: Array | None = None) -> Array:
        """Return a function of one array, element by element.

        The names are those of units: logistic, softplus, elu, gelu, of x; and with ``_slope`` (tanh too) their f', of
        y, for gelu of x.
        """
        ...

    def add_scaled(self, scale: float, v: Array, total: Array, mask: Array | None = None) -> Array:
        """Compute total += scale · mask∘v in place, without a mask scale · v."""
        ...

    def inner(self, a: Array, b: Array, room: Array, out: Array) -> None:
        """Write aᵀb to `out`, an array without dimensions; `room` holds the products."""
        ...

    def cg_step(self, scalars: Scalars, vectors: DeviceCGVectors, Ap: Array) -> None:
        """Compute x ← x + α p, r ← r + α A p, y ← M⁻¹ r, then 2 φ(x) and rᵀy.

        It leaves all vectors unchanged if pᵀAp ≤ 0 or is not finite.
        """
        ...

    def cg_turn(self, scalars: Scalars, vectors: DeviceCGVectors) -> None:
        """Compute p ← β p - y."""
        ...

    def fetch(self, array: Array) -> list[float]:
        """Return the numbers of a short array, in one transfer. No other call waits for the device."""
        ...

    def cg_start(self, x: Array, r: Array, b: Array, M: Array | None) -> tuple[DeviceCGVectors, Scalars]:
        """Return the vectors and scalars before the first step, with rᵀy in ``before``; x and r are not copied."""
        ...


class Scalars:
    """pᵀAp, 2 φ and rᵀy of this step and of the previous step, on the device.

    Attributes
    ----------
    now, before : (3,) arrays
    """

    def __init__(self, now: Array, before: Array) -> None:
        self.now, self.before = now, before

    def swap(self) -> None:
        """Make this step the previous one."""
        self.now, self.before = self.before, self.now


class DeviceCGVectors:
    """The vectors of conjugate gradients, changed in place, and two scratch vectors.

    Attributes
    ----------
    x, r, y, p, b, M : (P,) arrays
    rooms : pair of (P,) arrays
    """

    def __init__(self, x: Array, r: Array, b: Array, M: Array) -> None:
        self.x, self.r, self.b, self.M = x, r, b, M
        self.y = r / M
        self.p = -self.y
        self.rooms = (r.copy(), r.copy())


_known: dict[type, Fused] = {}


def fused_for(array: Array) -> Fused | None:
    """Return the kernels for arrays of this type; None if the type has none."""
    return _known.get(type(array))


def fused_for_type(kind: type) -> Fused | None:
    """Return the kernels for a type of array; None if it has none."""
    return _known.get(kind)


def register(kind: type, fused: Fused) -> None:
    """Use these kernels for arrays of this type from now on."""
    _known[kind] = fused
