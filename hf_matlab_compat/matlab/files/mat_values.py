"""Values of MATLAB's classes in numpy's terms, and the limits that every reader of a user's file keeps.

The conventions are those of `scipy.io.loadmat(…, mat_dtype=True)`: numbers in their class and shape, logical as bool,
text as an array of one str a row, cells as object arrays, structs as arrays with named fields, sparse matrices as
`scipy.sparse.csc_matrix`. Complex numbers stay complex.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError

DAMAGED = "The file is damaged or cut off; take an older copy."
MOST_VALUES = 100_000
DEEPEST_NESTING = 50

_MOST_ZEROS = 1000
_LEAST_FULL_LIMIT = 64 << 20


def in_one_line(error: CheckpointError) -> CheckpointError:
    """The error without line ends and the like, which damage may have put into a name."""
    return CheckpointError(printable(str(error)))


def printable(text: str) -> str:
    """The text with a question mark for each line end and the like."""
    return "".join(character if character.isprintable() else "?" for character in text)


@dataclass(frozen=True)
class Skipped:
    """A value that is not read: a function handle, an object; `kind` is its class in MATLAB's or Octave's words."""

    kind: str


class Allowance:
    """Limits on the number and nesting of values in one file, so that a small packed file cannot ask for hours."""

    def __init__(self, values: int = MOST_VALUES) -> None:
        self._most = self._left = values

    def take(self, count: int, depth: int = 0) -> None:
        """Count `count` values of this depth; refuse the file where there are too many."""
        self._left -= count
        if self._left < 0:
            raise CheckpointError(
                f"expected at most {self._most} variables, cells and fields, got more. Save numbers as one matrix."
            )
        if depth > DEEPEST_NESTING:
            raise CheckpointError(f"expected cells and structs nested at most {DEEPEST_NESTING} deep, got more.")


def shaped(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The values, column by column, in a shape that a file claims."""
    try:
        return values.reshape(shape, order="F")
    except ValueError as error:
        raise CheckpointError(f"expected a possible shape, got {shape[:4]}. {DAMAGED}") from error


def cell_array(values: Sequence[Any], shape: tuple[int, ...]) -> NDArray[np.object_]:
    """A cell array of the values, column by column."""
    cells = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        cells[place] = value
    return shaped(cells, shape)


def struct_array(fields: Sequence[str], values: Sequence[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A struct array; of `values`, all fields of the first element come first."""
    if len(set(fields)) != len(fields) or not all(fields):
        raise CheckpointError(f"expected fields of different names, got {', '.join(fields)[:80]}. {DAMAGED}")
    if not fields:
        return shaped(np.full(math.prod(shape), None, dtype=object), shape)
    structs = np.empty(len(values) // len(fields), dtype=[(name, object) for name in fields])
    for place, name in enumerate(fields):
        structs[name] = cell_array(values[place :: len(fields)], structs.shape)
    return shaped(structs, shape)


def text_array(text: str, shape: tuple[int, ...]) -> NDArray[np.str_]:
    """A char array, whose characters come column by column, as one str a row."""
    if not text:
        return np.empty(0, dtype="<U1")
    if len(text) != math.prod(shape):
        if shape[0] != 1:
            raise CheckpointError(f"expected {math.prod(shape)} characters, got {len(text)}. {DAMAGED}")
        return np.array([text])  # one row; its size counts bytes, or halves of characters
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    rows = np.ascontiguousarray(shaped(codes, shape))
    return rows.view(f"<U{shape[-1]}")[..., 0]


def sparse_matrix(
    rows: NDArray[Any], columns: NDArray[Any], values: NDArray[Any], shape: tuple[int, int], *, by_column: bool = False
) -> Any:
    """A sparse matrix of entries with indices from 0.

    Parameters
    ----------
    rows, columns, values : (n,) array
        With `by_column`, `columns` are instead the (shape[1] + 1,) places at which the columns begin.
    shape : tuple of int
    """
    from scipy.sparse import coo_matrix, csc_matrix

    if not by_column:
        _check_indices(columns, shape[1])
        _check_indices(rows, shape[0])
        return coo_matrix((values, (rows, columns)), shape=shape).tocsc()
    starts = columns.astype(np.int64)
    whole = len(starts) == shape[1] + 1 and starts[0] == 0 and (np.diff(starts) >= 0).all()
    if not whole or starts[-1] > min(len(rows), len(values)):
        raise CheckpointError(f"expected a sparse matrix of {shape[0]} by {shape[1]}, got other columns. {DAMAGED}")
    rows, values = rows[: starts[-1]], values[: starts[-1]]
    _check_indices(rows, shape[0])
    return csc_matrix((values, rows.astype(np.int64), starts), shape=shape)


def _check_indices(indices: NDArray[Any], size: int) -> None:
    if indices.size and not (indices.min() >= 0 and indices.max() < size):
        raise CheckpointError(f"expected indices of a sparse matrix from 1 to {size}, got others. {DAMAGED}")


def full_array(value: Any) -> Any:
    """The value; of a sparse matrix, and of those in a cell array, the full one.

    Raises
    ------
    CheckpointError
        The full matrix would take more than a thousand times the memory of the sparse one.
    """
    from scipy.sparse import issparse

    if isinstance(value, np.ndarray) and value.dtype == object:
        return cell_array([full_array(each) for each in value.ravel(order="F")], value.shape)
    if isinstance(value, np.ndarray) or not issparse(value):
        return value
    claimed = math.prod(value.shape) * value.dtype.itemsize
    stored = value.nnz * (value.dtype.itemsize + 8) + 8 * value.shape[1]
    if claimed > max(_LEAST_FULL_LIMIT, _MOST_ZEROS * stored):
        size = f"{value.shape[0]} by {value.shape[1]}"
        raise CheckpointError(
            f"expected a sparse matrix that fits memory when full, got {size} with {value.nnz} entries."
        )
    return value.toarray()
