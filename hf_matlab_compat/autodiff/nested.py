"""Arrays in nested dicts, lists and tuples: the parameters of a model as one vector θ, and cases cut out of data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.answers import shown
from hf_matlab_compat.errors import DataError

Nested = Any
"""An array, or a dict, list or tuple of such values; None is a value without arrays."""

_NUMBERS = (bool, int, float, np.generic)
"""Lists of these are arrays; lists of anything else are nests."""


def mapped(change: Callable[[Any], Any], nested: Nested) -> Nested:
    """Return the same nest with every array changed."""
    if isinstance(nested, Mapping):
        return {name: mapped(change, part) for name, part in nested.items()}
    if isinstance(nested, list | tuple):
        return type_of(nested)([mapped(change, part) for part in nested])
    return None if nested is None else change(nested)


def leaves(nested: Nested, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every array and its name, as ``layer['W']`` or ``[0]``, in the order of the nest."""
    if isinstance(nested, Mapping):
        for key, part in nested.items():
            yield from leaves(part, f"{name}[{key!r}]")
    elif isinstance(nested, list | tuple):
        fields = getattr(nested, "_fields", None)
        for k, part in enumerate(nested):
            yield from leaves(part, f"{name}.{fields[k]}" if fields else f"{name}[{k}]")
    elif nested is not None:
        yield name, nested


def hosted(given: Any, name: str) -> Nested:
    """Return a caller's nest with numpy arrays, of which an error calls the first `name`; lists of numbers are arrays.

    Raises
    ------
    DataError
        A value is no array of finite real numbers.
    """
    if isinstance(given, Mapping):
        return {key: hosted(part, f"{name}[{key!r}]") for key, part in given.items()}
    if isinstance(given, list | tuple) and not _is_array_like(given):
        return type_of(given)([hosted(part, f"{name}[{k}]") for k, part in enumerate(given)])
    return None if given is None else on_host(given, name)


def hosted_like(like: Nested, given: Any, name: str) -> Nested:
    """Return a caller's nest with numpy arrays, nested like another one.

    Raises
    ------
    DataError
        It is nested in another way, or a value is no array of finite real numbers.
    """
    if isinstance(like, np.ndarray):
        return on_host(given, name)
    if like is None and given is None:
        return None
    if isinstance(like, Mapping) and isinstance(given, Mapping) and set(like) == set(given):
        return {key: hosted_like(part, given[key], f"{name}[{key!r}]") for key, part in like.items()}
    if isinstance(like, list | tuple) and isinstance(given, list | tuple) and len(like) == len(given):
        parts = zip(like, given, strict=True)
        return type_of(like)([hosted_like(*pair, f"{name}[{k}]") for k, pair in enumerate(parts)])
    values = "None" if like is None else f"{len(like)} values"
    expected = "a dict with " + ", ".join(map(repr, like)) if isinstance(like, Mapping) else values
    got = ", ".join(map(repr, given)) if isinstance(given, Mapping) else shown(given)
    raise DataError(name, expected=expected, got=got)


def type_of(nest: Any) -> Callable[[list[Any]], Any]:
    """Return what makes a list, a tuple or a named tuple like this one of its parts."""
    return type(nest)._make if hasattr(nest, "_make") else type(nest)


def _is_array_like(given: Any) -> bool:
    """Return whether a list or tuple is numbers, or lists of them, as an array is written; a named tuple is a nest."""
    if hasattr(given, "_fields"):
        return False
    return all(isinstance(v, _NUMBERS) or (isinstance(v, list | tuple) and _is_array_like(v)) for v in given)


def on_host(value: Any, name: str) -> NDArray[Any]:
    """Return an array of any library, or a number, as a numpy array of real numbers.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        found = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)  # torch; others
    except ValueError as error:  # rows of unequal lengths
        raise DataError(name, expected="an array of real numbers", got=str(error)) from error
    if found.dtype.kind not in "fiub":
        raise DataError(name, expected="an array of real numbers", got=f"{type(value).__name__} of dtype {found.dtype}")
    if not np.isfinite(found).all():
        raise DataError(name, expected="finite numbers", got="NaN or infinity")
    return found


@dataclass(frozen=True)
class Packing:
    """Where each array of the parameters lies in θ: in the order of the nest, each array row by row.

    Attributes
    ----------
    start : nest of arrays
        Initial parameters, on the host.
    """

    start: Nested

    @property
    def num_parameters(self) -> int:
        """P."""
        return sum(leaf.size for _, leaf in leaves(self.start))

    def pack(self, nested: Nested) -> NDArray[Any]:
        """Return arrays, each broadcast to the shape that it has among the parameters, as a (P,) vector."""
        found = dict(leaves(nested))
        parts = [np.broadcast_to(found[name], leaf.shape).ravel() for name, leaf in leaves(self.start)]
        return np.concatenate(parts).astype(np.float64)

    def unpack(self, theta: Any) -> Nested:
        """Return the parameters in a vector of any library, as views of it where the library has them."""
        end = 0

        def next_one(leaf: NDArray[Any]) -> Any:
            nonlocal end
            start, end = end, end + math.prod(leaf.shape)
            return theta[start:end].reshape(leaf.shape)

        return mapped(next_one, self.start)

    def place(self, index: int) -> str:
        """Return the name of an entry of θ, as ``['W'][0, 3]``, or ``entry 7`` where θ is one array.

        Raises
        ------
        IndexError
            There is none of this number.
        """
        for name, leaf in leaves(self.start):
            if index < leaf.size:
                where = ", ".join(str(int(k)) for k in np.unravel_index(index, leaf.shape))
                return f"{name}[{where}]" if leaf.ndim else name or "it"
            index -= leaf.size
        raise IndexError(index)
