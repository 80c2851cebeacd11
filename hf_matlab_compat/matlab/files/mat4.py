"""Reader of MATLAB's v4 files: a header and an array for each variable."""

from __future__ import annotations

import io
import struct
from collections.abc import Collection, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat_values import DAMAGED, Allowance, Variable, sparse_matrix, text_array

HEADER_BYTES = 20

_STORED = ("f8", "f4", "i4", "i2", "u2", "u1")
_CONTENTS = ("double", "char", "sparse")


@dataclass(frozen=True)
class _Header:
    stored: np.dtype[Any]
    content: str  # one of _CONTENTS
    shape: tuple[int, int]
    is_complex: bool
    name_bytes: int

    @property
    def kind(self) -> str:
        return f"{self.content} (complex)" if self.is_complex else self.content

    @property
    def data_bytes(self) -> int:
        parts = 2 if self.is_complex and self.content != "sparse" else 1
        return parts * self.shape[0] * self.shape[1] * self.stored.itemsize


def is_mat4(head: bytes) -> bool:
    """Return True if `head` can be the beginning of a v4 file, which has no magic number."""
    return _header(head) is not None


def variables(stream: BinaryIO, names: Collection[str] | None = None) -> Generator[Variable]:
    """See `mat_formats.Reader`; all numbers are doubles, the only class of v4.

    Raises
    ------
    CheckpointError
        The file is damaged.
    """
    size, at = stream.seek(0, io.SEEK_END), 0
    allowance = Allowance()
    while at < size:
        allowance.take(1)
        stream.seek(at)
        header = _header(stream.read(HEADER_BYTES))
        if header is None:
            raise CheckpointError(f"expected a matrix at byte {at} of a v4 file, got something else. {DAMAGED}")
        start = at + HEADER_BYTES + header.name_bytes
        at = start + header.data_bytes
        if at > size:
            raise CheckpointError(f"expected {at} bytes, got a file of {size}. {DAMAGED}")
        name = stream.read(header.name_bytes).rstrip(b"\0").decode("latin-1")
        if names is None or name in names:
            yield Variable(name, header.kind, header.shape, partial(_read, stream, start, header))


def _read(stream: BinaryIO, start: int, header: _Header) -> Any:
    stream.seek(start)
    return _value(header, stream.read(header.data_bytes))


def _header(head: bytes) -> _Header | None:
    """Return the header at the beginning of `head`, or None if there is none."""
    if len(head) < HEADER_BYTES:
        return None
    for order, machine in (("<", 0), (">", 1)):
        kind, rows, columns, is_complex, name_bytes = struct.unpack_from(f"{order}5i", head)
        in_order = kind // 1000 == machine and kind // 10 % 100 < len(_STORED) and kind % 10 < len(_CONTENTS)
        if in_order and min(rows, columns) >= 0 and is_complex in (0, 1) and 1 <= name_bytes <= 4096:
            stored = np.dtype(order + _STORED[kind // 10 % 100])
            return _Header(stored, _CONTENTS[kind % 10], (rows, columns), bool(is_complex), name_bytes)
    return None


def _value(header: _Header, data: bytes) -> Any:
    with np.errstate(all="ignore"):  # casting a signalling NaN of single precision warns
        numbers = np.frombuffer(data, dtype=header.stored).astype(np.float64)
    if header.content == "char":
        return text_array(_text(numbers), header.shape)
    if header.content == "sparse":
        return _sparse(numbers.reshape(header.shape, order="F"))
    if header.is_complex:
        real, imaginary = numbers.reshape(2, -1)
        numbers = real + 1j * imaginary
    return numbers.reshape(header.shape, order="F")


def _text(codes: NDArray[np.float64]) -> str:
    if not ((codes >= 0) & (codes < 256)).all():
        raise CheckpointError(f"expected characters, got other numbers. {DAMAGED}")
    return codes.astype(np.uint8).tobytes().decode("latin-1")


def _sparse(entries: NDArray[np.float64]) -> Any:
    # a row has the row, the column, the real and perhaps the imaginary part of an entry; the last has the size
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
