"""Indices that count from 1 as slices and positions that count from 0."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import (
    SHAPED,
    Kind,
    Part,
    Value,
    attribute,
    binary,
    call,
    expr,
    integer,
    item,
    method,
    name,
    plus,
    slice_of,
)


@dataclass(frozen=True)
class Subscript:
    """One index in Python's terms.

    Attributes
    ----------
    node : ast.expr
        As it stands between the brackets.
    form : {'all', 'slice', 'one', 'many', 'mask'}
    """

    node: ast.expr
    form: str

    @property
    def argument(self) -> ast.expr:
        """The index as an argument of a function."""
        return item(name("np.s_"), self.node) if self.form in ("slice", "all") else self.node


_ALL = Subscript(slice_of(), "all")


def index(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    """Translate ``base(arguments)`` where base is a variable."""
    if base.kind in (Kind.STRUCT, Kind.FILE):
        refuse(f"indexes {base.kind.value}")
    if base.kind is Kind.STR:
        return _characters(base, arguments, context)
    if base.kind is Kind.NUM and all(_is_one(node) for node in arguments):
        return base
    if base.kind is Kind.HANDLE:
        applied = "{}" in context.shared.fields_with_functions
        return Value(call(expr(base), *_given(arguments, context)), applied=applied)
    if base.applied and not any(isinstance(part, syntax.Colon | syntax.End) for a in arguments for part in a.walk()):
        return Value(call("ml.applied", base, *_given(arguments, context)), applied=base.applied)
    if len(arguments) == 1:
        return _linear(base, arguments[0], context)
    if base.kind is Kind.CELL:
        return _cell_in_two(base, arguments, context)
    if base.kind is Kind.ROW:
        return _row_in_two(base, arguments, context)
    return _several(base, arguments, context)


def _given(arguments: tuple[syntax.Node, ...], context: Context) -> list[ast.expr]:
    """Return the arguments of a function in a variable, positions counted from 1."""
    return [from_one(context(node).as_two_dimensional()) for node in arguments]


def from_one(value: Value) -> ast.expr:
    """Return positions as they count from 1."""
    return plus(value, 1) if value.zero_based else expr(value)


def subscript(node: syntax.Node, base: Value, context: Context, place: tuple[int, int] = (0, 1)) -> Subscript:
    """Translate one index of `base`: the `place` is its number, from 0, and how many there are."""
    context.end_of.append(lambda: extent(base, place))
    try:
        return _subscript(node, context)
    finally:
        context.end_of.pop()


def subscripts(nodes: Sequence[syntax.Node], base: Value, context: Context) -> list[Subscript]:
    """Translate all indices of `base`."""
    return [subscript(node, base, context, (axis, len(nodes))) for axis, node in enumerate(nodes)]


def extent(base: Value, place: tuple[int, int]) -> Value:
    """Return what ``end`` stands for in an index."""
    axis, count = place
    if base.kind is Kind.CELL and count > 1:
        return integer(call("ml.size", base, axis + 1))
    if base.kind in (Kind.CELL, Kind.STR) or (base.kind is Kind.ROW and axis == count - 1):
        return integer(call("len", base))
    if base.kind is Kind.ROW:
        return integer(expr(1))
    if base.nd and axis == count - 1 and count > 1:
        return integer(item(call("ml.sizes", base, count), axis))
    if base.kind in SHAPED and count > 1 and axis < 2:
        return integer(item(attribute(base, "shape"), axis))
    if base.kind in SHAPED and count == 1:
        return integer(attribute(base, "size"))
    return integer(call("ml.numel", base) if count == 1 else call("ml.size", base, axis + 1))


def less_one(node: syntax.Node, context: Context, convert: str = "whole_number") -> Value:
    """Translate a bound or a position, counted from 0, without a trailing ``- 1`` where that is possible."""
    match node:
        case syntax.Number(text) if text.isdigit():
            return integer(expr(int(text) - 1))
        case syntax.Paren(inner):
            return less_one(inner, context, convert)
        case syntax.Binary("+", left, syntax.Number("1")):
            return whole(left, context, convert)
        case syntax.Binary("+" | "-" as sign, left, syntax.Number(text)) if text.isdigit():
            change = int(text) - 1 if sign == "+" else -int(text) - 1
            start = whole(left, context, convert)
            return integer(binary(start, "+" if change >= 0 else "-", abs(change)))
        case _:
            value = whole(node, context, convert)
            return value if value.zero_based else integer(binary(value, "-", 1))


def whole(node: syntax.Node, context: Context, convert: str) -> Value:
    """Translate a whole number for a bound or a position; `convert` names the runtime's function that rounds it."""
    value = context(node)
    if value.integer and value.kind is Kind.NUM:
        return value
    return integer(call(f"ml.{convert}", value))


