"""Assignments: to a variable, to several, to part of an array, a list or a struct."""

from __future__ import annotations

import ast
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.calls import call_with_outputs
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.expressions import lambda_parts
from hf_matlab_compat.migrate.indexing import Subscript, index_of, is_in_first_row, subscript, subscripts
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.usage import base_name, field_key
from hf_matlab_compat.migrate.values import (
    SHAPED,
    Kind,
    Value,
    attribute,
    binary,
    call,
    called,
    expr,
    is_count,
    item,
    method,
    name,
    plus,
    starred,
    whole,
)
from hf_matlab_compat.migrate.writer import Writer, stored

EMPTY = call("np.zeros", (0, 0))
_NEW_STRUCT = call("ml.Struct")
_NEW_LIST = expr([])


def assign(node: syntax.Assign, context: Context, writer: Writer) -> None:
    """Write an assignment."""
    if len(node.targets) > 1:
        _to_several(node, context, writer)
        return
    if not node.targets:
        refuse("assigns to nothing")
    (target,) = node.targets
    if isinstance(target, syntax.Name):
        _to_name(target.name, node.value, context, writer)
    elif isinstance(target, syntax.Field):
        _to_field(target, node.value, context, writer)
    elif isinstance(target, syntax.Apply):
        _to_part(target, node.value, context, writer)
    else:
        refuse("assigns to something of an unknown form")


def _to_name(variable: str, node: syntax.Node, context: Context, writer: Writer) -> None:
    python = context.target(variable)
    context.made.discard(variable)
    if isinstance(node, syntax.Lambda):
        parameters, body = lambda_parts(node, context)
        with writer.block(ast.FunctionDef(python, parameters, [], [])):
            writer.write(ast.Return(expr(body)))
        context.define(variable, Value(None, Kind.HANDLE))
        return
    value = _positions(node, context) if variable in context.usage.positions else context(node)
    if value.node is None:
        refuse("assigns what has no value")
    if isinstance(value.node, ast.expr) and called(value) == "plt.hist":
        refuse("asks for the counts of a histogram")
    value = replace(value, node=item([value.node], 0)) if value.starred else value
    if value.kind is Kind.EMPTY and variable in context.usage.only_empty:
        value = replace(value, node=expr(None))
    if variable in context.two_dimensional and value.kind is Kind.ROW:
        value = value.as_two_dimensional()
    if value.kind is Kind.EMPTY or (isinstance(value.node, ast.List) and not value.node.elts):
        context.growing.add(variable)
    value = context.fresh(value, variable)
    if not (isinstance(value.node, ast.Name) and value.node.id == python):
        writer.assign(python, value)
    context.define(variable, value)


def _positions(node: syntax.Node, context: Context) -> Value:
    """Return the value of a variable that holds only positions, which count from 0."""
    if isinstance(node, syntax.Apply) and node.base == syntax.Name("find"):
        value = context(node.arguments[0])
        if value.kind is not Kind.ROW:
            return Value(binary(call("ml.find", value), "-", 1), Kind.LOADED, zero_based=True)
        return Value(call("np.flatnonzero", value), Kind.ROW, integer=True, zero_based=True)
    value = context(node)
    if value.zero_based:
        return value
    return Value(binary(value, "-", 1), Kind.ROW, integer=True, zero_based=True)


def _to_several(node: syntax.Assign, context: Context, writer: Writer) -> None:
    value = node.value
    if isinstance(value, syntax.Apply) and value.brace:
        _from_list(node, value, context, writer)
        return
    if isinstance(value, syntax.Name):
        value = syntax.Apply(value, ())
    if not (isinstance(value, syntax.Apply) and isinstance(value.base, syntax.Name)) or value.brace:
        refuse("takes several values from something that is no call")
    made, known = call_with_outputs(value.base.name, value.arguments, context, len(node.targets))
    names: list[ast.expr] = []
    for target, each in zip(node.targets, known, strict=True):
        if isinstance(target, syntax.Tilde):
            names.append(stored("_"))
        elif isinstance(target, syntax.Name):
            names.append(stored(context.target(target.name)))
            context.define(target.name, each)
        else:
            refuse("assigns several values to parts of variables")
    writer.assign(ast.Tuple(names, ast.Store()), made)


def _from_list(node: syntax.Assign, value: syntax.Apply, context: Context, writer: Writer) -> None:
    # [a, b] = c{:}, the first entries of a list
    entries = context(value)
    variables = [each.name for each in node.targets if isinstance(each, syntax.Name)]
    if not entries.starred or len(variables) < len(node.targets):
        refuse("takes several values from something that is no call")
    names = [*(stored(context.target(each)) for each in variables), starred(stored("_"))]
    writer.assign(ast.Tuple(names, ast.Store()), call("ml.copied", [entries.node]))
    for each in variables:
        context.define(each, Value(None))


