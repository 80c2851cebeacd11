"""Reader of Octave's text format, which its `save` writes by default.

A file has a comment line and then, for each variable, lines `# name:` and `# type:`, a few lines with sizes, and the
values. Octave writes 17 significant digits by default, so that the numbers read are the numbers saved. Every claimed
size is compared with the size of the file before memory is allocated.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Collection, Generator, Mapping
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
    full_array,
    shaped,
    sparse_matrix,
    struct_array,
)

Array = NDArray[Any]

HEAD = b"# Created by Octave"

_LONGEST_RANGE = 10_000_000
_BLOCK_BYTES = 1 << 20
_SPACE = re.compile(rb"\s")
_AS_NUMBERS = bytes.maketrans(b"(,)", b"   ")

_INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
_CLASSES: Mapping[bytes, Any] = {
    b"": np.float64,
    b"float": np.float32,
    b"bool": np.bool_,
    **{integer.__name__.encode(): integer for integer in _INTEGERS},
}
_SCALARS = {b"bool": np.bool_} | {(prefix + b" scalar").strip(): kind for prefix, kind in _CLASSES.items()}
_MATRICES = {(prefix + b" matrix").strip(): kind for prefix, kind in _CLASSES.items()} | {b"null_matrix": np.float64}
_COMPLEX = {
    (prefix + b"complex " + what): (kind, what == b"scalar")
    for prefix, kind in ((b"", np.float64), (b"float ", np.float32))
    for what in (b"scalar", b"matrix")
}
_SPARSE = {b"sparse matrix": 3, b"sparse bool matrix": 3, b"sparse complex matrix": 4}
_STRINGS = {b"string", b"sq_string", b"null_string", b"null_sq_string"}
_RANGES = {b"range", b"double_range"}


def variables(stream: BinaryIO, names: Collection[str] | None = None) -> Generator[Variable]:
    """See `mat_formats.Reader`; NA becomes NaN.

    Raises
    ------
    CheckpointError
        The text is damaged or cut off.
    """
    reader = _Reader(stream.read())
    while (name := reader.next_name()) is not None:
        try:
            value = reader.value()
        except CheckpointError as error:
            raise CheckpointError(f"{name}: {error}") from error
        if names is None or name in names:
            yield Variable.of(name, value)


def _damaged(expected: str, got: object) -> CheckpointError:
    return CheckpointError(f"expected {expected}, got {got}. {DAMAGED}")


class _Reader:
    """A position in the text, with a method for each part of the format."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.allowance = Allowance()

    def peek(self) -> bytes:
        """Return the next line without moving the position."""
        end = self.text.find(b"\n", self.at)
        return self.text[self.at : end if end >= 0 else None].strip()

    def line(self) -> bytes:
        end = self.text.find(b"\n", self.at)
        if end < 0:
            raise _damaged("a complete line", "the end of the file")
        line, self.at = self.text[self.at : end], end + 1
        return line.strip()

    def field(self, key: str) -> bytes:
        # the value of the next line, which must be `# key: value`
        line, head = self.line(), f"# {key}:".encode()
        if not line.startswith(head):
            raise _damaged(f"a line '# {key}: …'", repr(line[:40]))
        return line[len(head) :].strip()

    def whole(self, digits: bytes) -> int:
        if not (digits.isdigit() and len(digits) < 19):
            raise _damaged("a whole number", repr(digits[:40]))
        return int(digits)

    def next_name(self) -> str | None:
        # None at the end of the file
        while self.at < len(self.text):
            if self.peek().startswith(b"# name:"):
                return self.field("name").decode("latin-1")
            line = self.line()
            if line and not line.startswith(HEAD):
                raise _damaged("the next variable", repr(line[:40]))
        return None

    def value(self, depth: int = 0) -> Any:
        """Read the value of the variable whose name was just read."""
        self.allowance.take(1, depth)
        kind = self.field("type").removeprefix(b"global ")
        if kind in _SCALARS:
            return self.numbers((1, 1), _SCALARS[kind])
        if kind in _MATRICES:
            return self.matrix(_MATRICES[kind])
        if kind in _COMPLEX:
            return self.complex_numbers(*_COMPLEX[kind])
        if kind in _STRINGS and self.peek().startswith(b"# elements:"):
            return self.string()
        return self.other_value(kind, depth)

    def other_value(self, kind: bytes, depth: int) -> Any:
        """Read a value of one of the less common types."""
        readers: Mapping[bytes, Callable[[], Any]] = {
            **dict.fromkeys(_RANGES, self.range),
            **dict.fromkeys(_SPARSE, lambda: self.sparse(kind)),
            b"diagonal matrix": self.diagonal,
            b"cell": lambda: self.cell(depth),
            b"struct": lambda: self.struct(depth, is_array=True),
            b"scalar struct": lambda: self.struct(depth, is_array=False),
        }
        if kind in readers:
            return readers[kind]()
        self.skip(depth)
        return Skipped(kind.decode("latin-1"))

    def shape(self) -> tuple[int, ...]:
        if not self.peek().startswith(b"# ndims:"):
            return self.whole(self.field("rows")), self.whole(self.field("columns"))
        dimensions = self.whole(self.field("ndims"))
        shape = tuple(self.whole(size) for size in self.line().split())
        if not 2 <= dimensions <= 64 or len(shape) != dimensions:
            raise _damaged(f"{dimensions} dimensions", len(shape))
        return shape

    def matrix(self, kind: Any) -> Array:
        by_columns = self.peek().startswith(b"# ndims:")
        return self.numbers(self.shape(), kind, order="F" if by_columns else "C")

    def numbers(self, shape: tuple[int, ...], kind: Any, order: Any = "C") -> Array:
        # all numbers up to the next comment line
        start, end = self.at, self.text.find(b"\n#", self.at - 1) + 1 or len(self.text)
        count = math.prod(shape)
        if 2 * count > end - start:
            raise _damaged(f"{count} numbers", f"{end - start} bytes of text")
        values, found = np.empty(count, dtype=kind), 0
        while self.at < end:
            some = self.converted(self.block(end), kind)
            if found + len(some) <= count:
                values[found : found + len(some)] = some
            found += len(some)
        if found != count or (count and self.text[end - 1] != ord("\n")):
            raise _damaged(f"{count} whole lines of numbers", f"{found} numbers and then the end")
        return shaped(values, shape, order)

    def block(self, end: int) -> bytes:
        """Read about a megabyte of a text that ends at `end`: splitting all of it at once would take much memory."""
        stop = self.at + _BLOCK_BYTES
        space = _SPACE.search(self.text, stop, end) if stop < end else None
        block = self.text[self.at : space.end() if space else end]
        self.at += len(block)
        return block.translate(_AS_NUMBERS)

    def converted(self, block: bytes, kind: Any) -> Array:
        try:
            if np.issubdtype(kind, np.floating):
                with np.errstate(over="ignore"):
                    return _floats(block).astype(kind)
            integers = np.array([int(token) for token in block.split()], dtype=np.uint8 if kind is np.bool_ else kind)
        except (ValueError, OverflowError) as error:
            raise _damaged(f"numbers of the class {kind.__name__}", f"one that is not ({error})") from error
        return integers.astype(kind)

    def complex_numbers(self, kind: Any, is_scalar: bool) -> Array:
        """Read complex numbers, each written as (real,imaginary)."""
        by_columns = not is_scalar and self.peek().startswith(b"# ndims:")
        shape = (1, 1) if is_scalar else self.shape()
        pairs = self.numbers((math.prod(shape), 2), kind)
        return shaped(pairs[:, 0] + 1j * pairs[:, 1], shape, "F" if by_columns else "C")

    def sparse(self, kind: bytes) -> Any:
        entries, shape = self.whole(self.field("nnz")), self.shape()
        rows, columns, *parts = self.numbers((entries, _SPARSE[kind]), np.float64).T
        real = parts[0].astype(bool) if b"bool" in kind else parts[0]
        values = real + 1j * parts[1] if len(parts) == 2 else real
        if not (np.isfinite(rows).all() and np.isfinite(columns).all()) or max(shape) >= 2**31 or len(shape) != 2:
            raise _damaged("a sparse matrix", f"one of {shape} with other indices")
        with np.errstate(invalid="ignore"):
            return sparse_matrix(rows.astype(np.int64) - 1, columns.astype(np.int64) - 1, values, shape)

    def diagonal(self) -> Array:
        # the size and the diagonal
        shape = self.shape()
        values = self.numbers((min(shape), 1), np.float64).ravel()
        places = np.arange(len(values))
        if max(shape) >= 2**31 or len(shape) != 2:
            raise _damaged("a diagonal matrix", f"the size {shape}")
        return full_array(sparse_matrix(places, places, values, shape))

    def range(self) -> Array:
        self.line()
        base, limit, increment = self.numbers((1, 3), np.float64)[0]
        with np.errstate(all="ignore"):
            steps = np.floor((limit - base) / increment * (1 + np.finfo(float).eps)) + 1
        if not steps <= _LONGEST_RANGE:
            raise _damaged(f"a range of at most {_LONGEST_RANGE} numbers", steps)
        return base + increment * np.arange(max(int(steps), 0), dtype=np.float64)[np.newaxis]

    def string(self) -> Array:
        rows: list[bytes] = []
        for _ in range(self.whole(self.field("elements"))):
            length = self.whole(self.field("length"))
            rows.append(self.text[self.at : self.at + length])
            self.at += length
            if self.line():
                raise _damaged(f"a string of {length} bytes", "a longer one")
            if length != len(rows[0]):
                raise _damaged(f"rows of {len(rows[0])} characters, as the first", f"one of {length}")
        return np.array([_characters(row) for row in rows], dtype=np.str_)

    def cell(self, depth: int) -> Array:
        shape = self.shape()
        return cell_array([value for _, value in self.pairs(math.prod(shape), depth)], shape)

    def pairs(self, count: int, depth: int) -> list[tuple[str, Any]]:
        pairs: list[tuple[str, Any]] = []
        self.allowance.take(0, depth + 1)
        for _ in range(count):
            name = self.next_name()
            if name is None:
                raise _damaged(f"{count} nested values", "the end of the file")
            pairs.append((name, self.value(depth + 1)))
        return pairs

    def struct(self, depth: int, is_array: bool) -> Any:
        # each field of a struct array is a cell array
        shape = self.shape() if self.peek().startswith((b"# ndims:", b"# rows:")) else (1, 1)
        pairs = self.pairs(self.whole(self.field("length")), depth)
        columns = [np.ravel(value, order="F") if is_array else [value] for _, value in pairs]
        count = math.prod(shape)
        self.allowance.take(count, depth)
        if any(len(column) != count for column in columns):
            raise _damaged(f"{count} values of each field", "another number")
        values = [value for element in zip(*columns, strict=True) for value in element]
        return struct_array([name for name, _ in pairs], values, shape)

    def skip(self, depth: int) -> None:
        """Skip a value with everything nested in it."""
        while True:
            self.at = self.text.find(b"\n#", self.at - 1) + 1 or len(self.text)
            if self.at == len(self.text) or self.peek().startswith(b"# name:"):
                return
            line = self.line()
            if line.startswith(b"# length:"):
                self.allowance.take(1, depth)
                self.pairs(self.whole(line[9:].strip()), depth)


def _number(token: bytes) -> float:
    if b"_" in token:  # Python reads 1_000, Octave never writes it
        raise ValueError(f"could not convert {token!r}")
    return math.nan if token == b"NA" else float(token)


def _floats(block: bytes) -> Array:
    """Return the numbers in a text; NA becomes nan."""
    if not block.strip():
        return np.empty(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.fromstring(block, sep=" ")
    except (ValueError, DeprecationWarning):  # numpy does not know NA; float() also says which token is wrong
        return np.array([_number(token) for token in block.split()], dtype=np.float64)


def _characters(row: bytes) -> str:
    try:
        return row.decode("utf-8")
    except UnicodeDecodeError:
        return row.decode("latin-1")
