"""Indices that count from 1 as slices and positions that count from 0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import SHAPED, Binding, Kind, Value, integer

_SIMPLE = re.compile(r"-*(\w+|\d[\d.]*)\Z")


@dataclass(frozen=True)
class Subscript:
    """One index in Python's terms.

    Attributes
    ----------
    text : str
        As it stands between the brackets.
    form : {'all', 'slice', 'one', 'many', 'mask'}
    """

    text: str
    form: str


def index(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    """``base(arguments)`` where base is a variable."""
    if base.kind in (Kind.STRUCT, Kind.FILE):
        raise Untranslatable(f"indexes {base.kind.value}")
    if base.kind is Kind.STR:
        return _characters(base, arguments, context)
    if base.kind is Kind.NUM and all(_is_one(node) for node in arguments):
        return base
    if base.kind is Kind.HANDLE:
        applied = "{}" in context.shared.fields_with_functions
        return Value(f"{base.text}({_given(arguments, context)})", applied=applied)
    if base.applied and not any(isinstance(part, syntax.Colon | syntax.End) for a in arguments for part in a.walk()):
        context.needs("ml")
        return Value(f"ml.applied({base.text}, {_given(arguments, context)})", applied=base.applied)
    if len(arguments) == 1:
        return _linear(base, arguments[0], context)
    if base.kind is Kind.CELL:
        return _cell_in_two(base, arguments, context)
    if base.kind is Kind.ROW:
        return _row_in_two(base, arguments, context)
    return _several(base, arguments, context)


def _given(arguments: tuple[syntax.Node, ...], context: Context) -> str:
    """The arguments of a function in a variable, positions counted from 1."""
    values = [context(node).as_two_dimensional() for node in arguments]
    if any("np." in value.text for value in values):
        context.needs("np")
    return ", ".join(f"{value.at(Binding.ADD)} + 1" if value.zero_based else value.text for value in values)


def subscript(node: syntax.Node, base: Value, context: Context, place: tuple[int, int] = (0, 1)) -> Subscript:
    """One index of `base`: the `place` is its number, from 0, and how many there are."""
    context.end_of.append(lambda: extent(base, place, context))
    try:
        return _subscript(node, context)
    finally:
        context.end_of.pop()


def extent(base: Value, place: tuple[int, int], context: Context) -> Value:
    """What ``end`` stands for in an index."""
    axis, count = place
    if base.kind is Kind.CELL and count > 1:
        context.needs("ml")
        return integer(f"ml.size({base.text}, {axis + 1})")
    if base.kind in (Kind.CELL, Kind.STR) or (base.kind is Kind.ROW and axis == count - 1):
        return integer(f"len({base.text})")
    if base.kind is Kind.ROW:
        return integer("1")
    if base.nd and axis == count - 1 and count > 1:
        context.needs("ml")
        return integer(f"ml.sizes({base.text}, {count})[{axis}]")
    if base.kind in SHAPED and count > 1 and axis < 2:
        return integer(f"{base.at(Binding.ATOM)}.shape[{axis}]")
    if base.kind in SHAPED and count == 1:
        return integer(f"{base.at(Binding.ATOM)}.size")
    context.needs("ml")
    return integer(f"ml.numel({base.text})" if count == 1 else f"ml.size({base.text}, {axis + 1})")


def less_one(node: syntax.Node, context: Context, convert: str = "whole_number") -> Value:
    """A bound or a position, counted from 0: the expression less one, written without a trailing ``- 1`` if it can."""
    match node:
        case syntax.Number(text) if text.isdigit():
            return integer(str(int(text) - 1)) if text != "0" else integer("-1")
        case syntax.Paren(inner):
            return less_one(inner, context, convert)
        case syntax.Binary("+", left, syntax.Number("1")):
            return whole(left, context, convert)
        case syntax.Binary("+" | "-" as sign, left, syntax.Number(text)) if text.isdigit():
            change = int(text) - 1 if sign == "+" else -int(text) - 1
            start = whole(left, context, convert)
            operator = "+" if change >= 0 else "-"
            return integer(f"{start.at(Binding.ADD)} {operator} {abs(change)}")
        case _:
            value = whole(node, context, convert)
            if value.zero_based:
                return value
            return integer(f"{value.at(Binding.ADD)} - 1")


def whole(node: syntax.Node, context: Context, convert: str) -> Value:
    """A whole number for a bound or a position.

    Parameters
    ----------
    node : syntax.Node
    context : Context
    convert : {'whole_number', 'range_start', 'range_end'}
        The function of the runtime that makes it whole as MATLAB does.
    """
    value = context(node)
    if value.integer and value.kind is Kind.NUM:
        return value
    context.needs("ml")
    return integer(f"ml.{convert}({value.text})")


def sliced(lower: str, upper: str, step: str = "") -> str:
    """``lower:upper:step``, spaced as ruff spaces it."""
    simple = all(_SIMPLE.match(part) for part in (lower, upper, step) if part)
    gap = "" if simple else " "
    text = f"{lower}{gap if lower else ''}:{gap if upper else ''}{upper}"
    return f"{text}{gap if upper else ''}:{gap}{step}" if step else text


def zero_based(value: Value, context: Context) -> Subscript:
    """A computed index as positions that count from 0, or as a mask."""
    if value.kind is Kind.NUM and value.logical:
        raise Untranslatable("indexes by a single truth value")
    if value.kind is Kind.NUM:
        context.needs("ml")
        return Subscript(_one_less(value), "one")
    if value.logical and value.kind in SHAPED:
        flat = value.text if value.kind is Kind.ROW else f'{value.at(Binding.ATOM)}.ravel("F")'
        return Subscript(flat, "mask")
    if value.zero_based:
        return Subscript(value.text if value.kind is Kind.ROW else f"{value.at(Binding.ATOM)}.ravel()", "many")
    if value.kind is Kind.ROW and value.integer:
        return Subscript(f"{value.at(Binding.ADD)} - 1", "many")
    context.needs("ml")
    return Subscript(f"ml.positions({value.text})", "many")


def _one_less(value: Value) -> str:
    if value.zero_based:
        return value.text
    if value.text.isdigit():
        return str(int(value.text) - 1)
    return f"{value.at(Binding.ADD)} - 1" if value.integer else f"ml.whole_number({value.text}) - 1"


def _subscript(node: syntax.Node, context: Context) -> Subscript:
    match node:
        case syntax.Colon():
            return Subscript(":", "all")
        case syntax.Paren(inner):
            return _subscript(inner, context)
        case syntax.Range():
            return _range(node, context)
        case syntax.End():
            return Subscript("-1", "one")
        case syntax.Binary("-", syntax.End(), syntax.Number(text)) if text.isdigit():
            return Subscript(f"-{int(text) + 1}", "one")
        case syntax.Number() | syntax.Binary() if context(node).kind is Kind.NUM:
            return Subscript(less_one(node, context).text, "one")
        case _:
            return zero_based(context(node), context)


def _range(node: syntax.Range, context: Context) -> Subscript:
    if node.step is not None:
        return _stepped(node, context)
    lower = _lower(node.first, context)
    return Subscript(sliced(lower, _upper(node.last, context)), "slice")


def _lower(node: syntax.Node, context: Context) -> str:
    return "" if _is_one(node) else less_one(node, context, "range_start").text


def _upper(node: syntax.Node, context: Context) -> str:
    match node:
        case syntax.End():
            return ""
        case syntax.Binary("-", syntax.End(), syntax.Number(text)) if text.isdigit() and text != "0":
            return f"-{text}"
        case _:
            last = whole(node, context, "range_end").text
            return f"max({last}, 0)" if _may_be_negative(node) else last


def _may_be_negative(node: syntax.Node) -> bool:
    """Whether the end of a range may lie before 0, where Python would count from the other side: ``1:n-5``."""
    while isinstance(node, syntax.Paren):
        node = node.inner
    return isinstance(node, syntax.Binary) and node.operator == "-" and node.right != syntax.Number("1")


def _stepped(node: syntax.Range, context: Context) -> Subscript:
    step = _literal_step(node.step)
    if step is not None and step > 0:
        lower = _lower(node.first, context)
        return Subscript(sliced(lower, _upper(node.last, context), str(step)), "slice")
    if step is not None and isinstance(node.first, syntax.End) and _is_one(node.last):
        return Subscript(sliced("", "", str(step)), "slice")
    return zero_based(context(node), context)


def _literal_step(node: syntax.Node | None) -> int | None:
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
        raise Untranslatable("picks characters one by one")
    return Value(f"{base.at(Binding.ATOM)}[{found.text}]", Kind.STR)


def _linear(base: Value, node: syntax.Node, context: Context) -> Value:
    found = subscript(node, base, context)
    if base.kind is Kind.CELL:
        return _cells(base, found, context)
    if base.kind is Kind.ROW:
        by_matrix = found.form == "many" and index_of(base, node, context).kind is Kind.ARRAY
        return _picked(base, node, found, context) if by_matrix else _of_row(base, found)
    if found.form == "all":
        return _vectorised(base, context)
    if base.kind is Kind.COLUMN and found.form != "mask":
        return _of_column(base, found)
    is_vector = found.form == "mask" and index_of(base, node, context).kind in (Kind.ROW, Kind.COLUMN)
    if (found.form == "many" or is_vector) and base.kind not in (Kind.COLUMN, Kind.STR):
        return _picked(base, node, found, context)
    if found.form == "slice":
        context.needs("np")
    where = f"np.s_[{found.text}]" if found.form == "slice" else found.text
    context.needs("ml")
    if found.form == "one" and base.kind in SHAPED:
        text = f'{base.at(Binding.ATOM)}.ravel("F")[{found.text}]'
        return Value(text, Kind.NUM, integer=base.integer, zero_based=base.zero_based, logical=base.logical)
    kind = Kind.NUM if found.form == "one" else Kind.LOADED
    return Value(f"ml.take({base.text}, {where})", kind, zero_based=base.zero_based, logical=base.logical)


def index_of(base: Value, node: syntax.Node, context: Context) -> Value:
    """A single index as it stands."""
    context.end_of.append(lambda: extent(base, (0, 1), context))
    try:
        return context(node)
    finally:
        context.end_of.pop()


def _picked(base: Value, node: syntax.Node, found: Subscript, context: Context) -> Value:
    """Entries of a matrix by a list of positions: they come in the shape of the list."""
    context.needs("ml")
    index = index_of(base, node, context)
    if index.kind is Kind.ROW and not index.logical:
        text = f"ml.take({base.text}, {found.text})"
    else:
        places = f"{index.at(Binding.ADD)} + 1" if index.zero_based else index.text
        text = f"ml.pick({base.text}, {places})"
    return Value(text, Kind.LOADED, zero_based=base.zero_based, logical=base.logical)


def _vectorised(base: Value, context: Context) -> Value:
    if base.kind in (Kind.COLUMN,):
        return base
    if base.kind in SHAPED:
        text = f'{base.at(Binding.ATOM)}.reshape(-1, 1, order="F")'
        return Value(text, Kind.COLUMN, logical=base.logical, owner=base.owner)
    context.needs("np")
    return Value(f'np.reshape({base.text}, (-1, 1), order="F")', Kind.COLUMN, owner=base.owner)


def _of_row(base: Value, found: Subscript) -> Value:
    if found.form == "all":
        return Value(f"{base.at(Binding.ATOM)}[:, None]", Kind.COLUMN, logical=base.logical, owner=base.owner)
    kind = Kind.NUM if found.form == "one" else Kind.ROW
    text = f"{base.at(Binding.ATOM)}[{found.text}]"
    shares = base.owner if found.form == "slice" else ""
    return Value(text, kind, integer=base.integer, logical=base.logical, owner=shares, zero_based=base.zero_based)


def _of_column(base: Value, found: Subscript) -> Value:
    if found.form == "one":
        return Value(f"{base.at(Binding.ATOM)}[{found.text}, 0]", Kind.NUM, logical=base.logical)
    shares = base.owner if found.form == "slice" else ""
    return Value(f"{base.at(Binding.ATOM)}[{found.text}]", Kind.COLUMN, logical=base.logical, owner=shares)


def _cells(base: Value, found: Subscript, context: Context) -> Value:
    if found.form == "one":
        return Value(f"[{base.at(Binding.ATOM)}[{found.text}]]", Kind.CELL)
    if found.form == "all" or base.nd:
        return part_of_cells(base, [found], context)
    if found.form == "slice":
        return Value(f"{base.at(Binding.ATOM)}[{found.text}]", Kind.CELL)
    context.needs("ml")
    return Value(f"ml.entries({base.text}, {found.text})", Kind.CELL)


def is_in_first_row(base: Value, arguments: Sequence[syntax.Node]) -> bool:
    """Whether two indices are ``1, k`` of what surely is one row of cells."""
    return base.kind is Kind.CELL and not base.nd and _is_one(arguments[0])


def part_of_cells(base: Value, found: list[Subscript], context: Context) -> Value:
    """``c(i, j)`` or ``c(k)`` of cells in rows and columns."""
    context.needs("ml")
    return Value(f"ml.part({base.text}, {', '.join(placed(found, context))})", Kind.CELL, nd=True, owner=base.owner)


def placed(found: list[Subscript], context: Context) -> list[str]:
    """Indices as arguments of a function."""
    if any(each.form in ("slice", "all") for each in found):
        context.needs("np")
    return [f"np.s_[{each.text}]" if each.form in ("slice", "all") else each.text for each in found]


def _cell_in_two(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    if len(arguments) != 2:
        raise Untranslatable("indexes a cell array in more than two dimensions")
    if is_in_first_row(base, arguments) and not isinstance(arguments[1], syntax.Colon):
        return _linear(base, arguments[1], context)
    found = [subscript(node, base, context, (axis, 2)) for axis, node in enumerate(arguments)]
    return part_of_cells(base, found, context)


def _row_in_two(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    first, *others = arguments
    if len(others) == 1 and (_is_one(first) or isinstance(first, syntax.Colon)):
        return _of_row_kept(base, subscript(others[0], base, context))
    return _several(base.as_two_dimensional(), arguments, context)


def _of_row_kept(base: Value, found: Subscript) -> Value:
    return base if found.form == "all" else _of_row(base, found)


def _several(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    count = len(arguments)
    if base.nd and count == 2:
        base = _folded(base)
    found = [subscript(node, base, context, (axis, count)) for axis, node in enumerate(arguments)]
    forms = [each.form for each in found]
    name = base.at(Binding.ATOM)
    shares = base.owner if not {"many", "mask"} & set(forms) else ""
    whole_array = count > 2 or base.nd
    if count > 2:
        context.needs("ml")
        name = f"ml.dims({base.text}, {count})"
    if all(form == "one" for form in forms):
        return Value(f"{name}[{_joined(found)}]", Kind.NUM, integer=base.integer, logical=base.logical)
    if count == 2 and forms[0] == "one" and not base.nd:
        return Value(f"{name}[{_joined(found)}]", Kind.ROW, logical=base.logical, owner=shares, integer=base.integer)
    kept = _kept_dimensions(found)
    text = f"{name}[{_joined(kept)}]" if _at_most_one_list(kept) else _crossed(name, kept, base, context)
    kind = Kind.COLUMN if count == 2 and forms[1] == "one" else Kind.ARRAY
    if count > 2 and kept[-1].form not in ("one", "all"):
        text = f"ml.trimmed({text})"
    owner = shares if "one" not in forms else ""
    return Value(text, kind, logical=base.logical, nd=whole_array and kind is Kind.ARRAY, owner=owner)


def _folded(base: Value) -> Value:
    """Two indices of three dimensions: the second one counts through the rest."""
    name = base.at(Binding.ATOM)
    return Value(f'{name}.reshape({name}.shape[0], -1, order="F")', Kind.ARRAY, logical=base.logical, owner=base.owner)


def _joined(found: list[Subscript]) -> str:
    return ", ".join(each.text for each in found)


def _kept_dimensions(found: list[Subscript]) -> list[Subscript]:
    """A single position keeps its dimension, but for the last ones beyond the second, which MATLAB drops."""
    last = len(found)
    while last > 2 and found[last - 1].form == "one":
        last -= 1
    return [
        Subscript(f"[{each.text}]", "many") if each.form == "one" and axis < last else each
        for axis, each in enumerate(found)
    ]


def _at_most_one_list(found: list[Subscript]) -> bool:
    return sum(each.form in ("many", "mask") for each in found) <= 1


def _crossed(name: str, found: list[Subscript], base: Value, context: Context) -> str:
    if any(each.form == "slice" or each.form == "one" for each in found):
        raise Untranslatable("crosses lists of positions and ranges in one index")
    axes = [f"np.arange({name}.shape[{k}])" if each.form == "all" else each.text for k, each in enumerate(found)]
    context.needs("np")
    return f"{name}[np.ix_({', '.join(axes)})]"
