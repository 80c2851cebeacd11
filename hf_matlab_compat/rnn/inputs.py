"""Inputs of a block of sequences: an array, or one-hot rows, whose products are look-ups."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.rnn.workspace import rows


class Inputs(Protocol):
    """Inputs x of T steps of n sequences."""

    steps: int
    sequences: int

    def times(self, W: Array, out: Array) -> Array:
        """Write W x_t to `out`, (T, n, units), for W (units, D), and return it."""
        ...

    def outer(self, e: Array) -> Array:
        """Return Σ x_t e_tᵀ over steps and sequences, (D, units), for e (T, n, units)."""
        ...

    def as_array(self) -> Array:
        """Return x itself, (T, n, D)."""
        ...


class DenseInputs:
    """Inputs as an array.

    Parameters
    ----------
    xp : module
    x : (T, n, D) array
    """

    def __init__(self, xp: Any, x: Array) -> None:
        self._xp, self._x = xp, x
        self.steps, self.sequences = x.shape[:2]

    def times(self, W: Array, out: Array) -> Array:
        """See `Inputs.times`."""
        self._xp.matmul(rows(self._x), W.T, out=rows(out))
        return out

    def outer(self, e: Array) -> Array:
        """See `Inputs.outer`."""
        return rows(self._x).T @ rows(e)

    def as_array(self) -> Array:
        """See `Inputs.as_array`."""
        return self._x


class OneHotInputs:
    """Inputs on the host with a single 1 at every step: a product is a look-up, a sum collects rows by symbol.

    Parameters
    ----------
    symbols : (T, n) array of int
        Where the 1 is.
    count : int
        D.
    """

    def __init__(self, symbols: NDArray[Any], count: int) -> None:
        self._symbols, self._count = symbols, count
        self.steps, self.sequences = symbols.shape

    def times(self, W: Array, out: Array) -> Array:
        """See `Inputs.times`."""
        return np.take(W.T, self._symbols, axis=0, out=out, mode="clip")  # 'raise' would need a copy of `out`

    def outer(self, e: Array) -> Array:
        """See `Inputs.outer`."""
        order, found, starts = self._by_symbol
        sums = np.zeros((self._count, e.shape[2]), dtype=e.dtype)
        sums[found] = np.add.reduceat(rows(e).take(order, axis=0), starts, axis=0)
        return sums

    def as_array(self) -> Array:
        """See `Inputs.as_array`."""
        return (self._symbols[:, :, None] == np.arange(self._count)).astype(float)

    @cached_property
    def _by_symbol(self) -> tuple[Array, Array, Array]:
        """Rows in the order of their symbols, the symbols that occur, and where each begins."""
        flat = self._symbols.ravel()
        order = np.argsort(flat, kind="stable")
        found, starts = np.unique(flat[order], return_index=True)
        return order, found, starts
