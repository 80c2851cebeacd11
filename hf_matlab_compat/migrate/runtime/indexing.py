"""Indices: reading, assigning and deleting parts of arrays, and finding positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime.arrays import Array, dims, is_column, is_row, scalar, trimmed, two_dimensional
from hf_matlab_compat.migrate.runtime.cells import entries


def whole_number(position: Any) -> int:
    """Return a single position as an int.

    Raises
    ------
    MigrationError
        The position is not whole.
    """
    value = position if np.ndim(position) == 0 else scalar(position)
    if value != int(value):  # int() of a logical 0 from a file raises with a message of its own
        raise MigrationError(f"index: expected a whole position, got {value}. Round it as it is meant.")
    return int(value)


def positions(index: Any) -> Array:
    """Return MATLAB's index as positions from 0; a mask may be shorter than the axis."""
    array = np.ravel(index, order="F")
    return np.flatnonzero(array) if array.dtype == bool else _from_zero(array)


def _from_zero(places: Array) -> Array:
    # numpy would count positions below 1 from the end
    whole = places.astype(np.int64)
    if np.any(whole != places) or np.any(whole < 1):
        raise MigrationError("index: expected whole positions from 1 or a logical array, got others.")
    return whole - 1


def take(x: Any, where: Any) -> Any:
    """Return ``x(where)`` by one index from 0, along columns; a single position gives a number."""
    if isinstance(x, str | list) and len(x):
        return _characters(x, where) if isinstance(x, str) else entries(x, where)
    array = two_dimensional(x)
    if isinstance(where, slice):
        where = np.arange(array.size)[where]
    taken = array.ravel(order="F")[where]
    if np.ndim(taken) == 0:
        return taken
    is_mask_of_matrix = np.asarray(where).dtype == bool and min(array.shape) > 1
    return taken.reshape(-1, 1) if is_column(array) or is_mask_of_matrix else taken.reshape(1, -1)


def _characters(text: str, where: Any) -> Any:
    """Return some characters of a string that was not known to be one."""
    return text[where] if isinstance(where, slice | int) else "".join(np.array([*text, ""])[:-1][where])


def pick(x: Any, index: Any) -> Any:
    """Return ``x(index)`` by positions from 1 or a mask, in the shape of the index; a vector keeps its direction."""
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


def applied(x: Any, *index: Any) -> Any:
    """Return ``x(…)`` of a function or of an array; positions count from 1."""
    if callable(x):
        return x(*index)
    if len(index) == 1:
        picked = pick(x, index[0])
    else:
        array = dims(x, len(index))
        folded = array.reshape((*array.shape[: len(index) - 1], -1), order="F")
        picked = trimmed(folded[np.ix_(*map(positions, index))]) if index else x
    return picked.item() if isinstance(picked, np.ndarray) and picked.size == 1 else picked


