"""MATLAB's v7.3 files, which are HDF5: read by h5py, an optional dependency."""

from __future__ import annotations

import io
import math
from collections.abc import Collection
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.mat5 import MOST_DEFLATION

_DAMAGED = "The file is damaged or cut off; take an older checkpoint."
_RESAVE = "Load it in Octave and save it again with save -v7."
_NOT_NUMERIC = {"char", "cell", "struct", "function_handle", "string", "table", "categorical"}


def read_mat73(stream: BinaryIO, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The variables `names`, as far as the file has them, with MATLAB's order of dimensions.

    Raises
    ------
    CheckpointError
        h5py is not installed, the file is damaged or Octave's, or a variable is no array of real numbers.
    """
    h5py = _h5py()
    size = stream.seek(0, io.SEEK_END)
    try:
        with h5py.File(stream, "r") as file:
            return {name: _array(name, file, size, h5py) for name in names if name in file}
    except CheckpointError:
        raise
    except Exception as error:  # what h5py raises on a damaged file is whatever the damage made happen inside it
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise CheckpointError(
            f"expected a whole HDF5 file, got one that h5py cannot read ({reason}). {_DAMAGED}"
        ) from (error)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise CheckpointError(
            "expected a format that needs no extra package, got MATLAB v7.3 (HDF5). "
            'Run pip install "hf_matlab_compat[mat73]", or save it again with save -v7.'
        ) from error
    return h5py


def _array(name: str, file: Any, size: int, h5py: Any) -> NDArray[Any]:
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise CheckpointError(f"{name}: expected it in this file, got a link to elsewhere. Save it with save -v7.")
    node = file[name]
    if isinstance(node, h5py.Group):
        if "OCTAVE_NEW_FORMAT" in node.attrs or {"type", "value"} <= set(node):
            raise CheckpointError(f"expected a MATLAB file, got Octave's -hdf5. {_RESAVE}")
        raise CheckpointError(f"{name}: expected a full array of numbers, got a struct or a sparse matrix.")
    _check(name, node, size)
    if node.attrs.get("MATLAB_empty", 0):
        return _empty(name, node)
    value = np.asarray(node[()])
    return value.T if value.ndim else value.reshape(1, 1)


def _check(name: str, dataset: Any, size: int) -> None:
    """Refuse, from the header alone, what is no array of real numbers or larger than the file can hold."""
    if dataset.dtype.names:
        raise CheckpointError(f"{name}: expected real numbers, got complex ones. Save its real part.")
    kind = dataset.attrs.get("MATLAB_class", b"double")
    kind = kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)
    if kind in _NOT_NUMERIC or dataset.dtype.kind not in "fiub":
        raise CheckpointError(f"{name}: expected a full array of numbers, got the class '{kind}'. Save it as such.")
    claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
    if claimed > MOST_DEFLATION * size or dataset.is_virtual or dataset.external:
        raise CheckpointError(f"{name}: expected what fits a file of {size} bytes, got {dataset.shape}. {_DAMAGED}")


def _empty(name: str, dataset: Any) -> NDArray[Any]:
    """An array without elements, in whose place MATLAB stores its shape."""
    shape = tuple(int(length) for length in np.ravel(dataset[()]))
    if math.prod(shape) != 0 or min(shape) < 0 or len(shape) > 32:
        raise CheckpointError(f"{name}: expected the shape of an empty array, got {shape[:4]}. {_DAMAGED}")
    return np.zeros(shape)
