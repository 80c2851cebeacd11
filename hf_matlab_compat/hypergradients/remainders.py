"""A store of remainders: for each parameter an integer of any length, for all of them a few arrays.

Notation
--------
S : the stored integers, one a parameter, non-negative;  n : an integer in 1 … 65535
S is written in base 65536; a digit is an array (P,) of 16 bits, so that S grows by whole arrays
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 16
"""Of a digit, and of the denominator 65536 of every factor."""

_SHIFT = np.uint32(BITS)


class Remainders:
    """Integers S ≥ 0, at first 0, that take in what a division leaves and give it back in reverse order.

    All parameters are treated at once, digit by digit; Python's integers, one a parameter, take four times as long.

    Parameters
    ----------
    size : int
        P, their number.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._digits: list[NDArray[np.uint16]] = []  # the most significant first

    def exchange(self, low: NDArray[Any], n: Any) -> NDArray[np.uint32]:
        """Take in a digit and give out a remainder of n: S ← S · 65536 + low, then return S mod n and S ← S div n.

        Parameters
        ----------
        low : (P,) array
            Integers below 65536.
        n : int or (P,) array
            From 1 to 65535.
        """
        n = np.asarray(n, dtype=np.uint32)
        self._digits.append(low.astype(np.uint16))
        rest = np.zeros(self._size, np.uint32)
        for k, digit in enumerate(self._digits):  # long division: rest < n, so rest · 65536 + digit has 32 bits
            part = (rest << _SHIFT) | digit
            quotient = part // n
            rest = part - quotient * n
            self._digits[k] = quotient.astype(np.uint16)
        if not self._digits[0].any():
            del self._digits[0]
        return rest

    def exchange_back(self, rest: NDArray[Any], n: Any) -> NDArray[np.uint16]:
        """Undo `exchange`: S ← S · n + rest, then return S mod 65536 and S ← S div 65536.

        Parameters
        ----------
        rest : (P,) array
            Integers below n.
        n : int or (P,) array
            From 1 to 65535.
        """
        n, carry = np.asarray(n, dtype=np.uint32), rest.astype(np.uint32)
        for k in reversed(range(len(self._digits))):
            part = self._digits[k] * n + carry
            self._digits[k] = part.astype(np.uint16)
            carry = part >> _SHIFT
        if carry.any() or not self._digits:
            self._digits.insert(0, carry.astype(np.uint16))
        return self._digits.pop()

    @property
    def is_empty(self) -> bool:
        """True if all S are 0."""
        return not any(digit.any() for digit in self._digits)

    @property
    def integers(self) -> list[int]:
        """The stored integers S, for tests and figures."""
        S = [0] * self._size
        for digit in self._digits:
            S = [(s << BITS) + d for s, d in zip(S, digit.tolist(), strict=True)]
        return S

    @property
    def nbytes(self) -> int:
        """Bytes of all digits, leading zeros included."""
        return sum(digit.nbytes for digit in self._digits)
