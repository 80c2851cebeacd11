"""Functions of numbers: element by element, and along a dimension, by default the first with more than one entry."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import partial

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Routine, Table, Translator
from hf_matlab_compat.migrate.operators import (
    aligned,
    arithmetic,
    as_numbers,
    comparison,
    elementwise_kind,
    may_misalign,
    negation,
    side_by_side,
)
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import (
    NO_NUMBERS,
    SHAPED,
    Kind,
    Part,
    Value,
    binary,
    call,
    compare,
    expr,
    integer,
    item,
    method,
    name,
    number,
    whole,
    written,
)

_NUMPY = ("exp", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sign", "abs", "sqrt")
_TESTS = ("isnan", "isinf", "isfinite")
_OPERATORS = {"plus": "+", "minus": "-", "times": ".*", "rdivide": "./", "power": ".^", "mtimes": "*"}
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ON_DEVICE = "left out: the trainer's argument jacket decides where it computes"
_FULL = "left out: arrays here are never sparse"
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


def _numpy(function: str, *, logical: bool = False) -> Translator:
    def translator(arguments: Arguments) -> Value:
        value = as_numbers(arguments.numbers(1)[0])
        if function in ("sqrt", "log") and (written(value) or 0) < 0:
            refuse(f"takes the {function} of a negative number, which is complex")
        if function == "abs" and value.kind is Kind.NUM:
            return number(call("abs", value), integer=value.integer)
        return Value(call(f"np.{function}", value), value.kind, logical=logical, nd=value.nd)

    return translator


def _rounded(scalar: str, array: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.numbers(1)
        if value.kind is not Kind.NUM:
            return Value(call(array, value), value.kind, nd=value.nd)
        if value.integer:
            return value
        quotient = _whole_quotient(arguments) if scalar == "math.floor" else None
        return integer(call(scalar, value) if quotient is None else quotient)

    return translator


def _whole_quotient(arguments: Arguments) -> ast.expr | None:
    """Translate ``floor(a / b)`` of whole numbers; None for another argument."""
    match arguments.nodes[0]:
        case syntax.Binary("/" | "./", left, right):
            pair = (arguments.context(left), arguments.context(right))
            return binary(pair[0], "//", pair[1]) if all(each.integer for each in pair) else None
        case _:
            return None


def _modulus(arguments: Arguments) -> Value:
    left, right = map(as_numbers, arguments.numbers(2))
    whole_numbers = left.integer and right.integer
    divisor = right.kind is Kind.NUM and (whole(right) or 0) > 0 and left.kind in (Kind.NUM, *SHAPED)
    if divisor or (left.kind is Kind.NUM and right.kind is Kind.NUM and whole_numbers):
        return Value(binary(left, "%", right), left.kind, whole_numbers, nd=left.nd)
    left, right = side_by_side(left, right)
    return Value(call("ml.mod", left, right), elementwise_kind(left.kind, right.kind))


def _remainder(arguments: Arguments) -> Value:
    left, right = side_by_side(*arguments.numbers(2))
    kind = elementwise_kind(left.kind, right.kind)
    if (whole(right) or 0) > 0:
        return Value(call("np.fmod", left, right), kind, integer=left.integer and left.kind is Kind.NUM)
    return Value(call("ml.rem", left, right), kind)


def _convertible(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in NO_NUMBERS:
        refuse(f"makes numbers of {value.kind.value}")
    return value


def _double(arguments: Arguments) -> Value:
    value = _convertible(arguments)
    if value.kind is Kind.NUM:
        picked = any(isinstance(node, ast.Subscript | ast.List) for node in ast.walk(expr(value)))
        plain = value.integer or not (picked or value.logical)
        return value if plain else number(call("float", value))
    base = value if value.kind in SHAPED else call("np.asarray", value)
    return Value(method(base, "astype", name("float")), value.kind, nd=value.nd and value.kind in SHAPED)


def _single(arguments: Arguments) -> Value:
    value = _convertible(arguments)
    kind = Kind.LOADED if value.kind is Kind.NUM else value.kind
    return Value(call("ml.single", value), kind, nd=value.nd)


def _logical(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in SHAPED:
        return Value(method(value, "astype", name("bool")), value.kind, logical=True)
    if value.kind is Kind.NUM:
        return Value(call("bool", value), Kind.NUM, logical=True)
    return refuse("makes truth values of something of unknown kind")


def _sparse(arguments: Arguments) -> Value:
    """Translate ``sparse(i, j, v)`` as the full array."""
    if len(arguments) == 1:
        return _passed_on(_FULL)(arguments)
    values = arguments.expect(3, 5)
    return Value(call("ml.sparse", *values[:3], *arguments.wholes(3)), Kind.ARRAY)


def _broadcast(arguments: Arguments) -> Value:
    """Translate ``bsxfun(@minus, a, b)``."""
    handle = arguments.nodes[0] if len(arguments) == 3 else None
    if not isinstance(handle, syntax.Handle):
        arguments.refuse_form()
    left, right = (arguments.context(node) for node in arguments.nodes[1:])
    if handle.name in _OPERATORS and handle.name != "mtimes":
        return arithmetic(left, right, _OPERATORS[handle.name])
    if handle.name in _COMPARISONS:
        return comparison(left, right, _COMPARISONS[handle.name])
    return refuse(f"calls bsxfun with @{handle.name}")


def _arithmetic(arguments: Arguments, symbol: str) -> Value:
    left, right = arguments.expect(2)
    return arithmetic(left, right, symbol)


def _comparison(arguments: Arguments, symbol: str) -> Value:
    left, right = arguments.expect(2)
    return comparison(left, right, symbol)


def _not(arguments: Arguments) -> Value:
    return negation(*arguments.expect(1))


def _member(arguments: Arguments) -> Value:
    value, values = arguments.expect(2)
    if value.kind is Kind.CELL:
        return Value(call("ml.ismember", value, values), Kind.LOADED, logical=True)
    if value.kind is Kind.STR or values.kind is Kind.CELL:
        return Value(compare(value, "in", values), Kind.NUM, logical=True)
    made = call("np.isin", value, values)
    return Value(call("bool", made) if value.kind is Kind.NUM else made, value.kind, logical=True)


def _passed_on(remark: str) -> Translator:
    """Return a translator of functions that only say where or how an array is kept."""

    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.expect(1)
        arguments.context.notes.append(remark)
        return value

    return translator


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
    **{matlab: _numpy(matlab) for matlab in _NUMPY},
    "atan": _numpy("arctan"),
    **{matlab: _numpy(matlab, logical=True) for matlab in _TESTS},
    **{matlab: partial(_arithmetic, symbol=symbol) for matlab, symbol in _OPERATORS.items()},
    **{matlab: partial(_comparison, symbol=symbol) for matlab, symbol in _COMPARISONS.items()},
    "floor": _rounded("math.floor", "np.floor"),
    "ceil": _rounded("math.ceil", "np.ceil"),
    "round": _rounded("ml.round_half_away", "ml.round_half_away"),
    "fix": _rounded("math.trunc", "np.trunc"),
    "mod": _modulus,
    "rem": _remainder,
    "double": _double,
    "single": _single,
    "logical": _logical,
    "bsxfun": _broadcast,
    "not": _not,
    "ismember": _member,
    "gpuArray": _passed_on(_ON_DEVICE),
    "gdouble": _double,
    "gsingle": _single,
    "gather": _passed_on(_ON_DEVICE),
    "sparse": _sparse,
    "full": _passed_on(_FULL),
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
