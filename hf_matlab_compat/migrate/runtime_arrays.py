"""Sizes, positions, parts and products of arrays as MATLAB means them."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime_cell_arrays import Cells, part, shape_of_cells, transposed
from hf_matlab_compat.migrate.runtime_classes import Stack

Array = NDArray[Any]
_SLACK = 3 * float(np.finfo(float).eps)
"""How far the end of a range may lie from a whole number of steps, relative to their number: Octave's figure."""


def two_dimensional(value: Any) -> Array:
    """A number as 1×1, a one-dimensional array as 1×n, None and ``[]`` as 0×0."""
    if value is None or (isinstance(value, list) and not value):
        return np.zeros((0, 0))
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    return np.atleast_2d(array)


def scalar(value: Any) -> Any:
    """The number in a 1×1 array; numbers as they are."""
    array = np.asarray(value)
    if array.size != 1:
        raise MigrationError(f"scalar: expected a single number, got an array of shape {array.shape}.")
    return array.item()


def integer(value: Any) -> int:
    """A whole number for a bound or a position: ``1:n/2`` ends at the floor of n/2."""
    return math.floor(scalar(value))


def size(x: Any, dim: int | None = None) -> Any:
    """``size(x)`` as a tuple, or ``size(x, dim)``."""
    if isinstance(x, list):
        shape: tuple[int, ...] = shape_of_cells(x)
    else:
        shape = (1, len(x)) if isinstance(x, str | tuple) else two_dimensional(x).shape
    if dim is None:
        return shape
    return shape[dim - 1] if dim <= len(shape) else 1


def sizes(x: Any, count: int) -> tuple[int, ...]:
    """``[m, n] = size(x)``: the last one holds the product of the dimensions that are left."""
    shape = [*size(x), *[1] * count]
    known = len(size(x))
    return (*shape[: count - 1], math.prod(shape[count - 1 : max(known, count)]))


def length(x: Any) -> int:
    """``length(x)``: the longest dimension, 0 where the array is empty."""
    shape = size(x)
    return 0 if 0 in shape else max(shape)


def numel(x: Any) -> int:
    """``numel(x)``."""
    return math.prod(size(x))


def isempty(x: Any) -> bool:
    """``isempty(x)``; None is empty."""
    return x is None or (not hasattr(x, "__dict__") and numel(x) == 0)


def none_if_empty(x: Any) -> Any:
    """None for MATLAB's ``[]``."""
    return None if isempty(x) else x


def shape(x: Any) -> tuple[int, ...]:
    """The shape that a vector of sizes asks for; a single size asks for a square."""
    given = [int(each) for each in np.ravel(x)]
    while len(given) > 2 and given[-1] == 1:
        given.pop()
    return (given[0], given[0]) if len(given) == 1 else tuple(given)


def holds(x: Any) -> bool:
    """Whether MATLAB's ``if`` takes its branch: there are entries, and none of them is zero."""
    return bool(x) if isinstance(x, str | list) else np.size(x) > 0 and bool(np.all(x))


def colon(first: float, step: float, last: float) -> Array:
    """``first:step:last``, one-dimensional, by MATLAB's rule.

    The end is `last` itself where it is reached within rounding; the first half is counted from the start, the
    second from the end.
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
    """How many steps a range has: those that fit, and one that goes beyond by rounding."""
    if float(first).is_integer() and float(step).is_integer():
        return _floor((last - first) / step)
    nearest = math.floor((last - first) / step + 0.5)
    beyond = math.copysign(1, step) * (first + nearest * step - last)
    return nearest - (beyond > _rounding(first, last))


def _rounding(first: float, last: float) -> float:
    return 2 * float(np.finfo(float).eps) * max(abs(first), abs(last))


def _floor(x: float) -> int:
    """The floor of a number; the next whole number where only rounding keeps it from being that."""
    nearest = round(x)
    return nearest if abs(nearest - x) <= _SLACK * max(abs(x), 1) else math.floor(x)


def range_end(last: Any) -> int:
    """The last whole number of a range that ends at `last`: 63 for ``1:0.7*90``, as Octave counts."""
    return _floor(scalar(last))


def range_start(first: Any) -> int:
    """The position that a range in an index starts at: rounded, as Octave does, where it is not whole."""
    return round_half_away(scalar(first))


def whole_number(position: Any) -> int:
    """A single position, which must be whole; raises MigrationError where it is not."""
    value = position if np.ndim(position) == 0 else scalar(position)
    if value != int(value):  # the int of a logical from a file says what is wrong with it
        raise MigrationError(f"index: expected a whole position, got {value}. Round it as it is meant.")
    return int(value)


def linspace(first: Any, last: Any, count: int = 100) -> Array:
    """``linspace(first, last, count)``: k times the whole range, divided by the number of steps, as MATLAB does."""
    first, last, steps = scalar(first), scalar(last), max(int(count), 1) - 1
    made = first + np.arange(steps + 1) * (last - first) / max(steps, 1)
    made[0], made[-1] = first, last
    return made


def positions(index: Any) -> Array:
    """An index of MATLAB's as positions from 0: those that a mask chooses, which need not be as long as the axis."""
    array = np.ravel(index, order="F")
    return np.flatnonzero(array) if array.dtype == bool else _from_zero(array)


