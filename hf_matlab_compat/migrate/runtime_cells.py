"""Cells, functions of their entries, questions about classes, and the factors of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime_arrays import find, isempty, size, two_dimensional
from hf_matlab_compat.migrate.runtime_cell_arrays import in_shape_of, laid_out

Array = NDArray[Any]
Function = Callable[..., Any]


def strcmp(one: Any, other: Any, *, fold: bool = False) -> Any:
    """``strcmp`` (``strcmpi``) of strings and lists: a truth value, or one for each entry."""
    if not isinstance(one, list) and not isinstance(other, list):
        return _alike(one, other, fold)
    lists = [each if isinstance(each, list) else [each] for each in (one, other)]
    count = max(map(len, lists)) if all(lists) else 0
    if any(len(each) not in (1, count) for each in lists if each):
        raise MigrationError(f"strcmp: expected lists of one length, got {len(lists[0])} and {len(lists[1])} entries.")
    pairs = zip(*(each * count if len(each) == 1 else each for each in lists), strict=True)
    like = max(lists, key=len)
    return np.array([_alike(a, b, fold) for a, b in pairs], dtype=bool).reshape(size(like), order="F")


def _alike(one: Any, other: Any, fold: bool) -> bool:
    both = isinstance(one, str) and isinstance(other, str)
    return both and (one.lower() == other.lower() if fold else one == other)


def ismember(values: Any, among: Any) -> Any:
    """``ismember``: a truth value for a string or a number, one for each entry of a list or an array."""
    if isinstance(values, list):
        return np.array([each in among for each in values], dtype=bool).reshape(size(values), order="F")
    return values in among


def pick_cells(cells: list[Any], index: Any) -> list[Any]:
    """``cells{index}`` by positions from 1 or a mask."""
    array = np.ravel(index, order="F")
    places = np.flatnonzero(array) if array.dtype == bool else array.astype(np.int64) - 1
    return [cells[place] for place in places]


def put_cells(cells: list[Any], index: Any, value: Any) -> None:
    """``cells(index) = {value}`` by positions from 1 or a mask; the list grows where it has to."""
    array = np.ravel(index, order="F")
    for place in np.flatnonzero(array) if array.dtype == bool else array.astype(np.int64) - 1:
        while len(cells) <= place:
            cells.append(np.zeros((0, 0)))
        cells[place] = value


def put_cell(cells: list[Any], index: Any, value: Any) -> None:
    """``cells{index} = value``: MATLAB refuses several positions, and so does this."""
    array = np.ravel(index)
    count = int(np.count_nonzero(array)) if array.dtype == bool else array.size
    if count != 1:
        raise MigrationError(f"cells: expected one position to assign to, got {count}. Assign in a loop.")
    put_cells(cells, index, value)


def cellfun(function: Function, *lists: list[Any]) -> Array:
    """``cellfun(f, c)``: a number or truth value of each entry, in a row."""
    found = cellfun_cells(function, *lists)
    return _uniform(found, size(lists[0]), "cellfun")


def cellfun_cells(function: Function, *lists: list[Any]) -> list[Any]:
    """``cellfun(f, c, 'UniformOutput', false)``."""
    if len({len(each) for each in lists}) > 1:
        raise MigrationError(f"cellfun: expected lists of one length, got {', '.join(str(len(e)) for e in lists)}.")
    return in_shape_of(lists[0], [function(*entries) for entries in zip(*lists, strict=True)])


def arrayfun(function: Function, *arrays: Any) -> Array:
    """``arrayfun(f, x)``: a number or truth value of each entry, in the shape of the array."""
    return _uniform(arrayfun_cells(function, *arrays), two_dimensional(arrays[0]).shape, "arrayfun")


def arrayfun_cells(function: Function, *arrays: Any) -> list[Any]:
    """``arrayfun(f, x, 'UniformOutput', false)``."""
    columns = [np.ravel(two_dimensional(each), order="F").tolist() for each in arrays]
    return laid_out(cellfun_cells(function, *columns), two_dimensional(arrays[0]).shape)


def _uniform(found: list[Any], shape: tuple[int, ...], name: str) -> Array:
    odd = next((each for each in found if isinstance(each, str | list) or np.size(each) != 1), None)
    if odd is not None:
        raise MigrationError(f"{name}: expected one number of each entry, got {odd!r}. Say 'UniformOutput', false.")
    flat = np.array([np.asarray(each).item() for each in found])
    return flat.reshape(shape, order="F") if flat.dtype == bool else flat.astype(float).reshape(shape, order="F")


def cell2mat(cells: list[Any]) -> Any:
    """``cell2mat``: what the cells hold, in their rows and columns."""
    rows, columns = size(cells)
    blocks = [[two_dimensional(cells[i + j * rows]) for j in range(columns)] for i in range(rows)]
    return np.block(blocks) if cells else np.zeros((0, 0))


def num2cell(x: Any) -> list[Any]:
    """``num2cell``: each entry in a cell of its own."""
    array = two_dimensional(x)
    return laid_out(np.ravel(array, order="F").tolist(), array.shape)


def class_of(value: Any) -> str:
    """``class(x)``."""
    if callable(value) and not isinstance(value, np.ndarray):
        return "function_handle"
    kinds: list[tuple[Any, str]] = [(str, "char"), (list, "cell"), (bool, "logical"), (int | float, "double")]
    for kind, name in kinds:
        if isinstance(value, kind):
            return name
    if hasattr(value, "__dict__") and not isinstance(value, np.ndarray):
        return "struct"
    dtype = np.asarray(value).dtype
    return {"bool": "logical", "float32": "single", "float64": "double", "int64": "double"}.get(dtype.name, dtype.name)


def isa(value: Any, name: str) -> bool:
    """``isa(x, 'single')``, also of groups of classes."""
    own = class_of(value)
    groups = {"float": ("single", "double"), "numeric": ("single", "double")}
    whole = own.startswith(("int", "uint"))
    return own == name or own in groups.get(name, ()) or (whole and name in ("integer", "numeric"))


def isnumeric(value: Any) -> bool:
    """``isnumeric(x)``."""
    return isa(value, "numeric")


def isreal(value: Any) -> bool:
    """``isreal(x)``; MATLAB counts strings, and not cells or structs."""
    return class_of(value) not in ("cell", "struct", "function_handle", "complex128", "complex64")


def isstruct(value: Any) -> bool:
    """``isstruct(x)``."""
    return class_of(value) == "struct"


def islogical(value: Any) -> bool:
    """``islogical(x)``."""
    return class_of(value) == "logical"


def iscellstr(value: Any) -> bool:
    """``iscellstr(x)``: cells that hold nothing but strings."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def isvector(value: Any) -> bool:
    """``isvector(x)`` as MATLAB and Octave 7 have it: 1×n or n×1."""
    shape = size(value)
    return len(shape) == 2 and 1 in shape


