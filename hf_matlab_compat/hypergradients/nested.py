"""Nested lists, tuples and dicts of arrays as one vector, and back, also under automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def flat(nested: Any) -> tuple[NDArray[Any], Callable[[Any], Any], list[int]]:
    """Return nested arrays as a vector, the way back, and how many numbers each of the outermost entries has.

    Parameters
    ----------
    nested : nested lists, tuples and dicts of arrays
        Or one array, or a number.

    Returns
    -------
    vector : array
        In double precision.
    back : callable
        From a vector of this length to arrays nested in the same way.
    entries : list of int
    """
    arrays = _leaves(nested)
    parts = [array.reshape(-1) for array in arrays]
    vector = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0), *parts])

    def back(vector: Any) -> Any:
        parts = iter(np.cumsum([0, *(array.size for array in arrays)]).tolist())
        begin = next(parts)

        def rebuilt(like: Any) -> Any:
            nonlocal begin
            if isinstance(like, Mapping):
                return {key: rebuilt(like[key]) for key in like}
            if isinstance(like, (list, tuple)):
                return type(like)([rebuilt(each) for each in like])
            part, begin = vector[begin : (end := next(parts))], end
            return part.reshape(np.shape(like))

        return rebuilt(nested)

    entries = list(nested.values()) if isinstance(nested, Mapping) else nested
    many = isinstance(nested, (Mapping, list, tuple))
    return vector, back, [flat(each)[0].size for each in entries] if many else [vector.size]


def _leaves(nested: Any) -> list[NDArray[Any]]:
    if isinstance(nested, Mapping):
        return [leaf for each in nested.values() for leaf in _leaves(each)]
    if isinstance(nested, (list, tuple)):
        return [leaf for each in nested for leaf in _leaves(each)]
    return [np.asarray(nested, dtype=float)]
