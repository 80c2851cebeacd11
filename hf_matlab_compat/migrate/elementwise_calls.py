"""Functions that work element by element."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator, method
from hf_matlab_compat.migrate.operators import (
    arithmetic,
    as_numbers,
    comparison,
    elementwise_kind,
    negation,
    side_by_side,
)
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import SHAPED, Binding, Kind, Value, integer

_NUMPY = {
    "exp": "exp",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "tanh": "tanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "atan": "arctan",
    "sign": "sign",
    "abs": "abs",
    "sqrt": "sqrt",
}
_TESTS = {"isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite"}
_OPERATORS = {
    "plus": "+",
    "minus": "-",
    "times": ".*",
    "rdivide": "./",
    "power": ".^",
    "mtimes": "*",
}
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def _numpy(name: str, *, logical: bool = False) -> Translator:
    def translator(arguments: Arguments) -> Value:
        value = as_numbers(arguments.expect(1)[0])
        arguments.refuse_texts()
        if name in ("sqrt", "log") and value.text.startswith("-") and value.text[1:].replace(".", "").isdigit():
            raise Untranslatable(f"takes the {name} of a negative number, which is complex")
        if name == "abs" and value.kind is Kind.NUM:
            return Value(f"abs({value.text})", Kind.NUM, integer=value.integer)
        arguments.context.needs("np")
        return Value(f"np.{name}({value.text})", value.kind, logical=logical, nd=value.nd)

    return translator


def _rounded(scalar: str, whole: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.expect(1)
        arguments.refuse_texts()
        if value.kind is Kind.NUM and value.integer:
            return value
        if value.kind is Kind.NUM:
            return _rounded_scalar(arguments, value, scalar)
        arguments.context.needs("np" if whole.startswith("np") else "ml")
        return Value(f"{whole}({value.text})", value.kind, nd=value.nd)

    return translator


def _rounded_scalar(arguments: Arguments, value: Value, scalar: str) -> Value:
    node = arguments.nodes[0]
    if scalar == "math.floor" and isinstance(node, syntax.Binary) and node.operator in ("/", "./"):
        left, right = arguments.context(node.left), arguments.context(node.right)
        if left.integer and right.integer:
            return integer(f"{left.at(Binding.MULTIPLY)} // {right.at(Binding.UNARY)}")
    arguments.context.needs("math" if scalar.startswith("math") else "ml")
    return integer(f"{scalar}({value.text})")


def _modulus(arguments: Arguments) -> Value:
    left, right = map(as_numbers, arguments.expect(2))
    arguments.refuse_texts()
    whole = left.integer and right.integer
    if right.kind is Kind.NUM and right.text.isdigit() and right.text != "0" and left.kind in (Kind.NUM, *SHAPED):
        text = f"{left.at(Binding.MULTIPLY)} % {right.at(Binding.UNARY)}"
        return Value(text, left.kind, whole, nd=left.nd)
    if left.kind is Kind.NUM and right.kind is Kind.NUM and whole:
        return integer(f"{left.at(Binding.MULTIPLY)} % {right.at(Binding.UNARY)}")
    left, right = side_by_side(left, right)
    arguments.context.needs("ml")
    return Value(f"ml.mod({left.text}, {right.text})", elementwise_kind(left.kind, right.kind))


def _remainder(arguments: Arguments) -> Value:
    left, right = arguments.expect(2)
    arguments.refuse_texts()
    left, right = side_by_side(left, right)
    kind = elementwise_kind(left.kind, right.kind)
    if right.text.isdigit() and right.text != "0":
        arguments.context.needs("np")
        return Value(f"np.fmod({left.text}, {right.text})", kind, integer=left.integer and left.kind is Kind.NUM)
    arguments.context.needs("ml")
    return Value(f"ml.rem({left.text}, {right.text})", kind)


def _convertible(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in (Kind.STR, Kind.CELL, Kind.STRUCT, Kind.HANDLE, Kind.FILE):
        raise Untranslatable(f"makes numbers of {value.kind.value}")
    return value


def _double(arguments: Arguments) -> Value:
    value = _convertible(arguments)
    if value.kind is Kind.NUM:
        plain = value.integer or not ("[" in value.text or value.logical)
        return value if plain else Value(f"float({value.text})", Kind.NUM)
    if value.kind in SHAPED:
        return Value(method(value, "astype(float)"), value.kind, nd=value.nd)
    arguments.context.needs("np")
    return Value(f"np.asarray({value.text}).astype(float)", value.kind)


def _single(arguments: Arguments) -> Value:
    value = _convertible(arguments)
    arguments.context.needs("ml")
    return Value(f"ml.single({value.text})", Kind.LOADED if value.kind is Kind.NUM else value.kind, nd=value.nd)


def _logical(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in SHAPED:
        return Value(method(value, "astype(bool)"), value.kind, logical=True)
    if value.kind is Kind.NUM:
        return Value(f"bool({value.text})", Kind.NUM, logical=True)
    raise Untranslatable("makes truth values of something of unknown kind")


def _sparse(arguments: Arguments) -> Value:
    """``sparse(i, j, v)`` as the full array."""
    if len(arguments) == 1:
        return _passed_on("left out: arrays here are never sparse")(arguments)
    arguments.expect(3, 5)
    arguments.context.needs("ml")
    given = [value.text for value in arguments.values[:3]]
    given += [arguments.whole(place) for place in range(3, len(arguments))]
    return Value(f"ml.sparse({', '.join(given)})", Kind.ARRAY)


def _broadcast(arguments: Arguments) -> Value:
    """``bsxfun(@minus, a, b)``."""
    handle = arguments.nodes[0] if len(arguments) == 3 else None
    if not isinstance(handle, syntax.Handle):
        raise Untranslatable("calls bsxfun in an unknown way")
    left, right = (arguments.context(node) for node in arguments.nodes[1:])
    if handle.name in _OPERATORS and handle.name != "mtimes":
        return arithmetic(left, right, _OPERATORS[handle.name])
    if handle.name in _COMPARISONS:
        return comparison(left, right, _COMPARISONS[handle.name])
    raise Untranslatable(f"calls bsxfun with @{handle.name}")


def _operator(symbol: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        left, right = arguments.expect(2)
        return arithmetic(left, right, symbol)

    return translator


def _comparison(symbol: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        left, right = arguments.expect(2)
        return comparison(left, right, symbol)

    return translator


def _not(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    return negation(value)


def _member(arguments: Arguments) -> Value:
    value, values = arguments.expect(2)
    if value.kind is Kind.CELL:
        arguments.context.needs("ml")
        return Value(f"ml.ismember({value.text}, {values.text})", Kind.LOADED, logical=True)
    if value.kind is Kind.STR or values.kind is Kind.CELL:
        return Value(f"{value.text} in {values.text}", Kind.NUM, logical=True)
    arguments.context.needs("np")
    text = f"np.isin({value.text}, {values.text})"
    return Value(f"bool({text})" if value.kind is Kind.NUM else text, value.kind, logical=True)


def _passed_on(remark: str) -> Translator:
    """Functions that only say where or how an array is kept."""

    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.expect(1)
        arguments.context.notes.append(remark)
        return value

    return translator


_ON_DEVICE = "left out: the trainer's argument jacket decides where it computes"

TABLE: Table = {
    **{matlab: _numpy(name) for matlab, name in _NUMPY.items()},
    **{matlab: _numpy(name, logical=True) for matlab, name in _TESTS.items()},
    **{matlab: _operator(symbol) for matlab, symbol in _OPERATORS.items()},
    **{matlab: _comparison(symbol) for matlab, symbol in _COMPARISONS.items()},
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
    "full": _passed_on("left out: arrays here are never sparse"),
}