def isscalar(value: Any) -> bool:
    """``isscalar(x)``."""
    return set(size(value)) == {1}


def isrow(value: Any) -> bool:
    """``isrow(x)``."""
    return len(size(value)) == 2 and size(value)[0] == 1


def iscolumn(value: Any) -> bool:
    """``iscolumn(x)``."""
    return len(size(value)) == 2 and size(value)[1] == 1


def last_found(mask: Any, count: int) -> Any:
    """``find(mask, count, 'last')``; a single position as a number."""
    array = two_dimensional(mask)
    found = find(array)
    first = max(found.size - count, 0)
    kept = found[:, first:] if array.shape[0] == 1 and array.shape[1] != 1 else found[first:]
    return kept.item() if kept.size == 1 else kept


def svd(x: Any) -> Array:
    """``svd(x)``: the singular values in a column."""
    return np.linalg.svd(_floating(x), compute_uv=False).reshape(-1, 1)


def svd_factors(x: Any, economy: str = "") -> tuple[Array, Array, Array]:
    """``[U, S, V] = svd(x)``; `economy` is ``'econ'`` or ``'0'``, which saves only where there are more rows."""
    array = _floating(x)
    full = not economy or (economy == "0" and array.shape[0] < array.shape[1])
    left, values, right = np.linalg.svd(array, full_matrices=full)
    middle = np.zeros((left.shape[1], right.shape[0]), array.dtype)
    np.fill_diagonal(middle, values)
    return left, middle, right.conj().T


