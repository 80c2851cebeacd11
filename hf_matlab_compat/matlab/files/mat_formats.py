"""MATLAB's and Octave's files: which format one is in, by its first bytes and never by its name, and its variables."""

from __future__ import annotations

import io
import os
import threading
import zlib
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, BinaryIO

from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files import mat4, mat5, mat73, octave_text
from hf_matlab_compat.matlab.files.mat_values import DAMAGED, in_one_line
from hf_matlab_compat.matlab.files.regular_file import open_regular

HEAD_BYTES = 520
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

_RESAVE = "Load it in Octave and save it again with save -v7."
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


def load_mat(source: str | os.PathLike[str] | bytes, names: Collection[str] | None = None) -> dict[str, Any]:
    """The variables of a MATLAB or Octave file: the one way in for every file of a user's.

    Parameters
    ----------
    source : path-like or bytes
        A file in any of the formats of `FileFormat`, or its content; Octave's own binary formats are refused.
    names : collection of str, optional
        Read only these, as far as the file has them; by default all.

    Returns
    -------
    dict of str to object
        Values in the conventions of `mat_values`; a `Skipped` for a function handle or an object.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or asks for more than the limits of `mat_values`.
    """
    return _opened(source, names, only_numbers=False)


def read_variables(path: str | os.PathLike[str] | bytes, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The variables `names` of a MATLAB or Octave file, as far as it has them, which must be numbers.

    Parameters
    ----------
    path : path-like or bytes
        As the source of `load_mat`.
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
    return _opened(path, names, only_numbers=True)


_writing = threading.Lock()


def _after_fork() -> None:
    """A lock that another thread held at the fork would never be free again in the child."""
    global _writing
    _writing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def write_mat(target: str | os.PathLike[str] | BinaryIO, variables: Mapping[str, Any], **layout: Any) -> None:
    """Write variables to a MATLAB file: the one way out.

    Parameters
    ----------
    target : path-like or binary stream
    variables : mapping of str to object
    **layout : object
        Keywords of `scipy.io.savemat`.

    Raises
    ------
    OSError
        The file cannot be written.
    scipy.io.matlab.MatWriteError
        A variable is larger than the format allows (2 GB).
    """
    from scipy.io import savemat  # a third of the package's import time, and only writing needs it

    # scipy forms the length of every element in one array that all its writers share: two threads that write at the
    # same time put the length of one's element into the other's file
    with _writing:
        savemat(target, dict(variables), **layout)


def _opened(source: str | os.PathLike[str] | bytes, names: Collection[str] | None, *, only_numbers: bool) -> Any:
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as stream:
            return _read(stream, names, only_numbers)
    except CheckpointError as error:
        raise in_one_line(error) from error
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "not enough memory"
        raise CheckpointError(f"expected a readable file, got '{reason}'.") from error


def _read(stream: BinaryIO, names: Collection[str] | None, only_numbers: bool) -> dict[str, Any]:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    found = sniff(head)
    if found is FileFormat.GZIP:
        return _read(io.BytesIO(unpacked(stream)), names, only_numbers)
    if found is FileFormat.OCTAVE_TEXT:
        parse = octave_text.numbers_and_text if only_numbers else octave_text.parse
        return parse(stream.read(), names)
    if found is FileFormat.MAT73:
        return mat73.read_mat73(stream, names, only_numbers=only_numbers)
    if found is FileFormat.MAT5:
        return mat5.read_mat5(stream, names, only_numbers=only_numbers)
    if found is FileFormat.MAT4:
        return mat4.read_mat4(stream, names, only_numbers=only_numbers)
    raise CheckpointError(f"expected a MATLAB or Octave file, got {_in_words(found, head)}")


def _in_words(found: FileFormat, head: bytes) -> str:
    if found is FileFormat.OCTAVE_BINARY:
        return f"{found.value}. {_RESAVE}"
    if found is FileFormat.EMPTY:
        return f"{found.value}. Take an older copy."
    return f"{found.value} that begins with {head[:16]!r}. {DAMAGED}"


def unpacked(stream: BinaryIO) -> bytes:
    """The content of a gzip file, up to a size that an honest one does not pass.

    Raises
    ------
    CheckpointError
        The file is damaged, packed twice, or larger than that when unpacked.
    """
    packed = stream.read()
    limit = max(_LEAST_UNPACKED_LIMIT, _MOST_COMPRESSION * len(packed))
    content, left = bytearray(), packed
    while left.startswith(b"\x1f\x8b"):  # a file may be several, one after another
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content += unpacker.decompress(left, limit + 1 - len(content))
        except zlib.error as error:
            raise CheckpointError(f"expected a whole gzip file, got one that ends in '{error}'. {DAMAGED}") from error
        if len(content) > limit:
            raise CheckpointError(f"expected at most {limit} bytes in the gzip file, got more. {DAMAGED}")
        if not unpacker.eof:
            raise CheckpointError(f"expected a whole gzip file, got one that is cut off. {DAMAGED}")
        left = unpacker.unused_data
    if left.strip(b"\0"):
        raise CheckpointError(f"expected a whole gzip file, got {len(left)} bytes more. {DAMAGED}")
    if sniff(bytes(content[:HEAD_BYTES])) is FileFormat.GZIP:
        raise CheckpointError("expected a file packed once, got gzip within gzip. Unpack it with gunzip.")
    return bytes(content)