def _from_zero(places: Array) -> Array:
    """Positions from 1 as positions from 0; MATLAB's words for others, which numpy would take from the end."""
    whole = places.astype(np.int64)
    if np.any(whole != places) or np.any(whole < 1):
        raise MigrationError("index: expected whole positions from 1 or a logical array, got others.")
    return whole - 1


def take(x: Any, where: Any) -> Any:
    """``x(where)`` by one index, along columns; a single position gives a number."""
    if isinstance(x, str | list) and len(x):
        return _characters(x, where) if isinstance(x, str) else entries(x, where)
    array = two_dimensional(x)
    if isinstance(where, slice):
        where = np.arange(array.size)[where]
    taken = array.ravel(order="F")[where]
    if np.ndim(taken) == 0:
        return taken
    is_column = array.ndim == 2 and array.shape[1] == 1 and array.shape[0] != 1
    return taken.reshape(-1, 1) if is_column or _is_matrix_mask(array, where) else taken.reshape(1, -1)


def _characters(text: str, where: Any) -> Any:
    """Some characters of a string that nobody knew to be one."""
    return text[where] if isinstance(where, slice | int) else "".join(np.array([*text, ""])[:-1][where])


def entries(cells: list[Any], where: Any) -> list[Any]:
    """``cells(where)`` by positions from 0 or a mask."""
    if isinstance(cells, Cells):
        return part(cells, where)
    chosen = np.ravel(np.arange(len(cells))[where] if isinstance(where, slice) else where)
    return [cells[place] for place in (np.flatnonzero(chosen) if chosen.dtype == bool else chosen)]


def pick(x: Any, index: Any) -> Any:
    """``x(index)`` by positions counted from 1, or a mask: in the shape of the index, but a vector stays as it lies."""
    if isinstance(x, str | list):
        return take(x, positions(index))
    array, places = two_dimensional(x), two_dimensional(index)
    if places.dtype == bool:
        chosen = np.flatnonzero(places.ravel(order="F"))
        places = (chosen.reshape(1, -1) if places.shape[0] == 1 else chosen.reshape(-1, 1)) + 1
    picked = array.ravel(order="F")[_from_zero(places)]
    is_vector = array.ndim == 2 and 1 in array.shape and array.size != 1
    if is_vector and 1 in places.shape:
        return picked.reshape((-1, 1) if array.shape[1] == 1 else (1, -1), order="F")
    return picked


def turned(x: Any) -> Any:
    """``x'`` of an array or of cells."""
    return transposed(x) if isinstance(x, list) else np.transpose(x)


def _is_matrix_mask(array: Array, where: Any) -> bool:
    return np.asarray(where).dtype == bool and min(array.shape) > 1


def find(mask: Any) -> Array:
    """``find(mask)``, counted from 1: a row for a row, a column for anything else."""
    array = two_dimensional(mask)
    found = np.flatnonzero(array.ravel(order="F")) + 1
    return found.reshape(1, -1) if array.shape[0] == 1 and array.shape[1] != 1 else found.reshape(-1, 1)


def unique(x: Any) -> Array:
    """``unique(x)``."""
    found = np.unique(np.asarray(x))
    is_row = np.ndim(x) == 1 or (np.ndim(x) == 2 and np.shape(x)[0] == 1)
    return found.reshape(1, -1) if is_row else found.reshape(-1, 1)


