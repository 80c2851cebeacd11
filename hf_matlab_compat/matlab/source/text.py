"""MATLAB source as text: what is code in it, what is comment and what is string, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEFORE_TRANSPOSE = re.compile(r"[\w)\]}'.]$")
_FUNCTION = re.compile(
    r"^\s*function\b\s*(?:(?P<out>\[[^\]]*\]|\w+)\s*=)?\s*(?P<name>[\w.]+)\s*(?:\((?P<args>[^)]*)\))?"
)


def without_comments(source: str) -> list[str]:
    """The lines, their comments (and what follows ``...``) cut off; strings stay."""
    return [code for code, _ in _code(source)]


def code_only(source: str) -> list[str]:
    """The lines without comments, and blanks where their strings are."""
    return [blanked for _, blanked in _code(source)]


def function_line(source: str) -> tuple[str, list[str], list[str]] | None:
    """Name, inputs and outputs of the function that a file begins with, or None for a script."""
    match = _FUNCTION.match(_joined(source))
    if match is None:
        return None
    outputs = re.findall(r"\w+", match["out"] or "")
    return match["name"], re.findall(r"[\w~]+", match["args"] or ""), outputs


def functions(source: str) -> list[str]:
    """Names of all functions defined in a file, local and nested ones included."""
    return [match["name"] for line in without_comments(source) if (match := _FUNCTION.match(line))]


def _joined(source: str) -> str:
    """The code of the first statement, continued lines put together."""
    statement = ""
    for raw, line in zip(source.splitlines(), without_comments(source), strict=True):
        statement += line.strip() + " "
        if statement.strip() and not _continues(raw, line):
            break
    return statement.strip()


def _continues(raw: str, code: str) -> bool:
    return raw[len(code.rstrip()) :].lstrip().startswith("...")


def _code(source: str) -> Iterator[tuple[str, str]]:
    depth = 0
    for line in source.splitlines():
        mark = line.strip()
        if mark in ("%{", "#{"):
            depth += 1
        if depth:
            yield "", ""
        else:
            yield _split(line)
        if depth and mark in ("%}", "#}"):
            depth -= 1


def _split(line: str) -> tuple[str, str]:
    """A line up to its comment, with its strings and with blanks in their place."""
    at, blanked = 0, ""
    while at < len(line):
        character = line[at]
        if character in "%#" or line.startswith("...", at):
            break
        if character == '"' or (character == "'" and not _BEFORE_TRANSPOSE.search(line[:at])):
            end = _end_of_string(line, at)
            blanked += " " * (end - at)
            at = end
        else:
            blanked += character
            at += 1
    return line[:at], blanked


def _end_of_string(line: str, start: int) -> int:
    quote, at = line[start], start + 1
    while at < len(line):
        if line[at] == quote:
            if line[at + 1 : at + 2] != quote:
                return at + 1
            at += 1
        at += 1
    return len(line)
