"""Brackets and braces: rows of numbers, stacked arrays, strings, lists."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax, texts
from hf_matlab_compat.migrate.context import UNSHARED, Context, Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value

_SOLID = (Kind.NUM, Kind.ROW, Kind.COLUMN, Kind.ARRAY)


def matrix(node: syntax.Matrix, context: Context) -> Value:
    """``[a b; c d]``."""
    if not node.rows:
        context.needs("np")
        return Value("np.zeros((0, 0))", Kind.EMPTY)
    rows = [[context(entry) for entry in row] for row in node.rows]
    flat = [value for row in rows for value in row]
    if any(value.text.startswith("*") for value in flat):
        context.needs("ml")
        return Value(f"ml.joined({', '.join(value.text for value in flat)})", Kind.UNKNOWN)
    if any(value.kind is Kind.CELL for value in flat):
        return _joined_cells(rows, context)
    if any(value.kind is Kind.STR for value in flat):
        return _text(node, rows, context)
    if any(value.kind in (Kind.STRUCT, Kind.HANDLE, Kind.FILE) for value in flat):
        raise Untranslatable("puts structs or functions into brackets")
    context.needs("np")
    if len(rows) == 1:
        return _row(rows[0], context)
    if all(len(row) == 1 for row in rows):
        return _stacked([row[0] for row in rows], context)
    if all(value.kind is Kind.NUM for value in flat):
        logical = all(value.logical for value in flat)
        kind = "bool" if logical else "float"
        text = f"np.array([{', '.join(_listed(row) for row in rows)}], dtype={kind})"
        return Value(text, Kind.ARRAY, logical=logical)
    return _stacked([_row(row, context) for row in rows], context)


def cell(node: syntax.CellLiteral, context: Context) -> Value:
    """``{a, b}``."""
    rows = [[context(entry) for entry in row] for row in node.rows]
    owners = {value.owner for row in rows for value in row if value.kind not in UNSHARED} - {""}
    lists = [f"[{', '.join(_entry(context.fresh(value, ''), context) for value in row)}]" for row in rows] or ["[]"]
    if len(lists) == 1:
        return Value(lists[0], Kind.CELL, owner=" ".join(sorted(owners)))
    context.needs("ml")
    return Value(f"ml.below({', '.join(lists)})", Kind.CELL, owner=" ".join(sorted(owners)), nd=True)


def _entry(value: Value, context: Context) -> str:
    if value.text.startswith("*"):
        return value.text
    entry = value.as_two_dimensional().text
    if "np." in entry:
        context.needs("np")
    return entry


def _text(node: syntax.Matrix, rows: list[list[Value]], context: Context) -> Value:
    if len(rows) != 1:
        raise Untranslatable("stacks strings")
    if any(value.kind in (Kind.UNKNOWN, Kind.LOADED) for value in rows[0]):
        context.needs("ml")
        return Value(f"ml.joined({', '.join(value.text for value in rows[0])})", Kind.UNKNOWN)
    return texts.concatenated(rows[0], node.rows[0])


def _joined_cells(rows: list[list[Value]], context: Context) -> Value:
    flat = [value for row in rows for value in row]
    if any(value.kind in (Kind.STRUCT, Kind.HANDLE, Kind.FILE) for value in flat):
        raise Untranslatable("joins cells and other values")
    owners = {name for value in flat for name in value.owner.split()}
    plain = all(value.kind in (Kind.CELL, Kind.EMPTY, Kind.STR, Kind.NUM) and not value.nd for value in flat)
    if len(rows) > 1 or not plain:
        context.needs("ml")
        joined = [f"ml.beside({', '.join(_entry(value, context) for value in row)})" for row in rows]
        if len(rows) > 1 and all(len(row) == 1 for row in rows):
            joined = [_entry(row[0], context) for row in rows]
        text = joined[0] if len(rows) == 1 else f"ml.below({', '.join(joined)})"
        return Value(text, Kind.CELL, owner=" ".join(sorted(owners)), nd=True)
    parts = [
        value.at(Binding.ADD) if value.kind is Kind.CELL else f"[{value.text}]"
        for value in flat
        if value.kind is not Kind.EMPTY
    ]
    return Value(" + ".join(parts), Kind.CELL, Binding.ADD, owner=" ".join(sorted(owners)))


def _listed(row: list[Value]) -> str:
    return f"[{', '.join(value.text for value in row)}]"


def _row(row: list[Value], context: Context) -> Value:
    if len(row) == 1:
        return row[0]
    whole = all(value.integer for value in row)
    logical = all(value.logical for value in row)
    if all(value.kind is Kind.NUM for value in row):
        return Value(f"np.array({_listed(row)})", Kind.ROW, integer=whole, logical=logical)
    if all(value.kind in (Kind.NUM, Kind.ROW) for value in row):
        return Value(f"np.r_[{', '.join(value.text for value in row)}]", Kind.ROW, integer=whole, logical=logical)
    if all(value.kind in _SOLID and value.kind is not Kind.NUM for value in row):
        parts = [value.as_two_dimensional().text for value in row]
        nd = any(value.nd for value in row)
        return Value(f"np.hstack([{', '.join(parts)}])", Kind.ARRAY, nd=nd, logical=logical)
    return _at_run_time("hcat", row, context)


def _stacked(parts: list[Value], context: Context) -> Value:
    logical = all(value.logical for value in parts)
    if all(value.kind is Kind.NUM for value in parts):
        listed = ", ".join(f"[{value.text}]" for value in parts)
        kind = "bool" if logical else "float"
        return Value(f"np.array([{listed}], dtype={kind})", Kind.COLUMN, logical=logical)
    if all(value.kind in _SOLID and value.kind is not Kind.NUM for value in parts):
        columns = all(value.kind is Kind.COLUMN for value in parts)
        text = f"np.vstack([{', '.join(value.text for value in parts)}])"
        return Value(text, Kind.COLUMN if columns else Kind.ARRAY, logical=logical)
    return _at_run_time("vcat", parts, context)


def _at_run_time(name: str, parts: list[Value], context: Context) -> Value:
    context.needs("ml")
    text = f"ml.{name}({', '.join(value.as_two_dimensional().text for value in parts)})"
    return Value(text, Kind.LOADED, logical=all(value.logical for value in parts))
