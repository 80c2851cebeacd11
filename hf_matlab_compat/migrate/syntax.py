"""Nodes of a MATLAB script, which `parsing` builds and everything else reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

MATLAB_FUNCTIONS = frozenset(Path(__file__).with_name("matlab_functions.txt").read_text("utf-8").split())
"""Names of MATLAB's functions; a file is assumed to hold a variable of such a name only if the file is at hand."""
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Untranslatable(Exception):
    """A statement is outside the dialect.

    Parameters
    ----------
    reason : str
        A phrase that follows the number of the line.
    unknown : str
        The unknown function that is the reason; empty if it is another one.
    """

    def __init__(self, reason: str, unknown: str = "") -> None:
        super().__init__(reason)
        self.unknown = unknown


def refuse(reason: str, unknown: str = "") -> NoReturn:
    """Give up a statement, which is outside the dialect.

    Raises
    ------
    Untranslatable
        Always.
    """
    raise Untranslatable(reason, unknown)


@dataclass(frozen=True)
class Node:
    """Part of a script."""

    @cached_property
    def inside(self) -> tuple[Node, ...]:
        """The nodes directly inside this one, in order."""
        return tuple(node for each in fields(self) for node in _nodes_in(getattr(self, each.name)))

    def walk(self) -> Iterator[Node]:
        """Yield this node and all nodes inside it, outermost first."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.inside))


def _nodes_in(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _nodes_in(entry)


# --- expressions


@dataclass(frozen=True)
class Number(Node):
    """A literal number, as in the script."""

    text: str


@dataclass(frozen=True)
class Text(Node):
    """The characters of a string; `double` if it was in double quotes, whose escapes are interpreted."""

    text: str
    double: bool = False


@dataclass(frozen=True)
class Name(Node):
    """A variable, or a function without arguments."""

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
    """``first:step:last``; `step` is None for ``first:last``."""

    first: Node
    step: Node | None
    last: Node


@dataclass(frozen=True)
class Binary(Node):
    """``left operator right``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Unary(Node):
    """``operator operand``."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Transpose(Node):
    """``operand'`` or ``operand.'``."""

    operand: Node


@dataclass(frozen=True)
class Paren(Node):
    """``(inner)``."""

    inner: Node


@dataclass(frozen=True)
class Apply(Node):
    """``base(arguments)``, a call or an index; with `brace` ``base{arguments}``."""

    base: Node
    arguments: tuple[Node, ...]
    brace: bool = False


@dataclass(frozen=True)
class Field(Node):
    """``base.name``, or ``base.(name)`` if the name is an expression."""

    base: Node
    name: str | Node


@dataclass(frozen=True)
class Matrix(Node):
    """``[…; …]``."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class CellLiteral(Node):
    """``{…; …}``."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Handle(Node):
    """``@name``."""

    name: str


@dataclass(frozen=True)
class Lambda(Node):
    """``@(parameters) body``."""

    parameters: tuple[str, ...]
    body: Node


# --- statements


@dataclass(frozen=True)
class Place:
    """Lines of a statement (from 1), its text, and the comments inside it.

    For a compound statement, `header` is the last line before its body, and the comments are those inside the header.
    """

    first: int
    last: int
    text: str
    comments: tuple[str, ...] = ()
    header: int = 0


@dataclass(frozen=True)
class Statement(Node):
    """A statement, with its place."""

    place: Place


@dataclass(frozen=True)
class Comment(Statement):
    """A comment; `trailing` if it follows code on its line."""

    trailing: bool = False


@dataclass(frozen=True)
class Assign(Statement):
    """``targets = value``; `silent` if a semicolon follows."""

    targets: tuple[Node, ...]
    value: Node
    silent: bool


@dataclass(frozen=True)
class Evaluate(Statement):
    """An expression as a statement."""

    value: Node
    silent: bool


@dataclass(frozen=True)
class Command(Statement):
    """Words without parentheses: ``hold on``, ``clear all``, or a lone name."""

    words: tuple[str, ...]
    silent: bool


@dataclass(frozen=True)
class Branch(Node):
    """A condition (None for ``else`` and ``otherwise``), its first and last line, and the statements that it guards."""

    condition: Node | None
    line: int
    header: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class If(Statement):
    """``if``, with a branch for each ``elseif`` and ``else``."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Switch(Statement):
    """``switch``, with a branch for each ``case`` and ``otherwise``."""

    subject: Node
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class For(Statement):
    """``for variable = values``."""

    variable: str
    values: Node
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class While(Statement):
    """``while condition``."""

    condition: Node
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Try(Statement):
    """``try`` and ``catch error``."""

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
    """``global`` or ``persistent``."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Function(Statement):
    """``function outputs = name(parameters)``."""

    name: str
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Broken(Statement):
    """Text that cannot be parsed, or a statement that is not supported where it is."""

    reason: str = "cannot be parsed"


@dataclass(frozen=True)
class Script(Node):
    """A whole file."""

    lines: tuple[str, ...]
    body: tuple[Statement, ...] = field(default=())


def unescaped(text: str) -> str:
    """Return a format with backslash sequences replaced by their characters."""
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    octal, hexadecimal, other = found.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) % 256 if octal else int(hexadecimal, 16))
    return _ESCAPES.get(other, other)
