"""Sets of values that a MATLAB expression can have, MATLAB's operators and functions on them.

A value is a float, a str, a tuple (a row of numbers or strings; ``EMPTY`` for ``[]``), `STRUCT`, or a `Handle`.
`UNKNOWN` stands for any value that the source does not determine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import product
from typing import Any, NamedTuple

from hf_matlab_compat.matlab.source.tree import Node

EMPTY: tuple[Any, ...] = ()


class Mark(Enum):
    """Values without a Python counterpart."""

    UNKNOWN = "unknown"
    STRUCT = "struct"


UNKNOWN, STRUCT = Mark.UNKNOWN, Mark.STRUCT


class Handle(NamedTuple):
    """A function handle: its node, or the name of a function."""

    id: int
    node: Node


Values = frozenset[tuple[Any, int]]
"""Pairs of a value and the line of the assignment that gave it; line 0 for a literal."""

_MOST_VALUES = 8
_LONGEST_ROW = 100


def exactly(value: Any, line: int = 0) -> Values:
    """Return the set of this one value."""
    return frozenset([(value, line)])


ANYTHING = exactly(UNKNOWN)


def only(found: Values) -> Any:
    """Return the value if there is only one, rounding aside; `UNKNOWN` if there are none or several."""
    values = {value for value, _ in found}
    if len(values) > 1 and all(isinstance(value, float) for value in values):
        first = next(iter(values))
        if all(math.isclose(value, first, rel_tol=1e-9) for value in values):
            return first
    return values.pop() if len(values) == 1 else UNKNOWN


def joined(*found: Values) -> Values:
    """Return the union; one unknown value in place of more than a few."""
    if all(each == found[0] for each in found[1:]):
        return found[0] if found else frozenset()
    union = frozenset[tuple[Any, int]]().union(*found)
    return union if len(union) <= _MOST_VALUES else exactly(UNKNOWN, max(line for _, line in union))


def assigned(found: Values, line: int, *, copied: bool) -> Values:
    """Return the values as an assignment in this line gives them: a copy or a choice keeps the lines of its source."""
    if len({value for value, _ in found}) == 1 and not copied:
        return frozenset((value, line) for value, _ in found)
    return frozenset((value, first or line) for value, first in found)


def computed(function: Callable[..., Any], given: Sequence[Values]) -> Values:
    """Apply a function of plain values to every combination of values."""
    found: set[tuple[Any, int]] = set()
    several = [len(each) > 1 for each in given]
    for row in product(*given):
        choices = [line for (_, line), choice in zip(row, several, strict=True) if choice]
        line = max(choices or [line for _, line in row], default=0)
        found.add((_applied(function, [value for value, _ in row]), line))
    return joined(frozenset(found))


def _applied(function: Callable[..., Any], values: Sequence[Any]) -> Any:
    if UNKNOWN in values:
        return UNKNOWN
    try:
        value = function(*values)
    except (ArithmeticError, ValueError, TypeError, IndexError):
        return UNKNOWN
    if isinstance(value, bool | int):
        value = float(value)
    return UNKNOWN if isinstance(value, complex) or value != value else value


def truths(found: Values) -> set[bool]:
    """Return which of true and false a condition can be."""
    both: set[bool] = set()
    for value, _ in found:
        if isinstance(value, float):
            both.add(value != 0)
        elif isinstance(value, str | tuple):
            both.add(bool(value) and all(value))
        else:
            both |= {True, False}
    return both


def numeric(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Return the operation on numbers alone; other values make its result unknown."""

    def checked(*values: Any) -> Any:
        return operation(*values) if all(isinstance(value, float) for value in values) else UNKNOWN

    return checked


def row_of(parts: Iterable[Any]) -> Any:
    """Return what ``[a, b]`` is for plain values: one string, one row, or the only part."""
    parts = [part for part in parts if part != EMPTY]
    if parts and all(isinstance(part, str) for part in parts):
        return "".join(parts)
    row = [value for part in parts for value in (part if isinstance(part, tuple) else (part,))]
    if not all(isinstance(value, float) for value in row):
        return UNKNOWN
    return row[0] if len(row) == 1 else tuple(row)


def cell_of(*parts: Any) -> Any:
    """Return what ``{a, b}`` is."""
    return parts


