"""MATLAB's v7.3 files, which are HDF5: read by h5py, an optional dependency."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, HessianFreeError
from hf_matlab_compat.matlab.files.mat5 import MOST_DEFLATION
from hf_matlab_compat.matlab.files.mat_values import (
    DAMAGED,
    Allowance,
    Skipped,
    cell_array,
    sparse_matrix,
    struct_array,
    text_array,
)

MOST_VALUES = 20_000
"""Variables, cells and fields of a file: HDF5 takes its time for each."""

_RESAVE = "Load it in Octave and save it again with save -v7."
_NUMBERS = {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
_LEAST_CLAIM = 1 << 20


def read_mat73(stream: BinaryIO, names: Collection[str] | None = None, *, only_numbers: bool = False) -> dict[str, Any]:
    """The variables `names`, as far as the file has them, or all, with MATLAB's order of dimensions.

    Parameters
    ----------
    stream : binary file
    names : collection of str, optional
    only_numbers : bool
        Refuse, of these variables, one that is no full array of real numbers.

    Raises
    ------
    CheckpointError
        h5py is not installed, the file is damaged or Octave's, or a variable is refused.
    """
    with opened(stream) as (file, h5py):
        values = _Values(file, stream.seek(0, io.SEEK_END), h5py)
        wanted = (name for name in file if not name.startswith("#")) if names is None else names
        return {name: values.named(name, only_numbers) for name in wanted if name in file}


@contextmanager
def opened(stream: BinaryIO) -> Iterator[tuple[Any, Any]]:
    """The HDF5 file and h5py; whatever h5py raises within this block becomes one sentence.

    Raises
    ------
    CheckpointError
        h5py is not installed, or the file is damaged.
    """
    h5py = _h5py()
    try:
        with h5py.File(stream, "r") as file:
            yield file, h5py
    except HessianFreeError:
        raise
    except Exception as error:  # what h5py raises on a damaged file is whatever the damage made happen inside it
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise CheckpointError(f"expected a whole HDF5 file, got one that h5py cannot read ({reason}). {DAMAGED}") from (
            error
        )


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

    def named(self, name: str, only_numbers: bool) -> Any:
        """The value of a variable; errors begin with its name."""
        if not isinstance(self.file.get(name, getlink=True), self.h5py.HardLink):
            raise CheckpointError(f"{name}: expected it in this file, got a link to elsewhere. Save it with save -v7.")
        node = self.file[name]
        refuse_octaves(node, self.h5py)
        try:
            if only_numbers:
                self._check_class(node)
            return self.value(node, 0)
        except CheckpointError as error:
            raise CheckpointError(f"{name}: {error}") from error

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
        if kind in _NUMBERS:
            return _in_class(_numbers(node), kind)
        return _text(_numbers(node)) if kind == "char" else Skipped(kind)

    def _check_class(self, node: Any) -> None:
        if isinstance(node, self.h5py.Group):
            raise CheckpointError("expected a full array of numbers, got a struct or a sparse matrix.")
        if node.dtype.names:
            raise CheckpointError("expected real numbers, got complex ones. Save its real part.")
        kind = _class(node)
        if kind not in _NUMBERS or node.dtype.kind not in "fiub":
            raise CheckpointError(f"expected a full array of numbers, got the class '{kind}'. Save it as such.")

    def _check_size(self, dataset: Any) -> None:
        """Refuse, from the header alone, what is larger than the file can hold, alone or with what came before."""
        claimed = math.prod(dataset.shape) * max(dataset.dtype.itemsize, 1)
        self.bytes_left -= claimed
        unstored = claimed > _LEAST_CLAIM and claimed > MOST_DEFLATION * dataset.id.get_storage_size()
        if self.bytes_left < 0 or unstored or dataset.is_virtual or dataset.external:
            raise CheckpointError(f"expected what fits a file of {self.size} bytes, got {dataset.shape}. {DAMAGED}")

    def _turned(self, dataset: Any) -> tuple[int, ...]:
        return tuple(int(length) for length in dataset.shape[::-1])

    def _referenced(self, dataset: Any, depth: int) -> list[Any]:
        """The values that a dataset of references refers to, column by column."""
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
                parts.append(np.zeros(0, dtype=np.uint64))  # a matrix of zeros has neither rows nor data
                continue
            self._check_size(group[name])
            parts.append(np.ravel(_numbers(group[name])))
        rows, starts, data = parts
        shape = (int(group.attrs["MATLAB_sparse"]), len(starts) - 1)
        kind = np.dtype(bool if _class(group) == "logical" else np.complex128 if data.dtype.kind == "c" else np.float64)
        return sparse_matrix(rows, starts, data.astype(kind), shape, by_column=True)


def refuse_octaves(node: Any, h5py: Any) -> None:
    """Refuse a file of Octave's own HDF5 format by one of its variables.

    Raises
    ------
    CheckpointError
    """
    if isinstance(node, h5py.Group) and ("OCTAVE_NEW_FORMAT" in node.attrs or {"type", "value"} <= set(node)):
        raise CheckpointError(f"expected a MATLAB file, got Octave's -hdf5. {_RESAVE}")


def _class(node: Any) -> str:
    kind = node.attrs.get("MATLAB_class", b"struct" if hasattr(node, "keys") else b"double")
    return kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)


def _numbers(dataset: Any) -> NDArray[Any]:
    """The numbers of a dataset as they are stored, with MATLAB's order of dimensions."""
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


def _in_class(numbers: NDArray[Any], kind: str) -> NDArray[Any]:
    """The numbers, which have their class already unless they are logical."""
    return numbers.astype(bool) if kind == "logical" else numbers


def _text(codes: NDArray[Any]) -> Any:
    if codes.dtype.kind not in "iu" or (codes.size and not 0 <= codes.min() <= codes.max() < 1 << 16):
        raise CheckpointError(f"expected characters, got {codes.dtype}. {DAMAGED}")
    text = codes.astype("<u2").tobytes(order="F").decode("utf-16-le", "surrogatepass")
    return text_array(text, codes.shape)


def _empty(dataset: Any, kind: str) -> Any:
    """An array without elements, in whose place MATLAB stores its shape."""
    shape = tuple(int(length) for length in np.ravel(dataset[()])) if dataset.size <= 32 else ()
    if math.prod(shape) != 0 or min(shape) < 0:
        raise CheckpointError(f"expected the shape of an empty array, got {shape[:4]}. {DAMAGED}")
    if kind == "char":
        return text_array("", shape)
    kinds = {"logical": bool, "single": np.float32, "cell": object, "struct": object}
    try:
        return np.zeros(shape, dtype=kinds.get(kind, kind if kind in _NUMBERS else np.float64))
    except ValueError as error:
        raise CheckpointError(f"expected a possible shape, got {shape[:4]}. {DAMAGED}") from error
