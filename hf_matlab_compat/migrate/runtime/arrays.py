"""Sizes, ranges, concatenation and elementwise remainders of arrays."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime.classes import Stack

Array = NDArray[Any]
_EPS = float(np.finfo(float).eps)


def two_dimensional(value: Any) -> Array:
    """Return a number as 1×1, a one-dimensional array as 1×n, None and ``[]`` as 0×0."""
    if value is None or (isinstance(value, list) and not value):
        return np.zeros((0, 0))
    return np.atleast_2d(value if isinstance(value, np.ndarray) else np.asarray(value))


def dims(x: Any, count: int) -> Array:
    """Return `x` with at least `count` dimensions; the added ones have one entry."""
    array = two_dimensional(x)
    return array.reshape(array.shape + (1,) * (count - array.ndim)) if array.ndim < count else array


def trimmed(array: Array) -> Array:
    """Return `array` without trailing dimensions of one entry beyond the second; MATLAB's arrays have none."""
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def is_row(array: Array) -> bool:
    """Return whether an array of two dimensions or more is 1×n with n ≠ 1."""
    return array.shape[0] == 1 and array.shape[1] != 1


def is_column(array: Array) -> bool:
    """Return whether an array is n×1 with n ≠ 1."""
    return array.ndim == 2 and array.shape[1] == 1 and array.shape[0] != 1


def scalar(value: Any) -> Any:
    """Return the number in a 1×1 array.

    Raises
    ------
    MigrationError
        The array has any other size.
    """
    array = np.asarray(value)
    if array.size != 1:
        raise MigrationError(f"scalar: expected a single number, got an array of shape {array.shape}.")
    return array.item()


def integer(value: Any) -> int:
    """Return the floor of a number that bounds a range: ``1:n/2`` ends at the floor of n/2."""
    return math.floor(scalar(value))


def size(x: Any, dim: int | None = None) -> Any:
    """Return ``size(x)`` as a tuple, or ``size(x, dim)``."""
    if isinstance(x, list):
        shape: tuple[int, ...] = shape_of_cells(x)
    else:
        shape = (1, len(x)) if isinstance(x, str | tuple) else two_dimensional(x).shape
    if dim is None:
        return shape
    return shape[dim - 1] if dim <= len(shape) else 1


def shape_of_cells(cells: list[Any]) -> tuple[int, int]:
    """Return the rows and columns of cells: a plain list is one row, an empty one 0×0."""
    shape = getattr(cells, "shape", None)
    return (min(len(cells), 1), len(cells)) if shape is None else shape


def sizes(x: Any, count: int) -> tuple[int, ...]:
    """Return ``[m, n] = size(x)`` for `count` outputs; the last is the product of the remaining dimensions."""
    shape = [*size(x), *[1] * count]
    known = len(size(x))
    return (*shape[: count - 1], math.prod(shape[count - 1 : max(known, count)]))


def length(x: Any) -> int:
    """Return ``length(x)``: the longest dimension, 0 if `x` is empty."""
    shape = size(x)
    return 0 if 0 in shape else max(shape)


def numel(x: Any) -> int:
    """Return ``numel(x)``."""
    return math.prod(size(x))


def isempty(x: Any) -> bool:
    """Return ``isempty(x)``; None is empty, a struct is not."""
    return x is None or (not hasattr(x, "__dict__") and numel(x) == 0)


def none_if_empty(x: Any) -> Any:
    """Return None for MATLAB's ``[]``, anything else unchanged."""
    return None if isempty(x) else x


def isvector(value: Any) -> bool:
    """Return ``isvector(x)`` as MATLAB and Octave 7 define it: 1×n or n×1."""
    return len(size(value)) == 2 and 1 in size(value)


def isscalar(value: Any) -> bool:
    """Return ``isscalar(x)``."""
    return set(size(value)) == {1}


def isrow(value: Any) -> bool:
    """Return ``isrow(x)``."""
    return len(size(value)) == 2 and size(value)[0] == 1