def range_of(*ends: Any) -> Any:
    """Return the row ``first:last`` or ``first:step:last``."""
    first, step, last = ends if len(ends) == 3 else (ends[0], 1.0, ends[1])
    count = math.floor((last - first) / step * (1 + 1e-12)) + 1
    return UNKNOWN if count > _LONGEST_ROW else tuple(first + k * step for k in range(max(count, 0)))


def element(row: Any, place: Any) -> Any:
    """Return ``row(place)``; a number is a row of one."""
    values = row if isinstance(row, tuple) else (row,)
    if not isinstance(place, float) or isinstance(row, str) or not 1 <= place <= len(values):
        return UNKNOWN
    return values[int(place) - 1]


def _count(value: Any) -> Any:
    return len(value) if isinstance(value, str | tuple) else 1 if isinstance(value, float) else UNKNOWN


def _is_empty(value: Any) -> bool:
    return isinstance(value, str | tuple) and not value


def _best(choose: Callable[..., Any]) -> Callable[..., Any]:
    def found(*values: Any) -> Any:
        numbers = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
        return choose(numbers) if all(isinstance(value, float) for value in numbers) else UNKNOWN

    return found


def _number(text: Any) -> Any:
    return float(text) if isinstance(text, str) else UNKNOWN


def _same(a: Any, b: Any) -> bool:
    return isinstance(a, str) and a == b


def _first(value: Any, *_: Any) -> Any:
    return value


BINARY: Mapping[str, Callable[..., Any]] = {
    "+": numeric(lambda a, b: a + b),
    "-": numeric(lambda a, b: a - b),
    **dict.fromkeys(("*", ".*"), numeric(lambda a, b: a * b)),
    **dict.fromkeys(("/", "./"), numeric(lambda a, b: a / b)),
    **dict.fromkeys(("\\", ".\\"), numeric(lambda a, b: b / a)),
    **dict.fromkeys(("^", ".^", "**"), numeric(lambda a, b: a**b)),
    "==": numeric(lambda a, b: a == b),
    **dict.fromkeys(("~=", "!="), numeric(lambda a, b: a != b)),
    "<": numeric(lambda a, b: a < b),
    "<=": numeric(lambda a, b: a <= b),
    ">": numeric(lambda a, b: a > b),
    ">=": numeric(lambda a, b: a >= b),
}
"""Operators on two plain values."""

WORDS: Mapping[str, Any] = {
    **{"Inf": math.inf, "inf": math.inf, "true": 1.0, "false": 0.0, "pi": math.pi, "eps": 2.0**-52},
    **{"struct": STRUCT},
}
"""Names that have a value without an assignment."""

CASTS = frozenset({"single", "double", "conv", "gsingle", "gdouble", "gpuArray", "GPUsingle", "cast", "gather"})
"""Functions that change the class or the place of their first argument alone."""

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(CASTS, _first),
    **{name: numeric(getattr(math, name)) for name in ("ceil", "floor", "sqrt", "exp", "log", "log10", "log2")},
    **{"max": _best(max), "min": _best(min), "sum": _best(sum), "prod": _best(math.prod)},
    **{"abs": numeric(abs), "fix": numeric(math.trunc), "round": numeric(lambda x: math.floor(x + 0.5))},
    **{"mod": numeric(lambda a, b: a - math.floor(a / b) * b), "rem": numeric(math.fmod)},
    **{"power": BINARY["^"], "mpower": BINARY["^"], "times": BINARY["*"], "mtimes": BINARY["*"]},
    **{"rdivide": BINARY["/"], "mrdivide": BINARY["/"], "plus": BINARY["+"], "minus": BINARY["-"]},
    **{"eq": BINARY["=="], "ne": BINARY["~="], "lt": BINARY["<"], "le": BINARY["<="]},
    **{"gt": BINARY[">"], "ge": BINARY[">="], "not": numeric(lambda x: x == 0), "uminus": numeric(lambda x: -x)},
    **{"numel": _count, "length": _count, "isempty": _is_empty, "strcmp": _same, "str2double": _number},
    **{"str2num": _number, "isnumeric": lambda x: isinstance(x, float), "ischar": lambda x: isinstance(x, str)},
}
"""Functions of plain values."""
