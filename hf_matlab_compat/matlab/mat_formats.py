"""Which of MATLAB's and Octave's file formats a file is in, by its first bytes and never by its name."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Collection
from enum import Enum
from typing import Any, BinaryIO

from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab import mat4, mat5, mat73, octave_text

HEAD_BYTES = 520
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

_RESAVE = "Load it in Octave and save it again with save -v7."
_DAMAGED = "The file is damaged or cut off; take an older checkpoint."
_LEAST_UNPACKED_LIMIT = 64 << 20
_MOST_COMPRESSION = 100


class FileFormat(Enum):
    """A file format; the value is what the user calls it."""

    MAT4 = "MATLAB v4"
    MAT5 = "MATLAB v5, v6 or v7"
    MAT73 = "MATLAB v7.3 (HDF5)"
    OCTAVE_TEXT = "Octave text"
    OCTAVE_BINARY = "Octave binary"
    GZIP = "gzip"
    EMPTY = "an empty file"
    UNKNOWN = "an unknown format"


def sniff(head: bytes) -> FileFormat:
    """The format of a file that begins with `head` (`HEAD_BYTES` of it, or the whole of a shorter file)."""
    starts = {
        octave_text.HEAD: FileFormat.OCTAVE_TEXT,
        b"Octave-1-": FileFormat.OCTAVE_BINARY,
        b"\x1f\x8b": FileFormat.GZIP,
        HDF5_MAGIC: FileFormat.MAT73,
    }
    for start, found in starts.items():
        if head.startswith(start):
            return found
    if head[512:520] == HDF5_MAGIC:
        return FileFormat.MAT73
    if head.startswith(b"MATLAB 5.0") or head[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return FileFormat.MAT5
    if mat4.is_mat4(head):
        return FileFormat.MAT4
    return FileFormat.UNKNOWN if head else FileFormat.EMPTY


def read_variables(path: str | os.PathLike[str], names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The variables `names` of a MATLAB or Octave file, as far as it has them.

    Parameters
    ----------
    path : path-like
        A file in any of the formats of `FileFormat`; Octave's own binary formats are refused.
    names : collection of str
        The variables to read; others are not looked at.

    Returns
    -------
    dict of str to ndarray
        Real or complex numbers in the class and shape of MATLAB.

    Raises
    ------
    CheckpointError
        The file cannot be read, or one of the variables holds no full array of numbers.
    """
    try:
        with open(path, "rb") as stream:
            return _read(stream, names)
    except OSError as error:
        raise CheckpointError(f"expected a readable file, got '{error.strerror or error}'.") from error


def _read(stream: BinaryIO, names: Collection[str]) -> dict[str, NDArray[Any]]:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    found = sniff(head)
    if found is FileFormat.GZIP:
        return _read(io.BytesIO(_unpacked(stream)), names)
    if found is FileFormat.OCTAVE_TEXT:
        return octave_text.parse(stream.read(), names)
    if found is FileFormat.MAT73:
        return mat73.read_mat73(stream, names)
    if found is FileFormat.MAT5:
        return mat5.read_mat5(stream, names)
    if found is FileFormat.MAT4:
        return dict(mat4.read_mat4(stream, names))
    raise CheckpointError(f"expected a MATLAB or Octave file, got {_in_words(found, head)}")


def _in_words(found: FileFormat, head: bytes) -> str:
    if found is FileFormat.OCTAVE_BINARY:
        return f"{found.value}. {_RESAVE}"
    if found is FileFormat.EMPTY:
        return f"{found.value}. Take an older checkpoint."
    return f"{found.value} that begins with {head[:16]!r}. {_DAMAGED}"


def _unpacked(stream: BinaryIO) -> bytes:
    """The content of a gzip file, up to a size that an honest one does not pass."""
    limit = max(_LEAST_UNPACKED_LIMIT, _MOST_COMPRESSION * stream.seek(0, io.SEEK_END))
    stream.seek(0)
    try:
        with gzip.GzipFile(fileobj=stream) as packed:
            content = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CheckpointError(f"expected a whole gzip file, got one that ends in '{error}'. {_DAMAGED}") from error
    if len(content) > limit:
        raise CheckpointError(f"expected at most {limit} bytes in the gzip file, got more. {_DAMAGED}")
    if sniff(content[:HEAD_BYTES]) is FileFormat.GZIP:
        raise CheckpointError("expected a file packed once, got gzip within gzip. Unpack it with gunzip.")
    return content
