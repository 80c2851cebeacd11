"""MATLAB's arithmetic on numbers and names whose value is known."""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from typing import Any

_OPERATORS: Mapping[type, Any] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv},
    **{ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos},
}


def evaluate(expression: str, known: Mapping[str, float]) -> float | None:
    """The value of an expression; None for anything that is no arithmetic on numbers and known names."""
    try:
        tree = ast.parse(expression.strip().replace(".^", "**").replace("^", "**"), mode="eval")
        return float(_value(tree.body, known))
    except (SyntaxError, ValueError, KeyError, TypeError, ArithmeticError):
        return None


def _value(node: ast.expr, known: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, known), _value(node.right, known))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, known))
    raise ValueError
