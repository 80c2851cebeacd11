"""Sums, means and extremes along MATLAB's first dimension of more than one entry, or a given axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.migrate.runtime_arrays import dims, trimmed, two_dimensional

Array = NDArray[Any]


def first_axis(array: Array) -> int:
    """The first axis, from 0, of more than one entry."""
    return next((axis for axis, extent in enumerate(array.shape) if extent != 1), 0)


_EXTREMES = (np.nanmax, np.nanmin)


def _along(reduce: Callable[..., Any], x: Any, axis: int | None = None) -> Any:
    """`reduce` along `axis`; a result of one entry as a number."""
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
    single = array.shape[axis] == 1
    return reduce(array, axis=axis, keepdims=keepdims, ddof=0 if single else 1)


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
    """``[m, i] = max(x)``, i counted from 1."""
    return _extreme(np.nanargmax, x, axis)


def min_and_place(x: Any, axis: int | None = None) -> tuple[Any, Any]:
    """``[m, i] = min(x)``, i counted from 1."""
    return _extreme(np.nanargmin, x, axis)


def _extreme(find: Callable[..., Array], x: Any, axis: int | None) -> tuple[Any, Any]:
    array = two_dimensional(x)
    along = first_axis(array) if axis is None else axis
    array = dims(array, along + 1)
    places = find(array, axis=along, keepdims=True)
    return trimmed(np.take_along_axis(array, places, along)), trimmed(places + 1)


def sort_and_places(x: Any, axis: int | None = None, *, descending: bool = False) -> tuple[Any, Any]:
    """``[s, i] = sort(x)``, i counted from 1; equal entries keep their order, NaN is the largest."""
    array = two_dimensional(x)
    along = first_axis(array) if axis is None else axis
    array = dims(array, along + 1)
    keys = np.where(np.isnan(array), -np.inf, -array.astype(float)) if descending else array
    places = np.argsort(keys, axis=along, kind="stable")
    return trimmed(np.take_along_axis(array, places, along)), trimmed(places + 1)
