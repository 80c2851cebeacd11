"""Chains of operators, put together by MATLAB's precedence; the grammar's own is another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Node

CHAINED = frozenset(
    {
        "binary_operator",
        "comparison_operator",
        "boolean_operator",
        "unary_operator",
        "not_operator",
        "postfix_operator",
        "range",
    }
)
"""The grammar's nodes that are taken apart; parentheses, brackets and calls are operands."""

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"|"}),
    frozenset({"&"}),
    frozenset({"<", "<=", "==", "~=", "!=", ">=", ">"}),
)
_SUM = frozenset({"+", "-"})
_PRODUCT = frozenset({"*", ".*", "/", "./", "\\", ".\\"})
_POWER = frozenset({"^", ".^"})
_TRANSPOSE = frozenset({"'", ".'"})
_PREFIX = frozenset({"+", "-", "~", "!"})
_LONGEST = 400


class ChainFailure(Exception):
    """A chain of operators makes no sense; says why."""


def chain(node: Any, operand: Callable[[Any], Node]) -> Node:
    """The expression for a node of `CHAINED`; `operand` reads what stands between the operators."""
    parts = list(_parts(node))
    if len(parts) > _LONGEST:
        raise ChainFailure("is nested too deeply")
    return _Chain(_with_points(parts), operand).whole()


def _parts(node: Any) -> Iterator[Any]:
    """Operators and operands in the order of the text."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type in ("comment", "line_continuation"):
            continue
        if here.type in CHAINED:
            waiting.extend(reversed(here.children))
        else:
            yield here


def _with_points(parts: list[Any]) -> list[str | Any]:
    """Operators as text; ``2./x`` means ``2 ./ x``, though the grammar reads a number that ends in a point."""
    found: list[str | Any] = []
    for place, part in enumerate(parts):
        if part.is_named:
            found.append(part)
            continue
        sign = part.text.decode("utf-8", "replace")
        before = parts[place - 1] if place else None
        pointed = sign in ("*", "/", "^", "\\", "'") and _ends_in_point(before, part)
        found.append("." + sign if pointed else sign)
    return found


def _ends_in_point(before: Any, sign: Any) -> bool:
    """Whether a number with a point at its end touches the operator behind it."""
    if before is None or before.type != "number":
        return False
    return before.end_byte == sign.start_byte and before.text.endswith(b".")


class _Chain:
    """Reads a list of operators and operands, loosest operators first."""

    def __init__(self, parts: list[str | Any], operand: Callable[[Any], Node]) -> None:
        self._parts = parts
        self._operand = operand
        self._place = 0

    def whole(self) -> Node:
        found = self._level(0)
        if self._place < len(self._parts):
            raise ChainFailure("cannot be parsed")
        return found

    def _sign(self, among: frozenset[str]) -> str | None:
        """The next operator, where it is one of these."""
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
        """Operators of one level, from left to right."""
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
            raise ChainFailure("cannot be parsed")
        return syntax.Range(bounds[0], bounds[1] if len(bounds) == 3 else None, bounds[-1])

    def _sum(self) -> Node:
        return self._joined(_SUM, lambda: self._joined(_PRODUCT, self._prefixed))

    def _prefixed(self) -> Node:
        sign = self._sign(_PREFIX)
        return self._power() if sign is None else syntax.Unary(sign, self._prefixed())

    def _power(self) -> Node:
        """Powers and transposes, from left to right: ``2^3^2`` is 64."""
        left = self._single()
        while True:
            if self._sign(_TRANSPOSE) is not None:
                left = syntax.Transpose(left)
            elif (sign := self._sign(_POWER)) is not None:
                left = syntax.Binary(sign, left, self._exponent())
            else:
                return left

    def _exponent(self) -> Node:
        """A sign in front of an exponent belongs to it: ``2^-3^2`` is (2^-3)^2."""
        sign = self._sign(_PREFIX)
        return self._single() if sign is None else syntax.Unary(sign, self._exponent())

    def _single(self) -> Node:
        here = self._parts[self._place] if self._place < len(self._parts) else None
        if here is None or isinstance(here, str):
            raise ChainFailure("cannot be parsed")
        self._place += 1
        return self._operand(here)
