"""Expressions: names, numbers, fields, brackets, braces, ranges, handles, anonymous functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hf_matlab_compat.migrate import strings, syntax
from hf_matlab_compat.migrate.calls import call as call_of_function
from hf_matlab_compat.migrate.context import UNSHARED, Context, python_name
from hf_matlab_compat.migrate.indexing import (
    from_one,
    index,
    index_of,
    is_in_first_row,
    part_of_cells,
    subscript,
    subscripts,
)
from hf_matlab_compat.migrate.operators import binary_operation, transpose, unary_operation
from hf_matlab_compat.migrate.syntax import MATLAB_FUNCTIONS, Untranslatable, refuse
from hf_matlab_compat.migrate.usage import field_key
from hf_matlab_compat.migrate.values import (
    NO_NUMBERS,
    Kind,
    Value,
    attribute,
    binary,
    call,
    called,
    expr,
    integer,
    item,
    lambda_of,
    name,
    number,
    parameters,
    plus,
    starred,
    whole,
    written_number,
)

CONSTANTS: Mapping[str, Value] = {
    "pi": number(name("np.pi")),
    **dict.fromkeys(("Inf", "inf"), number(name("np.inf"))),
    **dict.fromkeys(("NaN", "nan"), number(name("np.nan"))),
    "eps": number(attribute(call("np.finfo", name("float")), "eps")),
    "true": Value(expr(True), Kind.NUM, logical=True),
    "false": Value(expr(False), Kind.NUM, logical=True),
    "nargin": integer(name("nargin")),
}
"""Names that stand for a value."""

_MOST_EXACT = 2.0**53
"""From here on a whole number of MATLAB's, a double, need not be what its digits say."""
_OF_TWO = ("plus", "minus", "times", "rdivide", "power", "mtimes", "eq", "ne", "lt", "le", "gt", "ge", "mod", "rem",
           "strcmp", "strcmpi", "isequal", "and", "or")  # fmt: skip
"""Functions of two arguments; a handle of any other is one of one argument."""
_CASTS = {"single": "ml.single", "double": "np.float64"}
_GIVEN_FUNCTIONS = ("feval", "cellfun", "arrayfun", "bsxfun", "func2str", "isa", "class", "isempty")
_SOLID = (Kind.ROW, Kind.COLUMN, Kind.ARRAY)
_NO_ARRAYS = (Kind.STRUCT, Kind.HANDLE, Kind.FILE)


def translate_expression(node: syntax.Node, context: Context) -> Value:
    """Translate an expression."""
    translator = _TRANSLATORS.get(type(node))
    if translator is None:
        refuse("has a part that makes no sense on its own")
    return translator(node, context)


def _number(node: syntax.Number, _context: Context) -> Value:
    text = node.text.lower().replace("d", "e")
    if text.isdigit():
        exact = float(text) < _MOST_EXACT
        return integer(expr(int(text))) if exact else number(expr(float(text)))
    mantissa, _, exponent = text.partition("e")
    mantissa = mantissa + "0" if mantissa.endswith(".") else mantissa
    mantissa = "0" + mantissa if mantissa.startswith(".") else mantissa
    return number(written_number(f"{mantissa}e{exponent}" if exponent else mantissa))


def _name(node: syntax.Name, context: Context) -> Value:
    if node.name in context.variables:
        return replace(context.variables[node.name], owner=node.name)
    if node.name in CONSTANTS:
        return CONSTANTS[node.name]
    if _is_variable(node.name, context):
        return Value(name(python_name(node.name)))
    return call_of_function(node.name, (), context)


def _apply(node: syntax.Apply, context: Context) -> Value:
    if node.brace:
        return _content(node, context)
    if isinstance(node.base, syntax.Name) and not _is_variable(node.base.name, context):
        return call_of_function(node.base.name, node.arguments, context)
    base = context(node.base)
    if not node.arguments:
        return base if base.kind is not Kind.HANDLE else Value(call(expr(base)))
    return index(base, node.arguments, context)


def _is_variable(name_: str, context: Context) -> bool:
    return name_ in context.variables or (name_ in context.usage.assigned and name_ not in context.cleared)


