"""Reader of MATLAB's v7.3 files, which are HDF5; it needs h5py, an optional dependency."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, HessianFreeError
from hf_matlab_compat.matlab.files.mat5 import MOST_DEFLATION
from hf_matlab_compat.matlab.files.mat_values import (
    DAMAGED,
    NUMBERS,
    Allowance,
    Skipped,
    Variable,
    cell_array,
    sparse_matrix,
    struct_array,
    text_array,
)

MOST_VALUES = 20_000
"""The limit on variables, cells and fields of a file, lower than in other formats since HDF5 is slow for each."""

_RESAVE = "Load it in Octave and save it again with save -v7."
_LEAST_CLAIM = 1 << 20
_MOST_DIMENSIONS = 32


def variables(stream: BinaryIO, names: Collection[str] | None = None) -> Generator[Variable]:
    """See `mat_formats.Reader`; dimensions have MATLAB's order."""
    with opened(stream) as (file, h5py):
        values = _Values(file, stream.seek(0, io.SEEK_END), h5py)
        for name in file:
            if not name.startswith("#") and (names is None or name in names):  # '#refs#' holds the contents of cells
                yield values.variable(name)


@contextmanager
def opened(stream: BinaryIO) -> Iterator[tuple[Any, Any]]:
    """Open an HDF5 file and yield it with the module h5py; an error of h5py within the block becomes one sentence.

    Raises
    ------
    CheckpointError
        h5py is not installed, or the file is damaged.
    """
    h5py = _h5py()
    with _damage_told(), h5py.File(stream, "r") as file:
        yield file, h5py


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except HessianFreeError:
        raise
    except Exception as error:  # on a damaged file h5py raises errors of any class
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        text = f"expected a whole HDF5 file, got one that h5py cannot read ({reason}). {DAMAGED}"
        raise CheckpointError(text) from error


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise CheckpointError(
            "expected a format that needs no extra package, got MATLAB v7.3 (HDF5). "
            'Run pip install "hf_matlab_compat[mat73]", or save it again with save -v7.'
        ) from error
    return h5py


