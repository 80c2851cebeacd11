"""Brackets, braces and ranges: rows of numbers, stacked arrays, strings, lists, ``a:step:b``."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from hf_matlab_compat.migrate import strings, syntax
from hf_matlab_compat.migrate.build import binary, call, called, expr, item, name, plus, whole
from hf_matlab_compat.migrate.context import UNSHARED, Context
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import NO_NUMBERS, Kind, Value, integer

_SOLID = (Kind.ROW, Kind.COLUMN, Kind.ARRAY)
_NO_ARRAYS = (Kind.STRUCT, Kind.HANDLE, Kind.FILE)


def matrix(node: syntax.Matrix, context: Context) -> Value:
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


def cell(node: syntax.CellLiteral, context: Context) -> Value:
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


def range_as_array(node: syntax.Range, context: Context) -> Value:
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