def _content(node: syntax.Apply, context: Context) -> Value:
    """Translate ``c{i}`` and ``c{i, j}``."""
    base = context(node.base)
    if base.kind not in (Kind.CELL, Kind.UNKNOWN, Kind.LOADED):
        refuse(f"uses braces on {base.kind.value}")
    if len(node.arguments) not in (1, 2):
        refuse("indexes a cell array in more than two dimensions")
    cells = replace(base, kind=Kind.CELL)
    applied = "{}" in context.shared.fields_with_functions
    if len(node.arguments) == 2 and not is_in_first_row(base, node.arguments):
        found = subscripts(node.arguments, cells, context)
        if any(each.form != "one" for each in found):
            return Value(starred(part_of_cells(base, found)))
        entry = call("ml.content", base, *(each.node for each in found))
        return Value(entry, owner=base.owner, applied=applied)
    chosen = node.arguments[-1]
    where = subscript(chosen, cells, context)
    match where.form:
        case "one":
            return Value(item(base, where.node), owner=base.owner, applied=applied)
        case "all":
            return Value(starred(base))
        case "slice":
            return Value(starred(item(base, where.node)))
        case _:
            return Value(starred(call("ml.pick_cells", base, from_one(index_of(cells, chosen, context)))))


def _field(node: syntax.Field, context: Context) -> Value:
    if isinstance(node.base, syntax.Name) and node.base.name in context.exceptions:
        if node.name != "message":
            refuse("asks an error for more than its message")
        return Value(call("str", name(python_name(node.base.name))), Kind.STR)
    base = context(node.base)
    if base.kind not in (Kind.STRUCT, Kind.UNKNOWN, Kind.LOADED):
        refuse(f"asks for a field of {base.kind.value}")
    if not isinstance(node.name, str):
        return Value(call("getattr", base, call("ml.field", context(node.name))), owner=base.owner)
    made = attribute(base, python_name(node.name))
    known = context.variables.get(field_key(node))
    if known is not None:
        return replace(known, node=made, owner=base.owner, zero_based=False)
    applied = base.kind is not Kind.LOADED and node.name in context.shared.fields_with_functions
    kind = Kind.LOADED if base.kind is Kind.LOADED else Kind.UNKNOWN
    return Value(made, kind, owner=base.owner, applied=applied)


def _end(_node: syntax.Node, context: Context) -> Value:
    if not context.end_of:
        refuse("has an end outside an index")
    return context.end_of[-1]()


def _matrix(node: syntax.Matrix, context: Context) -> Value:
    """Translate ``[a b; c d]``."""
    if not node.rows:
        return Value(call("np.zeros", (0, 0)), Kind.EMPTY)
    rows = [[context(entry) for entry in row] for row in node.rows]
    flat = [value for row in rows for value in row]
    kinds = {value.kind for value in flat}
    if any(value.starred for value in flat):
        return Value(call("ml.joined", *flat))
    if Kind.CELL in kinds:
        return _joined_cells(rows)
    if Kind.STR in kinds:
        return _text(node, rows)
    if kinds & {*_NO_ARRAYS}:
        refuse("puts structs or functions into brackets")
    if len(rows) == 1:
        return _row(rows[0])
    if kinds == {Kind.NUM} and any(len(row) > 1 for row in rows):
        return _table(rows, Kind.ARRAY)
    return _stacked([row[0] if len(row) == 1 else _row(row) for row in rows])


def _cell(node: syntax.CellLiteral, context: Context) -> Value:
    """Translate ``{a, b}``."""
    rows = [[context(entry) for entry in row] for row in node.rows]
    owners = {value.owner for row in rows for value in row if value.kind not in UNSHARED} - {""}
    owner = " ".join(sorted(owners))
    lists = [expr([context.fresh(value, "").as_two_dimensional() for value in row]) for row in rows] or [expr([])]
    if len(lists) == 1:
        return Value(lists[0], Kind.CELL, owner=owner)
    return Value(call("ml.below", *lists), Kind.CELL, owner=owner, nd=True)


def _text(node: syntax.Matrix, rows: list[list[Value]]) -> Value:
    if len(rows) != 1:
        refuse("stacks strings")
    if any(value.kind in (Kind.UNKNOWN, Kind.LOADED) for value in rows[0]):
        return Value(call("ml.joined", *rows[0]))
    return strings.concatenated(rows[0], node.rows[0])


def _joined_cells(rows: list[list[Value]]) -> Value:
    flat = [value for row in rows for value in row]
    if any(value.kind in _NO_ARRAYS for value in flat):
        refuse("joins cells and other values")
    owner = " ".join(sorted({owner for value in flat for owner in value.owner.split()}))
    plain = all(value.kind in (Kind.CELL, Kind.EMPTY, Kind.STR, Kind.NUM) and not value.nd for value in flat)
    if len(rows) > 1 or not plain:
        two = [[value.as_two_dimensional() for value in row] for row in rows]
        single = len(rows) > 1 and all(len(row) == 1 for row in rows)
        joined = [expr(row[0]) if single else call("ml.beside", *row) for row in two]
        node = joined[0] if len(rows) == 1 else call("ml.below", *joined)
        return Value(node, Kind.CELL, owner=owner, nd=True)
    first, *others = [
        expr(value) if value.kind is Kind.CELL else expr([value]) for value in flat if value.kind is not Kind.EMPTY
    ]
    for each in others:
        first = binary(first, "+", each)
    return Value(first, Kind.CELL, owner=owner)


