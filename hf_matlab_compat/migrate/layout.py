"""Lines of Python as ruff would set them: 88 columns, broken at the outermost brackets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

from hf_matlab_compat.migrate.literals import same_statement

WIDTH = 88
_OPENING, _CLOSING = "([{", ")]}"
_LEVELS = (
    (" or ",),
    (" and ",),
    (" == ", " != ", " < ", " <= ", " > ", " >= "),
    (" | ",),
    (" & ",),
    (" + ", " - "),
    (" * ", " / ", " @ "),
)
_OPERATORS = tuple(itertools.chain(*_LEVELS))


def broken(text: str, indent: int, width: int = WIDTH) -> list[str]:
    """One statement as lines of at most `width` columns where brackets allow, else as it is.

    Lines that would be another statement than `text` are not taken; the one long line says ``# noqa: E501`` then.
    """
    lines = _broken(text, indent, width)
    if len(lines) == 1 or same_statement("\n".join(line[indent:] for line in lines), text):
        return lines
    return [f"{' ' * indent}{text}  # noqa: E501"]


def _broken(text: str, indent: int, width: int) -> list[str]:
    margin = " " * indent
    if indent + len(text) <= width:
        return [margin + text]
    head, expression, tail = _parts(text)
    if head and _has_operator(expression) and not _hangs_on_bracket(expression):
        return _in_parentheses(head, expression, tail, indent, width)
    return _at_last_bracket(text, indent, width)


def spaced(lines: Sequence[str]) -> list[str]:
    """Blank lines around functions as ruff wants them, none doubled, none at the start of a block."""
    out: list[str] = []
    after_function: list[int] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            if out and out[-1].strip() and not _opens_block(out[-1]):
                out.append("")
            continue
        while after_function and indent <= after_function[-1] and not line.lstrip().startswith(")"):
            _ensure_blank(out, len(out), after_function.pop())
        if line.lstrip().startswith("def "):
            _ensure_blank(out, _before_comments(out, indent), indent)
            after_function.append(indent)
        out.append(line)
    return out


def _ensure_blank(out: list[str], place: int, indent: int) -> None:
    wanted = 2 if indent == 0 else 1
    start = place
    while start and not out[start - 1].strip():
        start -= 1
    if start and not (indent and _opens_block(out[start - 1])):
        out[start:place] = [""] * wanted


def _before_comments(out: list[str], indent: int) -> int:
    place = len(out)
    while place and out[place - 1].startswith(" " * indent + "#"):
        place -= 1
    return place


def _opens_block(line: str) -> bool:
    return line.rstrip().endswith(":") and not line.lstrip().startswith("#")


def _parts(text: str) -> tuple[str, str, str]:
    """What stands before an expression that may be put in parentheses, the expression, what follows."""
    for word in ("if ", "while ", "elif ", "return ", "assert "):
        if text.startswith(word) and _top_level(text, ", ") == []:
            return word, text[len(word) :].removesuffix(":"), ":" if text.endswith(":") else ""
    places = _top_level(text, " = ")
    if places:
        end = places[-1] + 3
        return text[:end], text[end:], ""
    return "", text, ""


def _has_operator(expression: str) -> bool:
    return any(_top_level(expression, operator) for operator in _OPERATORS)


def _hangs_on_bracket(expression: str) -> bool:
    """Whether ruff breaks ``a + f(…)`` inside the bracket at its end: one operator, and something to break there."""
    places = next((found for found in map(partial(_places, expression), _LEVELS) if found), [])
    pair = _brackets(expression)[-1:]
    if len(places) != 1 or not pair:
        return False
    start, end = pair[0]
    between_brackets = expression.startswith("(") and expression[start - 1] == " "
    return not between_brackets and end == len(expression) - 1 and end > start + 1


def _in_parentheses(head: str, expression: str, tail: str, indent: int, width: int) -> list[str]:
    inner = indent + 4
    lines = [" " * indent + head + "("]
    if inner + len(expression) <= width:
        lines.append(" " * inner + expression)
    else:
        lines.extend(" " * inner + part for part in _at_operators(expression, width - inner))
    return [*lines, " " * indent + ")" + tail]


def _at_operators(expression: str, width: int) -> list[str]:
    for operators in _LEVELS:
        places = _places(expression, operators)
        if places:
            edges = [0, *(place + 1 for place in places), len(expression)]
            parts = [expression[a:b].strip() for a, b in itertools.pairwise(edges)]
            return [line for part in parts for line in _fitted(part, width)]
    return [expression]


def _fitted(part: str, width: int) -> list[str]:
    """A part of a broken expression, broken again where it is too long."""
    sign = next((each.strip() + " " for each in _OPERATORS if part.startswith(each.strip() + " ")), "")
    if len(part) <= width:
        return [part]
    if not _has_operator(part[len(sign) :]):
        return _at_last_bracket(part, 0, width)
    first, *others = _at_operators(part[len(sign) :], width)
    return [sign + first, *others]


def _places(expression: str, operators: tuple[str, ...]) -> list[int]:
    return sorted(place for operator in operators for place in _top_level(expression, operator))


def _at_last_bracket(text: str, indent: int, width: int) -> list[str]:
    pairs = [pair for pair in _brackets(text) if pair[1] > pair[0] + 1]
    if not pairs:
        return [" " * indent + text]
    fitting = [pair for pair in pairs if indent + pair[0] + 1 <= width]
    start, end = fitting[-1] if fitting else pairs[-1]
    margin, inner = " " * indent, " " * (indent + 4)
    body, tail = text[start + 1 : end], text[end:]
    lines = [margin + text[: start + 1]]
    if indent + 4 + len(body) <= width:
        return [*lines, inner + body, margin + tail]
    parts = _split(body)
    comma = "" if len(parts) == 1 and _stays_alone(text, start, body, indent + 4, width) else ","
    for part in parts:
        *before, last = _argument(part, indent + 4, width - 1)
        lines += [*before, last + comma]
    return [*lines, margin + tail]


def _stays_alone(text: str, start: int, body: str, indent: int, width: int) -> bool:
    """Whether one entry in brackets has no comma behind it: that would make a tuple of a group and of an index."""
    follows = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_)]}\"'")
    groups = text[start] == "[" if follows else text[start] == "("
    return groups or bool(_top_level(body, " for ")) or (text[start] == "(" and _at_its_operators(body, indent, width))


def _argument(part: str, indent: int, width: int) -> list[str]:
    """An argument or an entry: brackets around it make others unnecessary."""
    if not _at_its_operators(part, indent, width):
        return _broken(part, indent, width)
    return [" " * indent + line for line in _at_operators(part, width - indent)]


def _at_its_operators(part: str, indent: int, width: int) -> bool:
    return indent + len(part) > width and _has_operator(part) and not _hangs_on_bracket(part)


def _brackets(text: str) -> list[tuple[int, int]]:
    """The outermost pairs of brackets, in order."""
    found: list[tuple[int, int]] = []
    stack: list[int] = []
    for place, character in _code(text):
        if character in _OPENING:
            stack.append(place)
        elif character in _CLOSING and stack:
            start = stack.pop()
            if not stack:
                found.append((start, place))
    return found


def _split(body: str) -> list[str]:
    places = _top_level(body, ", ")
    edges = [0, *(place + 2 for place in places), len(body) + 2]
    return [body[a : b - 2] for a, b in itertools.pairwise(edges)]


def _top_level(text: str, part: str) -> list[int]:
    """Where `part` occurs outside brackets and strings."""
    depth = 0
    found: list[int] = []
    for place, character in _code(text):
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif depth == 0 and text.startswith(part, place):
            found.append(place)
    return found


def _code(text: str) -> Iterator[tuple[int, str]]:
    """Places and characters outside strings."""
    quote = ""
    place = 0
    while place < len(text):
        character = text[place]
        if quote:
            if character == "\\":
                place += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        else:
            yield place, character
        place += 1
