"""MATLAB's v5 files, which -v6 writes plain and -v7 writes packed: arrays of numbers, behind checks of each size.

Read here and not by scipy, whose compiled reader takes the process down on some damaged files. A file is a
head of 128 bytes and then elements: a tag (type and length) and data, which for an array are elements again.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError

MOST_DEFLATION = 1032
"""deflate packs at most so many bytes into one; a file that claims more is damaged."""

_DAMAGED = "The file is damaged or cut off; take an older checkpoint."
_HEAD_BYTES = 128
_ARRAY_HEADER_BYTES = 4096
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_OTHER_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 16: "function_handle", 17: "object"}
_OPAQUE = 17
_COMPLEX = 0x800


@dataclass(frozen=True)
class _Header:
    """What an array says of itself before its numbers; `end` is where those begin."""

    name: str
    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    end: int


def read_mat5(stream: BinaryIO, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The variables `names`, as far as the file has them, in their class (logical as uint8).

    Raises
    ------
    CheckpointError
        The file is damaged, or a variable is complex, no full array of numbers, or there twice.
    """
    stream.seek(126)
    order = "<" if stream.read(2) == b"IM" else ">"
    variables: dict[str, NDArray[Any]] = {}
    for packed, at, length in _elements(stream, order):
        stream.seek(at)
        content = _content(stream, packed, min(length, _ARRAY_HEADER_BYTES), _ARRAY_HEADER_BYTES)
        header = _header(content, order)
        if header.name in variables:
            raise CheckpointError(f"{header.name}: expected it once, got it twice. {_DAMAGED}")
        if header.name in names:
            _check_class(header)
            stream.seek(at)
            variables[header.name] = _array(_whole(stream, packed, length, order), header, order)
    return variables


def _elements(stream: BinaryIO, order: str) -> Iterator[tuple[bool, int, int]]:
    """Each top-level element: whether it is packed, where its data (of an array: its tag) begin, and their length."""
    size, at = stream.seek(0, io.SEEK_END), _HEAD_BYTES
    if size < _HEAD_BYTES:
        raise CheckpointError(f"expected a head of {_HEAD_BYTES} bytes, got {size}. {_DAMAGED}")
    while at < size:
        stream.seek(at)
        tag = stream.read(8)
        kind, length = struct.unpack(order + "2I", tag) if len(tag) == 8 else (0, 0)
        if kind not in (_MATRIX, _COMPRESSED) or at + 8 + length > size:
            raise CheckpointError(f"expected a whole array at byte {at}, got something else. {_DAMAGED}")
        yield kind == _COMPRESSED, (at + 8 if kind == _COMPRESSED else at), length + 8 * (kind == _MATRIX)
        at += 8 + length


def _content(stream: BinaryIO, packed: bool, length: int, limit: int) -> bytes:
    """Up to `limit` unpacked bytes of an element."""
    data = stream.read(length)
    if not packed:
        return data[:limit]
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error as error:
        raise CheckpointError(f"expected packed numbers, got what zlib cannot unpack ({error}). {_DAMAGED}") from error


def _whole(stream: BinaryIO, packed: bool, length: int, order: str) -> bytes:
    """The whole of an array with its tag, its checksum checked where it is packed."""
    data = stream.read(length)
    if not packed:
        return data
    unpacker = zlib.decompressobj()
    try:
        tag = unpacker.decompress(data, 8)
        claimed = struct.unpack(order + "2I", tag)[1] if len(tag) == 8 else 0
        # one byte more than claimed, so that the checksum behind the last one is reached
        rest = unpacker.decompress(unpacker.unconsumed_tail, min(claimed, MOST_DEFLATION * length) + 1)
    except zlib.error as error:
        raise CheckpointError(f"expected packed numbers, got what zlib cannot unpack ({error}). {_DAMAGED}") from error
    if len(rest) != claimed or not unpacker.eof:
        raise CheckpointError(f"expected {claimed} bytes when unpacked, got another number. {_DAMAGED}")
    return tag + rest


def _element(content: bytes, at: int, order: str) -> tuple[int, bytes, int]:
    """Type and data of the element at a place within an array, and the place of the next."""
    if at + 8 <= len(content):
        kind, length = struct.unpack_from(order + "2I", content, at)
        start, after = at + 8, at + 8 + length + -length % 8
        if kind >> 16:  # up to four bytes of data fit into the tag itself
            kind, length, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if start + length <= min(len(content), after):
            return kind, content[start : start + length], after
    raise CheckpointError(f"expected a whole element within an array, got one that is cut off. {_DAMAGED}")


def _header(content: bytes, order: str) -> _Header:
    if len(content) < 8 or struct.unpack_from(order + "I", content)[0] != _MATRIX:
        raise CheckpointError(f"expected an array, got something else. {_DAMAGED}")
    _, flags, at = _element(content, 8, order)
    if len(flags) != 8:
        raise CheckpointError(f"expected 8 bytes of flags, got {len(flags)}. {_DAMAGED}")
    bits = struct.unpack_from(order + "I", flags)[0]
    kind, sizes = bits & 0xFF, b""
    if kind != _OPAQUE:
        _, sizes, at = _element(content, at, order)
    _, name, at = _element(content, at, order)
    shape = tuple(int(size) for size in np.frombuffer(sizes[: len(sizes) // 4 * 4], dtype=order + "i4"))
    return _Header(name.rstrip(b"\0").decode("latin-1"), kind, bool(bits & _COMPLEX), shape, at)


def _check_class(header: _Header) -> None:
    if header.kind not in _CLASSES:
        kind = _OTHER_CLASSES.get(header.kind, f"number {header.kind}")
        raise CheckpointError(
            f"{header.name}: expected a full array of numbers, got the class '{kind}'. Save it as such."
        )
    if header.is_complex:
        raise CheckpointError(f"{header.name}: expected real numbers, got complex ones. Save its real part.")
    if len(header.shape) < 2 or min(header.shape) < 0:
        raise CheckpointError(f"{header.name}: expected sizes of 0 or more, got {header.shape[:4]}. {_DAMAGED}")


def _array(content: bytes, header: _Header, order: str) -> NDArray[Any]:
    kind, data, _ = _element(content, header.end, order)
    stored = np.dtype(order + _STORED.get(kind, "u1"))
    count = math.prod(header.shape)
    if kind not in _STORED or len(data) != count * stored.itemsize:
        raise CheckpointError(f"{header.name}: expected {count} numbers, got {len(data)} bytes. {_DAMAGED}")
    try:
        with np.errstate(all="ignore"):
            return np.frombuffer(data, dtype=stored).astype(_CLASSES[header.kind]).reshape(header.shape, order="F")
    except ValueError as error:
        raise CheckpointError(
            f"{header.name}: expected a possible shape, got {header.shape[:4]}. {_DAMAGED}"
        ) from error