class _Values:
    """Reads the values of one file."""

    def __init__(self, file: Any, size: int, h5py: Any) -> None:
        self.file = file
        self.h5py = h5py
        self.allowance = Allowance(MOST_VALUES)
        self.size = size
        self.bytes_left = max(MOST_DEFLATION * size, _LEAST_CLAIM)

    def variable(self, name: str) -> Variable:
        if not isinstance(self.file.get(name, getlink=True), self.h5py.HardLink):
            raise CheckpointError(f"{name}: expected it in this file, got a link to elsewhere. Save it with save -v7.")
        node = self.file[name]
        kind = _class(node)
        if isinstance(node, self.h5py.Group):
            if "OCTAVE_NEW_FORMAT" in node.attrs or {"type", "value"} <= set(node):
                raise CheckpointError(f"expected a MATLAB file, got Octave's -hdf5. {_RESAVE}")
            return Variable(name, "sparse" if "MATLAB_sparse" in node.attrs else kind, None, partial(self._read, node))
        if node.dtype.names or node.dtype.kind == "c":
            kind += " (complex)"
        elif kind in NUMBERS and node.dtype.kind not in "fiub":
            kind = f"{kind} stored as {node.dtype}"
        empty = node.attrs.get("MATLAB_empty", 0) and node.size <= _MOST_DIMENSIONS
        shape = tuple(int(n) for n in np.ravel(node[()])) if empty else node.shape[::-1]
        return Variable(name, kind, shape, partial(self._read, node))

    def _read(self, node: Any) -> Any:
        with _damage_told():
            return self.value(node, 0)

    def value(self, node: Any, depth: int) -> Any:
        self.allowance.take(1, depth)
        kind = _class(node)
        if isinstance(node, self.h5py.Group):
            return self._group(node, kind, depth)
        self._check_size(node)
        if node.attrs.get("MATLAB_empty", 0):
            return _empty(node, kind)
        if node.dtype.kind == "O":
            return cell_array(self._referenced(node, depth), self._turned(node)) if kind == "cell" else Skipped(kind)
        if kind in NUMBERS:
            numbers = _numbers(node)
            return numbers.astype(bool) if kind == "logical" else numbers
        return _text(_numbers(node)) if kind == "char" else Skipped(kind)

    def _check_size(self, dataset: Any) -> None:
        # the sum of all datasets must not be larger than the file can hold
        claimed = math.prod(dataset.shape) * max(dataset.dtype.itemsize, 1)
        self.bytes_left -= claimed
        unstored = claimed > _LEAST_CLAIM and claimed > MOST_DEFLATION * dataset.id.get_storage_size()
        if self.bytes_left < 0 or unstored or dataset.is_virtual or dataset.external:
            raise CheckpointError(f"expected what fits a file of {self.size} bytes, got {dataset.shape}. {DAMAGED}")

    def _turned(self, dataset: Any) -> tuple[int, ...]:
        return tuple(int(length) for length in dataset.shape[::-1])

    def _referenced(self, dataset: Any, depth: int) -> list[Any]:
        self.allowance.take(0, depth + 1)
        if self.h5py.check_ref_dtype(dataset.dtype) is not self.h5py.Reference:
            raise CheckpointError(f"expected references to cells, got {dataset.dtype}. {DAMAGED}")
        return [self.value(self.file[reference], depth + 1) for reference in np.ravel(dataset[()])]

    def _group(self, group: Any, kind: str, depth: int) -> Any:
        if "MATLAB_sparse" in group.attrs:
            return self._sparse(group)
        if kind != "struct":
            return Skipped(kind)
        fields, values = list[str](), list[list[Any]]()
        shape: tuple[int, ...] = (1, 1)
        for name, node in group.items():
            fields.append(name)
            one_a_struct = isinstance(node, self.h5py.Dataset) and node.dtype.kind == "O" and _class(node) != "cell"
            if one_a_struct:
                self._check_size(node)
                shape = self._turned(node)
            values.append(self._referenced(node, depth) if one_a_struct else [self.value(node, depth + 1)])
        if {len(column) for column in values} - {math.prod(shape)}:
            raise CheckpointError(f"expected {math.prod(shape)} values of each field, got another number. {DAMAGED}")
        return struct_array(fields, [value for element in zip(*values, strict=True) for value in element], shape)

    def _sparse(self, group: Any) -> Any:
        parts: list[NDArray[Any]] = []
        for name in ("ir", "jc", "data"):
            if name not in group:
                parts.append(np.zeros(0, dtype=np.uint64))  # a matrix without entries has neither rows nor data
                continue
            self._check_size(group[name])
            parts.append(np.ravel(_numbers(group[name])))
        rows, starts, data = parts
        shape = (int(group.attrs["MATLAB_sparse"]), len(starts) - 1)
        kind = np.dtype(bool if _class(group) == "logical" else np.complex128 if data.dtype.kind == "c" else np.float64)
        return sparse_matrix(rows, starts, data.astype(kind), shape, by_column=True)


def _class(node: Any) -> str:
    kind = node.attrs.get("MATLAB_class", b"struct" if hasattr(node, "keys") else b"double")
    return kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)


def _numbers(dataset: Any) -> NDArray[Any]:
    # as they are stored, with MATLAB's order of dimensions
    if dataset.dtype.names:
        if dataset.dtype.names != ("real", "imag"):
            raise CheckpointError(f"expected numbers, got {dataset.dtype}. {DAMAGED}")
        value = np.asarray(dataset[()])
        value = value["real"] + 1j * value["imag"]
    else:
        value = np.asarray(dataset[()])
    if value.dtype.kind not in "fiubc":
        raise CheckpointError(f"expected numbers, got {dataset.dtype}. {DAMAGED}")
    return value.T if value.ndim else value.reshape(1, 1)


def _text(codes: NDArray[Any]) -> Any:
    if codes.dtype.kind not in "iu" or (codes.size and not 0 <= codes.min() <= codes.max() < 1 << 16):
        raise CheckpointError(f"expected characters, got {codes.dtype}. {DAMAGED}")
    text = codes.astype("<u2").tobytes(order="F").decode("utf-16-le", "surrogatepass")
    return text_array(text, codes.shape)


def _empty(dataset: Any, kind: str) -> Any:
    # MATLAB stores the shape of an array without elements in place of its numbers
    shape = tuple(int(length) for length in np.ravel(dataset[()])) if dataset.size <= _MOST_DIMENSIONS else ()
    if math.prod(shape) != 0 or min(shape) < 0:
        raise CheckpointError(f"expected the shape of an empty array, got {shape[:4]}. {DAMAGED}")
    if kind == "char":
        return text_array("", shape)
    kinds = {"logical": bool, "single": np.float32, "cell": object, "struct": object}
    try:
        return np.zeros(shape, dtype=kinds.get(kind, kind if kind in NUMBERS else np.float64))
    except ValueError as error:
        raise CheckpointError(f"expected a possible shape, got {shape[:4]}. {DAMAGED}") from error
