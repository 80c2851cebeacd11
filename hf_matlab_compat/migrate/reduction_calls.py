"""Sums, means, extremes, orders: functions along a dimension, MATLAB's first one of more than one entry by default."""

from __future__ import annotations

from collections.abc import Mapping

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Table, Translator, method
from hf_matlab_compat.migrate.operators import aligned, as_numbers, elementwise_kind, may_misalign, side_by_side
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import SHAPED, Kind, Value, integer

_METHODS = {"sum": "sum", "mean": "mean", "prod": "prod", "any": "any", "all": "all", "max": "max", "min": "min"}
_LOGICAL = ("any", "all")
_AS_DOUBLES = ("prod", "cumprod")
"""Whole numbers are doubles in MATLAB and may grow; numpy's wrap around."""
_OF_ALL = ("sum", "mean", "prod", "any", "all", "max", "min")


def _reduction(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        place = 2 if name in ("max", "min", "std", "var") else 1
        arguments.refuse_texts()
        if name in ("max", "min") and len(arguments) == 2:
            return _larger(name, arguments)
        if (
            place == 2
            and len(arguments) == 3
            and not _divides_by_n(name, arguments)
            and arguments.nodes[1] not in _NEUTRAL[name in ("std", "var")]
        ):
            raise Untranslatable(f"calls {name} in an unknown way")
        if _divides_by_n(name, arguments):
            return _spread(name, arguments)
        if len(arguments) == 2 and place == 2 and arguments.nodes[1] not in _NEUTRAL[True]:
            raise Untranslatable(f"calls {name} with another normalisation")
        axis = arguments.dimension(place)
        value = arguments.values[0]
        value = as_numbers(value) if name in ("max", "min") else value
        return _along_first(name, value, arguments) if axis is None else _along(name, value, axis, arguments)

    return translator


def _divides_by_n(name: str, arguments: Arguments) -> bool:
    return name in ("std", "var") and len(arguments) > 1 and arguments.nodes[1] == syntax.Number("1")


def _spread(name: str, arguments: Arguments) -> Value:
    """``std(x, 1)``: divided by the number of entries, not by one less."""
    axis = arguments.dimension(2)
    arguments.context.needs("ml")
    given = arguments.values[0].as_two_dimensional().text + ("" if axis is None else f", {axis}")
    return Value(f"ml.{name}_of_all({given})", Kind.UNKNOWN)


_NEUTRAL = {False: (syntax.Matrix(()),), True: (syntax.Matrix(()), syntax.Number("0"))}


def _options(name: str) -> str:
    if name in _AS_DOUBLES:
        return "dtype=float"
    return "ddof=1" if name in ("std", "var") else ""


def _called(name: str, value: Value, arguments: Arguments, *options: str) -> str:
    if name in ("max", "min"):
        arguments.context.needs("np")
        return f"np.nan{name}({', '.join([value.text, *options])})"
    given = ", ".join(option for option in (*options, _options(name)) if option)
    return method(value, f"{name}({given})")


def _along_first(name: str, value: Value, arguments: Arguments) -> Value:
    logical = name in _LOGICAL
    if value.kind is Kind.NUM and name not in ("std", "var", *_LOGICAL):
        return value
    whole = _of_all(name, arguments)
    if whole is not None:
        return whole
    if value.kind in (Kind.ROW, Kind.COLUMN):
        return Value(_called(name, value, arguments), Kind.NUM, integer=False, logical=logical)
    arguments.context.needs("ml")
    return Value(f"ml.{name}({value.text})", Kind.UNKNOWN, logical=logical)


def _of_all(name: str, arguments: Arguments) -> Value | None:
    """``sum(sum(x))`` of a matrix, as one call."""
    inner = arguments.nodes[0]
    if not isinstance(inner, syntax.Apply) or inner.base != syntax.Name(name) or len(inner.arguments) != 1:
        return None
    value = arguments.context(inner.arguments[0])
    if name not in _OF_ALL or value.kind not in (Kind.ARRAY, Kind.LOADED) or value.nd:
        return None
    return Value(_called(name, value, arguments), Kind.NUM, logical=name in _LOGICAL)


def _along(name: str, value: Value, axis: int, arguments: Arguments) -> Value:
    logical = name in _LOGICAL
    if value.kind is Kind.NUM:
        return value
    if value.kind is Kind.ROW:
        return Value(_called(name, value, arguments), Kind.NUM, logical=logical) if axis == 1 else value
    if value.kind not in SHAPED or axis > 1:
        arguments.context.needs("ml")
        return Value(f"ml.{name}({value.text}, {axis})", Kind.UNKNOWN, logical=logical)
    if axis == 0 and not value.nd:
        return Value(_called(name, value, arguments, "axis=0"), Kind.ROW, logical=logical)
    if value.kind is Kind.COLUMN:
        return Value(_called(name, value, arguments, "axis=1", "keepdims=True"), Kind.COLUMN, logical=logical)
    kind = Kind.COLUMN if axis == 1 and not value.nd else Kind.ARRAY
    return Value(_called(name, value, arguments, f"axis={axis}", "keepdims=True"), kind, logical=logical, nd=value.nd)


def _larger(name: str, arguments: Arguments) -> Value:
    left, right = map(as_numbers, arguments.values)
    if left.integer and right.integer and left.kind is right.kind is Kind.NUM:
        return integer(f"{name}({left.text}, {right.text})")
    if may_misalign(left, right):
        return aligned(f"f{name}", left, right)
    left, right = side_by_side(left, right)
    arguments.context.needs("np")
    return Value(f"np.f{name}({left.text}, {right.text})", elementwise_kind(left.kind, right.kind))


def _extreme_and_place(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
    """``[m, i] = max(x)``."""
    if wanted != 2 or len(arguments) not in (1, 3):
        raise Untranslatable(f"calls {arguments.name} in an unknown way")
    axis = arguments.dimension(2)
    arguments.context.needs("ml")
    value = arguments.values[0]
    along = "" if axis is None else f", {axis}"
    kind = Kind.LOADED
    return f"ml.{arguments.name}_and_place({value.as_two_dimensional().text}{along})", [
        Value("", kind),
        Value("", kind),
    ]


def _sort_and_places(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
    order = _order(arguments)
    arguments.context.needs("ml")
    value = arguments.values[0].as_two_dimensional()
    return f"ml.sort_and_places({value.text}{order})", [Value("", Kind.LOADED)] * wanted


def _sort(arguments: Arguments) -> Value:
    order = _order(arguments)
    value = arguments.values[0]
    if value.kind is Kind.ROW and not order:
        arguments.context.needs("np")
        return Value(f"np.sort({value.text})", Kind.ROW, integer=value.integer)
    arguments.context.needs("ml")
    return Value(f"ml.sort_and_places({value.as_two_dimensional().text}{order})[0]", Kind.LOADED)


def _order(arguments: Arguments) -> str:
    """The arguments behind the array: an axis, a direction."""
    arguments.expect(1, 2, 3)
    words = [arguments.literal(place) for place in range(1, len(arguments))]
    word = words[-1] if words else None
    along = arguments.dimension(1) if words and words[0] is None else None
    if word not in (None, "ascend", "descend") or (len(words) == 2 and None not in words):
        raise Untranslatable("sorts in an unknown way")
    return ("" if along is None else f", {along}") + (", descending=True" if word == "descend" else "")


def _find(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2, 3)[0]
    if len(arguments) > 1:
        arguments.context.needs("ml")
        if len(arguments) == 3 and arguments.literal(2) not in ("first", "last"):
            raise Untranslatable("calls find in an unknown way")
        first = "last" if arguments.literal(2) == "last" else "first"
        return Value(f"ml.{first}_found({value.as_two_dimensional().text}, {arguments.whole(1)})", Kind.UNKNOWN)
    if value.kind is Kind.ROW:
        arguments.context.needs("np")
        return Value(f"np.flatnonzero({value.text}) + 1", Kind.ROW, integer=True)
    arguments.context.needs("ml")
    return Value(f"ml.find({value.text})", Kind.LOADED)


def _cumulative(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        value = arguments.expect(1, 2)[0]
        axis = arguments.dimension(1)
        arguments.refuse_texts()
        if value.kind is Kind.ROW and axis is None:
            whole = value.integer and name not in _AS_DOUBLES
            return Value(method(value, f"{name}({_options(name)})"), Kind.ROW, integer=whole)
        if value.kind not in SHAPED or (axis is None and value.kind is not Kind.COLUMN):
            arguments.context.needs("ml")
            return Value(f"ml.{name}({value.text})", Kind.LOADED)
        return Value(method(value, f"{name}(axis={axis or 0})"), value.kind)

    return translator


def _norm(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    word = arguments.literal(1)
    if word is None:
        arguments.refuse_texts()
    plain = word == "fro" or (len(arguments) == 1 and value.kind in (Kind.ROW, Kind.COLUMN))
    if plain and value.kind in SHAPED:
        arguments.context.needs("np")
        return Value(f"np.linalg.norm({value.text})", Kind.NUM)
    order = _order_of_norm(arguments, word)
    arguments.context.needs("ml")
    return Value(f"ml.norm({value.as_two_dimensional().text}{order})", Kind.NUM)


def _order_of_norm(arguments: Arguments, word: str | None) -> str:
    if len(arguments) == 1:
        return ""
    if word is not None:
        if word.lower() not in ("inf", "fro"):
            raise Untranslatable(f"takes the norm {word!r}")
        arguments.context.needs("np")
        return ', "fro"' if word == "fro" else ", np.inf"
    if arguments.values[1].kind is not Kind.NUM:
        raise Untranslatable("takes a norm of an unknown order")
    return f", {arguments.values[1].text}"


def _unique(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in (Kind.ROW,):
        arguments.context.needs("np")
        return Value(f"np.unique({value.text})", Kind.ROW, integer=value.integer)
    arguments.context.needs("ml")
    return Value(f"ml.unique({value.text})", Kind.LOADED)


def _trace(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    arguments.context.needs("np")
    return Value(f"np.trace({value.as_two_dimensional().text})", Kind.NUM)


WITH_OUTPUTS: Mapping[str, Outputs] = {
    "max": _extreme_and_place,
    "min": _extreme_and_place,
    "sort": _sort_and_places,
}
"""Functions whose several outputs are understood."""

TABLE: Table = {
    **{name: _reduction(name) for name in (*_METHODS, "std", "var")},
    "find": _find,
    "sort": _sort,
    "unique": _unique,
    "cumsum": _cumulative("cumsum"),
    "cumprod": _cumulative("cumprod"),
    "norm": _norm,
    "trace": _trace,
}
