"""Assignments: to a variable, to several, to part of an array, a list or a struct."""

from __future__ import annotations

import ast
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.calls import call_with_outputs
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.expressions import lambda_parts
from hf_matlab_compat.migrate.indexing import Subscript, index_of, is_in_first_row, placed, subscript
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.usage import base_name
from hf_matlab_compat.migrate.values import SHAPED, Binding, Kind, Value
from hf_matlab_compat.migrate.writer import Writer


def assign(node: syntax.Assign, context: Context, writer: Writer) -> None:
    """Write an assignment."""
    if len(node.targets) > 1:
        _to_several(node, context, writer)
        return
    if not node.targets:
        raise Untranslatable("assigns to nothing")
    (target,) = node.targets
    if isinstance(target, syntax.Name):
        _to_name(target.name, node.value, context, writer)
    elif isinstance(target, syntax.Field):
        _to_field(target, node.value, context, writer)
    elif isinstance(target, syntax.Apply):
        _to_part(target, node.value, context, writer)
    else:
        raise Untranslatable("assigns to something of an unknown form")


def _to_name(name: str, node: syntax.Node, context: Context, writer: Writer) -> None:
    python = context.target(name)
    context.made.discard(name)
    if isinstance(node, syntax.Lambda):
        parameters, body = lambda_parts(node, context)
        with writer.block(f"def {python}({ast.unparse(parameters)}):"):
            writer.code(f"return {body.text}")
        context.define(name, Value(python, Kind.HANDLE))
        return
    value = _positions(node, context) if name in context.usage.positions else context(node)
    if value.text.startswith("plt.hist("):
        raise Untranslatable("asks for the counts of a histogram")
    if not value.text:
        raise Untranslatable("assigns what has no value")
    value = replace(value, node=f"[{value.text}][0]") if value.text.startswith("*") else value
    if value.kind is Kind.EMPTY and name in context.usage.only_empty:
        value = replace(value, node="None")
    if name in context.two_dimensional and value.kind is Kind.ROW:
        context.needs("np")
        value = value.as_two_dimensional()
    if value.text == "[]" or value.kind is Kind.EMPTY:
        context.growing.add(name)
    value = context.fresh(value, name)
    if value.text != python:
        writer.code(f"{python} = {value.text}")
    context.define(name, value)


def _positions(node: syntax.Node, context: Context) -> Value:
    """A variable that only holds positions counts from 0."""
    if isinstance(node, syntax.Apply) and node.base == syntax.Name("find"):
        value = context(node.arguments[0])
        context.needs("np")
        if value.kind is not Kind.ROW:
            context.needs("ml")
            return Value(f"ml.find({value.text}) - 1", Kind.LOADED, zero_based=True)
        return Value(f"np.flatnonzero({value.text})", Kind.ROW, integer=True, zero_based=True)
    value = context(node)
    if value.zero_based:
        return value
    return Value(f"{value.at(Binding.ADD)} - 1", Kind.ROW, integer=True, zero_based=True)


def _to_several(node: syntax.Assign, context: Context, writer: Writer) -> None:
    value = node.value
    if isinstance(value, syntax.Apply) and value.brace:
        _from_list(node, value, context, writer)
        return
    if isinstance(value, syntax.Name):
        value = syntax.Apply(value, ())
    if not (isinstance(value, syntax.Apply) and isinstance(value.base, syntax.Name)) or value.brace:
        raise Untranslatable("takes several values from something that is no call")
    text, known = call_with_outputs(value.base.name, value.arguments, context, len(node.targets))
    names: list[str] = []
    for target, each in zip(node.targets, known, strict=True):
        if isinstance(target, syntax.Tilde):
            names.append("_")
        elif isinstance(target, syntax.Name):
            names.append(context.target(target.name))
            context.define(target.name, each)
        else:
            raise Untranslatable("assigns several values to parts of variables")
    writer.code(f"{', '.join(names)} = {text}")


