"""Operators: elementwise with numpy's broadcasting, products of matrices, comparisons, logic."""

from __future__ import annotations

import ast
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import (
    MATRICES,
    NO_NUMBERS,
    Kind,
    Value,
    attribute,
    binary,
    call,
    compare,
    expr,
    is_count,
    item,
    junction,
    method,
    name,
    number,
    slice_of,
    unary,
    whole,
    written,
)

_UFUNCS = {"+": "add", "-": "subtract", ".*": "multiply", "./": "divide"}
_COMPARISONS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
_JUNCTIONS = {"&": "and", "|": "or"}
_EXACT_POWERS = (1, 2, 3)


def binary_operation(node: syntax.Binary, context: Context) -> Value:
    """Translate ``left operator right``."""
    if node.operator in ("&&", "||"):
        return _made_logical(_shortcut(node, context))
    left, right = context(node.left), context(node.right)
    if left.starred or right.starred:
        refuse(f"puts the entries of a list beside {node.operator}")
    operator = node.operator.replace("~=", "!=")
    if operator in _COMPARISONS:
        return comparison(left, right, operator)
    if operator in _JUNCTIONS:
        return _junction(left, right, operator)
    return arithmetic(left, right, operator)


def arithmetic(left: Value, right: Value, operator: str) -> Value:
    """Translate ``+ - * / .* ./ ^ .^`` of two values."""
    _refuse_texts(left, right, operator)
    left, right = as_numbers(left), as_numbers(right)
    if operator == "\\":
        return Value(call("ml.mldivide", left.as_two_dimensional(), right.as_two_dimensional()), Kind.LOADED)
    if operator in ("*", "/", "^") and not _elementwise(left, right, operator):
        return _of_matrices(left, right, operator)
    left, right = side_by_side(left, right)
    plain = operator if operator in ("+", "-") else "." + operator.removeprefix(".")
    if plain == ".^":
        return _power(left, right)
    if plain not in _UFUNCS:
        refuse(f"uses the operator {operator}")
    if may_misalign(left, right):
        return aligned(_UFUNCS[plain], left, right)
    if plain == "./" and left.is_scalar and written(right) == 0:
        return _divided_by_zero(left)
    if plain == ".*" and left.integer and right.integer and Kind.NUM not in (left.kind, right.kind):
        left = replace(left, node=method(left, "astype", name("float")), integer=False)
    return Value(
        binary(left, plain[-1], right),
        elementwise_kind(left.kind, right.kind),
        integer=left.integer and right.integer and plain != "./",
        nd=left.nd or right.nd,
    )


def may_misalign(left: Value, right: Value) -> bool:
    """Return whether numpy, which aligns last dimensions where MATLAB aligns first ones, may see other pairs."""
    return (left.nd or right.nd) and not (left.is_scalar or right.is_scalar)


def aligned(ufunc: str, left: Value, right: Value, *, logical: bool = False) -> Value:
    """Apply a ufunc of numpy to values whose dimensions are aligned at run time."""
    given = (left.as_two_dimensional(), right.as_two_dimensional())
    return Value(call("ml.aligned", name(f"np.{ufunc}"), *given), Kind.ARRAY, nd=True, logical=logical)


def _divided_by_zero(left: Value) -> Value:
    """Divide by a zero that is written out, which Python refuses."""
    value = written(left)
    if value is None:
        return number(binary(call("np.float64", left), "/", 0))
    if value == 0:
        return number(name("np.nan"))
    return number(name("np.inf") if value > 0 else unary("-", name("np.inf")))


def elementwise_kind(one: Kind, other: Kind) -> Kind:
    """Return the kind of an elementwise result."""
    if one is other or other is Kind.NUM:
        return one
    if one is Kind.NUM:
        return other
    if Kind.UNKNOWN in (one, other):
        return Kind.UNKNOWN
    if Kind.LOADED in (one, other) and Kind.ROW not in (one, other):
        return Kind.ARRAY if Kind.ARRAY in (one, other) else Kind.LOADED
    return Kind.ARRAY


def comparison(left: Value, right: Value, operator: str) -> Value:
    """Translate ``==`` and its like, elementwise."""
    if Kind.FILE in (left.kind, right.kind):
        return _opened(left, operator)
    if Kind.STR in (left.kind, right.kind):
        refuse("compares characters one by one; strcmp compares strings")
    if may_misalign(left, right):
        return aligned(_COMPARISONS[operator], left, right, logical=True)
    left, right = side_by_side(left, right)
    kind = elementwise_kind(left.kind, right.kind)
    return Value(compare(left, operator, right), kind, logical=True, nd=left.nd or right.nd)


def negation(operand: Value) -> Value:
    """Translate ``~operand``."""
    if operand.kind is not Kind.NUM:
        known = operand.logical and operand.kind is not Kind.UNKNOWN
        node = unary("~", operand) if known else call("np.logical_not", operand)
        return Value(node, operand.kind, logical=True)
    match operand.node:
        case ast.Compare(left, [ast.Eq()], [right]):
            node = compare(left, "!=", right)
        case ast.Compare(left, [ast.NotEq()], [right]):
            node = compare(left, "==", right)
        case _:
            node = unary("not", operand)
    return Value(node, Kind.NUM, logical=True)


def unary_operation(node: syntax.Unary, context: Context) -> Value:
    """Translate ``-x``, ``+x``, ``~x``."""
    operand = context(node.operand)
    if node.operator in ("~", "!"):
        return negation(operand)
    _refuse_texts(operand, operand, node.operator)
    operand = as_numbers(operand)
    return Value(unary(node.operator, operand), operand.kind, operand.integer, nd=operand.nd)


