"""Strings inside Python text: sealed while a statement is put together, written out when it is complete.

A sealed string shows nothing but hexadecimal digits. What edits or searches Python text cannot meet what a MATLAB
string holds, so no string can become code or change a decision.
"""

from __future__ import annotations

import ast
import re
from typing import Any

SPEC = "\ue004"
"""Stands for the colon before a format in a replacement field, so that the field can be taken apart again."""
_LITERAL = re.compile("([\"'])\ue000([0-9a-f]*)\ue001\\1")
_PART = re.compile("\ue002([0-9a-f]*)\ue003")
_ANY = re.compile("[\ue000\ue002]([0-9a-f]*)[\ue001\ue003]")
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_HEADER = re.compile(r":(?:  # noqa: \w+)?\Z")


class UnsafeStatement(Exception):
    """A statement would not hold the script's strings as they are; says why."""


def unescaped(text: str) -> str:
    """Backslash sequences of a format as the characters they mean."""
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    octal, hexadecimal, other = found.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) % 256 if octal else int(hexadecimal, 16))
    return _ESCAPES.get(other, other)


def sealed(text: str) -> str:
    """A string as a sealed Python literal."""
    return f'"\ue000{_hidden(text)}\ue001"'


def sealed_part(text: str) -> str:
    """Plain text inside an f-string, sealed."""
    return f"\ue002{_hidden(text)}\ue003" if text else ""


def content(literal: str) -> str | None:
    """The string that one sealed literal holds; None for any other Python text."""
    found = _LITERAL.fullmatch(literal)
    return None if found is None else _shown(found[2])


def contents(text: str) -> list[str]:
    """The strings that stand sealed in Python text, in order."""
    return [_shown(digits) for digits in _ANY.findall(text)]


def part_content(part: str) -> str | None:
    """The plain text that one sealed part of an f-string holds; None for any other text."""
    found = _PART.fullmatch(part)
    return None if found is None else _shown(found[1])


def fits_field(text: str) -> bool:
    """Whether an expression can stand in a replacement field: Python 3.11 allows no backslash and no second quote."""
    if any(mark in text for mark in ("'", "{", "}", "\\", "#", "lambda")):
        return False
    return all(map(_is_plain, contents(text)))


def opened(text: str) -> tuple[str, ast.Module]:
    """A statement, or the header of a block, with its strings written out, and its syntax tree.

    Raises
    ------
    UnsafeStatement
        It is no Python, or it would be another statement than the one that was put together.
    """
    closed = text.replace(SPEC, ":")
    intended = parsed(closed)
    written = _LITERAL.sub(_written, _PART.sub(_written_part, closed))
    got = intended if written == closed else parsed(written)
    if intended is None or got is None:
        raise UnsafeStatement("has no form in Python that can be read back")
    if not _same(intended, got):
        raise UnsafeStatement("holds a string that would not stay the same in Python")
    return written, got


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a statement or of a block's header; None where it has none."""
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


def same_statement(one: str, other: str) -> bool:
    """Whether two texts are the same statement in another layout."""
    trees = parsed(one), parsed(other)
    return trees[0] is not None and trees[1] is not None and _same(trees[0], trees[1])


def _same(intended: ast.AST, got: ast.AST) -> bool:
    """Whether two trees are equal once the strings of the first are opened."""
    waiting: list[tuple[Any, Any]] = [(intended, got)]
    while waiting:
        one, other = waiting.pop()
        one = _ANY.sub(lambda found: _shown(found[1]), one) if isinstance(one, str) else one
        if type(one) is not type(other):
            return False
        if isinstance(one, ast.AST):
            waiting.extend((getattr(one, name, None), getattr(other, name, None)) for name in one._fields)
        elif isinstance(one, list):
            if len(one) != len(other):
                return False
            waiting.extend(zip(one, other, strict=True))
        elif one != other:
            return False
    return True


def escaped(text: str, mark: str) -> str:
    """The characters of a string between two quotes `mark`."""
    return "".join(
        "\\" + character if character == mark else character if character in "\"'" else repr(character)[1:-1]
        for character in text
    )


def _written(found: re.Match[str]) -> str:
    text = _shown(found[2])
    if found[1] == "'":
        return f"'{text}'" if _is_plain(text) else found[0]
    mark = "'" if text.count('"') > text.count("'") else '"'
    return f"{mark}{escaped(text, mark)}{mark}"


def _written_part(found: re.Match[str]) -> str:
    return escaped(_shown(found[1]), '"').replace("{", "{{").replace("}", "}}")


def _is_plain(text: str) -> bool:
    """Whether a string needs no escapes, in a replacement field either."""
    return not set(text) & set("\"'\\{}#") and repr(text)[1:-1] == text


def _hidden(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


def _shown(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-8", "surrogatepass")