def eig(x: Any) -> Array:
    """``eig(x)``: the eigenvalues in a column."""
    return np.diag(eig_factors(x)[1]).reshape(-1, 1).copy()


def eig_factors(x: Any) -> tuple[Array, Array]:
    """``[V, D] = eig(x)``: in ascending order where x is symmetric."""
    array = _floating(x)
    symmetric = np.array_equal(array, array.conj().T)
    values, vectors = np.linalg.eigh(array) if symmetric else np.linalg.eig(array)
    return vectors, np.diag(values)


def pinv(x: Any) -> Array:
    """``pinv(x)``."""
    array = _floating(x)
    return np.linalg.pinv(array, rcond=max(array.shape) * float(np.finfo(array.dtype).eps))


def det(x: Any) -> float:
    """``det(x)``."""
    return float(np.linalg.det(_floating(x)))


def rank(x: Any) -> int:
    """``rank(x)``."""
    return int(np.linalg.matrix_rank(_floating(x)))


def trace(x: Any) -> Any:
    """``trace(x)``."""
    return np.trace(two_dimensional(x)).item()


def mldivide(a: Any, b: Any) -> Any:
    """``a \\ b``: x with a x = b; of least squares where a is not square."""
    if np.size(a) == 1:
        return np.asanyarray(b) / np.asanyarray(a)
    a, b = two_dimensional(a), two_dimensional(b)
    return np.linalg.solve(a, b) if a.shape[0] == a.shape[1] else np.linalg.lstsq(a, b)[0]


def triu(x: Any, k: int = 0) -> Array:
    """``triu(x, k)``."""
    return np.triu(two_dimensional(x), k)


def tril(x: Any, k: int = 0) -> Array:
    """``tril(x, k)``."""
    return np.tril(two_dimensional(x), k)


def real(x: Any) -> Any:
    """``real(x)``."""
    return np.real(x)


def imag(x: Any) -> Any:
    """``imag(x)``."""
    return np.imag(x)


def union(x: Any, y: Any) -> Array:
    """``union(x, y)``: sorted, each once; a column only of two columns."""
    return _laid_out(np.union1d(np.ravel(x), np.ravel(y)), x, y)


def intersect(x: Any, y: Any) -> Array:
    """``intersect(x, y)``: sorted, each once; a column only of two columns."""
    return _laid_out(np.intersect1d(np.ravel(x), np.ravel(y)), x, y)


def _laid_out(found: Array, *sources: Any) -> Array:
    columns = [two_dimensional(each).shape[1] == 1 and np.size(each) != 1 for each in sources if not isempty(each)]
    return found.reshape(-1, 1) if columns and all(columns) else found.reshape(1, -1)


def factorial(n: float) -> float:
    """``factorial(n)``."""
    return float(math.factorial(int(n)))


def ind2sub(shape: Any, places: Any, wanted: int) -> tuple[Any, ...]:
    """``[i, j] = ind2sub(shape, k)``, counted from 1; the last output counts through the dimensions that are left."""
    extents = [int(each) for each in np.ravel(shape)]
    folded = (*extents[: wanted - 1], math.prod(extents[wanted - 1 :]))
    array = two_dimensional(places).astype(np.int64) - 1
    found = np.unravel_index(array, folded, order="F")
    return tuple((each + 1).item() if each.size == 1 else each + 1 for each in found)


def _floating(x: Any) -> Array:
    array = two_dimensional(x)
    return array if array.dtype.kind in "fc" else array.astype(float)
