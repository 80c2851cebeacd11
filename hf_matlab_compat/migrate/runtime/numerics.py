"""Reductions along the first dimension of more than one entry, order, sets, linear algebra and random draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.random.streams import MatlabStream, OctaveStream
from hf_matlab_compat.migrate.runtime.arrays import Array, dims, first_axis, isempty, size, trimmed, two_dimensional
from hf_matlab_compat.model.random_stream import NumpyStream

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


def _extreme(find: Callable[..., Array], x: Any, axis: int | None = None) -> tuple[Any, Any]:
    """Return ``[m, i] = max(x)``; positions count from 1."""
    array, along = _with_axis(x, axis)
    places = find(array, axis=along, keepdims=True)
    return trimmed(np.take_along_axis(array, places, along)), trimmed(places + 1)


max_and_place = partial(_extreme, np.nanargmax)
min_and_place = partial(_extreme, np.nanargmin)


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
    return np.cumsum(two_dimensional(x), axis=first_axis(two_dimensional(x)))


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


def _floating(x: Any) -> Array:
    array = two_dimensional(x)
    return array if array.dtype.kind in "fc" else array.astype(float)


def mtimes(a: Any, b: Any) -> Any:
    """Return ``a * b``, elementwise if either is a single number."""
    if np.size(a) == 1 or np.size(b) == 1:
        return np.asanyarray(a) * np.asanyarray(b)
    return two_dimensional(a) @ two_dimensional(b)


def mldivide(a: Any, b: Any) -> Any:
    r"""Return ``a \ b``: x with a x = b, by least squares if `a` is not square."""
    if np.size(a) == 1:
        return np.asanyarray(b) / np.asanyarray(a)
    a, b = two_dimensional(a), two_dimensional(b)
    return np.linalg.solve(a, b) if a.shape[0] == a.shape[1] else np.linalg.lstsq(a, b)[0]


def mrdivide(a: Any, b: Any) -> Any:
    """Return ``a / b``: x with x b = a, by least squares if `b` is not square."""
    if np.size(b) == 1:
        return np.asanyarray(a) / np.asanyarray(b)
    return mldivide(two_dimensional(b).T, two_dimensional(a).T).T


def svd(x: Any) -> Array:
    """Return ``svd(x)``: the singular values in a column."""
    return np.linalg.svd(_floating(x), compute_uv=False).reshape(-1, 1)


def svd_factors(x: Any, economy: str = "") -> tuple[Array, Array, Array]:
    """Return ``[U, S, V] = svd(x)``; economy is ``'econ'``, or ``'0'``, which saves only of more rows than columns."""
    array = _floating(x)
    full = not economy or (economy == "0" and array.shape[0] < array.shape[1])
    left, values, right = np.linalg.svd(array, full_matrices=full)
    middle = np.zeros((left.shape[1], right.shape[0]), array.dtype)
    np.fill_diagonal(middle, values)
    return left, middle, right.conj().T


def eig(x: Any) -> Array:
    """Return ``eig(x)``: the eigenvalues in a column."""
    return np.diag(eig_factors(x)[1]).reshape(-1, 1).copy()


def eig_factors(x: Any) -> tuple[Array, Array]:
    """Return ``[V, D] = eig(x)``, in ascending order if `x` is symmetric."""
    array = _floating(x)
    symmetric = np.array_equal(array, array.conj().T)
    values, vectors = np.linalg.eigh(array) if symmetric else np.linalg.eig(array)
    return vectors, np.diag(values)


def pinv(x: Any) -> Array:
    """Return ``pinv(x)``."""
    array = _floating(x)
    return np.linalg.pinv(array, rcond=np.max(array.shape) * float(np.finfo(array.dtype).eps))


def det(x: Any) -> float:
    """Return ``det(x)``."""
    return float(np.linalg.det(_floating(x)))


def rank(x: Any) -> int:
    """Return ``rank(x)``."""
    return int(np.linalg.matrix_rank(_floating(x)))


def trace(x: Any) -> Any:
    """Return ``trace(x)``."""
    return np.trace(two_dimensional(x)).item()


def triu(x: Any, k: int = 0) -> Array:
    """Return ``triu(x, k)``."""
    return np.triu(two_dimensional(x), k)


def tril(x: Any, k: int = 0) -> Array:
    """Return ``tril(x, k)``."""
    return np.tril(two_dimensional(x), k)


def diag(x: Any) -> Array:
    """Return ``diag(x)``: a matrix with a vector on its diagonal, or a matrix's diagonal as a column."""
    array = two_dimensional(x)
    return np.diag(array.ravel()) if 1 in array.shape else np.diagonal(array).reshape(-1, 1).copy()


