"""numpy's .npz files, also with a JSON text in them for values that are no arrays; nothing is ever pickled.

Every size that a header claims is checked before memory is allocated.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat5 import MOST_DEFLATION
from hf_matlab_compat.matlab.files.mat_values import Variable
from hf_matlab_compat.matlab.files.regular_file import open_regular

_SUFFIX = ".npy"
_MOST_TEXT = 1 << 24
_PLAIN = (bool, int, float, str, type(None))
_KINDS = "biufcSU"
"""Kinds of arrays that are kept: numbers and text, but no objects."""


def variables(stream: BinaryIO, names: Collection[str] | None = None) -> Generator[Variable]:
    """See `mat_formats.Reader`."""
    with _archive(stream) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(_SUFFIX)
            if names is None or name in names:
                yield Variable.of(name, _array(archive, info))


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read all arrays of an .npz file.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or holds other values than numbers and text.
    """
    with open_regular(path) as stream:
        return {variable.name: variable.read() for variable in variables(stream)}


@contextmanager
def _archive(stream: BinaryIO) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except Exception as error:  # on a damaged file zipfile and numpy raise errors of any class
        raise CheckpointError("expected a whole .npz file, got one that is damaged. Take another copy.") from error


def write_npz(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays of any names; `numpy.savez` refuses the names of its own parameters."""
    with zipfile.ZipFile(stream, "w") as archive:
        _write_arrays(archive, arrays)


def write_described(stream: BinaryIO, name: str, text: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an archive of a JSON text, ``<name>.json``, and arrays."""
    whole = io.BytesIO()  # zipfile seeks back and forth while it writes; the file itself is written once
    with zipfile.ZipFile(whole, "w") as archive:
        _write_arrays(archive, arrays)
        archive.writestr(zipfile.ZipInfo(f"{name}.json"), json.dumps(text))  # an indent takes ten times as long
    stream.write(whole.getbuffer())


def _write_arrays(archive: zipfile.ZipFile, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, value in arrays.items():
        with archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
            np.lib.format.write_array(member, value, allow_pickle=False)


def read_described(path: str | os.PathLike[str], name: str) -> tuple[Any, dict[str, NDArray[Any]]]:
    """Read the text and the arrays that `write_described` wrote; other members are ignored.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or has no such text.
    """
    with open_regular(path) as stream, _archive(stream) as archive:
        told = archive.getinfo(f"{name}.json")
        if told.file_size > _MOST_TEXT:
            raise CheckpointError("too long")
        members = [info for info in archive.infolist() if info.filename.endswith(_SUFFIX)]
        arrays = {info.filename.removesuffix(_SUFFIX): _array(archive, info) for info in members}
        return json.loads(archive.read(told)), arrays


def split_values(values: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Split named values into what JSON can hold and arrays; `joined_values` restores them bit for bit.

    Parameters
    ----------
    values : mapping of str to object
        Numpy arrays, numbers, text, bool or None.
    prefix : str
        The names of the arrays begin with it.

    Raises
    ------
    CheckpointError
        A value is of another type.
    """
    told: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for name, value in values.items():
        if type(value) in _PLAIN:
            told[name] = {"value": value}
            continue
        check_keepable(name, value)
        member = f"{prefix}_{len(arrays)}"
        arrays[member] = np.asarray(value)
        told[name] = {"array": member, "scalar": not isinstance(value, np.ndarray)}
    return told, arrays


def joined_values(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Restore the values that `split_values` split."""
    return {name: _joined(each, arrays) for name, each in told.items()}


def _joined(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    if "value" in told:
        return told["value"]
    array = arrays[told["array"]]
    return array[()] if told["scalar"] else array


def check_keepable(name: str, value: Any) -> None:
    """Refuse a value that `split_values` cannot keep.

    Raises
    ------
    CheckpointError
        It is no array, number, text or None.
    """
    if type(value) in _PLAIN or getattr(getattr(value, "dtype", None), "kind", "") in tuple(_KINDS):
        return
    if isinstance(value, complex | int | float):  # also of a derived class
        return
    raise CheckpointError(
        f"{name}: expected an array, a number or text, which a file can keep, got {type(value).__name__}. "
        "Keep a list of vectors as the rows of one array."
    )


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    if entry.file_size > MOST_DEFLATION * (entry.compress_size + 1):
        raise ValueError("more than deflate can pack")
    with archive.open(entry) as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _by_columns, kind = read_header(member)
        if math.prod(shape) * kind.itemsize > entry.file_size:
            raise ValueError("more numbers than bytes")
    with archive.open(entry) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