def zero_based(value: Value) -> Subscript:
    """Return a computed index as positions that count from 0, or as a mask."""
    if value.kind is Kind.NUM and value.logical:
        refuse("indexes by a single truth value")
    if value.kind is Kind.NUM:
        return Subscript(_one_less(value), "one")
    if value.logical and value.kind in SHAPED:
        return Subscript(expr(value) if value.kind is Kind.ROW else method(value, "ravel", "F"), "mask")
    if value.zero_based:
        return Subscript(expr(value) if value.kind is Kind.ROW else method(value, "ravel"), "many")
    if value.kind is Kind.ROW and value.integer:
        return Subscript(binary(value, "-", 1), "many")
    return Subscript(call("ml.positions", value), "many")


def _one_less(value: Value) -> ast.expr:
    if value.zero_based:
        return expr(value)
    return plus(value if value.integer else call("ml.whole_number", value), -1)


def _subscript(node: syntax.Node, context: Context) -> Subscript:
    match node:
        case syntax.Colon():
            return _ALL
        case syntax.Paren(inner):
            return _subscript(inner, context)
        case syntax.Range():
            return _range(node, context)
        case syntax.End():
            return Subscript(expr(-1), "one")
        case syntax.Binary("-", syntax.End(), syntax.Number(text)) if text.isdigit():
            return Subscript(expr(-int(text) - 1), "one")
        case syntax.Number() | syntax.Binary() if context(node).kind is Kind.NUM:
            return Subscript(expr(less_one(node, context)), "one")
        case _:
            return zero_based(context(node))


def _range(node: syntax.Range, context: Context) -> Subscript:
    step = 1 if node.step is None else _literal_step(node.step)
    if step is not None and step > 0:
        lower, upper = _lower(node.first, context), _upper(node.last, context)
        return Subscript(slice_of(lower, upper, None if node.step is None else step), "slice")
    if step is not None and isinstance(node.first, syntax.End) and _is_one(node.last):
        return Subscript(slice_of(None, None, step), "slice")
    return zero_based(context(node))


def _lower(node: syntax.Node, context: Context) -> Part:
    return None if _is_one(node) else less_one(node, context, "range_start")


def _upper(node: syntax.Node, context: Context) -> Part:
    match node:
        case syntax.End():
            return None
        case syntax.Binary("-", syntax.End(), syntax.Number(text)) if text.isdigit() and text != "0":
            return -int(text)
        case _:
            last = whole(node, context, "range_end")
            return call("max", last, 0) if _may_be_negative(node) else last


def _may_be_negative(node: syntax.Node) -> bool:
    """Return True if the end of a range may be negative, which Python counts from the end: ``1:n-5``."""
    while isinstance(node, syntax.Paren):
        node = node.inner
    return isinstance(node, syntax.Binary) and node.operator == "-" and node.right != syntax.Number("1")


def _literal_step(node: syntax.Node) -> int | None:
    match node:
        case syntax.Number(text) if text.isdigit() and text != "0":
            return int(text)
        case syntax.Unary("-", syntax.Number(text)) if text.isdigit() and text != "0":
            return -int(text)
        case _:
            return None


def _is_one(node: syntax.Node) -> bool:
    return node == syntax.Number("1")


