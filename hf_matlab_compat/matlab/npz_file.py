"""numpy's .npz files, behind checks of each claimed size: a damaged header takes no memory."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.mat5 import MOST_DEFLATION
from hf_matlab_compat.matlab.regular_file import open_regular

MAGIC = b"PK\x03\x04"
_SUFFIX = ".npy"


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
        for name, value in arrays.items():
            with archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, value, allow_pickle=False)


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
