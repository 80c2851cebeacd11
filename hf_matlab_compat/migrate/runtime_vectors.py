"""Functions of vectors and lists that numpy has otherwise or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime_arrays import find, isempty, size, two_dimensional
from hf_matlab_compat.migrate.runtime_reductions import first_axis

Array = NDArray[Any]


def cumsum(x: Any) -> Array:
    """``cumsum(x)``."""
    array = two_dimensional(x)
    return np.cumsum(array, axis=first_axis(array))


def cumprod(x: Any) -> Array:
    """``cumprod(x)``."""
    array = two_dimensional(x)
    return np.cumprod(array if array.dtype.kind == "f" else array.astype(float), axis=first_axis(array))


def diff(x: Any) -> Array:
    """``diff(x)``."""
    array = two_dimensional(x)
    return np.diff(array.astype(float) if array.dtype == bool else array, axis=first_axis(array))


def diag(x: Any) -> Array:
    """``diag(x)``: a matrix with a vector on its diagonal, or a matrix's diagonal as a column."""
    array = two_dimensional(x)
    return np.diag(array.ravel()) if 1 in array.shape else np.diagonal(array).reshape(-1, 1).copy()


def dot(x: Any, y: Any, axis: int | None = None) -> Any:
    """``dot(x, y)``: of two vectors a number, whichever way they lie; of matrices one for each column."""
    one, other = (part if part.dtype.kind == "f" else part.astype(float) for part in map(two_dimensional, (x, y)))
    if axis is None and 1 in one.shape and 1 in other.shape:
        return np.dot(one.ravel(), other.ravel()).item()
    if one.shape != other.shape:
        raise MigrationError(f"dot: expected arrays of one shape, got {one.shape} and {other.shape}.")
    sums = np.sum(one * other, axis=first_axis(one) if axis is None else axis, keepdims=True)
    return sums.item() if sums.size == 1 else sums


def norm(x: Any, order: Any = 2) -> float:
    """``norm(x, order)``: of a vector, or of a matrix; 0 of nothing."""
    array = two_dimensional(x)
    if not array.size:
        return 0.0
    vector = 1 in array.shape
    return float(
        np.linalg.norm(array.ravel(), 2 if order == "fro" else order) if vector else np.linalg.norm(array, order)
    )


def circshift(x: Any, steps: Any, axis: int | None = None) -> Array:
    """``circshift(x, steps)``: along the first dimension of more than one entry, or by a step for each dimension."""
    array, by = two_dimensional(x), np.ravel(steps).astype(int).tolist()
    if len(by) > 1:
        return np.roll(array, by, axis=tuple(range(len(by))))
    return np.roll(array, by[0], axis=first_axis(array) if axis is None else axis)


def without(x: Any, places: Any, axis: int | None = None) -> Array:
    """``x(places) = []`` of a vector, ``x(:, places) = []`` along an axis; places count from 0."""
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
    return kept.reshape(-1, 1) if array.shape[1] == 1 and array.shape[0] != 1 else kept.reshape(1, -1)


def first_found(mask: Any, count: int) -> Any:
    """``find(mask, count)``; a single position as a number."""
    array = two_dimensional(mask)
    found = find(array)
    kept = found[:, :count] if found.shape[0] == 1 and array.shape[0] == 1 else found[:count]
    return kept.item() if kept.size == 1 else kept


def find_in_two(mask: Any) -> tuple[Array, Array]:
    """``[i, j] = find(mask)``, counted from 1."""
    array = two_dimensional(mask)
    places = find(array)
    rows, columns = np.unravel_index(places - 1, array.shape, order="F")
    return rows + 1, columns + 1


def sparse(rows: Any, columns: Any, values: Any, *shape: int) -> Array:
    """``full(sparse(rows, columns, values))``: entries that meet add up."""
    places = [np.ravel(each).astype(np.int64) - 1 for each in np.broadcast_arrays(*map(_flat, (rows, columns)))]
    extents = shape or tuple(int(each.max(initial=-1)) + 1 for each in places)
    made = np.zeros(extents)
    np.add.at(made, tuple(places), np.ravel(np.asarray(values, dtype=float), order="F"))
    return made


def _flat(x: Any) -> Array:
    return np.ravel(x, order="F")


def sub2ind(shape: Any, *places: Any) -> Any:
    """``sub2ind(shape, i, j)``, counted from 1; positions outside are refused."""
    given = [np.asarray(each, dtype=np.int64) - 1 for each in places]
    try:
        return np.ravel_multi_index(np.broadcast_arrays(*given), tuple(np.ravel(shape).astype(int)), order="F") + 1
    except ValueError as error:
        raise MigrationError(f"sub2ind: expected positions inside {tuple(np.ravel(shape))}, got others.") from error


def setdiff(x: Any, other: Any) -> Array:
    """``setdiff(x, other)``: sorted, each once; a row unless x is a column."""
    found = np.setdiff1d(x, other)
    return found.reshape(-1, 1) if np.ndim(x) == 2 and np.shape(x)[1] == 1 and np.size(x) > 1 else found.reshape(1, -1)


def isequal(*values: Any) -> bool:
    """``isequal(a, b, …)``: the same shape and the same entries."""
    return all(_same(values[0], other) for other in values[1:])


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    if isinstance(one, list) and isinstance(other, list):
        return size(one) == size(other) and all(map(_same, one, other))
    if hasattr(one, "__dict__") or isinstance(one, list) or isinstance(other, list):
        return isempty(one) and isempty(other) if isinstance(one, list) or isinstance(other, list) else one == other
    return np.array_equal(two_dimensional(one), two_dimensional(other))


def strcat(*parts: Any) -> Any:
    """``strcat``: blanks at the end of strings go; with cells, a list."""
    if not any(isinstance(part, list) for part in parts):
        return "".join(part.rstrip(" \t\n\v\f\0") for part in parts)
    count = max(len(part) for part in parts if isinstance(part, list))
    columns = [part * count if isinstance(part, list) and len(part) == 1 else part for part in parts]
    return ["".join(each[k] if isinstance(each, list) else each for each in columns) for k in range(count)]


def strncmp(one: Any, other: Any, count: int) -> bool:
    """``strncmp``: whether the first `count` characters are there and agree."""
    both = isinstance(one, str) and isinstance(other, str) and min(len(one), len(other)) >= count
    return both and one[:count] == other[:count]


def strfind(text: str, part: str) -> Array:
    """``strfind``: where `part` starts, counted from 1; ``[]`` where it does not occur."""
    found = [k + 1.0 for k in range(len(text) - len(part) + 1) if part and text.startswith(part, k)]
    return np.array([found]) if found else np.zeros((1 if text else 0, 0))


def str2double(text: Any) -> float:
    """``str2double``: NaN for what is no number."""
    try:
        return float(text) if isinstance(text, str) else float("nan")
    except ValueError:
        return float("nan")


def mat2str(x: Any) -> str:
    """``mat2str(x)``."""
    array = two_dimensional(x)
    rows = [
        " ".join(f"{float(entry):.15g}".replace("nan", "NaN").replace("inf", "Inf") for entry in row) for row in array
    ]
    return rows[0] if array.size == 1 else f"[{';'.join(rows)}]"
