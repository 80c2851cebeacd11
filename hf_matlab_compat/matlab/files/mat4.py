"""MATLAB's v4 files: one header and one array after another.

Read here and not by scipy, which follows a damaged size backwards for ever.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat_values import DAMAGED, Allowance, sparse_matrix, text_array

HEADER_BYTES = 20

_STORED = ("f8", "f4", "i4", "i2", "u2", "u1")
_CONTENTS = ("number", "text", "sparse")


@dataclass(frozen=True)
class _Header:
    stored: np.dtype[Any]
    content: str
    shape: tuple[int, int]
    is_complex: bool
    name_bytes: int

    @property
    def data_bytes(self) -> int:
        parts = 2 if self.is_complex and self.content != "sparse" else 1
        return parts * self.shape[0] * self.shape[1] * self.stored.itemsize


def is_mat4(head: bytes) -> bool:
    """Whether `head` can be the beginning of a v4 file, which has no magic number."""
    return _header(head) is not None


def read_mat4(stream: BinaryIO, names: Collection[str] | None = None, *, only_numbers: bool = False) -> dict[str, Any]:
    """The variables `names`, as far as the file has them, or all; numbers are doubles: v4 knows no other class.

    Parameters
    ----------
    stream : binary file
    names : collection of str, optional
    only_numbers : bool
        Refuse, of these variables, one that is no full array of real numbers.

    Raises
    ------
    CheckpointError
        The file is damaged, or a variable is refused or there twice.
    """
    size, at = stream.seek(0, io.SEEK_END), 0
    variables: dict[str, Any] = {}
    allowance = Allowance()
    while at < size:
        allowance.take(1)
        stream.seek(at)
        header = _header(stream.read(HEADER_BYTES))
        if header is None:
            raise CheckpointError(f"expected a matrix at byte {at} of a v4 file, got something else. {DAMAGED}")
        at += HEADER_BYTES + header.name_bytes + header.data_bytes
        if at > size:
            raise CheckpointError(f"expected {at} bytes, got a file of {size}. {DAMAGED}")
        name = stream.read(header.name_bytes).rstrip(b"\0").decode("latin-1")
        if name in variables:
            raise CheckpointError(f"{name}: expected it once, got it twice. {DAMAGED}")
        if names is None or name in names:
            if only_numbers:
                _check_class(name, header)
            variables[name] = _value(name, header, stream.read(header.data_bytes))
    return variables


def _header(head: bytes) -> _Header | None:
    """The header at the beginning of `head`; None where this is none."""
    if len(head) < HEADER_BYTES:
        return None
    for order, machine in (("<", 0), (">", 1)):
        kind, rows, columns, is_complex, name_bytes = struct.unpack_from(f"{order}5i", head)
        in_order = kind // 1000 == machine and kind // 10 % 100 < len(_STORED) and kind % 10 < len(_CONTENTS)
        if in_order and min(rows, columns) >= 0 and is_complex in (0, 1) and 1 <= name_bytes <= 4096:
            stored = np.dtype(order + _STORED[kind // 10 % 100])
            return _Header(stored, _CONTENTS[kind % 10], (rows, columns), bool(is_complex), name_bytes)
    return None


def _check_class(name: str, header: _Header) -> None:
    if header.is_complex:
        raise CheckpointError(f"{name}: expected real numbers, got complex ones. Save its real part.")
    if header.content != "number":
        raise CheckpointError(
            f"{name}: expected a full array of numbers, got one of {header.content}. Save it as such."
        )


def _value(name: str, header: _Header, data: bytes) -> Any:
    with np.errstate(all="ignore"):  # some NaN of single precision is none of double precision
        numbers = np.frombuffer(data, dtype=header.stored).astype(np.float64)
    try:
        if header.content == "text":
            return text_array(_text(numbers), header.shape)
        if header.content == "sparse":
            return _sparse(numbers.reshape(header.shape, order="F"))
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error
    if header.is_complex:
        real, imaginary = numbers.reshape(2, -1)
        numbers = real + 1j * imaginary
    return numbers.reshape(header.shape, order="F")


def _text(codes: NDArray[np.float64]) -> str:
    if not ((codes >= 0) & (codes < 256)).all():
        raise CheckpointError(f"expected characters, got other numbers. {DAMAGED}")
    return codes.astype(np.uint8).tobytes().decode("latin-1")


def _sparse(entries: NDArray[np.float64]) -> Any:
    """A sparse matrix of its entries: a row, column, real and perhaps imaginary part each, and last its size."""
    if len(entries) < 1 or entries.shape[1] not in (3, 4):
        raise CheckpointError(f"expected entries of a sparse matrix, got {entries.shape}. {DAMAGED}")
    size = entries[-1, :2]
    if not ((size >= 0) & (size < 2**31)).all():
        raise CheckpointError(f"expected the size of a sparse matrix, got {size.tolist()}. {DAMAGED}")
    rows, columns = entries[:-1, 0], entries[:-1, 1]
    whole = np.isfinite(rows).all() and np.isfinite(columns).all()
    if not whole or (np.abs(entries[:-1, :2]) > 2**31).any():
        raise CheckpointError(f"expected indices of a sparse matrix, got others. {DAMAGED}")
    values = entries[:-1, 2] if entries.shape[1] == 3 else entries[:-1, 2] + 1j * entries[:-1, 3]
    shape = (int(size[0]), int(size[1]))
    return sparse_matrix(rows.astype(np.int64) - 1, columns.astype(np.int64) - 1, values, shape)
