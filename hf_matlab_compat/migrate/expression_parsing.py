"""MATLAB's expressions as nodes. Chains of operators are read by MATLAB's precedence, which the grammar's is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Node, unescaped

_DEEPEST = 100
_MOST_DIGITS = 300
_LONGEST_CHAIN = 400
_CHAINED = frozenset(f"{kind}_operator" for kind in ("binary", "comparison", "boolean", "unary", "not", "postfix")) | {
    "range"
}
"""Kinds of the grammar's nodes that are taken apart into operators and operands."""

_LEVELS = tuple(map(frozenset, (("||",), ("&&",), ("|",), ("&",), ("<", "<=", "==", "~=", "!=", ">=", ">"))))
_SUM = frozenset({"+", "-"})
_PRODUCT = frozenset({"*", ".*", "/", "./", "\\", ".\\"})
_POWER = frozenset({"^", ".^"})
_TRANSPOSE = frozenset({"'", ".'"})
_PREFIX = frozenset({"+", "-", "~", "!"})


class ParseFailure(Exception):
    """An expression is outside the dialect; the message says why."""


def text_of(node: Any) -> str:
    """Return the text of a tree-sitter node."""
    return node.text.decode("utf-8", "replace")


def expression(node: Any, depth: int = 0) -> Node:
    """Return the node for a tree-sitter node.

    Raises
    ------
    ParseFailure
        The expression is outside the dialect.
    """
    if depth > _DEEPEST:
        raise ParseFailure("is nested too deeply")
    if node is None or node.type == "ERROR" or node.is_missing:
        raise ParseFailure("cannot be parsed")
    read = _READERS.get(node.type)
    if read is None:
        raise ParseFailure(f"holds a {node.type.replace('_', ' ')}, which is outside the dialect")
    return read(node, depth + 1)


def _string(node: Any, _depth: int) -> Node:
    raw = text_of(node)
    quote, inner = raw[:1], raw[1:-1]
    if len(raw) < 2 or quote not in ("'", '"') or raw[-1] != quote:
        raise ParseFailure("cannot be parsed")
    plain = inner.replace(quote * 2, quote)
    return syntax.Text(unescaped(plain) if quote == '"' else plain, double=quote == '"')


def _number(node: Any, _depth: int) -> Node:
    text = text_of(node)
    if not re.fullmatch(r"(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", text):
        raise ParseFailure(f"holds the number {text}, which is outside the dialect")
    if len(text) > _MOST_DIGITS:
        raise ParseFailure(f"holds a number of {len(text)} digits")
    return syntax.Number(text.removesuffix("."))


def _operands(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type not in ("line_continuation", "comment")]


def _inner(node: Any, depth: int) -> Node:
    return expression(_operands(node)[0], depth)


def _apply(node: Any, depth: int) -> Node:
    base = expression(node.child_by_field_name("name"), depth)
    if _has(node, "@"):
        raise ParseFailure("calls a superclass")
    return syntax.Apply(base, _arguments(node, depth), _has(node, "{"))


def _has(node: Any, sign: str) -> bool:
    return any(child.type == sign for child in node.children)


def _arguments(node: Any, depth: int) -> tuple[Node, ...]:
    holder = next((child for child in node.children if child.type == "arguments"), None)
    return tuple(expression(child, depth) for child in _operands(holder)) if holder is not None else ()


def _field(node: Any, depth: int) -> Node:
    base = expression(node.child_by_field_name("object"), depth)
    if node.child_count > _DEEPEST:
        raise ParseFailure("is nested too deeply")
    for child in node.children[1:]:
        if child.type not in (".", "line_continuation"):
            base = _accessed(base, child, depth)
    return base


def _accessed(base: Node, child: Any, depth: int) -> Node:
    if child.type == "identifier":
        return syntax.Field(base, text_of(child))
    if child.type == "indirect_access":
        return syntax.Field(base, _inner(child, depth))
    if child.type == "function_call":
        inner = _accessed(base, child.child_by_field_name("name"), depth)
        return syntax.Apply(inner, _arguments(child, depth), _has(child, "{"))
    raise ParseFailure("accesses a field in an unknown way")


def _rows(node: Any, depth: int) -> tuple[tuple[Node, ...], ...]:
    rows: list[tuple[Node, ...]] = []
    before = None
    for row in (child for child in node.named_children if child.type == "row"):
        entries = tuple(expression(child, depth) for child in _operands(row))
        if before is not None and not _separated(node, before, row):
            rows[-1] += entries
        elif entries:
            rows.append(entries)
        before = row
    return tuple(rows)


def _separated(node: Any, before: Any, row: Any) -> bool:
    """Return whether a semicolon or the end of a line that is not continued separates two rows."""
    between = node.text[before.end_byte - node.start_byte : row.start_byte - node.start_byte].decode("utf-8", "replace")
    joined = re.sub(r"\.\.\.[^\n]*\n(\s*%[^\n]*\n)*", "", text_of(before)[-1:] + between)
    return ";" in joined or "\n" in re.sub(r"%[^\n]*", "", joined)