def assign(x: Any, value: Any, *where: Any) -> Array:
    """``x(where) = value``; the array that then holds, a larger one where a position lay beyond the end.

    Parameters
    ----------
    x : array
        Changed in place where there is room.
    value : array or number
    *where : int, slice or array
        Positions from 0, masks or slices, one or as many as dimensions.
    """
    array = two_dimensional(x)
    value = np.asarray(value)
    if type(array) is np.ndarray and array.dtype.kind in "iu" and value.dtype.kind == "f":
        array = array.astype(float)
    if array.dtype == bool and np.any(np.isnan(value)):
        raise MigrationError("assign: expected truth values for a logical array, got NaN.")
    if len(where) == 1:
        return _assign_linear(array, value, where[0])
    if array.ndim > len(where):
        return _assign_folded(array, value, where)
    array = array.reshape(array.shape + (1,) * (len(where) - array.ndim), order="F")
    counts = _value_counts(value, where)
    chosen = [_chosen(each, array.shape[axis], counts[axis]) for axis, each in enumerate(where)]
    array = _with_room(array, [max([extent, *(each + 1)]) for extent, each in zip(array.shape, chosen, strict=True)])
    block = tuple(len(each) for each in chosen)
    array[np.ix_(*chosen)] = value if value.size == 1 else value.reshape(block, order="F")
    return trimmed(array)


def _assign_folded(array: Array, value: Array, where: tuple[Any, ...]) -> Array:
    """Fewer indices than dimensions: the last one counts through those that are left."""
    folded = array.reshape((*array.shape[: len(where) - 1], -1), order="F")
    changed = assign(folded, value, *where)
    if changed.shape != folded.shape:
        raise MigrationError("assign: expected a position inside the array, got one beyond its end.")
    return changed.reshape(array.shape, order="F")


def trimmed(array: Array) -> Array:
    """An array without trailing dimensions of one, as MATLAB's have none beyond the second."""
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def dims(x: Any, count: int) -> Array:
    """An array with at least `count` dimensions, for as many indices."""
    array = two_dimensional(x)
    return array.reshape(array.shape + (1,) * (count - array.ndim)) if array.ndim < count else array


def aligned(compute: np.ufunc, left: Any, right: Any) -> Any:
    """``compute(left, right)`` where one may have more dimensions: the others lack their last ones, as in MATLAB."""
    count = max(np.ndim(left), np.ndim(right))
    return compute(dims(left, count), dims(right, count))


def stack(x: Any) -> Any:
    """An array of three or more dimensions that combines with others by MATLAB's rule, in every function it reaches."""
    return x.view(Stack) if type(x) is np.ndarray and x.ndim > 2 else x


def applied(x: Any, *index: Any) -> Any:
    """``x(…)`` where x may be a function or an array; positions count from 1."""
    if callable(x):
        return x(*index)
    if len(index) == 1:
        picked = pick(x, index[0])
    else:
        array = dims(x, len(index))
        folded = array.reshape((*array.shape[: len(index) - 1], -1), order="F")
        picked = trimmed(folded[np.ix_(*map(positions, index))]) if index else x
    return picked.item() if isinstance(picked, np.ndarray) and picked.size == 1 else picked


def permute(x: Any, order: tuple[int, ...]) -> Array:
    """``permute(x, order)``, axes from 0."""
    return trimmed(np.transpose(dims(x, len(order)), order))


def repmat(x: Any, counts: tuple[int, ...]) -> Array:
    """``repmat(x, counts)`` along two dimensions or more."""
    array = dims(x, len(counts))
    return trimmed(np.tile(array, counts + (1,) * (array.ndim - len(counts))))


def _assign_linear(array: Array, value: Array, where: Any) -> Array:
    chosen = _chosen(where, array.size, value.size)
    needed = max([array.size, *(chosen + 1)])
    if needed > array.size:
        if min(array.shape, default=0) > 1:
            raise MigrationError("assign: expected a position inside the matrix, got one beyond its end.")
        is_column = array.ndim == 2 and array.shape[1] == 1 and array.size > 1
        array = _with_room(array, [needed, 1] if is_column else [1, needed])
    places = np.unravel_index(chosen, array.shape, order="F")
    array[places] = value if value.size == 1 else value.ravel(order="F")
    return array


def _value_counts(value: Array, where: tuple[Any, ...]) -> list[int]:
    """How many entries of `value` go along each index, for ``:`` on a side that has none yet."""
    shape = list(np.atleast_2d(value).shape)
    flexible = [axis for axis, each in enumerate(where) if np.ndim(each) != 0 or isinstance(each, slice)]
    if len(flexible) == 1:
        return [value.size if axis in flexible else 1 for axis in range(len(where))]
    return (shape + [1] * len(where))[: len(where)]


def _chosen(where: Any, extent: int, count: int) -> Array:
    if isinstance(where, slice):
        if where == slice(None):
            return np.arange(extent or count)
        stop = max(extent, where.stop) if where.stop is not None and where.stop > 0 else extent
        return np.arange(stop)[where]
    array = np.ravel(where)
    if array.dtype == bool:
        return np.flatnonzero(array)
    array = array.astype(np.int64)
    return np.where(array < 0, array + extent, array)


