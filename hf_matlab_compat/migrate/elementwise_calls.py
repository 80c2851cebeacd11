"""Functions that work element by element."""

from __future__ import annotations

import ast
from functools import partial

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.build import binary, call, compare, expr, method, name, whole, written
from hf_matlab_compat.migrate.operators import (
    arithmetic,
    as_numbers,
    comparison,
    elementwise_kind,
    negation,
    side_by_side,
)
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import NO_NUMBERS, SHAPED, Kind, Value, integer, number

_NUMPY = ("exp", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sign", "abs", "sqrt")
_TESTS = ("isnan", "isinf", "isfinite")
_OPERATORS = {"plus": "+", "minus": "-", "times": ".*", "rdivide": "./", "power": ".^", "mtimes": "*"}
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ON_DEVICE = "left out: the trainer's argument jacket decides where it computes"
_FULL = "left out: arrays here are never sparse"


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
}