def _row(row: list[Value]) -> Value:
    if len(row) == 1:
        return row[0]
    kinds = {value.kind for value in row}
    integer_ = all(value.integer for value in row)
    logical = all(value.logical for value in row)
    if kinds == {Kind.NUM}:
        return Value(call("np.array", [*row]), Kind.ROW, integer=integer_, logical=logical)
    if kinds <= {Kind.NUM, Kind.ROW}:
        return Value(item(name("np.r_"), *row), Kind.ROW, integer=integer_, logical=logical)
    if kinds <= {*_SOLID}:
        parts = [value.as_two_dimensional() for value in row]
        return Value(call("np.hstack", [*parts]), Kind.ARRAY, nd=any(value.nd for value in row), logical=logical)
    return _at_run_time("ml.hcat", row)


def _stacked(parts: list[Value]) -> Value:
    kinds = {value.kind for value in parts}
    if kinds == {Kind.NUM}:
        return _table([[value] for value in parts], Kind.COLUMN)
    if kinds <= {*_SOLID}:
        kind = Kind.COLUMN if kinds == {Kind.COLUMN} else Kind.ARRAY
        return Value(call("np.vstack", [*parts]), kind, logical=all(value.logical for value in parts))
    return _at_run_time("ml.vcat", parts)


def _table(rows: list[list[Value]], kind: Kind) -> Value:
    """Return numbers in rows and columns."""
    logical = all(value.logical for row in rows for value in row)
    dtype = name("bool" if logical else "float")
    return Value(call("np.array", [[*row] for row in rows], dtype=dtype), kind, logical=logical)


def _at_run_time(function: str, parts: list[Value]) -> Value:
    node = call(function, *(value.as_two_dimensional() for value in parts))
    return Value(node, Kind.LOADED, logical=all(value.logical for value in parts))


def _range(node: syntax.Range, context: Context) -> Value:
    """Translate a range as a ROW."""
    first, step, last = range_parts(node, context)
    bounds = whole_bounds(first, step, last)
    if bounds is not None:
        return Value(call("np.arange", *bounds), Kind.ROW, integer=True)
    return Value(call("ml.colon", first, step, last), Kind.ROW)


def range_parts(node: syntax.Range, context: Context) -> tuple[Value, Value, Value]:
    """Return first, step and last of a range, as numbers."""
    step = integer(expr(1)) if node.step is None else _scalar(context(node.step))
    return _scalar(context(node.first)), step, _scalar(context(node.last))


def whole_bounds(first: Value, step: Value, last: Value) -> Sequence[ast.expr] | None:
    """Return the arguments of `range` for a range of whole numbers; None where it may not be one."""
    change = whole(step)
    if not (first.integer and step.integer and last.integer and change):
        return None
    stop = plus(last, 1 if change > 0 else -1)
    if change == 1:
        return [stop] if whole(first) == 0 else [expr(first), stop]
    return [expr(first), stop, expr(step)]


def _scalar(value: Value) -> Value:
    if value.kind is Kind.NUM:
        return value
    if value.kind in NO_NUMBERS:
        refuse(f"counts from or to {value.kind.value}")
    if called(value) == "ml.single":
        refuse("counts in single precision")
    return Value(call("ml.scalar", value), Kind.NUM)


def _handle(node: syntax.Handle, context: Context) -> Value:
    """Translate ``@name``."""
    shared, own = context.shared, Value(name(python_name(node.name)), Kind.HANDLE)
    if node.name in shared.functions and len(shared.functions[node.name].outputs) <= 1:
        return own
    if node.name in ("max", "min"):
        refuse(f"makes a handle of {node.name}, which may be given one array or two")
    if node.name in _CASTS:
        return Value(name(_CASTS[node.name]), Kind.HANDLE)
    if shared.beside.functions.get(node.name) == 1:
        context(syntax.Apply(syntax.Name(node.name), ()))  # which imports it
        return own
    given = ("a", "b") if node.name in _OF_TWO else ("a",)
    applied = syntax.Apply(syntax.Name(node.name), tuple(map(syntax.Name, given)))
    try:
        return _lambda(syntax.Lambda(given, applied), context)
    except Untranslatable as failure:
        refuse(f"makes a handle of {node.name}: {failure}", failure.unknown)


