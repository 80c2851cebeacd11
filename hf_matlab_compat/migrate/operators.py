"""Operators: elementwise with numpy's broadcasting, products of matrices, comparisons, logic."""

from __future__ import annotations

import ast
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, Untranslatable
from hf_matlab_compat.migrate.literals import parsed
from hf_matlab_compat.migrate.values import MATRICES, Binding, Kind, Value, number

_ARITHMETIC = {"+": Binding.ADD, "-": Binding.ADD, ".*": Binding.MULTIPLY, "./": Binding.MULTIPLY}
_COMPARISONS = {"==": "==", "~=": "!=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_JUNCTIONS = {"&": ("and", Binding.AND), "|": ("or", Binding.OR)}


def binary(node: syntax.Binary, context: Context) -> Value:
    """``left operator right``."""
    if node.operator in ("&&", "||"):
        return _made_logical(_shortcut(node, context))
    left, right = context(node.left), context(node.right)
    if left.text.startswith("*") or right.text.startswith("*"):
        raise Untranslatable(f"puts the entries of a list beside {node.operator}")
    if node.operator in _COMPARISONS:
        return comparison(left, right, _COMPARISONS[node.operator], context)
    if node.operator in _JUNCTIONS:
        return _junction(left, right, node.operator, context)
    return arithmetic(left, right, node.operator, context)


def arithmetic(left: Value, right: Value, operator: str, context: Context) -> Value:
    """``+ - * / .* ./ ^ .^`` of two values."""
    _refuse_texts(left, right, operator)
    left, right = as_numbers(left), as_numbers(right)
    if operator == "\\":
        context.needs("ml")
        given = [each.as_two_dimensional() for each in (left, right)]
        if any("np." in each.text for each in given):
            context.needs("np")
        return Value(f"ml.mldivide({given[0].text}, {given[1].text})", Kind.LOADED)
    if operator in ("*", "/", "^") and not _elementwise(left, right, operator):
        return _of_matrices(left, right, operator, context)
    left, right = side_by_side(left, right)
    plain = operator if operator.startswith(".") or operator in "+-" else "." + operator
    if plain == ".^":
        return _power(left, right, context)
    if plain not in _ARITHMETIC:
        raise Untranslatable(f"uses the operator {operator}")
    if may_misalign(left, right):
        return aligned(_UFUNCS[plain], left, right, context)
    binding = _ARITHMETIC[plain]
    if plain == "./" and left.is_scalar and right.text in _ZEROS:
        return _divided_by_zero(left, context)
    if plain == ".*" and left.integer and right.integer and Kind.NUM not in (left.kind, right.kind):
        left = replace(left, text=f"{left.at(Binding.ATOM)}.astype(float)", binding=Binding.ATOM, integer=False)
    text = f"{left.at(binding)} {plain[-1]} {right.at(Binding(binding + 1))}"
    whole = left.integer and right.integer and plain != "./"
    return Value(text, elementwise_kind(left.kind, right.kind), binding, whole, nd=left.nd or right.nd)


_UFUNCS = {"+": "add", "-": "subtract", ".*": "multiply", "./": "divide"}


def may_misalign(left: Value, right: Value) -> bool:
    """Whether numpy, which aligns last dimensions where MATLAB aligns first ones, may see other pairs."""
    return (left.nd or right.nd) and not (left.is_scalar or right.is_scalar)


def aligned(name: str, left: Value, right: Value, context: Context, *, logical: bool = False) -> Value:
    context.needs("ml", "np")
    given = [each.as_two_dimensional().text for each in (left, right)]
    return Value(f"ml.aligned(np.{name}, {', '.join(given)})", Kind.ARRAY, nd=True, logical=logical)


_ZEROS = ("0", "0.0", "-0", "-0.0")


def _divided_by_zero(left: Value, context: Context) -> Value:
    """A number divided by a zero that is written out, which Python refuses."""
    context.needs("np")
    if left.text in _ZEROS:
        return number("np.nan")
    if left.text.lstrip("-").replace(".", "").isdigit():
        return Value("-np.inf", Kind.NUM, Binding.UNARY) if left.text.startswith("-") else number("np.inf")
    return Value(f"np.float64({left.text}) / 0", Kind.NUM, Binding.MULTIPLY)


def elementwise_kind(one: Kind, other: Kind) -> Kind:
    """The kind of an elementwise result."""
    if one is other or other is Kind.NUM:
        return one
    if one is Kind.NUM:
        return other
    if Kind.UNKNOWN in (one, other):
        return Kind.UNKNOWN
    if Kind.LOADED in (one, other) and Kind.ROW not in (one, other):
        return Kind.ARRAY if Kind.ARRAY in (one, other) else Kind.LOADED
    return Kind.ARRAY


_RELATIONS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}


