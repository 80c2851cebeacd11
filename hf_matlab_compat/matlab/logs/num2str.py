"""Numbers as the log prints them: MATLAB's ``num2str`` as Octave computes it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import ArgumentError

_MOST_DIGITS = 16
_WIDEST_FIELD = 23
_SEPARATOR = 2


def num2str(value: ArrayLike) -> str:
    """``num2str(value)`` of a real scalar or of a row of integers.

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
        raise _refused(value)
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
        raise _refused(numbers)
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


def _refused(value: object) -> ArgumentError:
    return ArgumentError(
        "value",
        expected="a real number or a row of finite integers",
        got=repr(value),
        advice="Print it number by number.",
    )
