"""The common part of all readers: variables, MATLAB's classes as numpy arrays, and limits on what a file may ask for.

Values follow `scipy.io.loadmat(…, mat_dtype=True)`: numbers keep their class and shape, logical arrays are bool, text
is an array with one str per row, cells are object arrays, structs are arrays with named fields, sparse matrices are
`scipy.sparse.csc_matrix`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError

DAMAGED = "The file is damaged or cut off; take an older copy."
MOST_VALUES = 100_000
DEEPEST_NESTING = 50
NUMBERS = frozenset(
    {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)
"""MATLAB's classes of numbers."""

_MOST_ZEROS = 1000
_LEAST_FULL_LIMIT = 64 << 20


def printable(text: str) -> str:
    """Return the text with a question mark in place of each control character."""
    return "".join(character if character.isprintable() else "?" for character in text)


@dataclass(frozen=True)
class Skipped:
    """A value that no reader reads, such as a function handle; `kind` is its class in MATLAB's or Octave's words."""

    kind: str


@dataclass(frozen=True)
class Variable:
    """A variable of a file.

    Attributes
    ----------
    name : str
    kind : str
        Its class in MATLAB's words: ``double``, ``single``, ``int32``, ``cell``, …; ends in `` (complex)`` for
        complex numbers.
    shape : tuple of int or None
        None if the format does not tell it without reading the value.
    read : callable
        Returns the value. To be called before the reader's next variable is asked for.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    read: Callable[[], Any] = field(repr=False, compare=False, default=lambda: None)

    @classmethod
    def of(cls, name: str, value: Any) -> Variable:
        """Describe a value that has been read."""
        if isinstance(value, Skipped):
            return cls(name, value.kind, None, lambda: value)
        if not isinstance(value, np.ndarray):
            return cls(name, "sparse", value.shape, lambda: value)
        kinds = {"U": "char", "S": "char", "c": "double (complex)", "O": "cell", "V": "struct"}
        numbers = {"float32": "single", "float64": "double", "bool": "logical"}
        kind = kinds.get(value.dtype.kind) or numbers.get(value.dtype.name) or value.dtype.name
        return cls(name, kind, value.shape, lambda: value)

    @property
    def is_numeric(self) -> bool:
        """True for a full array of real numbers."""
        return self.kind in NUMBERS

    def require_numbers(self) -> None:
        """Refuse any other value than a full array of real numbers.

        Raises
        ------
        CheckpointError
            The variable is of another class.
        """
        if self.kind.endswith("(complex)"):
            raise CheckpointError("expected real numbers, got complex ones. Save its real part.")
        if not self.is_numeric:
            raise CheckpointError(f"expected a full array of numbers, got the class '{self.kind}'. Save it as such.")


class Allowance:
    """Limits on the number and nesting of values in one file: reading a small packed file must not take hours."""

    def __init__(self, values: int = MOST_VALUES) -> None:
        self._most = self._left = values

    def take(self, count: int, depth: int = 0) -> None:
        """Count `count` more values at this depth.

        Raises
        ------
        CheckpointError
            There are more values than allowed, or they are nested deeper.
        """
        self._left -= count
        if self._left < 0:
            raise CheckpointError(
                f"expected at most {self._most} variables, cells and fields, got more. Save numbers as one matrix."
            )
        if depth > DEEPEST_NESTING:
            raise CheckpointError(f"expected cells and structs nested at most {DEEPEST_NESTING} deep, got more.")


def shaped(values: NDArray[Any], shape: tuple[int, ...], order: Literal["F", "C"] = "F") -> NDArray[Any]:
    """Reshape the values, by default column by column, to the shape that a file claims.

    Raises
    ------
    CheckpointError
        numpy has no array of this shape.
    """
    try:
        return values.reshape(shape, order=order)
    except ValueError as error:
        raise CheckpointError(f"expected a possible shape, got {shape[:4]}. {DAMAGED}") from error


def cell_array(values: Sequence[Any], shape: tuple[int, ...]) -> NDArray[np.object_]:
    """Return a cell array of the values, column by column."""
    cells = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        cells[place] = value
    return shaped(cells, shape)


def struct_array(fields: Sequence[str], values: Sequence[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a struct array; `values` begins with all fields of the first element.

    Raises
    ------
    CheckpointError
        A field has no name, or two have the same.
    """
    if len(set(fields)) != len(fields) or not all(fields):
        raise CheckpointError(f"expected fields of different names, got {', '.join(fields)[:80]}. {DAMAGED}")
    if not fields:
        return shaped(np.full(math.prod(shape), None, dtype=object), shape)
    structs = np.empty(len(values) // len(fields), dtype=[(name, object) for name in fields])
    for place, name in enumerate(fields):
        structs[name] = cell_array(values[place :: len(fields)], structs.shape)
    return shaped(structs, shape)


def text_array(text: str, shape: tuple[int, ...]) -> NDArray[np.str_]:
    """Return a char array, whose characters come column by column, with one str per row.

    Raises
    ------
    CheckpointError
        The shape needs another number of characters.
    """
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
    """Return a sparse matrix.

    Parameters
    ----------
    rows, columns, values : (n,) array
        Entries, with indices from 0.
    shape : tuple of int
        Rows and columns.
    by_column : bool
        `columns` has instead the shape[1] + 1 offsets at which the columns begin.

    Raises
    ------
    CheckpointError
        An index lies outside the shape.
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
    """Return the value with each sparse matrix, also within cells, as a full one.

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
