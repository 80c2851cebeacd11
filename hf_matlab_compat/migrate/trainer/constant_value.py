"""The value of a constant expression: numbers, words, and constants already known. Nothing is executed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hf_matlab_compat.migrate.trainer.nodes import (
    Node,
    arguments,
    called,
    operands,
    text_of,
    unwrapped,
)

EMPTY = ()
"""The value of ``[]``."""

_CASTS = {"single", "double", "conv", "gsingle", "gdouble", "gpuArray", "GPUsingle", "cast"}
_WORDS = {"Inf": math.inf, "inf": math.inf, "true": 1.0, "false": 0.0, "pi": math.pi}
_OPERATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    ".*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "./": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    ".^": lambda a, b: a**b,
}
_DEEPEST = 40


class Exact(dict[str, Any]):
    """Variables by their whole names: what is known of ``drop`` says nothing of ``c.drop``."""


def constant_value(node: Node, known: Mapping[str, Any]) -> Any:
    """A float, a str, `EMPTY`, or None for whatever is no constant.

    Parameters
    ----------
    node : Node
        An expression.
    known : mapping of str to float or str
        Variables with a value.
    """
    try:
        return _value(node, known, 0)
    except (ArithmeticError, ValueError, TypeError):
        return None


def _value(node: Node, known: Mapping[str, Any], depth: int) -> Any:
    node = unwrapped(node)
    if depth > _DEEPEST or node.type not in _KINDS:
        return None
    return _KINDS[node.type](node, known, depth + 1)


def _number(node: Node, known: Mapping[str, Any], depth: int) -> float:
    del known, depth
    return float(text_of(node).replace("d", "e").replace("D", "e"))


def _string(node: Node, known: Mapping[str, Any], depth: int) -> str:
    del known, depth
    return text_of(node)[1:-1]


def _name(node: Node, known: Mapping[str, Any], depth: int) -> Any:
    del depth
    name = text_of(node) if isinstance(known, Exact) else text_of(node).rpartition(".")[2]
    return known.get(name, _WORDS.get(name))


def _matrix(node: Node, known: Mapping[str, Any], depth: int) -> Any:
    del known, depth
    return None if node.named_children else EMPTY


def _signed(node: Node, known: Mapping[str, Any], depth: int) -> float | None:
    value = _value(node.named_children[-1], known, depth)
    if not isinstance(value, float):
        return None
    return {"-": -value, "+": value}.get(text_of(node.children[0]))


def _binary(node: Node, known: Mapping[str, Any], depth: int) -> float | None:
    parts = operands(node)
    if parts is None or parts[1] not in _OPERATIONS:
        return None
    left, right = _value(parts[0], known, depth), _value(parts[2], known, depth)
    if not (isinstance(left, float) and isinstance(right, float)):
        return None
    value = _OPERATIONS[parts[1]](left, right)
    return value if isinstance(value, float) else None


def _cast(node: Node, known: Mapping[str, Any], depth: int) -> Any:
    given = arguments(node)
    return _value(given[0], known, depth) if called(node) in _CASTS and given else None


_KINDS: Mapping[str, Callable[[Node, Mapping[str, Any], int], Any]] = {
    "number": _number,
    "string": _string,
    "identifier": _name,
    "boolean": _name,
    "field_expression": _name,
    "matrix": _matrix,
    "unary_operator": _signed,
    "binary_operator": _binary,
    "function_call": _cast,
}
