"""Memory-mapped matrices from files that are larger than memory: .npy, MATLAB's v7.3 and other HDF5 files."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, DataError
from hf_matlab_compat.matlab.files import mat73
from hf_matlab_compat.matlab.files.atomic_file import TEMPORARY_SUFFIX, atomic_file
from hf_matlab_compat.matlab.files.regular_file import open_regular

_BYTES_AT_A_TIME = 1 << 26
_TRAILER_BYTES = 128
_TRAILER_HEAD = "hf_matlab_compat: a copy of "
_STALE_SECONDS = 3600


def map_matrix(
    path: str | os.PathLike[str], name: str = "", copy: str | os.PathLike[str] | None = None, *, rows: bool = False
) -> Any:
    """Map a matrix, one case per column of the result; training then reads one chunk at a time.

    Parameters
    ----------
    path : path
        A .npy file, a MATLAB v7.3 .mat file (`save('-v7.3', …)`) or another HDF5 file; the last two need h5py.
    name : str
        The variable of a .mat file or the data set of an HDF5 file, ``group/name`` in a group; may be left out if there
        is only one.
    copy : path, optional
        MATLAB compresses v7.3 files by default, and compressed data cannot be mapped. Such a variable is copied once,
        piece by piece, to this .npy file, by default ``<path>.<name>.npy``. The copy is used again as long as the
        file has the same size, times (including ``st_ctime``) and inode as when the copy was made. Several processes
        may ask for the same copy.
    rows : bool
        The program that wrote the file had one case per row: MATLAB for a name that ends in .mat, else Python.

    Returns
    -------
    (s, N) numpy.memmap
        Read-only.

    Raises
    ------
    DataError
        The file cannot be read, has no such variable, or the variable is not a matrix of real numbers; the copy
        cannot be written, or would replace a file that is not a copy.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise DataError("path", expected=_FILES, got=f"{str(file)!r}, not a file")
    if file.suffix == ".npy":
        mapped = _mapped_npy(file)
    else:
        mapped = _mapped_hdf5(file, name, None if copy is None else Path(copy))
        mapped = mapped.T if file.suffix == ".mat" else mapped  # MATLAB writes its columns as HDF5's rows
    return mapped.T if rows else mapped


_FILES = "a .npy file, a .mat file of version 7.3 or another HDF5 file"


def _mapped_npy(file: Path) -> Any:
    try:
        mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # on a damaged head numpy raises errors of any class
        got = f"{str(file)!r} ({str(error).partition(chr(10))[0]})"
        raise DataError("path", expected="a .npy file of numbers", got=got) from error
    return _matrix(str(file), mapped)


def _mapped_hdf5(file: Path, name: str, copy: Path | None) -> Any:
    with _content(file) as (content, h5py):
        dataset = _variable(content, name, h5py)
        _matrix(dataset.name, dataset)
        offset = dataset.id.get_offset()  # None where the variable is in pieces, compressed or not
        if offset is not None:
            return np.memmap(file, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)
        own = dataset.name.strip("/").replace("/", ".")
        target = copy or file.with_name(f"{file.name}.{own}.npy")
        source = _source(file, own)
        if _source_of(target) != source:
            if copy is not None and target.exists() and not _source_of(target):
                raise DataError("copy", expected="no file, or an earlier copy", got=f"{str(copy)!r}, another file")
            _copy(dataset, target, source)
    return _mapped_npy(target)


@contextmanager
def _content(file: Path) -> Iterator[tuple[Any, Any]]:
    try:
        with open_regular(file) as stream, mat73.opened(stream) as found:
            yield found
    except CheckpointError as error:
        raise DataError("path", expected=_FILES, got=f"{str(file)!r} ({error})") from error


def _variable(content: Any, name: str, h5py: Any) -> Any:
    names = list(_data_sets(content, "", h5py))
    asked = name.strip("/")
    if asked in names or (not asked and len(names) == 1):
        return content[asked or names[0]]
    raise DataError("name", expected=f"one of {', '.join(names) or 'no variables'}", got=repr(name))


def _data_sets(group: Any, above: str, h5py: Any) -> Iterator[str]:
    """Yield the names of all data sets whose numbers are in this file; links to elsewhere are not followed."""
    for key in group:
        if key.startswith("#") or not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue  # '#refs#' holds the contents of MATLAB's cells
        node = group[key]
        if isinstance(node, h5py.Group):
            if above.count("/") < _MOST_GROUPS:  # hard links may form a ring
                yield from _data_sets(node, f"{above}{key}/", h5py)
        elif isinstance(node, h5py.Dataset) and not (node.is_virtual or node.external):
            yield f"{above}{key}"


_MOST_GROUPS = 4


def _source(file: Path, name: str) -> str:
    """Return a hash that changes whenever the file does: no program can set st_ctime."""
    found = file.stat()
    facts = [name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _source_of(copy: Path) -> str:
    """Return the hash of the source, which a copy has at its end; empty for another file."""
    try:
        with open_regular(copy) as stream:
            stream.seek(-_TRAILER_BYTES, os.SEEK_END)
            trailer = stream.read().decode("utf-8", errors="replace").rstrip()
    except (CheckpointError, OSError):
        return ""
    return trailer.removeprefix(_TRAILER_HEAD) if trailer.startswith(_TRAILER_HEAD) else ""


def _copy(dataset: Any, target: Path, source: str) -> None:
    _remove_stale(target)
    try:
        with atomic_file(target) as out:
            _write(dataset, out, source)
    except OSError as error:
        got = f"{str(target)!r} ({error.strerror or error})"
        advice = "Make room there or give the right to write, or name another place."
        raise DataError("copy", expected="a file that can be written", got=got, advice=advice) from error


def _remove_stale(target: Path) -> None:
    """Remove the temporary files of processes that were killed."""
    for left in target.parent.glob(f"{escape(target.name)}.*{TEMPORARY_SUFFIX}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()


def _write(dataset: Any, out: Any, source: str) -> None:
    # write() reports a full disk as an error; writing through a map would kill the process
    header = {"descr": np.lib.format.dtype_to_descr(dataset.dtype), "fortran_order": False, "shape": dataset.shape}
    np.lib.format.write_array_header_1_0(out, header)
    rows = max(1, _BYTES_AT_A_TIME // max(1, dataset.dtype.itemsize * dataset.shape[1]))
    for start in range(0, dataset.shape[0], rows):
        out.write(np.ascontiguousarray(dataset[start : start + rows]).data)
    out.write((_TRAILER_HEAD + source).encode().ljust(_TRAILER_BYTES))


def _matrix(what: str, array: Any) -> NDArray[Any]:
    if array.ndim != 2 or array.dtype.kind not in "fiub" or array.size == 0:
        raise DataError(
            "path", expected="a matrix of real numbers", got=f"{what} of shape {array.shape} and type {array.dtype}"
        )
    return array
