"""Reader of MATLAB's v5 files, which save -v6 writes plain and save -v7 compressed.

A file has a head of 128 bytes and then elements. An element has a tag (type and length) and data; the data of an
array are elements again. Every size is checked before memory is allocated.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat_values import (
    DAMAGED,
    Allowance,
    Skipped,
    Variable,
    cell_array,
    shaped,
    sparse_matrix,
    struct_array,
    text_array,
)

MOST_DEFLATION = 1032
"""The highest compression ratio of deflate; a file that claims more is damaged."""

_HEAD_BYTES = 128
_ARRAY_HEADER_BYTES = 4096
_INT32, _MATRIX, _COMPRESSED = 5, 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_OTHER_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 16: "function_handle", 17: "object"}
_CELL, _STRUCT, _CHAR, _SPARSE, _UINT8, _OPAQUE = 1, 2, 4, 5, 9, 17
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_COMPLEX, _LOGICAL = 0x800, 0x200


@dataclass(frozen=True)
class _Header:
    """The description of an array; its numbers begin at `end`."""

    name: str
    kind: int
    is_complex: bool
    is_logical: bool
    shape: tuple[int, ...]
    end: int

    @property
    def kind_in_words(self) -> str:
        """Its class in the words of `Variable.kind`."""
        if self.kind not in _CLASSES:
            return _OTHER_CLASSES.get(self.kind, f"number {self.kind}")
        if self.is_complex:
            return "double (complex)"
        if self.is_logical:
            return "logical"
        return {6: "double", 7: "single"}.get(self.kind) or np.dtype(_CLASSES[self.kind]).name


def is_compressed(head: bytes) -> bool:
    """Return True if the first array of a file that begins with `head` is compressed, as save -v7 writes it."""
    order = "<" if head[126:128] == b"IM" else ">"
    return head[128:132] == struct.pack(order + "I", _COMPRESSED)


def variables(stream: BinaryIO, names: Collection[str] | None = None) -> Generator[Variable]:
    """See `mat_formats.Reader`."""
    stream.seek(126)
    order = "<" if stream.read(2) == b"IM" else ">"
    values = _Values(order)
    for element in _elements(stream, order):
        header = _header_at(stream, element, order)
        values.allowance.take(1)
        if header.name and (names is None or header.name in names):  # MATLAB's own appendix has no name
            read = partial(values.at, stream, element)
            yield Variable(header.name, header.kind_in_words, header.shape or None, read)


def _elements(stream: BinaryIO, order: str) -> Iterator[tuple[bool, int, int]]:
    # yields, for each top-level element, if it is compressed, where its data (or an array's tag) begins, its length
    size, at = stream.seek(0, io.SEEK_END), _HEAD_BYTES
    if size < _HEAD_BYTES:
        raise CheckpointError(f"expected a head of {_HEAD_BYTES} bytes, got {size}. {DAMAGED}")
    while at < size:
        stream.seek(at)
        tag = stream.read(8)
        kind, length = struct.unpack(order + "2I", tag) if len(tag) == 8 else (0, 0)
        if kind not in (_MATRIX, _COMPRESSED) or at + 8 + length > size:
            raise CheckpointError(f"expected a whole array at byte {at}, got something else. {DAMAGED}")
        yield kind == _COMPRESSED, (at + 8 if kind == _COMPRESSED else at), length + 8 * (kind == _MATRIX)
        at += 8 + length


def _header_at(stream: BinaryIO, element: tuple[bool, int, int], order: str) -> _Header:
    packed, at, length = element
    stream.seek(at)
    data = stream.read(min(length, _ARRAY_HEADER_BYTES))
    if packed:
        try:
            data = zlib.decompressobj().decompress(data, _ARRAY_HEADER_BYTES)
        except zlib.error as error:
            raise _not_packed(error) from error
    return _header(memoryview(data), order)


def _not_packed(error: Exception) -> CheckpointError:
    return CheckpointError(f"expected packed numbers, got what zlib cannot unpack ({error}). {DAMAGED}")


def _whole(stream: BinaryIO, packed: bool, length: int, order: str) -> memoryview:
    # an array with its tag; zlib verifies the checksum of a compressed one
    data = stream.read(length)
    if not packed:
        return memoryview(data)
    unpacker = zlib.decompressobj()
    try:
        tag = unpacker.decompress(data, 8)
        claimed = struct.unpack(order + "2I", tag)[1] if len(tag) == 8 else 0
        # one byte more than claimed, so that zlib reaches the checksum after the last byte
        rest = unpacker.decompress(unpacker.unconsumed_tail, min(claimed, MOST_DEFLATION * length) + 1)
    except zlib.error as error:
        raise _not_packed(error) from error
    if len(rest) > claimed or not unpacker.eof:  # Octave claims 4 bytes more than it writes for some texts
        raise CheckpointError(f"expected {claimed} bytes when unpacked, got another number. {DAMAGED}")
    return memoryview(tag + rest)


def _element(content: memoryview, at: int, order: str) -> tuple[int, memoryview, int]:
    # type and data of the element at an offset within an array, and the offset of the next one
    if at + 8 <= len(content):
        kind, length = struct.unpack_from(order + "2I", content, at)
        start, after = at + 8, at + 8 + length + -length % 8
        if kind >> 16:  # up to four bytes of data fit into the tag itself
            kind, length, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if start + length <= min(len(content), after):
            return kind, content[start : start + length], after
    raise CheckpointError(f"expected a whole element within an array, got one that is cut off. {DAMAGED}")


def _header(content: memoryview, order: str) -> _Header:
    if len(content) < 8 or struct.unpack_from(order + "I", content)[0] != _MATRIX:
        raise CheckpointError(f"expected an array, got something else. {DAMAGED}")
    _, flags, at = _element(content, 8, order)
    if len(flags) != 8:
        raise CheckpointError(f"expected 8 bytes of flags, got {len(flags)}. {DAMAGED}")
    bits = struct.unpack_from(order + "I", flags)[0]
    kind, sizes = bits & 0xFF, memoryview(b"")
    if kind != _OPAQUE:
        _, sizes, at = _element(content, at, order)
    _, name, at = _element(content, at, order)
    if kind == _UINT8 and bits & _LOGICAL and content[at : at + 4] == struct.pack(order + "I", _INT32):
        kind = _SPARSE  # Octave's sparse logical matrix: the data begins with int32 indices
    shape = tuple(np.frombuffer(sizes[: len(sizes) // 4 * 4], dtype=order + "i4").tolist())
    text = bytes(name).rstrip(b"\0").decode("latin-1")
    return _Header(text, kind, bool(bits & _COMPLEX), bool(bits & _LOGICAL), shape, at)


class _Values:
    """Reads the values of one file."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.allowance = Allowance()
        self._readers = {_CELL: self._cell, _STRUCT: self._struct, _CHAR: self._char, _SPARSE: self._sparse}

    def at(self, stream: BinaryIO, element: tuple[bool, int, int]) -> Any:
        """Read the value of a top-level element."""
        packed, at, length = element
        stream.seek(at)
        return self.value(_whole(stream, packed, length, self.order), 0)[0]

    def value(self, content: memoryview, depth: int) -> tuple[Any, int]:
        # The array at the beginning of `content`, and the offset after it: the end of its numbers, because Octave
        # claims too many bytes for some texts within cells. For an array that is skipped it is the claimed end.
        header = _header(content, self.order)
        if header.kind not in (*_CLASSES, *self._readers):
            return Skipped(header.kind_in_words), _element(content, 0, self.order)[2]
        if len(header.shape) < 2 or len(header.shape) > 32 or min(header.shape) < 0:
            raise CheckpointError(f"expected sizes of 0 or more, got {header.shape[:4]}. {DAMAGED}")
        if header.kind in self._readers:
            return self._readers[header.kind](content, header, depth)
        numbers, at = self._numbers(content, header)
        kind = np.dtype(bool if header.is_logical else _CLASSES[header.kind])
        return shaped(_in_class(numbers, kind), header.shape), at

    def _numbers(self, content: memoryview, header: _Header) -> tuple[NDArray[Any], int]:
        """Return the numbers of a full array as they are stored, and the offset after them."""
        count = math.prod(header.shape)
        real, at = self._stored(content, header.end, count)
        return self._with_imaginary(real, content, at, header)

    def _with_imaginary(
        self, real: NDArray[Any], content: memoryview, at: int, header: _Header
    ) -> tuple[NDArray[Any], int]:
        if not header.is_complex:
            return real, at
        imaginary, at = self._stored(content, at, len(real))
        with np.errstate(all="ignore"):
            return real + 1j * imaginary, at

    def _stored(self, content: memoryview, at: int, count: int | None = None) -> tuple[NDArray[Any], int]:
        # the numbers of an element, which must have `count` of them, and the offset after it
        kind, data, at = _element(content, at, self.order)
        stored = np.dtype(self.order + _STORED.get(kind, "u1"))
        whole = len(data) % stored.itemsize == 0 if count is None else len(data) == count * stored.itemsize
        if kind not in _STORED or not whole:
            raise CheckpointError(
                f"expected {'whole' if count is None else count} numbers, got {len(data)} bytes. {DAMAGED}"
            )
        return np.frombuffer(data, dtype=stored), at

    def _arrays(self, content: memoryview, at: int, count: int, depth: int) -> tuple[list[Any], int]:
        if 8 * count > len(content) - at:
            raise CheckpointError(f"expected {count} arrays, got {len(content) - at} bytes. {DAMAGED}")
        self.allowance.take(count, depth + 1)
        values: list[Any] = []
        for _ in range(count):
            if bytes(content[at : at + 8]) == struct.pack(self.order + "2I", _MATRIX, 0):
                values.append(np.zeros((0, 0)))  # [] is stored without flags and shape
                at += 8
                continue
            value, length = self.value(content[at:], depth + 1)
            values.append(value)
            at += length
        return values, at

    def _cell(self, content: memoryview, header: _Header, depth: int) -> tuple[Any, int]:
        values, at = self._arrays(content, header.end, math.prod(header.shape), depth)
        return cell_array(values, header.shape), at

    def _struct(self, content: memoryview, header: _Header, depth: int) -> tuple[Any, int]:
        _, size, at = _element(content, header.end, self.order)
        _, names, at = _element(content, at, self.order)
        width = struct.unpack_from(self.order + "I", size)[0] if len(size) == 4 else 0
        if not width or len(names) % width:
            raise CheckpointError(f"expected names of fields, got {len(names)} bytes. {DAMAGED}")
        fields = [
            bytes(names[start : start + width]).partition(b"\0")[0].decode("latin-1")
            for start in range(0, len(names), width)
        ]
        count = math.prod(header.shape)
        self.allowance.take(count, depth)
        values, at = self._arrays(content, at, count * len(fields), depth)
        return struct_array(fields, values, header.shape), at

    def _char(self, content: memoryview, header: _Header, depth: int) -> tuple[Any, int]:
        kind, data, at = _element(content, header.end, self.order)
        encoding = _ENCODINGS.get(kind)
        if encoding is None:
            raise CheckpointError(f"expected characters, got numbers of type {kind}. {DAMAGED}")
        if encoding.startswith("utf-") and encoding != "utf-8":
            encoding += "-le" if self.order == "<" else "-be"
        try:
            text = bytes(data).decode(encoding, "surrogatepass")
        except UnicodeDecodeError as error:
            if encoding != "utf-8":
                raise CheckpointError(f"expected characters in {encoding}, got others. {DAMAGED}") from error
            text = bytes(data).decode("latin-1")  # Octave writes whatever bytes the text was made of
        return text_array(text, header.shape), at

    def _sparse(self, content: memoryview, header: _Header, depth: int) -> tuple[Any, int]:
        if len(header.shape) != 2:
            raise CheckpointError(f"expected a sparse matrix, got the shape {header.shape[:4]}. {DAMAGED}")
        rows, at = self._stored(content, header.end)
        columns, at = self._stored(content, at)
        _, data, after = _element(content, at, self.order)
        if header.is_logical and len(data) == len(rows):
            numbers, at = np.frombuffer(data, dtype="u1"), after  # bytes, although the tag says doubles
        else:
            numbers, at = self._stored(content, at)
        numbers, at = self._with_imaginary(numbers, content, at, header)
        numbers = _in_class(numbers, np.dtype(bool if header.is_logical else np.float64))
        return sparse_matrix(rows, columns, numbers, (header.shape[0], header.shape[1]), by_column=True), at


def _in_class(numbers: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """Convert the numbers to a class, complex numbers to its complex form."""
    if numbers.dtype.kind == "c":
        kind = np.dtype(np.complex64 if kind == np.float32 else np.complex128)
    with np.errstate(all="ignore"):
        return numbers.astype(kind)
