"""The only way into and out of a user's .mat files: their formats, reading, listing and writing.

docs/mat-files.md compares these readers with scipy's and mat-io's.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import threading
import zlib
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, DataError
from hf_matlab_compat.matlab.files import mat4, mat5, mat73, npz_file, octave_text
from hf_matlab_compat.matlab.files.mat_values import DAMAGED, Skipped, Variable, full_array, printable
from hf_matlab_compat.matlab.files.regular_file import open_regular

HEAD_BYTES = 520
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

_RESAVE = "Load it in Octave and save it again with save -v7."
_LEAST_UNPACKED_LIMIT = 64 << 20
_MOST_COMPRESSION = 100
_PIECE = 1 << 20


class FileFormat(Enum):
    """A file format; the value is its name in messages."""

    MAT4 = "MATLAB v4"
    MAT5 = "MATLAB v5 or v6"
    MAT7 = "MATLAB v7"
    MAT73 = "MATLAB v7.3 (HDF5)"
    OCTAVE_TEXT = "Octave text"
    OCTAVE_BINARY = "Octave binary"
    NPZ = "numpy .npz"
    GZIP = "gzip"
    EMPTY = "an empty file"
    UNKNOWN = "an unknown format"


class Reader(Protocol):
    """A reader of one format."""

    def __call__(self, stream: BinaryIO, names: Collection[str] | None = None) -> Generator[Variable]:
        """Yield the variables `names`, or all, in the order of the file.

        Raises
        ------
        CheckpointError
            The file is damaged; a `Variable.read` may raise it as well.
        """
        ...


_READERS: Mapping[FileFormat, Reader] = {
    FileFormat.MAT4: mat4.variables,
    FileFormat.MAT5: mat5.variables,
    FileFormat.MAT7: mat5.variables,
    FileFormat.MAT73: mat73.variables,
    FileFormat.OCTAVE_TEXT: octave_text.variables,
    FileFormat.NPZ: npz_file.variables,
}

_MAGIC = {
    octave_text.HEAD: FileFormat.OCTAVE_TEXT,
    b"Octave-1-": FileFormat.OCTAVE_BINARY,
    b"PK\x03\x04": FileFormat.NPZ,
    b"\x1f\x8b": FileFormat.GZIP,
    HDF5_MAGIC: FileFormat.MAT73,
}


def sniff(head: bytes) -> FileFormat:
    """Return the format of a file by its first `HEAD_BYTES` bytes; its name does not matter."""
    for start, found in _MAGIC.items():
        if head.startswith(start):
            return found
    if head[512:520] == HDF5_MAGIC:
        return FileFormat.MAT73
    if head.startswith(b"MATLAB 5.0") or head[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return FileFormat.MAT7 if mat5.is_compressed(head) else FileFormat.MAT5
    if mat4.is_mat4(head):
        return FileFormat.MAT4
    return FileFormat.UNKNOWN if head else FileFormat.EMPTY


def load_mat(source: str | os.PathLike[str] | bytes, names: Collection[str] | None = None) -> dict[str, Any]:
    """Read the variables of a MATLAB, Octave or numpy file.

    Parameters
    ----------
    source : path-like or bytes
        A file in a format of `FileFormat`, plain or compressed by gzip, or its content. Octave's binary formats are
        refused.
    names : collection of str, optional
        Read only the variables of these names that the file has; by default all.

    Returns
    -------
    dict of str to object
        Values as `mat_values` describes them; a `Skipped` for a function handle or an object.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or asks for more than the limits of `mat_values`.
    """
    return _read(source, names, only_numbers=False)


def read_variables(path: str | os.PathLike[str] | bytes, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read the variables `names` that a file has, all of which must be full arrays of real numbers.

    Parameters
    ----------
    path : path-like or bytes
        As the source of `load_mat`.
    names : collection of str
        Other variables may be of any class.

    Returns
    -------
    dict of str to ndarray
        Numbers in the class and shape that MATLAB had.

    Raises
    ------
    CheckpointError
        The file cannot be read or is damaged, or one of the variables is of another class.
    """
    return _read(path, names, only_numbers=True)


def read_variable(path: str | os.PathLike[str], name: str) -> NDArray[Any]:
    """Read one array from a user's file.

    Raises
    ------
    DataError
        There is no such file, or no such variable in it; the message lists the variables.
    """
    file = Path(path)
    try:
        found = load_mat(file)
        if name in found and isinstance(value := full_array(found[name]), np.ndarray):
            return value
    except CheckpointError as error:
        raise DataError("data", expected="a .mat file", got=f"{str(file)!r} ({str(error).rstrip('.')})") from error
    names = ", ".join(key for key, value in found.items() if not isinstance(value, Skipped))
    raise DataError("variable", expected=f"one of {printable(names)}", got=repr(name))


