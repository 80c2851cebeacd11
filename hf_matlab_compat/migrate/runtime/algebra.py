"""Products, quotients, factors and parts of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime.arrays import Array, first_axis, two_dimensional


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
    return np.linalg.pinv(array, rcond=max(array.shape) * float(np.finfo(array.dtype).eps))


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