def iscolumn(value: Any) -> bool:
    """Return ``iscolumn(x)``."""
    return len(size(value)) == 2 and size(value)[1] == 1


def shape(x: Any) -> tuple[int, ...]:
    """Return the shape that a vector of sizes asks for; a single size asks for a square."""
    given = [int(each) for each in np.ravel(x)]
    while len(given) > 2 and given[-1] == 1:
        given.pop()
    return (given[0], given[0]) if len(given) == 1 else tuple(given)


def holds(x: Any) -> bool:
    """Return whether MATLAB's ``if`` takes its branch: `x` has entries and none of them is zero."""
    return bool(x) if isinstance(x, str | list) else np.size(x) > 0 and bool(np.all(x))


def colon(first: float, step: float, last: float) -> Array:
    """Return ``first:step:last``, one-dimensional, with MATLAB's rounding.

    The last entry is `last` itself if the range reaches it within rounding. The first half is counted from the start,
    the second half from the end.

    Raises
    ------
    MigrationError
        A bound is infinite.
    """
    if np.isnan(first) or np.isnan(step) or np.isnan(last):
        return np.array([np.nan])
    if step == 0 or (last - first) * step < 0:
        return np.zeros(0)
    if math.isinf(first) or math.isinf(last):
        raise MigrationError(f"colon: expected a range that ends, got {first:g}:{step:g}:{last:g}.")
    count = _steps(first, step, last)
    end = first + count * step
    end = last if math.copysign(1, step) * (end - last) > -_rounding(first, last) else end
    upwards = step * np.arange(count // 2 + 1)
    made = np.empty(count + 1)
    made[: len(upwards)] = first + upwards
    made[count + 1 - len(upwards) :] = (end - upwards)[::-1]
    if count % 2 == 0:
        made[count // 2] = (first + end) / 2
    return np.rint(made) if float(first).is_integer() and float(step).is_integer() else made


def _steps(first: float, step: float, last: float) -> int:
    """Return the number of steps of a range, counting one that passes `last` by rounding only."""
    if float(first).is_integer() and float(step).is_integer():
        return _floor((last - first) / step)
    nearest = math.floor((last - first) / step + 0.5)
    beyond = math.copysign(1, step) * (first + nearest * step - last)
    return nearest - (beyond > _rounding(first, last))


def _rounding(first: float, last: float) -> float:
    return 2 * _EPS * max(abs(first), abs(last))


def _floor(x: float) -> int:
    """Return the floor, or the next whole number if `x` is below it by rounding only (3 eps, as in Octave)."""
    nearest = round(x)
    return nearest if abs(nearest - x) <= 3 * _EPS * max(abs(x), 1) else math.floor(x)


def range_end(last: Any) -> int:
    """Return the last whole number of a range that ends at `last`: 63 for ``1:0.7*90``, as in Octave."""
    return _floor(scalar(last))


def range_start(first: Any) -> int:
    """Return the position at which a range in an index starts; Octave rounds one that is not whole."""
    return round_half_away(scalar(first))


def linspace(first: Any, last: Any, count: int = 100) -> Array:
    """Return ``linspace(first, last, count)``, computed in MATLAB's order: k * (last - first) / steps."""
    first, last, steps = scalar(first), scalar(last), max(int(count), 1) - 1
    made = first + np.arange(steps + 1) * (last - first) / max(steps, 1)
    made[0], made[-1] = first, last
    return made


def aligned(compute: np.ufunc, left: Any, right: Any) -> Any:
    """Return ``compute(left, right)``, matching dimensions from the first one as MATLAB does."""
    count = max(np.ndim(left), np.ndim(right))
    return compute(dims(left, count), dims(right, count))


def stack(x: Any) -> Any:
    """Return an array of three or more dimensions as a `Stack`, which combines with others by MATLAB's rules."""
    return x.view(Stack) if type(x) is np.ndarray and x.ndim > 2 else x


def permute(x: Any, order: tuple[int, ...]) -> Array:
    """Return ``permute(x, order)``; axes count from 0."""
    return trimmed(np.transpose(dims(x, len(order)), order))


def repmat(x: Any, counts: tuple[int, ...]) -> Array:
    """Return ``repmat(x, counts)`` for two dimensions or more."""
    array = dims(x, len(counts))
    return trimmed(np.tile(array, counts + (1,) * (array.ndim - len(counts))))


def squeeze(x: Any) -> Array:
    """Return ``squeeze(x)``: without dimensions of one entry, but with at least two dimensions."""
    array = two_dimensional(x)
    if array.ndim == 2:
        return array
    kept = [extent for extent in array.shape if extent != 1]
    return array.reshape(([*kept, 1, 1])[:2] if len(kept) < 2 else kept, order="F")


def copied(value: Any) -> Any:
    """Return an independent copy, as MATLAB's assignment makes; numpy's integers become doubles."""
    if type(value) is np.ndarray and value.dtype.kind in "iu":
        return value.astype(float)
    return copy.deepcopy(value)


def cat(axis: int, *parts: Any) -> Array:
    """Return arrays joined along an axis, which counts from 0, ignoring empty parts."""
    arrays = [two_dimensional(part) for part in parts]
    solid = [array for array in arrays if array.size] or arrays[:1]
    if axis > 1:
        solid = [dims(array, axis + 1) for array in solid]
    return trimmed(np.concatenate(solid, axis=axis))


hcat, vcat = partial(cat, 1), partial(cat, 0)


def circshift(x: Any, steps: Any, axis: int | None = None) -> Array:
    """Return ``circshift(x, steps)``: along the first dimension of more than one entry, or one step per dimension."""
    array, by = two_dimensional(x), np.ravel(steps).astype(int).tolist()
    if len(by) > 1:
        return np.roll(array, by, axis=tuple(range(len(by))))
    return np.roll(array, by[0], axis=first_axis(array) if axis is None else axis)


def first_axis(array: Array) -> int:
    """Return the first axis, counted from 0, with more than one entry."""
    return next((axis for axis, extent in enumerate(array.shape) if extent != 1), 0)


def columns(x: Any) -> list[Array]:
    """Return the columns over which a ``for`` loop runs; none if they have no rows, as in Octave."""
    array = two_dimensional(x)
    if not array.shape[0]:
        return []
    folded = array.reshape(array.shape[0], math.prod(array.shape[1:]), order="F")
    return [folded[:, [place]].copy() for place in range(folded.shape[1])]


def mod(x: Any, y: Any) -> Any:
    """Return ``mod(x, y)``: `x` if `y` is 0, and 0 if `x` is a multiple of a fraction up to rounding."""
    return _remainder(np.asanyarray(x), np.asanyarray(y), np.mod)


def rem(x: Any, y: Any) -> Any:
    """Return ``rem(x, y)``, with the sign of `x`; NaN if `y` is 0."""
    x, y = np.asanyarray(x), np.asanyarray(y)
    return np.where(y == 0, np.nan, _remainder(x, y, np.fmod))[()]


def _remainder(x: Array, y: Array, compute: Any) -> Any:
    safe = np.where(y == 0, 1, y)
    quotient = x / safe
    nearest = np.rint(quotient)
    multiple = (safe != np.rint(safe)) & (np.abs(quotient - nearest) <= _EPS * np.abs(nearest))
    return np.where(y == 0, x, np.where(multiple, 0.0, compute(x, safe)))[()]


def round_half_away(x: Any) -> Any:
    """Return ``round(x)``, halves away from zero; a number becomes an int."""
    array = np.asarray(x, dtype=float)
    whole = np.trunc(array)
    rounded = whole + np.where(np.abs(array - whole) >= 0.5, np.sign(array), 0.0)
    return int(rounded) if np.ndim(x) == 0 else rounded


def factorial(n: float) -> float:
    """Return ``factorial(n)``."""
    return float(math.factorial(int(n)))


real, imag = np.real, np.imag