def _from_list(node: syntax.Assign, value: syntax.Apply, context: Context, writer: Writer) -> None:
    """``[a, b] = c{:}``: the first entries of a list."""
    entries = context(value)
    if not entries.text.startswith("*") or any(not isinstance(each, syntax.Name) for each in node.targets):
        raise Untranslatable("takes several values from something that is no call")
    names = [context.target(each.name) for each in node.targets if isinstance(each, syntax.Name)]
    context.needs("ml")
    writer.code(f"{', '.join(names)}, *_ = ml.copied([{entries.text}])")
    for each in node.targets:
        context.define(each.name, Value(""))  # type: ignore[attr-defined]


def _to_field(target: syntax.Field, node: syntax.Node, context: Context, writer: Writer) -> None:
    name = base_name(target)
    _create(name, "ml.Struct()", Kind.STRUCT, context, writer)
    base = _outer(target.base, context)
    value = context.fresh(context(node), name).as_two_dimensional()
    if isinstance(target.name, str):
        writer.code(f"{base.at(Binding.ATOM)}.{python_name(target.name)} = {value.text}")
        if base.text == python_name(name):
            context.define(f"{base.text}.{target.name}", value)
        return
    context.needs("ml")
    writer.code(f"setattr({base.text}, ml.field({context(target.name).text}), {value.text})")


def _outer(node: syntax.Node, context: Context) -> Value:
    """What a field is assigned to: for ``a.b.c`` the struct a.b, which comes into being where there is none."""
    base = context(node)
    if not (isinstance(node, syntax.Field) and isinstance(node.name, str)) or base.text in context.variables:
        return base
    context.needs("ml")
    return Value(f'ml.inner({_outer(node.base, context).text}, "{python_name(node.name)}")', Kind.STRUCT)


def _create(name: str, first: str, kind: Kind, context: Context, writer: Writer) -> None:
    """See to it that a variable exists before a part of it is assigned."""
    if not name:
        raise Untranslatable("assigns to part of something that is no variable")
    may_be_missing = name in context.optional or name in context.usage.asked_for
    if may_be_missing or (kind is Kind.STRUCT and _kind_of(name, context) is Kind.EMPTY):
        _create_here(name, first, kind, context, writer)
    elif name not in context.variables:
        context.needs("np" if first.startswith("np") else "ml")
        context.missing[python_name(name)] = first
        context.growing.add(name)
        context.define(name, Value(python_name(name), kind))


def _kind_of(name: str, context: Context) -> Kind | None:
    known = context.variables.get(name)
    return None if known is None else known.kind


def _create_here(name: str, first: str, kind: Kind, context: Context, writer: Writer) -> None:
    """Create a variable right before part of it is assigned, where it may be missing until then, or empty."""
    python = python_name(name)
    known = _kind_of(name, context)
    if name in context.made or known not in (None, Kind.EMPTY, Kind.UNKNOWN, Kind.LOADED, kind):
        return
    context.needs("np" if first.startswith("np") else "ml")
    context.needs("ml")
    scope = "globals()" if context.function is None else "locals()"
    now = python if known is not None else f"{scope}.get({quoted(python)})"
    writer.code(f"{python} = {first} if ml.isempty({now}) else {now}")
    context.made.add(name)
    if known is not Kind.LOADED:
        context.define(name, Value(python, kind if kind is not Kind.EMPTY else Kind.LOADED))