def _characters(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    found = subscript(arguments[-1], base, context)
    if found.form in ("many", "mask"):
        refuse("picks characters one by one")
    return Value(item(base, found.node), Kind.STR)


def _linear(base: Value, node: syntax.Node, context: Context) -> Value:
    found = subscript(node, base, context)
    if base.kind is Kind.CELL:
        return _cells(base, found)
    if base.kind is Kind.ROW:
        by_matrix = found.form == "many" and index_of(base, node, context).kind is Kind.ARRAY
        return _picked(base, node, found, context) if by_matrix else _of_row(base, found)
    if found.form == "all":
        return _vectorised(base)
    if base.kind is Kind.COLUMN and found.form != "mask":
        return _of_column(base, found)
    is_vector = found.form == "mask" and index_of(base, node, context).kind in (Kind.ROW, Kind.COLUMN)
    if (found.form == "many" or is_vector) and base.kind not in (Kind.COLUMN, Kind.STR):
        return _picked(base, node, found, context)
    if found.form == "one" and base.kind in SHAPED:
        entry = item(method(base, "ravel", "F"), found.node)
        return Value(entry, Kind.NUM, integer=base.integer, zero_based=base.zero_based, logical=base.logical)
    kind = Kind.NUM if found.form == "one" else Kind.LOADED
    taken = call("ml.take", base, found.argument)
    return Value(taken, kind, zero_based=base.zero_based, logical=base.logical)


def index_of(base: Value, node: syntax.Node, context: Context) -> Value:
    """Translate a single index as it stands."""
    context.end_of.append(lambda: extent(base, (0, 1)))
    try:
        return context(node)
    finally:
        context.end_of.pop()


def _picked(base: Value, node: syntax.Node, found: Subscript, context: Context) -> Value:
    """Return entries of a matrix by a list of positions; they have the shape of the list."""
    index = index_of(base, node, context)
    plain = index.kind is Kind.ROW and not index.logical
    made = call("ml.take", base, found.node) if plain else call("ml.pick", base, from_one(index))
    return Value(made, Kind.LOADED, zero_based=base.zero_based, logical=base.logical)


def _vectorised(base: Value) -> Value:
    if base.kind is Kind.COLUMN:
        return base
    if base.kind in SHAPED:
        made = method(base, "reshape", -1, 1, order="F")
        return Value(made, Kind.COLUMN, logical=base.logical, owner=base.owner)
    return Value(call("np.reshape", base, (-1, 1), order="F"), Kind.COLUMN, owner=base.owner)


def _of_row(base: Value, found: Subscript) -> Value:
    if found.form == "all":
        return Value(item(base, slice_of(), None), Kind.COLUMN, logical=base.logical, owner=base.owner)
    return replace(
        base,
        node=item(base, found.node),
        kind=Kind.NUM if found.form == "one" else Kind.ROW,
        owner=base.owner if found.form == "slice" else "",
        applied=False,
    )


def _of_column(base: Value, found: Subscript) -> Value:
    if found.form == "one":
        return Value(item(base, found.node, 0), Kind.NUM, logical=base.logical)
    shares = base.owner if found.form == "slice" else ""
    return Value(item(base, found.node), Kind.COLUMN, logical=base.logical, owner=shares)


def _cells(base: Value, found: Subscript) -> Value:
    if found.form == "one":
        return Value(expr([item(base, found.node)]), Kind.CELL)
    if found.form == "all" or base.nd:
        return part_of_cells(base, [found])
    if found.form == "slice":
        return Value(item(base, found.node), Kind.CELL)
    return Value(call("ml.entries", base, found.node), Kind.CELL)


def is_in_first_row(base: Value, arguments: Sequence[syntax.Node]) -> bool:
    """Return whether two indices are ``1, k`` of what surely is one row of cells."""
    return base.kind is Kind.CELL and not base.nd and _is_one(arguments[0])


def part_of_cells(base: Value, found: Sequence[Subscript]) -> Value:
    """Return ``c(i, j)`` or ``c(k)`` of cells in rows and columns."""
    return Value(call("ml.part", base, *(each.argument for each in found)), Kind.CELL, nd=True, owner=base.owner)


def _cell_in_two(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    if len(arguments) != 2:
        refuse("indexes a cell array in more than two dimensions")
    if is_in_first_row(base, arguments) and not isinstance(arguments[1], syntax.Colon):
        return _linear(base, arguments[1], context)
    return part_of_cells(base, subscripts(arguments, base, context))


def _row_in_two(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    first, *others = arguments
    if len(others) == 1 and (_is_one(first) or isinstance(first, syntax.Colon)):
        found = subscript(others[0], base, context)
        return base if found.form == "all" else _of_row(base, found)
    return _several(base.as_two_dimensional(), arguments, context)


def _several(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    count = len(arguments)
    if base.nd and count == 2:
        base = _folded(base)
    found = subscripts(arguments, base, context)
    forms = [each.form for each in found]
    array = call("ml.dims", base, count) if count > 2 else expr(base)
    shares = base.owner if not {"many", "mask"} & set(forms) else ""
    if all(form == "one" for form in forms):
        return Value(_items(array, found), Kind.NUM, integer=base.integer, logical=base.logical)
    if count == 2 and forms[0] == "one" and not base.nd:
        return Value(_items(array, found), Kind.ROW, integer=base.integer, logical=base.logical, owner=shares)
    kept = _kept_dimensions(found)
    made = _items(array, kept) if _at_most_one_list(kept) else _crossed(array, kept)
    if count > 2 and kept[-1].form not in ("one", "all"):
        made = call("ml.trimmed", made)
    kind = Kind.COLUMN if count == 2 and forms[1] == "one" else Kind.ARRAY
    nd = (count > 2 or base.nd) and kind is Kind.ARRAY
    return Value(made, kind, logical=base.logical, nd=nd, owner=shares if "one" not in forms else "")


def _folded(base: Value) -> Value:
    """Return an array of three dimensions as two indices see it: the second one counts through the rest."""
    made = method(base, "reshape", item(attribute(base, "shape"), 0), -1, order="F")
    return Value(made, Kind.ARRAY, logical=base.logical, owner=base.owner)


def _items(array: ast.expr, found: Sequence[Subscript]) -> ast.expr:
    return item(array, *(each.node for each in found))


def _kept_dimensions(found: list[Subscript]) -> list[Subscript]:
    """Return indices that keep the dimension of a single position, except for the last ones after the second."""
    last = len(found)
    while last > 2 and found[last - 1].form == "one":
        last -= 1
    return [
        Subscript(expr([each.node]), "many") if each.form == "one" and axis < last else each
        for axis, each in enumerate(found)
    ]


def _at_most_one_list(found: list[Subscript]) -> bool:
    return sum(each.form in ("many", "mask") for each in found) <= 1


def _crossed(array: ast.expr, found: list[Subscript]) -> ast.expr:
    if any(each.form in ("slice", "one") for each in found):
        refuse("crosses lists of positions and ranges in one index")
    axes = [
        call("np.arange", item(attribute(array, "shape"), axis)) if each.form == "all" else each.node
        for axis, each in enumerate(found)
    ]
    return item(array, call("np.ix_", *axes))
