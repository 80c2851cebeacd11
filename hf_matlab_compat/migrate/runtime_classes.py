"""Arrays of MATLAB's classes other than double, and stacks of pictures that two indices address."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError

_COMPARISONS = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan)


class Stack(np.ndarray[Any, Any]):
    """An array from a file that may have three dimensions: with two indices, the last one counts through the rest."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and 1 < len(index) < self.ndim:
            kept = self.shape[: len(index) - 1]
            return self.reshape((*kept, -1), order="F")[index]
        return super().__getitem__(index)


class IntegerArray(Stack):
    """An array of one of MATLAB's integer classes, from a file. It can be indexed, compared and converted.

    MATLAB rounds and saturates what it computes in these classes, numpy wraps around: arithmetic is refused.
    """

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """A plain array of another class."""
        return self.view(np.ndarray).astype(*args, **kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc not in _COMPARISONS and any(np.asarray(each).ndim for each in inputs):
            raise MigrationError(
                f"{ufunc.__name__}: expected doubles, got an array of class {self.dtype}. MATLAB's arithmetic on "
                "integer classes rounds and saturates; convert with .astype(float) first."
            )
        plain = [each.view(np.ndarray) if isinstance(each, IntegerArray) else each for each in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)


class SingleArray(Stack):
    """An array of class single. With doubles it gives singles, as in MATLAB; numpy alone would give doubles."""

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """A plain array of another class."""
        return self.view(np.ndarray).astype(*args, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        return _single(super().__getitem__(index))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(each, IntegerArray) for each in inputs):
            return NotImplemented
        if "out" in kwargs:
            kwargs["out"] = tuple(_plain(each) for each in kwargs["out"])
        return _single(getattr(ufunc, method)(*map(_narrowed, inputs), **kwargs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _single(super().__array_function__(func, types, args, kwargs))


def single(x: Any) -> SingleArray:
    """``single(x)``; a number becomes 1×1."""
    return np.array(np.atleast_2d(x) if np.ndim(x) == 0 else x, dtype=np.float32).view(SingleArray)


def of_its_class(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array from a file, so that it computes as its class does in MATLAB."""
    if array.dtype.kind in "iu":
        return array.view(IntegerArray)
    if array.dtype == np.float32:
        return array.view(SingleArray)
    return array.view(Stack) if array.ndim > 2 else array


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, np.ndarray) else x


def _narrowed(x: Any) -> Any:
    """What a single is computed with: Python's numbers as they are, anything of numpy's as single."""
    is_numeric = isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "iuf"
    return np.asarray(x, dtype=np.float32) if is_numeric else _plain(x)


def _single(x: Any) -> Any:
    is_real = isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
    return np.asarray(x, dtype=np.float32).view(SingleArray) if is_real else x