def _to_field(target: syntax.Field, node: syntax.Node, context: Context, writer: Writer) -> None:
    variable = base_name(target)
    _create(variable, _NEW_STRUCT, Kind.STRUCT, context, writer)
    base = _outer(target.base, context)
    value = context.fresh(context(node), variable).as_two_dimensional()
    if not isinstance(target.name, str):
        writer.run(call("setattr", base, call("ml.field", context(target.name)), value))
        return
    writer.assign(attribute(base, python_name(target.name)), value)
    if isinstance(base.node, ast.Name) and field_key(target):
        context.define(field_key(target), value)


def _outer(node: syntax.Node, context: Context) -> Value:
    """Return the struct whose field is assigned, for ``a.b.c`` a.b, which is created if it is missing."""
    base = context(node)
    if not (isinstance(node, syntax.Field) and isinstance(node.name, str)) or field_key(node) in context.variables:
        return base
    return Value(call("ml.inner", _outer(node.base, context), python_name(node.name)), Kind.STRUCT)


def _create(variable: str, first: ast.expr, kind: Kind, context: Context, writer: Writer) -> None:
    # a variable must exist before a part of it is assigned
    if not variable:
        refuse("assigns to part of something that is no variable")
    may_be_missing = variable in context.optional or variable in context.usage.asked_for
    if may_be_missing or (kind is Kind.STRUCT and _kind_of(variable, context) is Kind.EMPTY):
        _create_here(variable, first, kind, context, writer)
    elif variable not in context.variables:
        context.missing[python_name(variable)] = first
        context.growing.add(variable)
        context.define(variable, Value(None, kind))


def _kind_of(variable: str, context: Context) -> Kind | None:
    known = context.variables.get(variable)
    return None if known is None else known.kind


def _create_here(variable: str, first: ast.expr, kind: Kind, context: Context, writer: Writer) -> None:
    """Create a variable directly before a part of it is assigned, if it is missing or empty at run time."""
    python = python_name(variable)
    known = _kind_of(variable, context)
    if variable in context.made or known not in (None, Kind.EMPTY, Kind.UNKNOWN, Kind.LOADED, kind):
        return
    scope = call("globals" if context.function is None else "locals")
    now = name(python) if known is not None else method(scope, "get", python)
    writer.assign(python, ast.IfExp(call("ml.isempty", now), first, now))
    context.made.add(variable)
    if known is not Kind.LOADED:
        context.define(variable, Value(None, kind if kind is not Kind.EMPTY else Kind.LOADED))


