"""What a MATLAB script is made of: the nodes that `parsing` builds and everything else reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Untranslatable(Exception):
    """A statement is outside the dialect; says why, in a phrase that follows the line's number."""

    def __init__(self, reason: str, unknown: str = "") -> None:
        super().__init__(reason)
        self.unknown = unknown
        """The function that is not known here, where that is why."""


@dataclass(frozen=True)
class Node:
    """Part of a script."""

    def children(self) -> Iterator[Node]:
        """The nodes directly inside this one, in order."""
        for each in fields(self):
            yield from _nodes_in(getattr(self, each.name))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, outermost first."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed([*node.children()]))


def _nodes_in(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _nodes_in(entry)


# --- expressions


@dataclass(frozen=True)
class Number(Node):
    text: str


@dataclass(frozen=True)
class Text(Node):
    """A string, as what it holds; `double` where it stood in double quotes, so that no format is left to unescape."""

    text: str
    double: bool = False


@dataclass(frozen=True)
class Name(Node):
    name: str


@dataclass(frozen=True)
class End(Node):
    """``end`` inside an index."""


@dataclass(frozen=True)
class Colon(Node):
    """A lone ``:`` inside an index."""


@dataclass(frozen=True)
class Tilde(Node):
    """``~`` in place of an output."""


@dataclass(frozen=True)
class Range(Node):
    first: Node
    step: Node | None
    last: Node


@dataclass(frozen=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Unary(Node):
    operator: str
    operand: Node


@dataclass(frozen=True)
class Transpose(Node):
    operand: Node


@dataclass(frozen=True)
class Paren(Node):
    inner: Node


@dataclass(frozen=True)
class Apply(Node):
    """``base(arguments)``, a call or an index; with `brace` ``base{arguments}``."""

    base: Node
    arguments: tuple[Node, ...]
    brace: bool = False


@dataclass(frozen=True)
class Field(Node):
    """``base.name``, or ``base.(name)`` where the name is an expression."""

    base: Node
    name: str | Node


@dataclass(frozen=True)
class Matrix(Node):
    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class CellLiteral(Node):
    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Handle(Node):
    name: str


@dataclass(frozen=True)
class Lambda(Node):
    parameters: tuple[str, ...]
    body: Node


# --- statements


@dataclass(frozen=True)
class Place:
    """Where a statement stands: its lines (from 1), its text, and comments found inside it.

    Of a compound statement, `header` is the last line of what stands before its body, which may go on over several
    lines, and the comments are those inside that header.
    """

    first: int
    last: int
    text: str
    comments: tuple[str, ...] = ()
    header: int = 0


@dataclass(frozen=True)
class Statement(Node):
    place: Place


@dataclass(frozen=True)
class Comment(Statement):
    """A comment; `trailing` where code stands before it on its line."""

    trailing: bool = False


@dataclass(frozen=True)
class Assign(Statement):
    targets: tuple[Node, ...]
    value: Node
    silent: bool


@dataclass(frozen=True)
class Evaluate(Statement):
    """An expression on its own."""

    value: Node
    silent: bool


@dataclass(frozen=True)
class Command(Statement):
    """Words without parentheses: ``hold on``, ``clear all``, or a lone name."""

    words: tuple[str, ...]
    silent: bool


@dataclass(frozen=True)
class Branch(Node):
    """A condition (None for ``else``, ``otherwise``), the first and the last line of it, and what it guards."""

    condition: Node | None
    line: int
    header: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class If(Statement):
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Switch(Statement):
    subject: Node
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class For(Statement):
    variable: str
    values: Node
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class While(Statement):
    condition: Node
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Try(Statement):
    body: tuple[Statement, ...]
    error: str
    handler: tuple[Statement, ...]
    handler_line: int


@dataclass(frozen=True)
class Jump(Statement):
    """``break``, ``continue`` or ``return``."""

    word: str


@dataclass(frozen=True)
class Global(Statement):
    names: tuple[str, ...]


@dataclass(frozen=True)
class Function(Statement):
    name: str
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Broken(Statement):
    """What could not be parsed, or has no place here."""

    reason: str = "cannot be parsed"


@dataclass(frozen=True)
class Script(Node):
    """A whole file."""

    lines: tuple[str, ...]
    body: tuple[Statement, ...] = field(default=())


def unescaped(text: str) -> str:
    """Return a format with its backslash sequences as the characters they mean."""
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    octal, hexadecimal, other = found.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) % 256 if octal else int(hexadecimal, 16))
    return _ESCAPES.get(other, other)