def _lambda(node: syntax.Lambda, context: Context) -> Value:
    """Translate ``@(x) …``."""
    return Value(lambda_of(*lambda_parts(node, context)), Kind.HANDLE)


def lambda_parts(node: syntax.Lambda, context: Context) -> tuple[ast.arguments, Value]:
    """Return parameters and body of an anonymous function."""
    kept = _captured(node, context)
    hidden = {name_: context.variables.get(name_) for name_ in node.parameters}
    for name_ in node.parameters:
        applied = name_ in called_parameters(node.parameters, [node.body])
        context.variables[name_] = Value(name(python_name(name_)), applied=applied)
    try:
        return parameters(map(python_name, node.parameters), kept), context(node.body).as_two_dimensional()
    finally:
        for name_, before in hidden.items():
            if before is None:
                del context.variables[name_]
            else:
                context.variables[name_] = before


def _captured(node: syntax.Lambda, context: Context) -> list[tuple[str, Value]]:
    """Return defaults for variables that change later: an anonymous function keeps the values they have here."""
    used = {part.name for part in node.body.walk() if isinstance(part, syntax.Name)} - set(node.parameters)
    changing = sorted(name_ for name_ in used & context.usage.changing if name_ in context.variables)
    return [
        (python_name(name_), context.fresh(replace(context.variables[name_], owner=name_), "")) for name_ in changing
    ]


def called_parameters(parameters: Iterable[str], body: Iterable[syntax.Node]) -> frozenset[str]:
    """Return parameters that may hold functions: all that is done with them is to call them or to hand them on."""
    called, others = set[str](), set[str]()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        inner = [*node.inside]
        if isinstance(node, syntax.Name):
            others.add(node.name)
        elif isinstance(node, syntax.Apply) and isinstance(node.base, syntax.Name) and not node.brace:
            called.add(node.base.name)
            handed = node.base.name in _GIVEN_FUNCTIONS or node.base.name not in MATLAB_FUNCTIONS
            inner = [each for each in node.arguments if not (handed and isinstance(each, syntax.Name))]
        waiting.extend(inner)
    return frozenset(parameters) & called - others


def fields_with_functions(script: syntax.Script) -> frozenset[str]:
    """Return fields that the file puts functions into, or only ever calls.

    Where cells get functions too, these are all fields, and ``{}``.
    """
    nodes = [*script.walk()]
    used = [node.name for node in nodes if isinstance(node, syntax.Field) and isinstance(node.name, str)]
    called = [node.base.name for node in nodes if _is_called_field(node)]  # type: ignore[attr-defined]
    found = {name for name in used if used.count(name) == called.count(name)}
    if any(_keeps_function(node) for node in nodes):
        found |= {*used, "{}"}
    return frozenset(found)


def _is_called_field(node: syntax.Node) -> bool:
    is_call = isinstance(node, syntax.Apply) and not node.brace and isinstance(node.base, syntax.Field)
    inside = [part for each in node.arguments for part in each.walk()] if isinstance(node, syntax.Apply) else []
    return is_call and not any(isinstance(part, syntax.Colon | syntax.End | syntax.Range) for part in inside)


def _keeps_function(node: syntax.Node) -> bool:
    """Return True if functions are put into cells or fields."""
    match node:
        case syntax.Lambda(body=syntax.Lambda() | syntax.Handle()):
            return True
        case syntax.CellLiteral(rows):
            return any(isinstance(each, syntax.Handle | syntax.Lambda) for row in rows for each in row)
        case syntax.Apply(syntax.Name("struct"), given, False):
            return any(isinstance(each, syntax.Handle | syntax.Lambda) for each in given)
        case syntax.Assign(targets=(target,), value=syntax.Handle() | syntax.Lambda()):
            return not isinstance(target, syntax.Name)
        case _:
            return False


_TRANSLATORS: dict[type, Callable[[Any, Context], Value]] = {
    syntax.Number: _number,
    syntax.Text: lambda node, _context: strings.literal(node),
    syntax.Name: _name,
    syntax.Apply: _apply,
    syntax.Field: _field,
    syntax.End: _end,
    syntax.Colon: lambda _node, _context: Value(expr(":"), Kind.STR),
    syntax.Range: _range,
    syntax.Binary: binary_operation,
    syntax.Unary: unary_operation,
    syntax.Transpose: lambda node, context: transpose(context(node.operand)),
    syntax.Paren: lambda node, context: context(node.inner),
    syntax.Matrix: _matrix,
    syntax.CellLiteral: _cell,
    syntax.Handle: _handle,
    syntax.Lambda: _lambda,
}