def _to_part(target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> None:
    if target.brace:
        _to_cell(target, node, context, writer)
        return
    if node == syntax.Matrix(()):
        _delete(target, context, writer)
        return
    name = base_name(target)
    value = context(node)
    if isinstance(target.base, syntax.Name):
        _create(name, "np.zeros((0, 0))", Kind.EMPTY, context, writer)
    elif isinstance(target.base, syntax.Field):
        _create(name, "ml.Struct()", Kind.STRUCT, context, writer)
    base = context(target.base)
    if base.kind is Kind.CELL and _to_list(base, target, node, context, writer):
        return
    if base.kind in (Kind.CELL, Kind.STRUCT, Kind.STR, Kind.HANDLE):
        raise Untranslatable(f"assigns to part of {base.kind.value}")
    if value.kind in (Kind.CELL, Kind.STRUCT, Kind.STR, Kind.HANDLE):
        raise Untranslatable(f"puts {value.kind.value} into an array")
    count = len(target.arguments)
    found = [subscript(each, base, context, (axis, count)) for axis, each in enumerate(target.arguments)]
    direct = _direct(base, found, value, target, context)
    if direct is not None:
        _make_room(base, found, target, context, writer)
        writer.code(direct)
        return
    _grow(base, found, value, target, context, writer)


def _make_room(base: Value, found: list[Subscript], target: syntax.Apply, context: Context, writer: Writer) -> None:
    """A vector grows where a position that is written out lies beyond its end."""
    is_vector = base.kind in (Kind.ROW, Kind.COLUMN) and isinstance(target.base, syntax.Name)
    if is_vector and len(found) == 1 and found[0].text.isdigit() and found[0].text != "0":
        context.needs("ml")
        writer.code(f"{base.text} = ml.with_room({base.text}, {int(found[0].text) + 1})")


def _direct(base: Value, found: list[Subscript], value: Value, target: syntax.Apply, context: Context) -> str | None:
    """``x[…] = value``, where it surely means what MATLAB means and cannot need more room."""
    known = base.kind in (Kind.ROW, Kind.COLUMN, Kind.ARRAY) and len(found) <= 2
    if base.nd and len(found) == 2:
        return None  # what the two indices mean, the run-time shape says
    if _grows(target) or not known or (base.integer and not value.integer):
        return None
    forms = [each.form for each in found]
    if forms == ["mask"] and value.kind is Kind.NUM:
        return _masked(base, value, target.arguments[0], context)
    if value.kind is Kind.NUM and any(each.form == "slice" and not each.text.endswith(":") for each in found):
        return None
    if forms == ["all"] and value.kind is Kind.NUM:
        return f"{base.text}[:] = {value.text}"
    linear = len(found) == 1 and base.kind is Kind.ARRAY
    if linear or "mask" in forms or forms.count("many") > 1 or (base.kind is Kind.ROW and len(found) > 1):
        return None
    place = f"{base.text}[{', '.join(each.text for each in found)}]"
    if value.kind is Kind.NUM:
        return f"{place} = {value.text}"
    if value.kind not in SHAPED:
        return None
    if forms.count("one") == len(forms) - 1 and len(forms) == 2:
        context.needs("np")
        return f"{place} = {value.text if value.kind is Kind.ROW else f'np.ravel({value.text})'}"
    return _whole_block(place, base, forms, value)


def _masked(base: Value, value: Value, node: syntax.Node, context: Context) -> str | None:
    """``x(x < 0) = 0``."""
    mask = context(node)
    return f"{base.text}[{mask.text}] = {value.text}" if mask.kind is base.kind else None


def _whole_block(place: str, base: Value, forms: list[str], value: Value) -> str | None:
    if base.kind is Kind.ROW and value.kind is Kind.ROW:
        return f"{place} = {value.text}"
    same = base.kind is Kind.COLUMN and value.kind is Kind.COLUMN and forms != ["one"]
    block = base.kind is Kind.ARRAY and "one" not in forms[:2] and value.kind in (Kind.ARRAY, Kind.COLUMN)
    return f"{place} = {value.text}" if same or block else None


def _grows(target: syntax.Apply) -> bool:
    """Whether an index goes beyond the end: ``x(end+1)``."""
    return any(
        isinstance(part, syntax.Binary) and part.operator == "+" and syntax.End() in (part.left, part.right)
        for argument in target.arguments
        for part in argument.walk()
    )


def _grow(
    base: Value, found: list[Subscript], value: Value, target: syntax.Apply, context: Context, writer: Writer
) -> None:
    context.needs("ml")
    places = [f"np.s_[{each.text}]" if each.form in ("slice", "all") else each.text for each in found]
    given = [part.as_two_dimensional() for part in (base, value)]
    field = target.base
    if isinstance(field, syntax.Field) and isinstance(field.name, str) and base.kind is Kind.UNKNOWN:
        outer = _outer(field.base, context).text
        given[0] = Value(f'getattr({outer}, "{python_name(field.name)}", None)', Kind.UNKNOWN)
    if any("np." in text for text in (*places, *(part.text for part in given))):
        context.needs("np")
    writer.code(f"{base.text} = ml.assign({given[0].text}, {given[1].text}, {', '.join(places)})")
    if isinstance(target.base, syntax.Name):
        kind = base.kind if base.kind in (Kind.COLUMN, Kind.ARRAY) else Kind.LOADED
        context.define(target.base.name, replace(base, kind=kind, integer=False, nd=base.nd or len(found) > 2))


def _cells_of_field(node: syntax.Node, name: str, context: Context, writer: Writer) -> Value | None:
    """For ``net.W{1} = …``: the list net.W, which comes into being where there is none; None for anything else."""
    if not (isinstance(node, syntax.Field) and isinstance(node.name, str)):
        return None
    _create(name, "ml.Struct()", Kind.STRUCT, context, writer)
    known = context.variables.get(f"{context(node.base).text}.{node.name}")
    if known is not None and known.kind is Kind.CELL:
        return None
    context.needs("ml")
    outer = _outer(node.base, context).text
    context.growing.add(name)
    return Value(f'ml.inner_cells({outer}, "{python_name(node.name)}")', Kind.CELL)


def _delete(target: syntax.Apply, context: Context, writer: Writer) -> None:
    base = context(target.base)
    count = len(target.arguments)
    found = [subscript(each, base, context, (axis, count)) for axis, each in enumerate(target.arguments)]
    chosen = [axis for axis, each in enumerate(found) if each.form != "all"]
    if len(chosen) != 1 or not isinstance(target.base, syntax.Name | syntax.Field):
        raise Untranslatable("deletes in an unknown way")
    if base.kind is Kind.CELL and count == 2 and (chosen == [0] or base.nd):
        raise Untranslatable("deletes rows or columns of cells")
    if base.nd and count == 2:
        raise Untranslatable("deletes by two indices where there may be three dimensions")
    (axis,) = chosen
    where = found[axis]
    if base.kind is Kind.CELL and where.form in ("one", "slice"):
        writer.code(f"del {base.text}[{where.text}]")
        return
    text = f"np.s_[{where.text}]" if where.form == "slice" else where.text
    if "np." in text:
        context.needs("np")
    if base.kind in (Kind.LOADED, Kind.UNKNOWN) or axis > 1 or (base.kind is Kind.ARRAY and count == 1):
        context.needs("ml")
        along = "" if count == 1 else f", {axis}"
        writer.code(f"{base.text} = ml.without({base.text}, {text}{along})")
        if isinstance(target.base, syntax.Name):
            context.define(target.base.name, Value("", Kind.LOADED))
        return
    if base.kind not in SHAPED:
        raise Untranslatable("deletes in an unknown way")
    context.needs("np")
    along = "" if base.kind is Kind.ROW else f", axis={axis}"
    writer.code(f"{base.text} = np.delete({base.text}, {text}{along})")


def _from_one(value: Value) -> str:
    return f"{value.at(Binding.ADD)} + 1" if value.zero_based else value.text


def _to_list(base: Value, target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> bool:
    """``c(2) = {x}``, ``c([1 3]) = {x}``: one value for each of the places."""
    if len(target.arguments) == 2 and not is_in_first_row(base, target.arguments):
        return _to_part_of_cells(base, target, node, context, writer)
    single = isinstance(node, syntax.CellLiteral) and len(node.rows) == 1 and len(node.rows[0]) == 1
    if not single or len(target.arguments) != 1:
        return False
    value = context.fresh(context(node.rows[0][0]), base_name(target)).as_two_dimensional()  # type: ignore[attr-defined]
    if _grows(target):
        writer.code(f"{base.at(Binding.ATOM)}.append({value.text})")
        return True
    where = index_of(Value(base.text, Kind.CELL), target.arguments[0], context)
    if where.kind not in (Kind.NUM, Kind.ROW, Kind.COLUMN, Kind.ARRAY, Kind.LOADED):
        return False
    context.needs("ml")
    writer.code(f"ml.put_cells({base.text}, {_from_one(where)}, {value.text})")
    return True


def _to_part_of_cells(base: Value, target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> bool:
    """``c(i, :) = {a, b}``."""
    value = context.fresh(context(node), base_name(target))
    if value.kind is not Kind.CELL:
        return False
    found = [subscript(each, base, context, (axis, 2)) for axis, each in enumerate(target.arguments)]
    context.needs("ml")
    writer.code(f"{base.text} = ml.put_part({base.text}, {value.text}, {', '.join(placed(found, context))})")
    _now_in_two(target, context)
    return True


def _now_in_two(target: syntax.Apply, context: Context) -> None:
    if isinstance(target.base, syntax.Name):
        context.define(target.base.name, Value("", Kind.CELL, nd=True))
    elif isinstance(target.base, syntax.Field) and isinstance(target.base.name, str):
        outer = context(target.base.base).text
        if f"{outer}.{target.base.name}" in context.variables:
            context.define(f"{outer}.{target.base.name}", Value("", Kind.CELL, nd=True))


def _to_cell_in_two(base: Value, value: Value, target: syntax.Apply, context: Context, writer: Writer) -> None:
    """``c{i, j} = value``."""
    cells = replace(base, kind=Kind.CELL)
    found = [subscript(each, cells, context, (axis, 2)) for axis, each in enumerate(target.arguments)]
    if any(each.form != "one" for each in found):
        raise Untranslatable("assigns to several cells at once")
    context.needs("ml")
    field = target.base
    place = base.text
    if isinstance(field, syntax.Field) and isinstance(field.name, str) and place.startswith("ml.inner_cells("):
        place = f"{_outer(field.base, context).text}.{python_name(field.name)}"
    elif not isinstance(field, syntax.Name | syntax.Field):
        raise Untranslatable("assigns to cells in rows and columns inside cells")
    writer.code(f"{place} = ml.put_in_two({base.text}, {found[0].text}, {found[1].text}, {value.text})")
    _now_in_two(target, context)


def _to_cell(target: syntax.Apply, node: syntax.Node, context: Context, writer: Writer) -> None:
    name = base_name(target)
    value = context.fresh(context(node), name).as_two_dimensional()
    if isinstance(target.base, syntax.Name):
        _create(name, "[]", Kind.CELL, context, writer)
    base = _cells_of_field(target.base, name, context, writer) or context(target.base)
    if base.kind is Kind.EMPTY:
        context.define(name, Value(base.text, Kind.CELL))
        raise Untranslatable("turns [] into a cell array")
    chosen = list(target.arguments)
    if len(chosen) > 2:
        raise Untranslatable("indexes a cell array in more than two dimensions")
    if len(chosen) == 2 and not is_in_first_row(base, chosen):
        _to_cell_in_two(base, value, target, context, writer)
        return
    chosen = chosen[-1:]
    if _grows(target):
        writer.code(f"{base.at(Binding.ATOM)}.append({value.text})")
        return
    found = subscript(chosen[0], Value(base.text, Kind.CELL), context)
    if found.form != "one":
        where = index_of(Value(base.text, Kind.CELL), chosen[0], context)
        if found.form not in ("many", "mask"):
            raise Untranslatable("assigns to several cells at once")
        context.needs("ml")
        writer.code(f"ml.put_cell({base.text}, {_from_one(where)}, {value.text})")
        return
    if name in context.growing or found.text.isdigit():
        context.needs("ml")
        writer.code(f"ml.put({base.text}, {found.text}, {value.text})")
        return
    writer.code(f"{base.at(Binding.ATOM)}[{found.text}] = {value.text}")
