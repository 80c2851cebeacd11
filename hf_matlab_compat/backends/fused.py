"""Kernels that do in one launch what several array operations would, for arrays of a device; the host has none.

A launch costs a GPU several microseconds whatever it does, and a pass through a small layer takes no longer.
"""

from __future__ import annotations

from typing import Protocol

from hf_matlab_compat.backends.arrays import Array


class Fused(Protocol):
    """What a device does in one launch. All arrays of a call have one precision; those changed come last."""

    def logistic(self, x: Array, out: Array | None = None) -> Array:
        """1 / (1 + exp(-x))."""
        ...

    def logistic_slope(self, y: Array, out: Array | None = None) -> Array:
        """(1 - y) y."""
        ...

    def tanh_slope(self, y: Array, out: Array | None = None) -> Array:
        """(1 - y) (1 + y)."""
        ...

    def of_one(self, name: str, a: Array, out: Array | None = None) -> Array:
        """A function of one array: softplus, elu and gelu, and with ``_slope`` their f', of y or for gelu of x."""
        ...

    def add_scaled(self, scale: float, v: Array, total: Array, mask: Array | None = None) -> Array:
        """total += scale · m∘v, without a mask scale · v."""
        ...

    def inner(self, a: Array, b: Array, room: Array, out: Array) -> None:
        """aᵀb into `out`, an array of no dimensions; the products go through `room`."""
        ...

    def cg_step(self, scalars: Scalars, vectors: DeviceCGVectors, Ap: Array) -> None:
        """x ← x + α p, r ← r + α A p, y ← M⁻¹ r, and 2 φ(x) and rᵀy of them; nothing where α is not to be had."""
        ...

    def cg_turn(self, scalars: Scalars, vectors: DeviceCGVectors) -> None:
        """p ← β p - y."""
        ...

    def fetch(self, array: Array) -> list[float]:
        """The numbers of a short array, in one transfer. The only call that waits for the device."""
        ...

    def cg_start(self, x: Array, r: Array, b: Array, M: Array | None) -> tuple[DeviceCGVectors, Scalars]:
        """What CG starts with, rᵀy among the numbers of the step before; x and r are taken, not copied."""
        ...


class Scalars:
    """pᵀAp, 2 φ and rᵀy of this step and of the one before, on the device.

    Attributes
    ----------
    now, before : (3,) arrays
    """

    def __init__(self, now: Array, before: Array) -> None:
        self.now, self.before = now, before

    def swap(self) -> None:
        """This step becomes the one before."""
        self.now, self.before = self.before, self.now


class DeviceCGVectors:
    """The vectors of conjugate gradients, changed in place, and two to work in.

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
    """The kernels for arrays of this type; None where the plain operations are as good."""
    return _known.get(type(array))


def fused_for_type(kind: type) -> Fused | None:
    """The same for arrays of a type."""
    return _known.get(kind)


def register(kind: type, fused: Fused) -> None:
    """From now on arrays of this type have these kernels."""
    _known[kind] = fused
