"""Findings of the rules: an option that a line implies, or a line that no option can express."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.matlab.source.tree import Node, Source, row


@dataclass(frozen=True)
class Implied:
    """An option, and the line that implies it.

    Attributes
    ----------
    option : str
        A field of `Options`.
    value : object
        As `Options` takes it.
    line : int
        In the file, from 1.
    text : str
        The line.
    file : int
        Which of the files given, from 0.
    """

    option: str
    value: Any
    line: int
    text: str
    file: int = 0

    @classmethod
    def at(cls, source: Source, node: Node, option: str, value: Any) -> Implied:
        """Return the finding about the line on which a node begins."""
        return cls(option, value, row(node), source.line(node))


@dataclass(frozen=True)
class Unexpressed:
    """A line whose effect no option has.

    Attributes
    ----------
    line : int
        In the file, from 1.
    text : str
        The line.
    why : str
        The reason, in words.
    file : int
        Which of the files given, from 0.
    """

    line: int
    text: str
    why: str
    file: int = 0

    @classmethod
    def at(cls, source: Source, node: Node, why: str) -> Unexpressed:
        """Return the finding about the line on which a node begins."""
        return cls(row(node), source.line(node), why)


Finding = Implied | Unexpressed
