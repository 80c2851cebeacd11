"""Expressions: each node to the part that knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hf_matlab_compat.migrate import syntax, texts
from hf_matlab_compat.migrate.build import written_number
from hf_matlab_compat.migrate.calls import call
from hf_matlab_compat.migrate.concatenation import cell, matrix, range_as_array
from hf_matlab_compat.migrate.constants import CONSTANTS
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.functions import handle, lambda_text
from hf_matlab_compat.migrate.indexing import index, index_of, is_in_first_row, part_of_cells, subscript
from hf_matlab_compat.migrate.operators import binary_operation, transpose, unary_operation
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value, integer, number

_MOST_EXACT = 2.0**53
"""From here on a whole number of MATLAB's, a double, need not be what its digits say."""


def translate_expression(node: syntax.Node, context: Context) -> Value:
    """The Python of an expression.

    Raises
    ------
    Untranslatable
        It is outside the dialect.
    """
    translator = _TRANSLATORS.get(type(node))
    if translator is None:
        raise Untranslatable("has a part that makes no sense on its own")
    return translator(node, context)


def _number(node: syntax.Number, _context: Context) -> Value:
    text = node.text.lower().replace("d", "e")
    if text.isdigit() and float(text) >= _MOST_EXACT:
        return number(repr(float(text)) if float(text) < float("inf") else "1e400")
    if text.isdigit():
        return integer(text.lstrip("0") or "0")
    mantissa, _, exponent = text.partition("e")
    mantissa = mantissa + "0" if mantissa.endswith(".") else mantissa
    mantissa = "0" + mantissa if mantissa.startswith(".") else mantissa
    return number(written_number(f"{mantissa}e{exponent}" if exponent else mantissa))


def _name(node: syntax.Name, context: Context) -> Value:
    if node.name in context.variables:
        known = context.variables[node.name]
        return Value(
            known.text,
            known.kind,
            integer=known.integer,
            logical=known.logical,
            nd=known.nd,
            owner=node.name,
            zero_based=known.zero_based,
            applied=known.applied,
        )
    if node.name in CONSTANTS:
        return CONSTANTS[node.name](context)
    if _is_variable(node.name, context):
        return Value(python_name(node.name))
    return call(node.name, (), context)


def _apply(node: syntax.Apply, context: Context) -> Value:
    if node.brace:
        return _content(node, context)
    if isinstance(node.base, syntax.Name) and not _is_variable(node.base.name, context):
        return call(node.base.name, node.arguments, context)
    base = context(node.base)
    if not node.arguments:
        return base if base.kind is not Kind.HANDLE else Value(f"{base.text}()")
    return index(base, node.arguments, context)


def _is_variable(name: str, context: Context) -> bool:
    return name in context.variables or (name in context.usage.assigned and name not in context.cleared)


def _content(node: syntax.Apply, context: Context) -> Value:
    base = context(node.base)
    if base.kind not in (Kind.CELL, Kind.UNKNOWN, Kind.LOADED):
        raise Untranslatable(f"uses braces on {base.kind.value}")
    if len(node.arguments) == 2 and not is_in_first_row(base, node.arguments):
        return _content_in_two(base, node.arguments, context)
    if len(node.arguments) not in (1, 2):
        raise Untranslatable("indexes a cell array in more than two dimensions")
    chosen = node.arguments[-1]
    found = subscript(chosen, Value(base.text, Kind.CELL), context)
    text = f"{base.at(Binding.ATOM)}[{found.text}]"
    if found.form == "one":
        return Value(text, Kind.UNKNOWN, owner=base.owner, applied="{}" in context.shared.fields_with_functions)
    if found.form == "all":
        return Value(f"*{base.text}", Kind.UNKNOWN)
    if found.form == "slice":
        return Value(f"*{text}", Kind.UNKNOWN)
    context.needs("ml")
    chosen_, places = index_of(Value(base.text, Kind.CELL), chosen, context), ""
    places = f"{chosen_.at(Binding.ADD)} + 1" if chosen_.zero_based else chosen_.text
    return Value(f"*ml.pick_cells({base.text}, {places})", Kind.UNKNOWN)


def _content_in_two(base: Value, arguments: tuple[syntax.Node, ...], context: Context) -> Value:
    """``c{i, j}``."""
    context.needs("ml")
    found = [subscript(each, replace(base, kind=Kind.CELL), context, (k, 2)) for k, each in enumerate(arguments)]
    if any(each.form != "one" for each in found):
        return Value(f"*{part_of_cells(base, found, context).text}", Kind.UNKNOWN)
    text = f"ml.content({base.text}, {found[0].text}, {found[1].text})"
    return Value(text, Kind.UNKNOWN, owner=base.owner, applied="{}" in context.shared.fields_with_functions)


def _field(node: syntax.Field, context: Context) -> Value:
    if isinstance(node.base, syntax.Name) and node.base.name in context.exceptions:
        if node.name != "message":
            raise Untranslatable("asks an error for more than its message")
        return Value(f"str({python_name(node.base.name)})", Kind.STR)
    base = context(node.base)
    if base.kind not in (Kind.STRUCT, Kind.UNKNOWN, Kind.LOADED):
        raise Untranslatable(f"asks for a field of {base.kind.value}")
    if isinstance(node.name, str):
        known = context.variables.get(f"{base.text}.{node.name}")
        text = f"{base.at(Binding.ATOM)}.{python_name(node.name)}"
        if known is not None:
            return replace(known, node=text, owner=base.owner, zero_based=False)
        applied = base.kind is not Kind.LOADED and node.name in context.shared.fields_with_functions
        kind = Kind.LOADED if base.kind is Kind.LOADED else Kind.UNKNOWN
        return Value(text, kind, owner=base.owner, applied=applied)
    context.needs("ml")
    return Value(f"getattr({base.text}, ml.field({context(node.name).text}))", Kind.UNKNOWN, owner=base.owner)


def _end(_node: syntax.Node, context: Context) -> Value:
    if not context.end_of:
        raise Untranslatable("has an end outside an index")
    return context.end_of[-1]()


def _paren(node: syntax.Paren, context: Context) -> Value:
    return context(node.inner)


def _transpose(node: syntax.Transpose, context: Context) -> Value:
    return transpose(context(node.operand))


_TRANSLATORS: dict[type, Callable[[Any, Context], Value]] = {
    syntax.Number: _number,
    syntax.Text: lambda node, _context: texts.literal(node),
    syntax.Name: _name,
    syntax.Apply: _apply,
    syntax.Field: _field,
    syntax.End: _end,
    syntax.Colon: lambda _node, _context: Value('":"', Kind.STR),
    syntax.Range: range_as_array,
    syntax.Binary: binary_operation,
    syntax.Unary: unary_operation,
    syntax.Transpose: _transpose,
    syntax.Paren: _paren,
    syntax.Matrix: matrix,
    syntax.CellLiteral: cell,
    syntax.Handle: handle,
    syntax.Lambda: lambda_text,
}
