"""What is in a file: every variable by name, class and shape, also those that are no numbers."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files import mat4, mat5, mat73, npz_file, octave_text
from hf_matlab_compat.matlab.files.mat_formats import HEAD_BYTES, FileFormat, read_variables, sniff, unpacked
from hf_matlab_compat.matlab.files.mat_values import Skipped, in_one_line
from hf_matlab_compat.matlab.files.regular_file import open_regular

NUMPY = "numpy .npz"
_NAMES = {"f4": "single", "f8": "double", "b1": "logical"}


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
    """What is in a .mat file or an Octave text file, plain or packed by gzip, or in an .npz file.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or in a format that is refused.
    """
    try:
        with open_regular(path) as stream:
            if stream.read(len(npz_file.MAGIC)) == npz_file.MAGIC:
                return Listing(NUMPY, tuple(_of_array(name, value) for name, value in npz_file.read_npz(path).items()))
            return _listing(stream)
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)}: {in_one_line(error)}") from error


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
        raise CheckpointError(f"{os.fspath(path)}: {in_one_line(error)}") from error


def _listing(stream: BinaryIO) -> Listing:
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    found = sniff(head)
    if found is FileFormat.MAT5:
        return _mat5(stream)
    if found is FileFormat.MAT4:
        variables = mat4.read_mat4(stream)
        return Listing(found.value, tuple(_of_array(name, value) for name, value in variables.items()))
    if found is FileFormat.MAT73:
        return Listing(found.value, tuple(_mat73(stream)))
    if found is FileFormat.OCTAVE_TEXT:
        return Listing(found.value, tuple(_octave_text(stream.read())))
    if found is FileFormat.GZIP:
        inside = _listing(io.BytesIO(unpacked(stream)))
        return Listing(f"gzipped {inside.form}", inside.variables)
    read_variables(head, ())  # refuses, in its own words
    raise CheckpointError(f"expected a MATLAB or Octave file, got {found.value}.")


def _mat5(stream: BinaryIO) -> Listing:
    order = mat5.byte_order(stream)
    variables: list[Variable] = []
    any_packed = False
    for element in mat5.elements(stream, order):
        header = mat5.header_at(stream, element, order)
        any_packed |= element[0]
        if header.name:  # MATLAB's own appendix has none
            variables.append(Variable(header.name, mat5.class_of(header), header.shape or None))
    return Listing("MATLAB v7" if any_packed else "MATLAB v5 or v6", tuple(variables))


def _mat73(stream: BinaryIO) -> Iterator[Variable]:
    with mat73.opened(stream) as (file, h5py):
        for name in file:
            mat73.refuse_octaves(file[name], h5py)
            if not name.startswith("#"):  # where MATLAB keeps the contents of cells
                yield _of_node(name, file[name], h5py)


def _of_node(name: str, node: Any, h5py: Any) -> Variable:
    kind = node.attrs.get("MATLAB_class", b"struct" if isinstance(node, h5py.Group) else b"double")
    kind = kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)
    if isinstance(node, h5py.Group):
        return Variable(name, kind, None)
    suffix = " (complex)" if node.dtype.names or node.dtype.kind == "c" else ""
    empty = bool(node.attrs.get("MATLAB_empty", 0)) and node.size <= 32
    shape = tuple(int(n) for n in np.ravel(node[()])) if empty else node.shape[::-1]
    return Variable(name, kind + suffix, shape)


def _octave_text(text: bytes) -> Iterator[Variable]:
    for name, value in octave_text.parse(text).items():
        yield Variable(name, value.kind, None) if isinstance(value, Skipped) else _of_array(name, value)


def _of_array(name: str, value: NDArray[Any]) -> Variable:
    kinds = {"U": "char", "S": "char", "c": "double (complex)", "O": "cell", "V": "struct"}
    if not isinstance(value, np.ndarray):
        return Variable(name, "sparse", value.shape)
    code = value.dtype.kind + str(value.dtype.itemsize)
    kind = kinds.get(value.dtype.kind) or _NAMES.get(code) or value.dtype.name
    return Variable(name, kind, value.shape)
