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

HEADER_BYTES = 20

_DAMAGED = "The file is damaged or cut off; take an older checkpoint."
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


def read_mat4(stream: BinaryIO, names: Collection[str]) -> dict[str, NDArray[np.float64]]:
    """The variables `names`, as far as the file has them, as doubles: v4 knows no other class.

    Raises
    ------
    CheckpointError
        The file is damaged, or a variable is text, sparse, complex or there twice.
    """
    size, at = stream.seek(0, io.SEEK_END), 0
    variables: dict[str, NDArray[np.float64]] = {}
    while at < size:
        stream.seek(at)
        header = _header(stream.read(HEADER_BYTES))
        if header is None:
            raise CheckpointError(f"expected a matrix at byte {at} of a v4 file, got something else. {_DAMAGED}")
        at += HEADER_BYTES + header.name_bytes + header.data_bytes
        if at > size:
            raise CheckpointError(f"expected {at} bytes, got a file of {size}. {_DAMAGED}")
        name = stream.read(header.name_bytes).rstrip(b"\0").decode("latin-1")
        if name in variables:
            raise CheckpointError(f"{name}: expected it once, got it twice. {_DAMAGED}")
        if name in names:
            variables[name] = _array(name, header, stream)
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


def _array(name: str, header: _Header, stream: BinaryIO) -> NDArray[np.float64]:
    if header.is_complex:
        raise CheckpointError(f"{name}: expected real numbers, got complex ones. Save its real part.")
    if header.content != "number":
        raise CheckpointError(
            f"{name}: expected a full array of numbers, got one of {header.content}. Save it as such."
        )
    data = np.frombuffer(stream.read(header.data_bytes), dtype=header.stored)
    return data.astype(np.float64).reshape(header.shape, order="F")
