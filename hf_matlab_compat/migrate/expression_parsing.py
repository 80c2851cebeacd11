"""MATLAB's expressions as nodes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.literals import unescaped
from hf_matlab_compat.migrate.operator_parsing import CHAINED, ChainFailure, chain
from hf_matlab_compat.migrate.syntax import Node

_DEEPEST = 100
_MOST_DIGITS = 300


class ParseFailure(Exception):
    """An expression is outside the dialect; says why."""


def expression(node: Any, depth: int = 0) -> Node:
    """The node for a tree-sitter node; raises `ParseFailure` where there is none."""
    if depth > _DEEPEST:
        raise ParseFailure("is nested too deeply")
    if node is None or node.type == "ERROR" or node.is_missing:
        raise ParseFailure("cannot be parsed")
    read = _READERS.get(node.type)
    if read is None:
        raise ParseFailure(f"holds a {node.type.replace('_', ' ')}, which is outside the dialect")
    return read(node, depth + 1)


def _text_of(node: Any) -> str:
    return node.text.decode("utf-8", "replace")


def _string(node: Any, _depth: int) -> Node:
    raw = _text_of(node)
    quote, inner = raw[:1], raw[1:-1]
    if len(raw) < 2 or quote not in ("'", '"') or raw[-1] != quote:
        raise ParseFailure("cannot be parsed")
    plain = inner.replace(quote * 2, quote)
    return syntax.Text(unescaped(plain) if quote == '"' else plain, double=quote == '"')


def _name(node: Any, _depth: int) -> Node:
    return syntax.Name(_text_of(node))


def _number(node: Any, _depth: int) -> Node:
    text = _text_of(node)
    if not re.fullmatch(r"(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", text):
        raise ParseFailure(f"holds the number {text}, which is outside the dialect")
    if len(text) > _MOST_DIGITS:
        raise ParseFailure(f"holds a number of {len(text)} digits")
    return syntax.Number(text.removesuffix("."))


def _operands(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type not in ("line_continuation", "comment")]


def _chain(node: Any, depth: int) -> Node:
    try:
        return chain(node, lambda operand: expression(operand, depth))
    except ChainFailure as failure:
        raise ParseFailure(str(failure)) from None


def _paren(node: Any, depth: int) -> Node:
    return syntax.Paren(expression(_operands(node)[0], depth))


def _apply(node: Any, depth: int) -> Node:
    base = expression(node.child_by_field_name("name"), depth)
    brace = any(child.type == "{" for child in node.children)
    if any(child.type == "@" for child in node.children):
        raise ParseFailure("calls a superclass")
    return syntax.Apply(base, _arguments(node, depth), brace)


def _arguments(node: Any, depth: int) -> tuple[Node, ...]:
    holder = next((child for child in node.children if child.type == "arguments"), None)
    return tuple(expression(child, depth) for child in _operands(holder)) if holder is not None else ()


def _field(node: Any, depth: int) -> Node:
    base = expression(node.child_by_field_name("object"), depth)
    if node.child_count > _DEEPEST:
        raise ParseFailure("is nested too deeply")
    for child in node.children[1:]:
        if child.type in (".", "line_continuation"):
            continue
        base = _accessed(base, child, depth)
    return base


def _accessed(base: Node, child: Any, depth: int) -> Node:
    if child.type == "identifier":
        return syntax.Field(base, _text_of(child))
    if child.type == "indirect_access":
        return syntax.Field(base, expression(_operands(child)[0], depth))
    if child.type == "function_call":
        inner = _accessed(base, child.child_by_field_name("name"), depth)
        return syntax.Apply(inner, _arguments(child, depth), any(part.type == "{" for part in child.children))
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
    """Whether a semicolon or the end of a line, not continued, stands between two rows."""
    between = node.text[before.end_byte - node.start_byte : row.start_byte - node.start_byte].decode("utf-8", "replace")
    joined = re.sub(r"\.\.\.[^\n]*\n(\s*%[^\n]*\n)*", "", before.text.decode("utf-8", "replace")[-1:] + between)
    return ";" in joined or "\n" in re.sub(r"%[^\n]*", "", joined)


def _lambda(node: Any, depth: int) -> Node:
    holder = next((child for child in node.children if child.type == "arguments"), None)
    names = tuple(_text_of(child) for child in holder.named_children) if holder is not None else ()
    if len({name for name in names if name != "~"}) + names.count("~") < len(names):
        raise ParseFailure("names an argument twice")
    return syntax.Lambda(names, expression(node.child_by_field_name("expression"), depth))


_READERS: dict[str, Callable[[Any, int], Node]] = {
    **dict.fromkeys(CHAINED, _chain),
    "number": _number,
    "string": _string,
    "identifier": _name,
    "end_keyword": lambda _node, _depth: syntax.End(),
    "spread_operator": lambda _node, _depth: syntax.Colon(),
    "parenthesis": _paren,
    "_expression": lambda node, depth: expression(_operands(node)[0], depth),
    "function_call": _apply,
    "field_expression": _field,
    "matrix": lambda node, depth: syntax.Matrix(_rows(node, depth)),
    "cell": lambda node, depth: syntax.CellLiteral(_rows(node, depth)),
    "handle_operator": lambda node, _depth: syntax.Handle(_text_of(_operands(node)[0])),
    "lambda": _lambda,
}
