"""numpy's .npz files, behind checks of each claimed size: a damaged header takes no memory.

Some of ours hold a JSON text beside the arrays: what is no array. Nothing in them is ever pickled.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat5 import MOST_DEFLATION
from hf_matlab_compat.matlab.files.regular_file import open_regular

MAGIC = b"PK\x03\x04"
_SUFFIX = ".npy"
_MOST_TEXT = 1 << 24
_PLAIN = (bool, int, float, str, type(None))
_KINDS = "biufcSU"
"""Arrays of numbers and of text; objects are not."""


def read_npz(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays `names` of an .npz file, or all.

    Raises
    ------
    CheckpointError
        The file is damaged, or an array is none of plain values.
    """
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            entries = {info.filename.removesuffix(_SUFFIX): info for info in archive.infolist()}
            wanted = entries if names is None else names
            return {name: _array(archive, entries[name]) for name in wanted}
    except Exception as error:  # what zipfile and numpy raise on a damaged file is whatever the damage made happen
        raise CheckpointError("expected a whole .npz file, got one that is damaged. Take another copy.") from error


def write_npz(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """np.savez, whose own argument names are no names for an array."""
    with zipfile.ZipFile(stream, "w") as archive:
        _write_arrays(archive, arrays)


def write_described(stream: BinaryIO, name: str, text: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """An archive of a JSON text, ``<name>.json``, and arrays."""
    whole = io.BytesIO()  # a zip archive is written back and forth; the file in one go
    with zipfile.ZipFile(whole, "w") as archive:
        _write_arrays(archive, arrays)
        archive.writestr(zipfile.ZipInfo(f"{name}.json"), json.dumps(text))  # an indent would cost ten times the time
    stream.write(whole.getbuffer())


def _write_arrays(archive: zipfile.ZipFile, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, value in arrays.items():
        with archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
            np.lib.format.write_array(member, value, allow_pickle=False)


def read_described(path: str | os.PathLike[str], name: str) -> tuple[Any, dict[str, NDArray[Any]]]:
    """The text and the arrays that `write_described` wrote; members of other kinds are passed over.

    Raises
    ------
    CheckpointError
        The file is damaged, or another one.
    """
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            told = archive.getinfo(f"{name}.json")
            if told.file_size > _MOST_TEXT:
                raise ValueError("too long")
            members = [info for info in archive.infolist() if info.filename.endswith(_SUFFIX)]
            arrays = {info.filename.removesuffix(_SUFFIX): _array(archive, info) for info in members}
            return json.loads(archive.read(told)), arrays
    except Exception as error:  # as above
        raise CheckpointError("expected a whole file, got one that is damaged. Take another copy.") from error


def split_values(values: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Named values as what JSON can hold, and arrays; `joined_values` makes them of these again, bit for bit.

    Parameters
    ----------
    values : mapping of str to object
        Arrays of the host, numpy's and Python's numbers, text, truth values, None.
    prefix : str
        How the names of the arrays begin.

    Raises
    ------
    CheckpointError
        A value is none of these.
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
    """The values that `split_values` took apart."""
    return {name: _joined(each, arrays) for name, each in told.items()}


def _joined(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    if "value" in told:
        return told["value"]
    array = arrays[told["array"]]
    return array[()] if told["scalar"] else array


def check_keepable(name: str, value: Any) -> None:
    """Refuse a value that no file here can hold.

    Raises
    ------
    CheckpointError
    """
    if type(value) in _PLAIN or getattr(getattr(value, "dtype", None), "kind", "") in tuple(_KINDS):
        return
    if isinstance(value, complex | int | float):  # of a class derived from these, too
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
