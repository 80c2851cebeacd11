"""Matrices in files larger than memory: mapped, so that training reads the cases it is at and keeps none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError

_BYTES_AT_A_TIME = 1 << 26


def map_matrix(path: str | os.PathLike[str], name: str = "", copy: str | os.PathLike[str] | None = None) -> Any:
    """A read-only matrix, one case in each column, that stays in its file.

    Parameters
    ----------
    path : path
        A .npy file, or a MATLAB v7.3 .mat file (`save('-v7.3', …)`), for which h5py is needed. A .npy file that holds
        one case in each row is mapped as it is: pass its ``.T``.
    name : str
        The variable of a .mat file; may be left out where there is only one.
    copy : path, optional
        MATLAB compresses v7.3 files unless told not to (`-nocompression`), and what is compressed cannot be mapped:
        such a variable is copied once, piece by piece, to this .npy file, by default ``<path>.<name>.npy``. A copy that
        is newer than the file is used again.

    Returns
    -------
    (s, N) numpy.memmap

    Raises
    ------
    DataError
        The file cannot be read, has no such variable, or the variable is not a matrix of real numbers.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise DataError("path", expected="a .npy file or a .mat file of version 7.3", got=f"{str(file)!r}, not a file")
    if file.suffix == ".npy":
        return _mapped_npy(file)
    return _mapped_mat(file, name, None if copy is None else Path(copy))


def _mapped_npy(file: Path) -> Any:
    try:
        mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError("path", expected="a .npy file of numbers", got=f"{str(file)!r} ({error})") from error
    return _matrix(str(file), mapped)


def _mapped_mat(file: Path, name: str, copy: Path | None) -> Any:
    try:
        import h5py
    except ImportError as error:
        advice = 'pip install "hf_matlab_compat[mat73]"'
        raise DataError("path", expected="h5py, to read v7.3", got="no h5py", advice=advice) from error
    try:
        content = h5py.File(file, "r")
    except OSError as error:
        expected = "a .npy file or a .mat file of version 7.3"
        raise DataError("path", expected=expected, got=f"{str(file)!r} ({error})") from error
    with content:
        dataset = _variable(content, name, h5py.Dataset)
        offset = dataset.id.get_offset()  # None where the variable is in pieces, compressed or not
        if offset is not None:
            mapped = np.memmap(file, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)
            return _matrix(dataset.name, mapped).T
        own = dataset.name.strip("/")
        target = copy or file.with_name(f"{file.name}.{own}.npy")
        if not target.exists() or target.stat().st_mtime < file.stat().st_mtime:
            _copy(dataset, target)
    return _mapped_npy(target).T


def _variable(content: Any, name: str, kind: type) -> Any:
    names = [key for key in content if isinstance(content[key], kind) and not key.startswith("#")]
    if name in names or (not name and len(names) == 1):
        return content[name or names[0]]
    raise DataError("name", expected=f"one of {', '.join(names) or 'no variables'}", got=repr(name))


def _copy(dataset: Any, target: Path) -> None:
    _matrix(dataset.name, dataset)
    partial = target.with_name(target.name + ".partial")
    out = np.lib.format.open_memmap(partial, mode="w+", dtype=dataset.dtype, shape=dataset.shape)
    rows = max(1, _BYTES_AT_A_TIME // max(1, dataset.dtype.itemsize * dataset.shape[1]))
    for start in range(0, dataset.shape[0], rows):
        out[start : start + rows] = dataset[start : start + rows]
    out.flush()
    del out
    partial.replace(target)  # whole, or not there


def _matrix(what: str, array: Any) -> NDArray[Any]:
    if array.ndim != 2 or array.dtype.kind not in "fiub" or array.size == 0:
        raise DataError(
            "path", expected="a matrix of real numbers", got=f"{what} of shape {array.shape} and type {array.dtype}"
        )
    return array