def comparison(left: Value, right: Value, operator: str, context: Context) -> Value:
    """``==`` and its like, elementwise."""
    if Kind.FILE in (left.kind, right.kind):
        return _opened(left, operator)
    if Kind.STR in (left.kind, right.kind):
        raise Untranslatable("compares characters one by one; strcmp compares strings")
    if may_misalign(left, right):
        return aligned(_RELATIONS[operator], left, right, context, logical=True)
    left, right = side_by_side(left, right)
    text = f"{left.at(Binding.BIT_OR)} {operator} {right.at(Binding.BIT_OR)}"
    kind = elementwise_kind(left.kind, right.kind)
    return Value(text, kind, Binding.COMPARE, logical=True, nd=left.nd or right.nd)


def negation(operand: Value, context: Context) -> Value:
    """``~operand``."""
    opposite = _opposite(operand)
    if operand.kind is Kind.NUM and opposite:
        return Value(opposite, Kind.NUM, Binding.COMPARE, logical=True)
    if operand.kind is Kind.NUM:
        return Value(f"not {operand.at(Binding.NOT)}", Kind.NUM, Binding.NOT, logical=True)
    if operand.logical and operand.kind is not Kind.UNKNOWN:
        return Value(f"~{operand.at(Binding.UNARY)}", operand.kind, Binding.UNARY, logical=True)
    context.needs("np")
    return Value(f"np.logical_not({operand.text})", operand.kind, logical=True)


def _opposite(comparison: Value) -> str:
    """The text of ``a != b`` for ``a == b`` and the reverse; empty for anything else."""
    tree = parsed(comparison.text) if comparison.binding is Binding.COMPARE else None
    match tree:
        case ast.Module(body=[ast.Expr(value=ast.Compare(left=left, ops=[sign], comparators=[right]))]):
            return _turned(comparison.text.encode(), left.end_col_offset or 0, sign, right.col_offset)
    return ""


def _turned(text: bytes, start: int, sign: ast.cmpop, end: int) -> str:
    """A comparison with the sign between `start` and `end` turned into its opposite."""
    old, new = {ast.Eq: (b"==", b"!="), ast.NotEq: (b"!=", b"==")}.get(type(sign), (b"", b""))
    return (text[:start] + text[start:end].replace(old, new) + text[end:]).decode() if old else ""


def unary(node: syntax.Unary, context: Context) -> Value:
    """``-x``, ``+x``, ``~x``."""
    operand = context(node.operand)
    if node.operator in ("~", "!"):
        return negation(operand, context)
    _refuse_texts(operand, operand, node.operator)
    operand = as_numbers(operand)
    inner = f"({operand.text})" if operand.binding is Binding.POWER else operand.at(Binding.UNARY)
    text = f"{node.operator}{inner}"
    return Value(text, operand.kind, Binding.UNARY, operand.integer, nd=operand.nd)


