"""Sums, means, extremes and order along the first dimension of more than one entry or a given axis, and sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hf_matlab_compat.migrate.runtime.arrays import Array, dims, first_axis, isempty, size, trimmed, two_dimensional

_EXTREMES = (np.nanmax, np.nanmin)


def _along(reduce: Callable[..., Any], x: Any, axis: int | None = None) -> Any:
    """Return `x` reduced along `axis`; a result of one entry as a number."""
    array = two_dimensional(x)
    if array.shape == (0, 0) and axis is None:
        return array if reduce in _EXTREMES else reduce(array, axis=None, keepdims=True).item()
    along = first_axis(array) if axis is None else axis
    array = dims(array, along + 1)
    if reduce in _EXTREMES and along < array.ndim and not array.shape[along]:
        return array
    reduced = reduce(array, axis=along, keepdims=True)
    return reduced.item() if reduced.size == 1 else trimmed(reduced)


def _sample(reduce: Callable[..., Any], array: Array, *, axis: int, keepdims: bool) -> Any:
    return reduce(array, axis=axis, keepdims=keepdims, ddof=0 if array.shape[axis] == 1 else 1)


sum = partial(_along, np.sum)
mean = partial(_along, np.mean)
prod = partial(_along, partial(np.prod, dtype=float))
max = partial(_along, np.nanmax)
min = partial(_along, np.nanmin)
any = partial(_along, np.any)
all = partial(_along, np.all)
median = partial(_along, np.median)
std = partial(_along, partial(_sample, np.std))
var = partial(_along, partial(_sample, np.var))

std_of_all = partial(_along, np.std)
var_of_all = partial(_along, np.var)


def max_and_place(x: Any, axis: int | None = None) -> tuple[Any, Any]:
    """Return ``[m, i] = max(x)``; positions count from 1."""
    return _extreme(np.nanargmax, x, axis)


def min_and_place(x: Any, axis: int | None = None) -> tuple[Any, Any]:
    """Return ``[m, i] = min(x)``; positions count from 1."""
    return _extreme(np.nanargmin, x, axis)


def _extreme(find: Callable[..., Array], x: Any, axis: int | None) -> tuple[Any, Any]:
    array, along = _with_axis(x, axis)
    places = find(array, axis=along, keepdims=True)
    return trimmed(np.take_along_axis(array, places, along)), trimmed(places + 1)


def _with_axis(x: Any, axis: int | None) -> tuple[Array, int]:
    array = two_dimensional(x)
    along = first_axis(array) if axis is None else axis
    return dims(array, along + 1), along


def sort_and_places(x: Any, axis: int | None = None, *, descending: bool = False) -> tuple[Any, Any]:
    """Return ``[s, i] = sort(x)``, positions from 1; equal entries keep their order, NaN is the largest."""
    array, along = _with_axis(x, axis)
    keys = np.where(np.isnan(array), -np.inf, -array.astype(float)) if descending else array
    places = np.argsort(keys, axis=along, kind="stable")
    return trimmed(np.take_along_axis(array, places, along)), trimmed(places + 1)


def cumsum(x: Any) -> Array:
    """Return ``cumsum(x)``."""
    array = two_dimensional(x)
    return np.cumsum(array, axis=first_axis(array))


def cumprod(x: Any) -> Array:
    """Return ``cumprod(x)``."""
    array = two_dimensional(x)
    return np.cumprod(array if array.dtype.kind == "f" else array.astype(float), axis=first_axis(array))


def diff(x: Any) -> Array:
    """Return ``diff(x)``."""
    array = two_dimensional(x)
    return np.diff(array.astype(float) if array.dtype == bool else array, axis=first_axis(array))


def unique(x: Any) -> Array:
    """Return ``unique(x)``: a row of a row, otherwise a column."""
    array = two_dimensional(x)
    return np.unique(array).reshape((1, -1) if array.ndim == 2 and array.shape[0] == 1 else (-1, 1))


def union(x: Any, y: Any) -> Array:
    """Return ``union(x, y)``, sorted; a column only if both are columns."""
    return _sorted_set(np.union1d(np.ravel(x), np.ravel(y)), x, y)


def intersect(x: Any, y: Any) -> Array:
    """Return ``intersect(x, y)``, sorted; a column only if both are columns."""
    return _sorted_set(np.intersect1d(np.ravel(x), np.ravel(y)), x, y)


def setdiff(x: Any, other: Any) -> Array:
    """Return ``setdiff(x, other)``, sorted; a column if `x` is one."""
    return _sorted_set(np.setdiff1d(x, other), x)


def _sorted_set(found: Array, *sources: Any) -> Array:
    upright = [two_dimensional(each).shape[1] == 1 and np.size(each) != 1 for each in sources if not isempty(each)]
    return found.reshape((1, -1) if not upright or False in upright else (-1, 1))


def ismember(values: Any, among: Any) -> Any:
    """Return ``ismember``: a truth value for a string or a number, one per entry of a list or an array."""
    if isinstance(values, list):
        return np.array([each in among for each in values], dtype=bool).reshape(size(values), order="F")
    return values in among
