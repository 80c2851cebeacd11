"""Numbers as the log prints them, by MATLAB's ``num2str`` as Octave computes it, and what a printed number may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import ArgumentError

_MOST_DIGITS = 16
_WIDEST_FIELD = 23
_SEPARATOR = 2

_RELATIVE_SLACK = 1e-12
"""Allows for the rounding of our own arithmetic on intervals."""

_LARGEST_DENOMINATOR = 100


def num2str(value: ArrayLike) -> str:
    """Return ``num2str(value)`` of a real scalar or of a row of integers.

    Parameters
    ----------
    value : array_like, shape (), (n,) or (1, n)
        A number of any size, infinite or NaN; or n finite integers. An array of one element is a scalar.

    Returns
    -------
    str
        An integer as ``%.16g`` prints it, so plainly below 10¹⁶. Any other number with min(max(e + 5, 5), 16)
        significant digits, e = ⌊log10 of its size⌋, trailing zeros dropped: ``%.{digits}g``. `Inf`, `-Inf`, `NaN`.
        A row in fields of width e + 3, e that of the largest in size (of width 23 where that reaches 10¹⁶), trimmed.
        Where a negative number fills its field, one space is all that is left before it.

    Raises
    ------
    ArgumentError
        For a row that is not all finite integers, a matrix, complex numbers or text.

    Notes
    -----
    -0 prints as ``-0``, as in Octave. A single is printed like the double of the same value, but for
    values next to a power of ten: the logarithm is rounded to single before it is rounded down.
    """
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "biuf":
        _refuse(value)
    real = np.float32 if numbers.dtype == np.float32 else np.float64
    if numbers.size == 1:
        return _scalar(real(numbers.item()))
    return _row(numbers.astype(real))


def _scalar(x: np.floating[Any]) -> str:
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Inf" if x > 0 else "-Inf"
    if x == np.trunc(x):
        return _integer(float(x))
    digits = min(max(_exponent(x) + 5, 5), _MOST_DIGITS)
    return f"%.{digits}g" % float(x)


def _row(numbers: NDArray[np.floating[Any]]) -> str:
    is_row = numbers.ndim == 1 or (numbers.ndim == 2 and numbers.shape[0] == 1)
    if not (is_row and np.isfinite(numbers).all() and (numbers == np.trunc(numbers)).all()):
        _refuse(numbers)
    if numbers.size == 0:
        return ""
    exponent = _exponent(np.abs(numbers).max())
    width = exponent + 1 + _SEPARATOR if exponent < _MOST_DIGITS else _WIDEST_FIELD
    return "".join(_integer(x).rjust(width) for x in numbers.ravel().tolist()).strip()


def _integer(x: float) -> str:
    return f"%.{_MOST_DIGITS}g" % x


def _exponent(x: np.floating[Any]) -> int:
    if not x:
        return 0
    # Just below a power of ten the logarithm rounds up to it, and in single precision sooner.
    return math.floor(type(x)(math.log10(abs(x))))


def _refuse(value: object) -> NoReturn:
    raise ArgumentError(
        "value",
        expected="a real number or a row of finite integers",
        got=repr(value),
        advice="Print it number by number.",
    )


def half_unit(x: float) -> float:
    """Return half a unit in the last place that `num2str` prints of `x`, 0 for integers.

    It prints 4 decimals above 1 and 5 digits below.

    Examples
    --------
    >>> half_unit(13.3333), half_unit(30.0)
    (5e-05, 0.0)
    """
    if x == 0 or not math.isfinite(x) or x == int(x):
        return 0.0
    exponent = math.floor(math.log10(abs(x)))
    digits = min(max(exponent + 5, 5), 16)
    return 0.5 * 10.0 ** (exponent - digits + 1)


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, which a printed figure may stand for."""

    low: float
    high: float

    @classmethod
    def of(cls, x: float) -> Interval:
        """Return the numbers that print as `x`."""
        # a number that prints as an integer can be one that is not: 29.99999 prints as 30
        slack = half_unit(x) or half_unit(abs(x) + 0.5)
        return cls(x - slack, x + slack)

    @classmethod
    def of_constant(cls, x: float) -> Interval:
        """Return the constant that prints as `x`: a fraction of small integers if one does, as 0.66667 is 2/3."""
        near = Fraction(x).limit_denominator(_LARGEST_DENOMINATOR) if math.isfinite(x) else x
        exact = float(near)
        return cls(exact, exact) if abs(exact - x) <= half_unit(x) else cls.of(x)

    def times(self, factor: Interval) -> Interval:
        """Return all products of a number here and a positive one of `factor`."""
        return Interval(
            self.low * factor.low * (1 - _RELATIVE_SLACK),
            self.high * factor.high * (1 + _RELATIVE_SLACK),
        )

    def inverse(self) -> Interval:
        """Return the inverses of the numbers here, which are positive."""
        return Interval(1 / self.high, 1 / self.low)

    def meet(self, other: Interval) -> Interval | None:
        """Return the numbers in both intervals, or None if there are none."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else None

    def middle(self) -> float:
        """Return the midpoint."""
        return (self.low + self.high) / 2