def transpose(operand: Value, context: Context) -> Value:
    """``x'``."""
    if operand.kind in (Kind.NUM, Kind.EMPTY):
        return operand
    if operand.kind is Kind.ROW:
        return replace(operand, text=f"{operand.at(Binding.ATOM)}[:, None]", kind=Kind.COLUMN, binding=Binding.ATOM)
    if operand.kind is Kind.COLUMN:
        return replace(operand, text=f"{operand.at(Binding.ATOM)}[:, 0]", kind=Kind.ROW, binding=Binding.ATOM)
    if operand.kind in (Kind.ARRAY, Kind.LOADED):
        return Value(f"{operand.at(Binding.ATOM)}.T", operand.kind, logical=operand.logical, owner=operand.owner)
    if operand.kind is Kind.UNKNOWN:
        context.needs("ml")
        return Value(f"ml.turned({operand.text})", Kind.UNKNOWN, owner=operand.owner)
    if operand.kind is Kind.CELL:
        context.needs("ml")
        return Value(f"ml.transposed({operand.text})", Kind.CELL, nd=True, owner=operand.owner)
    raise Untranslatable(f"transposes {operand.kind.value}")


def truth(node: syntax.Node, context: Context) -> Value:
    """An expression as a condition: an array holds where it has entries and none of them is zero."""
    while isinstance(node, syntax.Paren):
        node = node.inner
    if isinstance(node, syntax.Binary) and node.operator in ("&&", "||"):
        return _shortcut(node, context)
    value = context(node)
    if value.kind in (Kind.NUM, Kind.STR):
        return value
    context.needs("ml")
    return Value(f"ml.holds({value.text})", Kind.NUM, logical=True)


def _shortcut(node: syntax.Binary, context: Context) -> Value:
    """``&&`` and ``||`` as a condition: in Python its value need not be a truth value."""
    word, binding = _JUNCTIONS[node.operator[0]]
    left, right = truth(node.left, context), truth(node.right, context)
    text = f"{left.at(binding)} {word} {right.at(Binding(binding + 1))}"
    return Value(text, Kind.NUM, binding, logical=left.logical and right.logical)


def _made_logical(value: Value) -> Value:
    return value if value.logical else Value(f"bool({value.text})", Kind.NUM, logical=True)


def _junction(left: Value, right: Value, operator: str, context: Context) -> Value:
    if left.is_scalar and right.is_scalar:
        word, binding = _JUNCTIONS[operator]
        text = f"{left.at(binding)} {word} {right.at(Binding(binding + 1))}"
        return _made_logical(Value(text, Kind.NUM, binding, logical=left.logical and right.logical))
    if may_misalign(left, right):
        name = "logical_and" if operator == "&" else "logical_or"
        return aligned(name, left, right, context, logical=True)
    left, right = side_by_side(left, right)
    kind = elementwise_kind(left.kind, right.kind)
    if left.logical and right.logical:
        binding = Binding.BIT_AND if operator == "&" else Binding.BIT_OR
        text = f"{left.at(Binding(binding + 1))} {operator} {right.at(Binding(binding + 1))}"
        return Value(text, kind, binding, logical=True)
    context.needs("np")
    name = "logical_and" if operator == "&" else "logical_or"
    return Value(f"np.{name}({left.text}, {right.text})", kind, logical=True)


def _refuse_texts(left: Value, right: Value, operator: str) -> None:
    for value in (left, right):
        if value.kind in (Kind.STR, Kind.CELL, Kind.STRUCT, Kind.HANDLE, Kind.FILE):
            raise Untranslatable(f"computes with {value.kind.value} ({operator})")


def as_numbers(value: Value) -> Value:
    """Truth values as numbers, since numpy's do not add up."""
    if not value.logical or value.text in ("True", "False"):
        return value
    if value.kind is Kind.NUM:
        return Value(f"int({value.text})", Kind.NUM, integer=True)
    text = (
        f"{value.at(Binding.ATOM)}.astype(float)"
        if value.kind is not Kind.UNKNOWN
        else f"1.0 * {value.at(Binding.UNARY)}"
    )
    return Value(text, value.kind, Binding.ATOM if value.kind is not Kind.UNKNOWN else Binding.MULTIPLY, nd=value.nd)


