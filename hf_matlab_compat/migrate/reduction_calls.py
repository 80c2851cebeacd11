"""Sums, means, extremes, orders: functions along a dimension, MATLAB's first one of more than one entry by default."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Routine, Table
from hf_matlab_compat.migrate.build import Part, binary, call, item, method, name
from hf_matlab_compat.migrate.operators import aligned, as_numbers, elementwise_kind, may_misalign, side_by_side
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import SHAPED, Kind, Value, integer

_OF_ALL = ("sum", "mean", "prod", "any", "all", "max", "min")
_EXTREMES = ("max", "min")
_SPREADS = ("std", "var")
_LOGICAL = ("any", "all")
_OPTIONS: Mapping[str, dict[str, Part]] = {
    **{key: {"dtype": name("float")} for key in ("prod", "cumprod")},
    **{key: {"ddof": 1} for key in _SPREADS},
}
"""Options of numpy's methods: whole numbers are doubles in MATLAB and may grow; numpy's wrap around."""
_EMPTY = syntax.Matrix(())


def _reduction(arguments: Arguments) -> Value:
    name_ = arguments.name
    arguments.numbers()
    place = 2 if name_ in (*_EXTREMES, *_SPREADS) else 1
    if name_ in _EXTREMES and len(arguments) == 2:
        return _larger(name_, arguments)
    if name_ in _SPREADS and len(arguments) > 1:
        if arguments.nodes[1] == syntax.Number("1"):
            return _spread_of_all(name_, arguments)
        if arguments.nodes[1] not in (_EMPTY, syntax.Number("0")):
            refuse(f"calls {name_} with another normalisation")
    if name_ in _EXTREMES and len(arguments) == 3 and arguments.nodes[1] != _EMPTY:
        arguments.refuse_form()
    axis = arguments.dimension(place)
    value = as_numbers(arguments.values[0]) if name_ in _EXTREMES else arguments.values[0]
    return _along_first(name_, value, arguments) if axis is None else _along(name_, value, axis)


def _spread_of_all(name_: str, arguments: Arguments) -> Value:
    """Translate ``std(x, 1)``: divided by the number of entries, not by one less."""
    axis = arguments.dimension(2)
    return Value(call(f"ml.{name_}_of_all", arguments.values[0].as_two_dimensional(), *_given(axis)))


def _given(axis: int | None) -> list[int]:
    return [] if axis is None else [axis]


def _called(name_: str, value: Value, **options: Part) -> ast.expr:
    if name_ in _EXTREMES:
        return call(f"np.nan{name_}", value, **options)
    return method(value, name_, **options, **_OPTIONS.get(name_, {}))


def _along_first(name_: str, value: Value, arguments: Arguments) -> Value:
    logical = name_ in _LOGICAL
    if value.kind is Kind.NUM and name_ not in (*_SPREADS, *_LOGICAL):
        return value
    whole = _of_all(name_, arguments)
    if whole is not None:
        return whole
    if value.kind in (Kind.ROW, Kind.COLUMN):
        return Value(_called(name_, value), Kind.NUM, logical=logical)
    return Value(call(f"ml.{name_}", value), logical=logical)


def _of_all(name_: str, arguments: Arguments) -> Value | None:
    """``sum(sum(x))`` of a matrix, as one call."""
    match arguments.nodes[0]:
        case syntax.Apply(syntax.Name(inner), (node,)) if inner == name_ and name_ in _OF_ALL:
            value = arguments.context(node)
        case _:
            return None
    if value.kind not in (Kind.ARRAY, Kind.LOADED) or value.nd:
        return None
    return Value(_called(name_, value), Kind.NUM, logical=name_ in _LOGICAL)


def _along(name_: str, value: Value, axis: int) -> Value:
    logical = name_ in _LOGICAL
    if value.kind is Kind.NUM or (value.kind is Kind.ROW and axis != 1):
        return value
    if value.kind is Kind.ROW:
        return Value(_called(name_, value), Kind.NUM, logical=logical)
    if value.kind not in SHAPED or axis > 1:
        return Value(call(f"ml.{name_}", value, axis), logical=logical)
    if axis == 0 and not value.nd:
        return Value(_called(name_, value, axis=0), Kind.ROW, logical=logical)
    if value.kind is Kind.COLUMN:
        return Value(_called(name_, value, axis=1, keepdims=True), Kind.COLUMN, logical=logical)
    kind = Kind.ARRAY if value.nd else Kind.COLUMN
    return Value(_called(name_, value, axis=axis, keepdims=True), kind, logical=logical, nd=value.nd)


def _larger(name_: str, arguments: Arguments) -> Value:
    left, right = map(as_numbers, arguments.values)
    if left.integer and right.integer and left.kind is right.kind is Kind.NUM:
        return integer(call(name_, left, right))
    if may_misalign(left, right):
        return aligned(f"f{name_}", left, right)
    left, right = side_by_side(left, right)
    return Value(call(f"np.f{name_}", left, right), elementwise_kind(left.kind, right.kind))


def _extreme_and_place(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
    """Translate ``[m, i] = max(x)``."""
    if wanted != 2 or len(arguments) not in (1, 3):
        arguments.refuse_form()
    given = arguments.values[0].as_two_dimensional(), *_given(arguments.dimension(2))
    return call(f"ml.{arguments.name}_and_place", *given), [Value(kind=Kind.LOADED)] * 2


def _sort_and_places(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
    axis, options = _order(arguments)
    made = call("ml.sort_and_places", arguments.values[0].as_two_dimensional(), *axis, **options)
    return made, [Value(kind=Kind.LOADED)] * wanted


def _sort(arguments: Arguments) -> Value:
    axis, options = _order(arguments)
    value = arguments.values[0]
    if value.kind is Kind.ROW and not axis and not options:
        return Value(call("np.sort", value), Kind.ROW, integer=value.integer)
    return Value(item(_sort_and_places(arguments, 1)[0], 0), Kind.LOADED)


def _order(arguments: Arguments) -> tuple[list[int], dict[str, Part]]:
    """Return the arguments after the array: an axis, a direction."""
    arguments.expect(1, 2, 3)
    words = [arguments.literal(place) for place in range(1, len(arguments))]
    word = words[-1] if words else None
    axis = arguments.dimension(1) if words and words[0] is None else None
    if word not in (None, "ascend", "descend") or (len(words) == 2 and None not in words):
        refuse("sorts in an unknown way")
    return _given(axis), {"descending": True} if word == "descend" else {}


def _find(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2, 3)[0]
    if len(arguments) > 1:
        if len(arguments) == 3 and arguments.literal(2) not in ("first", "last"):
            arguments.refuse_form()
        first = "last" if arguments.literal(2) == "last" else "first"
        return Value(call(f"ml.{first}_found", value.as_two_dimensional(), arguments.whole(1)))
    if value.kind is Kind.ROW:
        return Value(binary(call("np.flatnonzero", value), "+", 1), Kind.ROW, integer=True)
    return Value(call("ml.find", value), Kind.LOADED)


def _find_in_two(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
    """Translate ``[i, j] = find(x)``."""
    (value,) = arguments.expect(1)
    if wanted != 2:
        refuse(f"asks find for {wanted} outputs")
    return call("ml.find_in_two", value.as_two_dimensional()), [Value(kind=Kind.LOADED)] * 2


def _cumulative(arguments: Arguments) -> Value:
    name_, value = arguments.name, arguments.expect(1, 2)[0]
    axis = arguments.dimension(1)
    arguments.numbers()
    if value.kind is Kind.ROW and axis is None:
        whole = value.integer and name_ not in _OPTIONS
        return Value(_called(name_, value), Kind.ROW, integer=whole)
    if value.kind not in SHAPED or (axis is None and value.kind is not Kind.COLUMN):
        return Value(call(f"ml.{name_}", value), Kind.LOADED)
    return Value(method(value, name_, axis=axis or 0), value.kind)


def _norm(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    word = arguments.literal(1)
    if word is None:
        arguments.numbers()
    plain = word == "fro" or (len(arguments) == 1 and value.kind in (Kind.ROW, Kind.COLUMN))
    if plain and value.kind in SHAPED:
        return Value(call("np.linalg.norm", value), Kind.NUM)
    order = _order_of_norm(arguments, word) if len(arguments) > 1 else []
    return Value(call("ml.norm", value.as_two_dimensional(), *order), Kind.NUM)


def _order_of_norm(arguments: Arguments, word: str | None) -> list[Part]:
    if word is not None:
        if word.lower() not in ("inf", "fro"):
            refuse(f"takes the norm {word!r}")
        return ["fro" if word == "fro" else name("np.inf")]
    if arguments.values[1].kind is not Kind.NUM:
        refuse("takes a norm of an unknown order")
    return [arguments.values[1]]


def _unique(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is Kind.ROW:
        return Value(call("np.unique", value), Kind.ROW, integer=value.integer)
    return Value(call("ml.unique", value), Kind.LOADED)


def _median(arguments: Arguments) -> Value:
    value = arguments.numbers(1, 2)[0]
    return Routine(Kind.UNKNOWN).of("median", value, *_given(arguments.dimension(1)))


def _dot(arguments: Arguments) -> Value:
    values = arguments.numbers(2, 3)
    axis = arguments.dimension(2)
    if axis is None and all(value.kind is Kind.ROW for value in values):
        return Value(call("np.dot", *values), Kind.NUM)
    vectors = axis is None and all(value.kind in (Kind.ROW, Kind.COLUMN, Kind.NUM) for value in values)
    return Routine(Kind.NUM if vectors else Kind.UNKNOWN).of("dot", *values[:2], *_given(axis))


def _circshift(arguments: Arguments) -> Value:
    values = arguments.numbers(2, 3)
    kind = values[0].kind if values[0].kind in (Kind.COLUMN, Kind.ARRAY) else Kind.LOADED
    return Routine(kind).of("circshift", *values[:2], *_given(arguments.dimension(2)))


WITH_OUTPUTS: Mapping[str, Outputs] = {
    **dict.fromkeys(_EXTREMES, _extreme_and_place),
    "sort": _sort_and_places,
    "find": _find_in_two,
}
"""Functions whose several outputs are understood."""

TABLE: Table = {
    **dict.fromkeys((*_OF_ALL, *_SPREADS), _reduction),
    **dict.fromkeys(("cumsum", "cumprod"), _cumulative),
    "find": _find,
    "sort": _sort,
    "unique": _unique,
    "norm": _norm,
    "median": _median,
    "dot": _dot,
    "circshift": _circshift,
    "trace": Routine(Kind.NUM, function="np.trace", numbers=False),
}
