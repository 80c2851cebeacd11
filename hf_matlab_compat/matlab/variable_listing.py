"""What is in a file: every variable by name, class and shape, also those that are no numbers."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab import mat4, mat5, mat73, npz_file, octave_text
from hf_matlab_compat.matlab.mat_formats import HEAD_BYTES, FileFormat, read_variables, sniff

NUMPY = "numpy .npz"
_NAMES = {"f4": "single", "f8": "double", "b1": "logical"}
_MOST_UNPACKED = 1 << 30


@dataclass(frozen=True)
class Variable:
    """A variable of a file.

    Attributes
    ----------
    name : str
    kind : str
        Its class in MATLAB's words: ``double``, ``single``, ``int32``, ``cell``, …; `` (complex)`` behind it where
        it is.
    shape : tuple of int or None
        None where the format does not say without reading it all.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None

    @property
    def is_numeric(self) -> bool:
        """Whether `read_numbers` can read it."""
        return self.kind in {"double", "single", "logical"} or self.kind.startswith(("int", "uint"))


@dataclass(frozen=True)
class Listing:
    """The format of a file, in words, and its variables in the order of the file."""

    form: str
    variables: tuple[Variable, ...]


def list_variables(path: str | os.PathLike[str]) -> Listing:
    """What is in a .mat file, an Octave text file (plain or packed) or an .npz file.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or in a format that is refused.
    """
    try:
        with open(path, "rb") as stream:
            return _listing(stream, path)
    except OSError as error:
        raise CheckpointError(f"{os.fspath(path)}: expected a readable file, got '{error.strerror}'.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)}: {error}") from error


def read_numbers(path: str | os.PathLike[str], listing: Listing) -> dict[str, NDArray[Any]]:
    """All variables of the listing that are real numbers, in their class and shape.

    Raises
    ------
    CheckpointError
        The file is damaged.
    """
    names = [variable.name for variable in listing.variables if variable.is_numeric]
    read = npz_file.read_npz if listing.form == NUMPY else read_variables
    try:
        return read(path, names)
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)}: {error}") from error


def _listing(stream: BinaryIO, path: str | os.PathLike[str]) -> Listing:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if head.startswith(npz_file.MAGIC):
        return Listing(NUMPY, tuple(_of_array(name, value) for name, value in npz_file.read_npz(path).items()))
    found = sniff(head)
    if found is FileFormat.MAT5:
        return _mat5(stream)
    if found is FileFormat.MAT4:
        variables = mat4.read_mat4(stream, _Everything())
        return Listing(found.value, tuple(_of_array(name, value) for name, value in variables.items()))
    if found is FileFormat.MAT73:
        return Listing(found.value, tuple(_mat73(stream)))
    if found is FileFormat.OCTAVE_TEXT:
        return Listing(found.value, tuple(_octave_text(stream.read())))
    if found is FileFormat.GZIP:
        return Listing("gzipped Octave text", tuple(_octave_text(_unpacked(stream))))
    read_variables(path, ())  # refuses, in its own words
    raise CheckpointError(f"expected a MATLAB or Octave file, got {found.value}.")


class _Everything(set[str]):
    """A set of names that holds them all."""

    def __contains__(self, name: object) -> bool:
        return True


def _mat5(stream: BinaryIO) -> Listing:
    stream.seek(126)
    order = "<" if stream.read(2) == b"IM" else ">"
    variables: list[Variable] = []
    any_packed = False
    for packed, at, length in mat5._elements(stream, order):
        stream.seek(at)
        content = mat5._content(stream, packed, min(length, 4096), 4096)
        header = mat5._header(content, order)
        any_packed |= packed
        if header.name:  # MATLAB's own appendix has none
            variables.append(Variable(header.name, _mat5_class(header), header.shape or None))
    return Listing("MATLAB v7" if any_packed else "MATLAB v5 or v6", tuple(variables))


def _mat5_class(header: Any) -> str:
    code = mat5._CLASSES.get(header.kind)
    if code is None:
        return mat5._OTHER_CLASSES.get(header.kind, f"class number {header.kind}")
    return _NAMES.get(code) or np.dtype(code).name if not header.is_complex else "double (complex)"


def _mat73(stream: BinaryIO) -> Iterator[Variable]:
    h5py = mat73._h5py()
    try:
        with h5py.File(stream, "r") as file:
            for name in file:
                if not name.startswith("#"):  # where MATLAB keeps the contents of cells
                    yield _of_node(name, file[name], h5py)
    except CheckpointError:
        raise
    except Exception as error:  # what h5py raises on a damaged file is whatever the damage made happen inside it
        raise CheckpointError("expected a whole HDF5 file, got one that h5py cannot read.") from error


def _of_node(name: str, node: Any, h5py: Any) -> Variable:
    kind = node.attrs.get("MATLAB_class", b"struct" if isinstance(node, h5py.Group) else b"double")
    kind = kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)
    if isinstance(node, h5py.Group):
        return Variable(name, kind, None)
    suffix = " (complex)" if node.dtype.names else ""
    empty = bool(node.attrs.get("MATLAB_empty", 0)) and node.size <= 32
    shape = tuple(int(n) for n in np.ravel(node[()])) if empty else node.shape[::-1]
    return Variable(name, kind + suffix, shape)


def _octave_text(text: bytes) -> Iterator[Variable]:
    if not text.startswith(octave_text.HEAD):
        raise CheckpointError(f"expected Octave's text inside, got {text[:16]!r}.")
    reader = octave_text._Reader(text)
    while (name := reader.next_name()) is not None:
        value = reader.value()
        skipped = isinstance(value, octave_text.Skipped)
        yield Variable(name, _octave_class(value.kind), None) if skipped else _of_array(name, value)


def _octave_class(kind: str) -> str:
    return "double (complex)" if "complex" in kind else kind


def _unpacked(stream: BinaryIO) -> bytes:
    try:
        with gzip.GzipFile(fileobj=stream) as packed:
            content = packed.read(_MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CheckpointError(f"expected a whole gzip file, got one that ends in '{error}'.") from error
    if len(content) > _MOST_UNPACKED:
        raise CheckpointError(f"expected at most {_MOST_UNPACKED} bytes in the gzip file, got more.")
    return content


def _of_array(name: str, value: NDArray[Any]) -> Variable:
    kinds: Mapping[str, str] = {"U": "char", "S": "char", "c": "double (complex)"}
    code = value.dtype.kind + str(value.dtype.itemsize)
    kind = kinds.get(value.dtype.kind) or _NAMES.get(code) or value.dtype.name
    return Variable(name, kind, value.shape)
