"""Octave's text format, which its `save` writes by default and no other library reads.

A file is a comment line and then, for each variable, lines `# name:` and `# type:`, a few lines that say
how much follows, and the values. Numbers come back exactly when Octave wrote 17 significant digits, which
it does by default. Every claimed size is held against the bytes that are there before memory is taken.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError

Array = NDArray[Any]

HEAD = b"# Created by Octave"

_LONGEST_RANGE = 10_000_000
_DEEPEST_NESTING = 50

_INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
_CLASSES: Mapping[bytes, Any] = {
    b"": np.float64,
    b"float": np.float32,
    b"bool": np.bool_,
    **{integer.__name__.encode(): integer for integer in _INTEGERS},
}
_SCALARS = {b"bool": np.bool_} | {(prefix + b" scalar").strip(): kind for prefix, kind in _CLASSES.items()}
_MATRICES = {(prefix + b" matrix").strip(): kind for prefix, kind in _CLASSES.items()}
_STRINGS = {b"string", b"sq_string"}
_RANGES = {b"range", b"double_range"}


@dataclass(frozen=True)
class Skipped:
    """A value that is neither a real number nor text."""

    kind: str


def read_octave_text(source: str | os.PathLike[str] | bytes, names: Collection[str] | None = None) -> dict[str, Array]:
    """Variables of an Octave text file.

    Parameters
    ----------
    source : path-like or bytes
        The file, or its content (decompressed).
    names : collection of str, optional
        Read only these; by default all that are numbers or text.

    Returns
    -------
    dict of str to ndarray
        Numbers as arrays of at least two dimensions (a scalar is (1, 1)), of the class that Octave had:
        float64, float32, an integer type or bool; NA becomes NaN. A string is an array of one str per row.
        Cells, structs, function handles and other classes are left out, unless `names` asks for one.

    Raises
    ------
    CheckpointError
        The text is damaged, cut off or complex, or `names` asks for something that is neither number nor text.

    Examples
    --------
    >>> text = b"# Created by Octave 7.3.0\\n# name: x\\n# type: matrix\\n# rows: 1\\n# columns: 2\\n 1 NA\\n\\n\\n"
    >>> read_octave_text(text)
    {'x': array([[ 1., nan]])}
    """
    if isinstance(source, bytes):
        return parse(source, names)
    try:
        return parse(Path(source).read_bytes(), names)
    except OSError as error:
        raise CheckpointError(f"{source}: expected a readable file, got '{error.strerror}'.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from error


def parse(text: bytes, names: Collection[str] | None = None) -> dict[str, Array]:
    """`read_octave_text` of bytes."""
    if not text.startswith(HEAD):
        raise CheckpointError(f"Octave text: expected '{HEAD.decode()}' at its head, got {text[:20]!r}.")
    reader = _Reader(text)
    variables: dict[str, Array] = {}
    while (name := reader.next_name()) is not None:
        value = reader.value()
        if names is not None and name not in names:
            continue
        if name in variables:
            raise CheckpointError(f"{name}: expected it once, got it twice. Save the file anew.")
        if not isinstance(value, Skipped):
            variables[name] = value
        elif names is not None or "complex" in value.kind:
            raise CheckpointError(f"{name}: expected real numbers, got Octave's type '{value.kind}'. Save it as such.")
    return variables


class _Reader:
    """A position in the text, and a method for each thing that can stand there."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.name = "Octave text"

    def damaged(self, expected: str, got: object) -> CheckpointError:
        return CheckpointError(
            f"{self.name}: expected {expected}, got {got}. The file is damaged or cut off; take an older checkpoint."
        )

    def peek(self) -> bytes:
        """The line that comes next, without its end; the position stays."""
        end = self.text.find(b"\n", self.at)
        return self.text[self.at : end if end >= 0 else None].strip()

    def line(self) -> bytes:
        end = self.text.find(b"\n", self.at)
        if end < 0:
            raise self.damaged("a complete line", "the end of the file")
        line, self.at = self.text[self.at : end], end + 1
        return line.strip()

    def field(self, key: str) -> bytes:
        """What stands behind `# key:` on the next line."""
        line, head = self.line(), f"# {key}:".encode()
        if not line.startswith(head):
            raise self.damaged(f"a line '# {key}: …'", repr(line[:40]))
        return line[len(head) :].strip()

    def whole(self, digits: bytes) -> int:
        if not (digits.isdigit() and len(digits) < 19):
            raise self.damaged("a whole number", repr(digits[:40]))
        return int(digits)

    def next_name(self) -> str | None:
        """Pass the next `# name:` line and give the name; None at the end of the file."""
        while self.at < len(self.text):
            if self.peek().startswith(b"# name:"):
                self.name = self.field("name").decode("latin-1")
                return self.name
            line = self.line()
            if line and not line.startswith(HEAD):
                raise self.damaged("the next variable after it", repr(line[:40]))
        return None

    def value(self, depth: int = 0) -> Array | Skipped:
        """The value of the variable whose name was just passed."""
        kind = self.field("type").removeprefix(b"global ")
        if kind in _SCALARS:
            return self.numbers((1, 1), _SCALARS[kind])
        if kind in _MATRICES:
            by_columns = self.peek().startswith(b"# ndims:")
            return self.numbers(self.shape(), _MATRICES[kind], order="F" if by_columns else "C")
        if kind in _RANGES:
            return self.range()
        if kind in _STRINGS and self.peek().startswith(b"# elements:"):
            return self.string()
        self.skip(kind, depth)
        return Skipped(kind.decode("latin-1"))

    def shape(self) -> tuple[int, ...]:
        if not self.peek().startswith(b"# ndims:"):
            return self.whole(self.field("rows")), self.whole(self.field("columns"))
        dimensions = self.whole(self.field("ndims"))
        shape = tuple(self.whole(size) for size in self.line().split())
        if not 2 <= dimensions <= 64 or len(shape) != dimensions:
            raise self.damaged(f"{dimensions} dimensions", len(shape))
        return shape

    def numbers(self, shape: tuple[int, ...], kind: Any, order: Any = "C") -> Array:
        """All numbers up to the next comment line, as an array."""
        end = self.text.find(b"\n#", self.at - 1) + 1
        block = self.text[self.at : end or None]
        count = math.prod(shape)
        if 2 * count > len(block):
            raise self.damaged(f"{count} numbers", f"{len(block)} bytes of text")
        tokens = block.split()
        if len(tokens) != count or (count and not block.endswith(b"\n")):
            raise self.damaged(f"{count} whole lines of numbers", f"{len(tokens)} numbers and then the end")
        self.at += len(block)
        try:
            return self.converted(tokens, kind).reshape(shape, order=order)
        except ValueError as error:
            raise self.damaged("a shape that an array can have", shape) from error

    def converted(self, tokens: list[bytes], kind: Any) -> Array:
        try:
            if np.issubdtype(kind, np.floating):
                with np.errstate(over="ignore"):
                    return np.array([_number(token) for token in tokens], dtype=np.float64).astype(kind)
            integers = np.array([int(token) for token in tokens], dtype=np.uint8 if kind is np.bool_ else kind)
        except (ValueError, OverflowError) as error:
            raise self.damaged(f"numbers of the class {kind.__name__}", f"one that is not ({error})") from error
        return integers.astype(kind)

    def range(self) -> Array:
        """base : increment : limit."""
        self.line()
        base, limit, increment = self.numbers((1, 3), np.float64)[0]
        with np.errstate(all="ignore"):
            steps = np.floor((limit - base) / increment * (1 + np.finfo(float).eps)) + 1
        if not steps <= _LONGEST_RANGE:
            raise self.damaged(f"a range of at most {_LONGEST_RANGE} numbers", steps)
        return base + increment * np.arange(max(int(steps), 0), dtype=np.float64)[np.newaxis]

    def string(self) -> Array:
        rows: list[str] = []
        for _ in range(self.whole(self.field("elements"))):
            length = self.whole(self.field("length"))
            rows.append(self.text[self.at : self.at + length].decode("latin-1"))
            self.at += length
            if self.line():
                raise self.damaged(f"a string of {length} bytes", "a longer one")
        return np.array(rows, dtype=np.str_)

    def skip(self, kind: bytes, depth: int) -> None:
        """Pass a value that is of no use, with all that is nested in it."""
        if depth == _DEEPEST_NESTING:
            raise self.damaged(f"at most {_DEEPEST_NESTING} nested cells and structs", "more")
        if kind == b"cell":
            self.skip_nested(math.prod(self.shape()), depth)
        while self.at < len(self.text) and not self.peek().startswith(b"# name:"):
            line = self.line()
            if line.startswith(b"# length:"):
                self.skip_nested(self.whole(line[9:].strip()), depth)

    def skip_nested(self, count: int, depth: int) -> None:
        for _ in range(count):
            if self.next_name() is None:
                raise self.damaged(f"{count} nested values", "the end of the file")
            self.value(depth + 1)


def _number(token: bytes) -> float:
    if b"_" in token:  # Python reads 1_000, Octave never writes it
        raise ValueError(f"could not convert {token!r}")
    return math.nan if token == b"NA" else float(token)