def assign(x: Any, value: Any, *where: Any) -> Array:
    """Return the array after ``x(where) = value``; it is larger if a position is beyond the end.

    Parameters
    ----------
    x : array
        Changed in place if it has room.
    value : array or number
        One number for all positions, or one per position.
    *where : int, slice or array
        Positions from 0, masks or slices: one, or as many as dimensions.

    Raises
    ------
    MigrationError
        NaN is assigned to a logical array, or a single index is beyond the end of a matrix.
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
    array = dims(array, len(where))
    counts = _value_counts(value, where)
    chosen = [_chosen(each, array.shape[axis], counts[axis]) for axis, each in enumerate(where)]
    array = _enlarged(array, [max([extent, *(each + 1)]) for extent, each in zip(array.shape, chosen, strict=True)])
    block = tuple(len(each) for each in chosen)
    array[np.ix_(*chosen)] = value if value.size == 1 else value.reshape(block, order="F")
    return trimmed(array)


def _assign_folded(array: Array, value: Array, where: tuple[Any, ...]) -> Array:
    # fewer indices than dimensions: the last one counts through the remaining dimensions
    folded = array.reshape((*array.shape[: len(where) - 1], -1), order="F")
    changed = assign(folded, value, *where)
    if changed.shape != folded.shape:
        raise MigrationError("assign: expected a position inside the array, got one beyond its end.")
    return changed.reshape(array.shape, order="F")


def _assign_linear(array: Array, value: Array, where: Any) -> Array:
    chosen = _chosen(where, array.size, value.size)
    needed = max([array.size, *(chosen + 1)])
    if needed > array.size:
        if min(array.shape, default=0) > 1:
            raise MigrationError("assign: expected a position inside the matrix, got one beyond its end.")
        upright = array.ndim == 2 and array.shape[1] == 1 and array.size > 1
        array = _enlarged(array, [needed, 1] if upright else [1, needed])
    places = np.unravel_index(chosen, array.shape, order="F")
    array[places] = value if value.size == 1 else value.ravel(order="F")
    return array


def _value_counts(value: Array, where: tuple[Any, ...]) -> list[int]:
    """Return the entries of `value` per index, for ``:`` along a side that has no entries yet."""
    shape = list(np.atleast_2d(value).shape)
    flexible = [axis for axis, each in enumerate(where) if np.ndim(each) != 0 or isinstance(each, slice)]
    if len(flexible) == 1:
        return [value.size if axis in flexible else 1 for axis in range(len(where))]
    return (shape + [1] * len(where))[: len(where)]


def _chosen(where: Any, extent: int, count: int) -> Array:
    """Return positions from 0 for an index that may reach beyond `extent`; ``:`` of nothing gives `count`."""
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


def _enlarged(array: Array, extents: list[int]) -> Array:
    if tuple(extents) == array.shape:
        return array
    larger = np.zeros(extents, array.dtype).view(type(array))
    larger[tuple(slice(extent) for extent in array.shape)] = array
    return larger


def with_room(vector: Array, length: int) -> Array:
    """Return a vector of at least this length, filled up with zeros."""
    missing = length - len(vector)
    kind = bool if vector.dtype == bool else float
    return vector if missing <= 0 else np.concatenate([vector, np.zeros((missing, *vector.shape[1:]), kind)])


def without(x: Any, places: Any, axis: int | None = None) -> Array:
    """Return `x` after ``x(places) = []`` of a vector or ``x(:, places) = []`` along an axis; places count from 0.

    Raises
    ------
    MigrationError
        A single index deletes from a matrix.
    """
    array = two_dimensional(x)
    chosen = places if isinstance(places, slice) else np.ravel(places, order="F")
    if axis is not None:
        kept = np.delete(array, chosen, axis=axis)
        return kept[..., 0] if kept.ndim > 2 and kept.shape[-1] == 1 else kept
    if 1 not in array.shape and array.size:
        raise MigrationError(
            f"without: expected a vector to delete entries from, got an array of shape {array.shape}. MATLAB leaves a "
            "row of such an array, Octave a column; say which with reshape first."
        )
    kept = np.delete(array.ravel(), chosen)
    return kept.reshape((-1, 1) if is_column(array) else (1, -1))


def find(mask: Any) -> Array:
    """Return ``find(mask)``, from 1: a row of a row, otherwise a column."""
    array = two_dimensional(mask)
    found = np.flatnonzero(array.ravel(order="F")) + 1
    return found.reshape((1, -1) if is_row(array) else (-1, 1))


def first_found(mask: Any, count: int) -> Any:
    """Return ``find(mask, count)``; a single position as a number."""
    found = find(mask)
    kept = found[:, :count] if found.shape[0] == 1 and two_dimensional(mask).shape[0] == 1 else found[:count]
    return kept.item() if kept.size == 1 else kept


def last_found(mask: Any, count: int) -> Any:
    """Return ``find(mask, count, 'last')``; a single position as a number."""
    found = find(mask)
    first = max(found.size - count, 0)
    kept = found[:, first:] if is_row(two_dimensional(mask)) else found[first:]
    return kept.item() if kept.size == 1 else kept


def find_in_two(mask: Any) -> tuple[Array, Array]:
    """Return ``[i, j] = find(mask)``, from 1."""
    array = two_dimensional(mask)
    rows, columns = np.unravel_index(find(array) - 1, array.shape, order="F")
    return rows + 1, columns + 1


def sub2ind(shape: Any, *places: Any) -> Any:
    """Return ``sub2ind(shape, i, j)``, from 1.

    Raises
    ------
    MigrationError
        A position is outside the shape.
    """
    given = [np.asarray(each, dtype=np.int64) - 1 for each in places]
    try:
        return np.ravel_multi_index(np.broadcast_arrays(*given), tuple(np.ravel(shape).astype(int)), order="F") + 1
    except ValueError as error:
        raise MigrationError(f"sub2ind: expected positions inside {tuple(np.ravel(shape))}, got others.") from error


def ind2sub(shape: Any, places: Any, wanted: int) -> tuple[Any, ...]:
    """Return ``[i, j] = ind2sub(shape, k)``, from 1; the last output counts through the remaining dimensions."""
    extents = [int(each) for each in np.ravel(shape)]
    folded = (*extents[: wanted - 1], math.prod(extents[wanted - 1 :]))
    found = np.unravel_index(two_dimensional(places).astype(np.int64) - 1, folded, order="F")
    return tuple((each + 1).item() if each.size == 1 else each + 1 for each in found)