def transpose(operand: Value) -> Value:
    """Translate ``x'``."""
    match operand.kind:
        case Kind.NUM | Kind.EMPTY:
            return operand
        case Kind.ROW:
            return replace(operand, node=item(operand, slice_of(), None), kind=Kind.COLUMN)
        case Kind.COLUMN:
            return replace(operand, node=item(operand, slice_of(), 0), kind=Kind.ROW)
        case Kind.ARRAY | Kind.LOADED:
            return Value(attribute(operand, "T"), operand.kind, logical=operand.logical, owner=operand.owner)
        case Kind.UNKNOWN:
            return Value(call("ml.turned", operand), Kind.UNKNOWN, owner=operand.owner)
        case Kind.CELL:
            return Value(call("ml.transposed", operand), Kind.CELL, nd=True, owner=operand.owner)
        case _:
            return refuse(f"transposes {operand.kind.value}")


def truth(node: syntax.Node, context: Context) -> Value:
    """Translate a condition: an array holds where it has entries and none of them is zero."""
    while isinstance(node, syntax.Paren):
        node = node.inner
    if isinstance(node, syntax.Binary) and node.operator in ("&&", "||"):
        return _shortcut(node, context)
    value = context(node)
    if value.kind in (Kind.NUM, Kind.STR):
        return value
    return Value(call("ml.holds", value), Kind.NUM, logical=True)


def _shortcut(node: syntax.Binary, context: Context) -> Value:
    """Translate ``&&`` and ``||`` as a condition: in Python its value need not be a truth value."""
    left, right = truth(node.left, context), truth(node.right, context)
    return _both(left, right, node.operator[0])


def _both(left: Value, right: Value, operator: str) -> Value:
    node = junction(_JUNCTIONS[operator], (left, right))
    return Value(node, Kind.NUM, logical=left.logical and right.logical)


def _made_logical(value: Value) -> Value:
    return value if value.logical else Value(call("bool", value), Kind.NUM, logical=True)


def _junction(left: Value, right: Value, operator: str) -> Value:
    if left.is_scalar and right.is_scalar:
        return _made_logical(_both(left, right, operator))
    ufunc = f"logical_{_JUNCTIONS[operator]}"
    if may_misalign(left, right):
        return aligned(ufunc, left, right, logical=True)
    left, right = side_by_side(left, right)
    logical = left.logical and right.logical
    node = binary(left, operator, right) if logical else call(f"np.{ufunc}", left, right)
    return Value(node, elementwise_kind(left.kind, right.kind), logical=True)


def _refuse_texts(left: Value, right: Value, operator: str) -> None:
    for value in (left, right):
        if value.kind in NO_NUMBERS:
            refuse(f"computes with {value.kind.value} ({operator})")


def as_numbers(value: Value) -> Value:
    """Return truth values as numbers, since numpy's do not add up."""
    if not value.logical or isinstance(value.node, ast.Constant):
        return value
    if value.kind is Kind.NUM:
        return Value(call("int", value), Kind.NUM, integer=True)
    known = value.kind is not Kind.UNKNOWN
    node = method(value, "astype", name("float")) if known else binary(1.0, "*", value)
    return Value(node, value.kind, nd=value.nd)


def side_by_side(left: Value, right: Value) -> tuple[Value, Value]:
    """Return two values; a ROW beside a value of unknown kind shows its two dimensions."""
    unknown = Kind.UNKNOWN in (left.kind, right.kind)
    return (left.as_two_dimensional(), right.as_two_dimensional()) if unknown else (left, right)


def _elementwise(left: Value, right: Value, operator: str) -> bool:
    if operator == "*":
        return left.is_scalar or right.is_scalar
    if operator == "/":
        return right.is_scalar
    return left.is_scalar and right.is_scalar


def _power(left: Value, right: Value) -> Value:
    if left.is_scalar and right.is_scalar and left.integer and whole(right) not in _EXACT_POWERS:
        left = _as_double(left)  # whole numbers of numpy's wrap around
    kind = elementwise_kind(left.kind, right.kind)
    if right.is_scalar and (left.is_scalar or not left.integer):
        exponent = whole(right)
        return Value(
            binary(left, "**", right), kind, integer=left.integer and exponent is not None and exponent >= 0, nd=left.nd
        )
    if may_misalign(left, right):
        return aligned("float_power", left, right)
    return Value(call("np.float_power", left, right), kind, nd=left.nd)


def _as_double(value: Value) -> Value:
    return number(expr(float(whole(value) or 0)) if is_count(value) else call("float", value))


def _of_matrices(left: Value, right: Value, operator: str) -> Value:
    if operator == "^":
        refuse("raises a matrix to a power")
    if operator == "/":
        return Value(call("ml.mrdivide", left.as_two_dimensional(), right.as_two_dimensional()))
    kinds = (left.kind, right.kind)
    if kinds == (Kind.COLUMN, Kind.ROW):
        return Value(binary(left, "*", right), Kind.ARRAY)
    product = binary(left, "@", right)
    if kinds == (Kind.ROW, Kind.COLUMN):
        return number(method(product, "item"))
    if left.kind is Kind.ROW and right.kind is Kind.ARRAY:
        return Value(product, Kind.ROW)
    if left.kind in MATRICES and right.kind in MATRICES:
        return Value(product, right.kind)
    return Value(call("ml.mtimes", left.as_two_dimensional(), right.as_two_dimensional()))


def _opened(file: Value, operator: str) -> Value:
    """Translate ``fid < 0``, ``fid == -1``: could a file not be opened? In Python, opening it raised."""
    closed = attribute(file, "closed")
    return Value(closed if operator in ("==", "<", "<=") else unary("not", closed), Kind.NUM, logical=True)