@dataclass(frozen=True)
class Listing:
    """The variables of a file, in its order, and its format in words."""

    path: str
    form: str
    variables: tuple[Variable, ...]

    @property
    def by_name(self) -> dict[str, Variable]:
        """The variables by their names."""
        return {variable.name: variable for variable in self.variables}

    def numbers(self, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
        """Read those of the variables `names`, or of all, that are full arrays of real numbers.

        Raises
        ------
        CheckpointError
            The file is damaged.
        """
        wanted = [each.name for each in self.variables if each.is_numeric and (names is None or each.name in names)]
        with _path_told(self.path):
            return read_variables(self.path, wanted)


def list_variables(path: str | os.PathLike[str]) -> Listing:
    """List the variables of a file in any format that `load_mat` reads.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or in a format that is refused.
    """
    with _path_told(os.fspath(path)), _opened(path) as (form, stream, reader):
        return Listing(os.fspath(path), form, tuple(reader(stream)))


@contextmanager
def _path_told(path: str) -> Iterator[None]:
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


_writing = threading.Lock()


def _after_fork() -> None:
    """Replace the lock: if another thread held it at the fork, nobody would release it in the child."""
    global _writing
    _writing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def write_mat(target: str | os.PathLike[str] | BinaryIO, variables: Mapping[str, Any], **layout: Any) -> None:
    """Write variables to a MATLAB file.

    Parameters
    ----------
    target : path-like or binary stream
        The file.
    variables : mapping of str to object
        Values by name.
    **layout : object
        Keywords of `scipy.io.savemat`.

    Raises
    ------
    OSError
        The file cannot be written, or a variable is larger than the format allows (2 GB).
    """
    from scipy.io import matlab, savemat  # a third of the package's import time

    # scipy forms the length of every element in one array that all its writers share: of two threads that write at
    # the same time, one would put its length into the other's file
    with _writing:
        try:
            savemat(target, dict(variables), **layout)
        except matlab.MatWriteError as error:
            raise OSError(errno.EFBIG, str(error)) from error


def _read(source: str | os.PathLike[str] | bytes, names: Collection[str] | None, *, only_numbers: bool) -> Any:
    values: dict[str, Any] = {}
    with _opened(source) as (_, stream, reader), closing(reader(stream, names)) as variables:
        for variable in variables:
            if variable.name in values:
                raise CheckpointError(f"{variable.name}: expected it once, got it twice. {DAMAGED}")
            try:
                if only_numbers:
                    variable.require_numbers()
                values[variable.name] = variable.read()
            except CheckpointError as error:
                raise CheckpointError(f"{variable.name}: {error}") from error
    return values


@contextmanager
def _opened(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[str, BinaryIO, Reader]]:
    # yields the format in words, the content (unpacked if gzip packed it), and the reader
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as stream:
            head = stream.read(HEAD_BYTES)
            stream.seek(0)
            found, form, content = sniff(head), "", stream
            if found is FileFormat.GZIP:
                content = io.BytesIO(unpacked(stream))
                head, form = content.getvalue()[:HEAD_BYTES], "gzipped "
                found = sniff(head)
            if found not in _READERS:
                raise CheckpointError(f"expected a MATLAB or Octave file, got {_refused(found, head)}")
            yield form + found.value, content, _READERS[found]
    except CheckpointError as error:
        raise CheckpointError(printable(str(error))) from error  # a damaged name may have line ends in it
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "not enough memory"
        raise CheckpointError(f"expected a readable file, got '{reason}'.") from error


def _refused(found: FileFormat, head: bytes) -> str:
    if found is FileFormat.OCTAVE_BINARY:
        return f"{found.value}. {_RESAVE}"
    if found is FileFormat.EMPTY:
        return f"{found.value}. Take an older copy."
    return f"{found.value} that begins with {head[:16]!r}. {DAMAGED}"


def unpacked(stream: BinaryIO) -> bytes:
    """Return the content of a gzip file, which may be a hundred times as large as the file.

    Raises
    ------
    CheckpointError
        The file is damaged, packed twice, or its content is larger.
    """
    limit = max(_LEAST_UNPACKED_LIMIT, _MOST_COMPRESSION * stream.seek(0, io.SEEK_END))
    stream.seek(0)
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=stream) as file:
            while len(content) <= limit and (piece := file.read(_PIECE)):  # read(limit) would allocate the whole limit
                content += piece
    except (OSError, EOFError, zlib.error) as error:
        raise CheckpointError(f"expected a whole gzip file, got one with the fault '{error}'. {DAMAGED}") from error
    if len(content) > limit:
        raise CheckpointError(f"expected at most {limit} bytes in the gzip file, got more. {DAMAGED}")
    if sniff(bytes(content[:HEAD_BYTES])) is FileFormat.GZIP:
        raise CheckpointError("expected a file packed once, got gzip within gzip. Unpack it with gunzip.")
    return bytes(content)
