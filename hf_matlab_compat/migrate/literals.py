"""Python text of a statement as its syntax tree."""

from __future__ import annotations

import ast
import re

_HEADER = re.compile(r":(?:  # noqa: \w+)?\Z")


class UnsafeStatement(Exception):
    """A statement would not hold the script's strings as they are; says why."""


def opened(text: str) -> tuple[str, ast.Module]:
    """Return a statement, or the header of a block, and its syntax tree.

    Raises
    ------
    UnsafeStatement
        It is no Python.
    """
    tree = parsed(text)
    if tree is None:
        raise UnsafeStatement("has no form in Python that can be read back")
    return text, tree


def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of a statement or of a block's header; None where it has none."""
    try:
        return ast.parse(_completed(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _completed(text: str) -> str:
    """A block's header with a block around it; any other statement as it is."""
    if not _HEADER.search(text):
        return text
    if text.startswith(("elif ", "else:")):
        return f"if _:\n    pass\n{text}\n    pass"
    if text.startswith("except "):
        return f"try:\n    pass\n{text}\n    pass"
    return f"{text}\n    pass" + ("\nfinally:\n    pass" if text.startswith("try:") else "")


def escaped(text: str, mark: str) -> str:
    """Return the characters of a string between two quotes `mark`."""
    return "".join(
        "\\" + character if character == mark else character if character in "\"'" else repr(character)[1:-1]
        for character in text
    )