def _with_room(array: Array, extents: list[int]) -> Array:
    if tuple(extents) == array.shape:
        return array
    larger = np.zeros(extents, array.dtype).view(type(array))
    larger[tuple(slice(extent) for extent in array.shape)] = array
    return larger


def with_room(vector: Array, length: int) -> Array:
    """A vector of at least this length, filled up with zeros."""
    missing = length - len(vector)
    kind = bool if vector.dtype == bool else float
    return vector if missing <= 0 else np.concatenate([vector, np.zeros((missing, *vector.shape[1:]), kind)])


def put(cells: list[Any], place: int, value: Any) -> None:
    """``cells{place} = value``, with ``[]`` in between where the list has to grow."""
    while len(cells) <= place:
        cells.append(np.zeros((0, 0)))
    cells[place] = value


def copied(value: Any) -> Any:
    """A value of its own, as every assignment makes in MATLAB; whole numbers of numpy's become doubles."""
    if type(value) is np.ndarray and value.dtype.kind in "iu":
        return value.astype(float)
    return copy.deepcopy(value)


def hcat(*parts: Any) -> Array:
    """``[a, b, …]``; empty ones do not count."""
    return cat(1, *parts)


def vcat(*parts: Any) -> Array:
    """``[a; b; …]``; empty ones do not count."""
    return cat(0, *parts)


def cat(axis: int, *parts: Any) -> Array:
    """Arrays in a row along an axis, from 0; empty ones do not count."""
    arrays = [two_dimensional(part) for part in parts]
    solid = [array for array in arrays if array.size] or arrays[:1]
    if axis > 1:
        solid = [dims(array, axis + 1) for array in solid]
    return trimmed(np.concatenate(solid, axis=axis))


def columns(x: Any) -> list[Array]:
    """What a loop over a matrix runs through: its columns, and in Octave none where they have no rows."""
    array = two_dimensional(x)
    if not array.shape[0]:
        return []
    folded = array.reshape(array.shape[0], math.prod(array.shape[1:]), order="F")
    return [folded[:, [place]].copy() for place in range(folded.shape[1])]


def mod(x: Any, y: Any) -> Any:
    """``mod(x, y)``: x where y is 0, and 0 where x is a multiple of a fraction but for rounding."""
    x, y = np.asanyarray(x), np.asanyarray(y)
    return _wrapped(x, y, np.mod)


def rem(x: Any, y: Any) -> Any:
    """``rem(x, y)``, with the sign of x; NaN where y is 0."""
    x, y = np.asanyarray(x), np.asanyarray(y)
    return np.where(y == 0, np.nan, _wrapped(x, y, np.fmod))[()]


def _wrapped(x: Array, y: Array, remainder: Any) -> Any:
    safe = np.where(y == 0, 1, y)
    quotient = x / safe
    nearest = np.rint(quotient)
    multiple = (safe != np.rint(safe)) & (np.abs(quotient - nearest) <= np.finfo(float).eps * np.abs(nearest))
    return np.where(y == 0, x, np.where(multiple, 0.0, remainder(x, safe)))[()]


def squeeze(x: Any) -> Array:
    """``squeeze(x)``: dimensions of one entry go, but two always stay."""
    array = two_dimensional(x)
    if array.ndim == 2:
        return array
    kept = [extent for extent in array.shape if extent != 1]
    return array.reshape(([*kept, 1, 1])[:2] if len(kept) < 2 else kept, order="F")


def mtimes(a: Any, b: Any) -> Any:
    """``a * b``: elementwise where either is a single number."""
    if np.size(a) == 1 or np.size(b) == 1:
        return np.asanyarray(a) * np.asanyarray(b)
    return two_dimensional(a) @ two_dimensional(b)


def mrdivide(a: Any, b: Any) -> Any:
    """``a / b`` by a single number, or of matrices: x with x b = a."""
    if np.size(b) == 1:
        return np.asanyarray(a) / np.asanyarray(b)
    a, b = two_dimensional(a), two_dimensional(b)
    if b.shape[0] == b.shape[1]:
        return np.linalg.solve(b.T, a.T).T
    return np.linalg.lstsq(b.T, a.T)[0].T


def round_half_away(x: Any) -> Any:
    """``round(x)``: halves away from zero; a number becomes an int."""
    array = np.asarray(x, dtype=float)
    whole = np.trunc(array)
    rounded = whole + np.where(np.abs(array - whole) >= 0.5, np.sign(array), 0.0)
    return int(rounded) if np.ndim(x) == 0 else rounded