def _lambda(node: Any, depth: int) -> Node:
    holder = next((child for child in node.children if child.type == "arguments"), None)
    names = tuple(text_of(child) for child in holder.named_children) if holder is not None else ()
    if len({name for name in names if name != "~"}) + names.count("~") < len(names):
        raise ParseFailure("names an argument twice")
    return syntax.Lambda(names, expression(node.child_by_field_name("expression"), depth))


def _chain(node: Any, depth: int) -> Node:
    parts = list(_parts(node))
    if len(parts) > _LONGEST_CHAIN:
        raise ParseFailure("is nested too deeply")
    return _Chain(_with_points(parts), depth).whole()


def _parts(node: Any) -> Iterator[Any]:
    """Yield operators and operands in the order of the text."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type in _CHAINED:
            waiting.extend(reversed(here.children))
        elif here.type not in ("comment", "line_continuation"):
            yield here


def _with_points(parts: list[Any]) -> list[str | Any]:
    """Return operators as text; ``2./x`` is ``2 ./ x``, although the grammar reads a number that ends in a point."""
    found: list[str | Any] = []
    for place, part in enumerate(parts):
        sign = part if part.is_named else text_of(part)
        before = parts[place - 1] if place else part
        pointed = before.type == "number" and before.text.endswith(b".") and before.end_byte == part.start_byte
        found.append("." + sign if pointed and sign in ("*", "/", "^", "\\", "'") else sign)
    return found


class _Chain:
    """Reads a list of operators and operands, loosest operators first."""

    def __init__(self, parts: list[str | Any], depth: int) -> None:
        self._parts = parts
        self._depth = depth
        self._place = 0

    def whole(self) -> Node:
        found = self._level(0)
        if self._place < len(self._parts):
            raise ParseFailure("cannot be parsed")
        return found

    def _sign(self, among: frozenset[str]) -> str | None:
        """Take and return the next operator if it is one of these."""
        here = self._parts[self._place] if self._place < len(self._parts) else None
        if not isinstance(here, str) or here not in among:
            return None
        self._place += 1
        return here

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._range()
        return self._joined(_LEVELS[level], lambda: self._level(level + 1))

    def _joined(self, signs: frozenset[str], part: Callable[[], Node]) -> Node:
        left = part()
        while (sign := self._sign(signs)) is not None:
            left = syntax.Binary(sign, left, part())
        return left

    def _range(self) -> Node:
        bounds = [self._sum()]
        while self._sign(frozenset(":")):
            bounds.append(self._sum())
        if len(bounds) == 1:
            return bounds[0]
        if len(bounds) > 3:
            raise ParseFailure("cannot be parsed")
        return syntax.Range(bounds[0], bounds[1] if len(bounds) == 3 else None, bounds[-1])

    def _sum(self) -> Node:
        return self._joined(_SUM, lambda: self._joined(_PRODUCT, self._prefixed))

    def _prefixed(self) -> Node:
        sign = self._sign(_PREFIX)
        return self._power() if sign is None else syntax.Unary(sign, self._prefixed())

    def _power(self) -> Node:
        # powers and transposes associate to the left: 2^3^2 is 64
        left = self._operand()
        while True:
            if self._sign(_TRANSPOSE) is not None:
                left = syntax.Transpose(left)
            elif (sign := self._sign(_POWER)) is not None:
                left = syntax.Binary(sign, left, self._exponent())
            else:
                return left

    def _exponent(self) -> Node:
        # a sign before an exponent belongs to it: 2^-3^2 is (2^-3)^2
        sign = self._sign(_PREFIX)
        return self._operand() if sign is None else syntax.Unary(sign, self._exponent())

    def _operand(self) -> Node:
        here = self._parts[self._place] if self._place < len(self._parts) else None
        if here is None or isinstance(here, str):
            raise ParseFailure("cannot be parsed")
        self._place += 1
        return expression(here, self._depth)


_READERS: dict[str, Callable[[Any, int], Node]] = {
    **dict.fromkeys(_CHAINED, _chain),
    "number": _number,
    "string": _string,
    "identifier": lambda node, _depth: syntax.Name(text_of(node)),
    "end_keyword": lambda _node, _depth: syntax.End(),
    "spread_operator": lambda _node, _depth: syntax.Colon(),
    "parenthesis": lambda node, depth: syntax.Paren(_inner(node, depth)),
    "_expression": _inner,
    "function_call": _apply,
    "field_expression": _field,
    "matrix": lambda node, depth: syntax.Matrix(_rows(node, depth)),
    "cell": lambda node, depth: syntax.CellLiteral(_rows(node, depth)),
    "handle_operator": lambda node, _depth: syntax.Handle(text_of(_operands(node)[0])),
    "lambda": _lambda,
}