def _to_part(target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> None:
    if target.brace:
        _to_cell(target, node, context, writer)
        return
    if node == syntax.Matrix(()):
        _delete(target, context, writer)
        return
    variable = base_name(target)
    value = context(node)
    if isinstance(target.base, syntax.Name):
        _create(variable, EMPTY, Kind.EMPTY, context, writer)
    elif isinstance(target.base, syntax.Field):
        _create(variable, _NEW_STRUCT, Kind.STRUCT, context, writer)
    base = context(target.base)
    if base.kind is Kind.CELL and _to_list(base, target, node, context, writer):
        return
    if base.kind in (Kind.CELL, Kind.STRUCT, Kind.STR, Kind.HANDLE):
        refuse(f"assigns to part of {base.kind.value}")
    if value.kind in (Kind.CELL, Kind.STRUCT, Kind.STR, Kind.HANDLE):
        refuse(f"puts {value.kind.value} into an array")
    found = subscripts(target.arguments, base, context)
    direct = _direct(base, found, value, target, context)
    if direct is None:
        _grow(base, found, value, target, context, writer)
        return
    if base.kind in (Kind.ROW, Kind.COLUMN) and isinstance(target.base, syntax.Name) and len(found) == 1:
        _make_room(base, found[0], writer)
    writer.assign(*direct)


def _make_room(base: Value, found: Subscript, writer: Writer) -> None:
    """Enlarge a vector if a literal position may be beyond its end."""
    place = whole(found.node) if is_count(found.node) else 0
    if place:
        writer.assign(expr(base), call("ml.with_room", base, place + 1))


def _direct(
    base: Value, found: list[Subscript], value: Value, target: syntax.Apply, context: Context
) -> tuple[ast.expr, Value] | None:
    """Return target and value of ``x[…] = value``, if it means the same as in MATLAB and needs no more room."""
    known = base.kind in (Kind.ROW, Kind.COLUMN, Kind.ARRAY) and len(found) <= 2
    if base.nd and len(found) == 2:
        return None  # the meaning of two indices depends on the shape at run time
    if _grows(target) or not known or (base.integer and not value.integer):
        return None
    forms = [each.form for each in found]
    if forms == ["mask"] and value.kind is Kind.NUM:
        mask = context(target.arguments[0])
        return (item(base, mask), value) if mask.kind is base.kind else None
    if value.kind is Kind.NUM and any(_ends_inside(each) for each in found):
        return None
    if forms == ["all"] and value.kind is Kind.NUM:
        return item(base, ast.Slice()), value
    linear = len(found) == 1 and base.kind is Kind.ARRAY
    if linear or "mask" in forms or forms.count("many") > 1 or (base.kind is Kind.ROW and len(found) > 1):
        return None
    place = item(base, *(each.node for each in found))
    if value.kind is Kind.NUM:
        return place, value
    if value.kind not in SHAPED:
        return None
    if forms.count("one") == len(forms) - 1 and len(forms) == 2:
        return place, value if value.kind is Kind.ROW else replace(value, node=call("np.ravel", value))
    return (place, value) if _fits_whole_block(base, forms, value) else None


def _ends_inside(found: Subscript) -> bool:
    """Return whether an index is a range with an end of its own, which may be beyond the end of the array."""
    return isinstance(found.node, ast.Slice) and found.node.upper is not None and found.form == "slice"


def _fits_whole_block(base: Value, forms: list[str], value: Value) -> bool:
    if base.kind is Kind.ROW:
        return value.kind is Kind.ROW
    if base.kind is Kind.COLUMN:
        return value.kind is Kind.COLUMN and forms != ["one"]
    return base.kind is Kind.ARRAY and "one" not in forms[:2] and value.kind in (Kind.ARRAY, Kind.COLUMN)


def _grows(target: syntax.Apply) -> bool:
    """Return whether an index is beyond the end: ``x(end+1)``."""
    return any(
        isinstance(part, syntax.Binary) and part.operator == "+" and syntax.End() in (part.left, part.right)
        for argument in target.arguments
        for part in argument.walk()
    )


def _grow(
    base: Value, found: list[Subscript], value: Value, target: syntax.Apply, context: Context, writer: Writer
) -> None:
    given: ast.expr | Value = base.as_two_dimensional()
    field = target.base
    if isinstance(field, syntax.Field) and isinstance(field.name, str) and base.kind is Kind.UNKNOWN:
        given = call("getattr", _outer(field.base, context), python_name(field.name), None)
    writer.assign(expr(base), call("ml.assign", given, value.as_two_dimensional(), *(each.argument for each in found)))
    if isinstance(target.base, syntax.Name):
        kind = base.kind if base.kind in (Kind.COLUMN, Kind.ARRAY) else Kind.LOADED
        context.define(target.base.name, replace(base, kind=kind, integer=False, nd=base.nd or len(found) > 2))


def _delete(target: syntax.Apply, context: Context, writer: Writer) -> None:
    base = context(target.base)
    count = len(target.arguments)
    found = subscripts(target.arguments, base, context)
    chosen = [axis for axis, each in enumerate(found) if each.form != "all"]
    if len(chosen) != 1 or not isinstance(target.base, syntax.Name | syntax.Field):
        refuse("deletes in an unknown way")
    if base.kind is Kind.CELL and count == 2 and (chosen == [0] or base.nd):
        refuse("deletes rows or columns of cells")
    if base.nd and count == 2:
        refuse("deletes by two indices where there may be three dimensions")
    (axis,) = chosen
    where = found[axis]
    if base.kind is Kind.CELL and where.form in ("one", "slice"):
        writer.write(ast.Delete([item(base, where.node)]))
        return
    place = where.argument
    if base.kind in (Kind.LOADED, Kind.UNKNOWN) or axis > 1 or (base.kind is Kind.ARRAY and count == 1):
        writer.assign(expr(base), call("ml.without", base, place, *([] if count == 1 else [axis])))
        if isinstance(target.base, syntax.Name):
            context.define(target.base.name, Value(None, Kind.LOADED))
        return
    if base.kind not in SHAPED:
        refuse("deletes in an unknown way")
    along = {} if base.kind is Kind.ROW else {"axis": axis}
    writer.assign(expr(base), call("np.delete", base, place, **along))


def _from_one(value: Value) -> ast.expr:
    return plus(value, 1) if value.zero_based else expr(value)


def _to_list(base: Value, target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> bool:
    """Write ``c(2) = {x}`` or ``c([1 3]) = {x}``, one value for each place, and return whether that could be done."""
    if len(target.arguments) == 2 and not is_in_first_row(base, target.arguments):
        return _to_part_of_cells(base, target, node, context, writer)
    if not (isinstance(node, syntax.CellLiteral) and list(map(len, node.rows)) == [1] and len(target.arguments) == 1):
        return False
    value = context.fresh(context(node.rows[0][0]), base_name(target)).as_two_dimensional()
    if _grows(target):
        writer.run(method(base, "append", value))
        return True
    where = index_of(_as_cells(base), target.arguments[0], context)
    if where.kind not in (Kind.NUM, Kind.ROW, Kind.COLUMN, Kind.ARRAY, Kind.LOADED):
        return False
    writer.run(call("ml.put_cells", base, _from_one(where), value))
    return True


def _to_part_of_cells(base: Value, target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> bool:
    """Write ``c(i, :) = {a, b}`` and return whether that could be done."""
    value = context.fresh(context(node), base_name(target))
    if value.kind is not Kind.CELL:
        return False
    found = subscripts(target.arguments, base, context)
    writer.assign(expr(base), call("ml.put_part", base, value, *(each.argument for each in found)))
    _now_in_two(target, context)
    return True


def _as_cells(base: Value) -> Value:
    return replace(base, kind=Kind.CELL)


def _now_in_two(target: syntax.Apply, context: Context) -> None:
    """Note that the cells have rows and columns from here on."""
    if isinstance(target.base, syntax.Name):
        context.define(target.base.name, Value(None, Kind.CELL, nd=True))
    elif field_key(target.base) in context.variables:
        context.define(field_key(target.base), Value(None, Kind.CELL, nd=True))


def _to_cell(target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> None:
    # c{…} = value
    variable = base_name(target)
    value = context.fresh(context(node), variable).as_two_dimensional()
    base, holder = _cells_to_fill(target, variable, context, writer)
    if base.kind is Kind.EMPTY:
        context.define(variable, Value(None, Kind.CELL))
        refuse("turns [] into a cell array")
    if len(target.arguments) not in (1, 2):
        refuse("indexes a cell array in more than two dimensions")
    if len(target.arguments) == 2 and not is_in_first_row(base, target.arguments):
        _to_cell_in_two(base, holder, value, target, context, writer)
        return
    if _grows(target):
        writer.run(method(base, "append", value))
        return
    *_, chosen = target.arguments
    found = subscript(chosen, _as_cells(base), context)
    if found.form in ("many", "mask"):
        where = index_of(_as_cells(base), chosen, context)
        writer.run(call("ml.put_cell", base, _from_one(where), value))
    elif found.form != "one":
        refuse("assigns to several cells at once")
    elif variable in context.growing or is_count(found.node):
        writer.run(call("ml.put", base, found.node, value))
    else:
        writer.assign(item(base, found.node), value)


def _cells_to_fill(
    target: syntax.Apply, variable: str, context: Context, writer: Writer
) -> tuple[Value, ast.expr | None]:
    """Return the cells of ``c{…} = …``, and where larger ones can be stored; None if nowhere.

    For ``net.W{1} = …``, the list net.W is created if it is missing.
    """
    node = target.base
    if isinstance(node, syntax.Name):
        _create(variable, _NEW_LIST, Kind.CELL, context, writer)
    if not (isinstance(node, syntax.Field) and isinstance(node.name, str)):
        base = context(node)
        return base, expr(base) if isinstance(node, syntax.Name | syntax.Field) else None
    _create(variable, _NEW_STRUCT, Kind.STRUCT, context, writer)
    known = context.variables.get(field_key(node))
    if known is not None and known.kind is Kind.CELL:
        base = context(node)
        return base, expr(base)
    outer, field = _outer(node.base, context), python_name(node.name)
    context.growing.add(variable)
    return Value(call("ml.inner_cells", outer, field), Kind.CELL), attribute(outer, field)


def _to_cell_in_two(
    base: Value, holder: ast.expr | None, value: Value, target: syntax.Apply, context: Context, writer: Writer
) -> None:
    # c{i, j} = value
    found = subscripts(target.arguments, _as_cells(base), context)
    if any(each.form != "one" for each in found):
        refuse("assigns to several cells at once")
    if holder is None:
        refuse("assigns to cells in rows and columns inside cells")
    writer.assign(holder, call("ml.put_in_two", base, *(each.node for each in found), value))
    _now_in_two(target, context)
