"""MATLAB source as text: what parity must know of a trainer even without tree-sitter, its arguments and functions."""

from __future__ import annotations

import re

_BEFORE_TRANSPOSE = re.compile(r"[\w)\]}'.]$")
_FUNCTION = re.compile(
    r"^\s*function\b\s*(?:(?P<out>\[[^\]]*\]|\w+)\s*=)?\s*(?P<name>[\w.]+)\s*(?:\((?P<args>[^)]*)\))?"
)


def without_comments(source: str) -> list[str]:
    """Return the lines of a source without comments and without anything after ``...``; strings stay."""
    found, depth = list[str](), 0
    for line in source.splitlines():
        depth += line.strip() in ("%{", "#{")
        found.append("" if depth else _without_comment(line))
        depth -= depth > 0 and line.strip() in ("%}", "#}")
    return found


def function_line(source: str) -> tuple[str, list[str], list[str]] | None:
    """Return name, inputs and outputs of the function that a file begins with; None for a script."""
    match = _FUNCTION.match(_joined(source))
    if match is None:
        return None
    outputs = re.findall(r"\w+", match["out"] or "")
    return match["name"], re.findall(r"[\w~]+", match["args"] or ""), outputs


def functions(source: str) -> list[str]:
    """Return the names of all functions defined in a file, local and nested ones included."""
    return [match["name"] for line in without_comments(source) if (match := _FUNCTION.match(line))]


def _joined(source: str) -> str:
    """Return the code of the first statement with its continued lines."""
    statement = ""
    for raw, line in zip(source.splitlines(), without_comments(source), strict=True):
        statement += line.strip() + " "
        if statement.strip() and not _continues(raw, line):
            break
    return statement.strip()


def _continues(raw: str, code: str) -> bool:
    return raw[len(code.rstrip()) :].lstrip().startswith("...")


def _without_comment(line: str) -> str:
    at = 0
    while at < len(line):
        if line[at] in "%#" or line.startswith("...", at):
            break
        quoted = line[at] == '"' or (line[at] == "'" and not _BEFORE_TRANSPOSE.search(line[:at]))
        at = _end_of_string(line, at) if quoted else at + 1
    return line[:at]


def _end_of_string(line: str, start: int) -> int:
    quote, at = line[start], start + 1
    while at < len(line):
        if line[at] == quote:
            if line[at + 1 : at + 2] != quote:
                return at + 1
            at += 1
        at += 1
    return len(line)
