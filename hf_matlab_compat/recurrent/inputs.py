"""Inputs of a block of sequences: an array, or one-hot columns, whose products are look-ups."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from hf_matlab_compat.backends.arrays import Array


class Inputs(Protocol):
    """Inputs x of T steps of N sequences."""

    steps: int
    sequences: int

    def times(self, W: Array, out: Array) -> Array:
        """Write W x to `out`, (rows, T, N), for W (rows, D), and return it."""
        ...

    def outer(self, e: Array) -> Array:
        """Return Σ e xᵀ over steps and sequences, (rows, D), for e (rows, T, N)."""
        ...

    def as_array(self) -> Array:
        """Return x itself, (D, T, N)."""
        ...


class DenseInputs:
    """Inputs as an array.

    Parameters
    ----------
    xp : module
    x : (D, T, N) array
    """

    def __init__(self, xp: Any, x: Array) -> None:
        self._xp, self._x = xp, x
        self.steps, self.sequences = x.shape[1:]

    def times(self, W: Array, out: Array) -> Array:
        """See `Inputs.times`."""
        self._xp.matmul(W, columns(self._x), out=columns(out))
        return out

    def outer(self, e: Array) -> Array:
        """See `Inputs.outer`."""
        return columns(e) @ columns(self._x).T

    def as_array(self) -> Array:
        """See `Inputs.as_array`."""
        return self._x


class OneHotInputs:
    """Inputs with a single 1 at every step; a product is a look-up of a column, a sum collects columns by symbol.

    Parameters
    ----------
    xp : module
    symbols : (T, N) array of int
        Where the 1 is.
    count : int
        D.
    """

    def __init__(self, xp: Any, symbols: Array, count: int) -> None:
        self._xp, self._symbols, self._count = xp, symbols, count
        self.steps, self.sequences = symbols.shape

    def times(self, W: Array, out: Array) -> Array:
        """See `Inputs.times`."""
        unchecked = {"mode": "clip"} if self._xp is np else {}  # numpy's checks would need a copy of `out`
        return self._xp.take(W, self._symbols, axis=1, out=out, **unchecked)

    def outer(self, e: Array) -> Array:
        """See `Inputs.outer`."""
        xp, flat = self._xp, self._symbols.ravel()
        by_symbol = [xp.bincount(flat, row, self._count) for row in columns(e)]
        return xp.stack(by_symbol).astype(e.dtype, copy=False)

    def as_array(self) -> Array:
        """See `Inputs.as_array`."""
        return (self._xp.arange(self._count)[:, None, None] == self._symbols).astype(float)


def columns(a: Array) -> Array:
    """Return (units, T, N) as columns (units, T·N), a view."""
    return a.reshape(len(a), -1)