def side_by_side(left: Value, right: Value) -> tuple[Value, Value]:
    """A ROW beside a value of unknown kind has to show its two dimensions."""
    unknown = Kind.UNKNOWN in (left.kind, right.kind)
    return (left.as_two_dimensional(), right.as_two_dimensional()) if unknown else (left, right)


def _elementwise(left: Value, right: Value, operator: str) -> bool:
    if operator == "*":
        return left.is_scalar or right.is_scalar
    if operator == "/":
        return right.is_scalar
    return left.is_scalar and right.is_scalar


def _power(left: Value, right: Value, context: Context) -> Value:
    if left.is_scalar and right.is_scalar and left.integer and right.text not in ("1", "2", "3"):
        left = _as_double(left)  # whole numbers of numpy's wrap around
    if right.is_scalar and (left.is_scalar or not left.integer):
        text = f"{left.at(Binding.ATOM)} ** {right.at(Binding.POWER)}"
        text = text.replace(" ** ", "**") if _is_simple(left) and _is_simple(right) else text
        whole = left.integer and right.text.isdigit()
        return Value(text, elementwise_kind(left.kind, right.kind), Binding.POWER, whole, nd=left.nd)
    if may_misalign(left, right):
        return aligned("float_power", left, right, context)
    context.needs("np")
    return Value(f"np.float_power({left.text}, {right.text})", elementwise_kind(left.kind, right.kind), nd=left.nd)


def _as_double(value: Value) -> Value:
    return number(f"{value.text}.0" if value.text.isdigit() else f"float({value.text})")


def _is_simple(value: Value) -> bool:
    """Whether ruff sets no spaces around ``**`` beside it."""
    return value.text.lstrip("-").replace(".", "").replace("_", "").isalnum()


def _of_matrices(left: Value, right: Value, operator: str, context: Context) -> Value:
    if operator != "*":
        return _divided(left, right, operator, context)
    kinds = (left.kind, right.kind)
    if kinds == (Kind.COLUMN, Kind.ROW):
        return Value(f"{left.at(Binding.MULTIPLY)} * {right.at(Binding.UNARY)}", Kind.ARRAY, Binding.MULTIPLY)
    product = f"{left.at(Binding.MULTIPLY)} @ {right.at(Binding.UNARY)}"
    if kinds == (Kind.ROW, Kind.COLUMN):
        return number(f"({product}).item()")
    if left.kind is Kind.ROW and right.kind is Kind.ARRAY:
        return Value(product, Kind.ROW, Binding.MULTIPLY)
    if left.kind in MATRICES and right.kind in MATRICES:
        return Value(product, right.kind, Binding.MULTIPLY)
    context.needs("ml")
    left, right = left.as_two_dimensional(), right.as_two_dimensional()
    if "np." in left.text + right.text:
        context.needs("np")
    return Value(f"ml.mtimes({left.text}, {right.text})", Kind.UNKNOWN)


def _divided(left: Value, right: Value, operator: str, context: Context) -> Value:
    if operator == "^":
        raise Untranslatable("raises a matrix to a power")
    context.needs("ml")
    return Value(f"ml.mrdivide({left.as_two_dimensional().text}, {right.as_two_dimensional().text})", Kind.UNKNOWN)


def _opened(file: Value, operator: str) -> Value:
    """``fid < 0``, ``fid == -1``: whether a file could not be opened; in Python, opening it raised."""
    if operator in ("==", "<", "<="):
        return Value(f"{file.text}.closed", Kind.NUM, logical=True)
    return Value(f"not {file.text}.closed", Kind.NUM, Binding.NOT, logical=True)