def dot(x: Any, y: Any, axis: int | None = None) -> Any:
    """Return ``dot(x, y)``: a number for two vectors of any direction, one per column for matrices.

    Raises
    ------
    MigrationError
        The arrays are neither vectors nor of one shape.
    """
    one, other = (part if part.dtype.kind == "f" else part.astype(float) for part in map(two_dimensional, (x, y)))
    if axis is None and 1 in one.shape and 1 in other.shape:
        return np.dot(one.ravel(), other.ravel()).item()
    if one.shape != other.shape:
        raise MigrationError(f"dot: expected arrays of one shape, got {one.shape} and {other.shape}.")
    sums = np.sum(one * other, axis=first_axis(one) if axis is None else axis, keepdims=True)
    return sums.item() if sums.size == 1 else sums


def norm(x: Any, order: Any = 2) -> float:
    """Return ``norm(x, order)`` of a vector or of a matrix; 0 of an empty array."""
    array = two_dimensional(x)
    if not array.size:
        return 0.0
    if 1 in array.shape:
        return float(np.linalg.norm(array.ravel(), 2 if order == "fro" else order))
    return float(np.linalg.norm(array, order))


def sparse(rows: Any, columns: Any, values: Any, *shape: int) -> Array:
    """Return ``full(sparse(rows, columns, values))``; values at the same position add up."""
    given = np.broadcast_arrays(*(np.ravel(each, order="F") for each in (rows, columns)))
    places = [each.astype(np.int64) - 1 for each in given]
    made = np.zeros(shape or tuple(int(each.max(initial=-1)) + 1 for each in places))
    np.add.at(made, tuple(places), np.ravel(np.asarray(values, dtype=float), order="F"))
    return made


@cache
def random_state(streams: str) -> RandomState:
    """Return the one state that all migrated scripts of a process share, as MATLAB's functions share theirs.

    Parameters
    ----------
    streams : {'octave', 'matlab'}
        The program whose draws a seed reproduces.
    """
    return RandomState(streams)


class RandomState:
    """Draws of `rand`, `randn` and `randperm`; before the first seed they come from a seed of the system.

    It can be given to the trainer as `seed`: the sparse initialisation then continues the script's sequence.

    Parameters
    ----------
    streams : {'octave', 'matlab'}
    """

    def __init__(self, streams: str) -> None:
        self._streams = streams
        self._uniform: Any = NumpyStream()
        self._normal: Any = NumpyStream()

    def seed_rand(self, seed: float) -> None:
        """Seed `rand`: ``rand('twister', seed)``."""
        self._uniform = OctaveStream(int(seed)) if self._streams == "octave" else MatlabStream(int(seed))

    def seed_randn(self, seed: float) -> None:
        """Seed `randn`: ``randn('state', seed)``."""
        self._normal = OctaveStream(0, int(seed)) if self._streams == "octave" else MatlabStream(0, int(seed))

    def rand(self, *shape: int) -> NDArray[np.float64]:
        """Return uniform draws, filled column by column."""
        return self._uniform.rand(*shape)

    def randn(self, *shape: int) -> NDArray[np.float64]:
        """Return normal draws, filled column by column."""
        return self._normal.randn(*shape)

    def randi(self, high: int, *shape: int) -> NDArray[np.int64]:
        """Return whole numbers in 1 … `high`."""
        return (1 + np.floor(high * self.rand(*shape))).astype(np.int64)

    def randperm(self, n: int, count: int | None = None) -> NDArray[np.int64]:
        """Return a permutation of 1 … n, or its first `count` entries.

        Raises
        ------
        MigrationError
            More numbers are asked for than there are, or a part of a permutation of MATLAB's.
        """
        if count is not None and not 0 <= count <= n:
            raise MigrationError(f"randperm: expected at most {n} numbers of 1 … {n}, got {count}.")
        if isinstance(self._uniform, NumpyStream):
            return (np.argsort(self.rand(n)) + 1)[:count]
        if count is None:
            return self._uniform.randperm(n)
        if isinstance(self._uniform, OctaveStream):
            return self._uniform.randperm(n, count)
        raise MigrationError("randperm: expected one argument, since how MATLAB draws a part is not known.")

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Return ``ceil(high*rand(1, count))``."""
        return self._uniform.ceil_indices(high, count)
