"""Numbers in fixed point whose sums, and whose products with a fraction, can be undone without any error.

Notation
--------
i : int64 integers, the numbers times 2^f;  f : fraction bits, 52 unless said otherwise, for |numbers| < 2^(63-f) = 2048
n / 65536 : the fraction to multiply with, n in 1 … 65535;  S : the remainders
times n/65536 :  S ← S·65536 + i mod 65536;  i ← (i div 65536)·n;  i ← i + S mod n;  S ← S div n   (Maclaurin 2015)
undone        :  the same with n and 65536 exchanged
A product is too small or too large by less than n · 2^-f.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.hypergradients.remainders import BITS, Remainders

FRACTION_BITS = 52
"""f of the published program, as many as a double has; 11 bits are left for numbers up to 2048."""


class RangeError(ArithmeticError):
    """A sum does not fit the integers.

    Attributes
    ----------
    value : float
        The sum that does not fit: the largest in size, or NaN.
    """

    def __init__(self, value: float) -> None:
        self.value = value
        super().__init__(value)


class FixedPoint:
    """Numbers that can be added to, and the same subtracted again, without rounding.

    Parameters
    ----------
    values : (P,) array
    fraction_bits : int
        f; the numbers stay below 2^(63-f) in size.

    Raises
    ------
    RangeError
        One of them does not.
    """

    def __init__(self, values: NDArray[Any], fraction_bits: int = FRACTION_BITS) -> None:
        self._scale, self._limit = 2.0**fraction_bits, 2.0 ** (63 - fraction_bits)
        self.integers = np.zeros(len(values), np.int64)
        self.add(values)

    @property
    def values(self) -> NDArray[Any]:
        """The numbers, rounded to double precision."""
        return self.integers * (1 / self._scale)

    def add(self, a: NDArray[Any]) -> None:
        """Add numbers, each rounded toward 0 to a multiple of 2^-f; adding their negatives undoes it.

        Raises
        ------
        RangeError
            A sum does not fit.
        """
        largest = float(np.abs(self.values + a).max(initial=0.0))
        if not (largest < self._limit and np.abs(a).max(initial=0.0) < self._limit):
            raise RangeError(largest)
        self.integers += (a * self._scale).astype(np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of the integers."""
        return self.integers.nbytes


class Decaying(FixedPoint):
    """Numbers in fixed point that can also be multiplied with n / 65536, and divided again, without any error."""

    def __init__(self, values: NDArray[Any], fraction_bits: int = FRACTION_BITS) -> None:
        super().__init__(values, fraction_bits)
        self.remainders = Remainders(len(values))

    def multiply(self, n: Any) -> None:
        """Multiply with n / 65536, for a number n or an array (P,)."""
        i = self.integers
        rest = self.remainders.exchange(i & ((1 << BITS) - 1), n)
        self.integers = (i >> BITS) * n + rest

    def divide(self, n: Any) -> None:
        """Undo `multiply`."""
        quotient = self.integers // n
        low = self.remainders.exchange_back(self.integers - quotient * n, n)
        self.integers = (quotient << BITS) + low

    @property
    def nbytes(self) -> int:
        """Bytes of the integers and of the remainders."""
        return super().nbytes + self.remainders.nbytes
