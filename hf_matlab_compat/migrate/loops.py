"""``for`` and ``while``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.build import call
from hf_matlab_compat.migrate.concatenation import range_parts, whole_bounds
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.indexing import less_one, whole
from hf_matlab_compat.migrate.operators import truth
from hf_matlab_compat.migrate.syntax import Statement, Untranslatable
from hf_matlab_compat.migrate.values import MATRICES, Binding, Kind, Value, integer, number
from hf_matlab_compat.migrate.writer import Writer

Nested: TypeAlias = Callable[[Sequence[Statement], Context, Writer], None]
Joined: TypeAlias = Callable[[Sequence[dict[str, Value]]], dict[str, Value]]

_MOST_PASSES = 5
_FULL_REHEARSALS = 3
"""Loops deeper than this inside loops that are gone through again are gone through twice at most."""
_NUMBER = re.compile(r"\d+\.?\d*")
_CHUNKS = "the loop is kept; numchunks as it was with the option trim_cases=True drops the last cases instead"


def for_loop(statement: syntax.For, context: Context, writer: Writer, nested: Nested, joined: Joined) -> None:
    """Write a ``for`` loop."""
    header, variable = _header(statement, context)
    if statement.variable in context.two_dimensional and variable.kind is Kind.ROW:
        raise Untranslatable("loops over something of unclear shape")
    runs = _runs(statement.values, context)
    if runs is None and id(statement) in context.usage.outlived and not _starts_from_itself(statement):
        _leave_empty(statement.variable, context, writer)
    context.define(statement.variable, variable)
    writer.enter_header(statement.place)
    _settle(statement.body, context, writer, nested, joined)
    _write(header, statement.body, context, writer, nested, joined)
    if runs is False:
        _leave_empty(statement.variable, context, writer)
        context.define(statement.variable, Value("", Kind.LOADED))


def _leave_empty(name: str, context: Context, writer: Writer) -> None:
    """A loop that does not run leaves its variable empty in MATLAB, and as it was in Python."""
    context.needs("np")
    writer.code(f"{python_name(name)} = np.zeros((1, 0))")


def _starts_from_itself(statement: syntax.For) -> bool:
    return any(node == syntax.Name(statement.variable) for node in statement.values.walk())


def _runs(values: syntax.Node, context: Context) -> bool | None:
    """Whether a loop over a range runs at all; None where it is not written out."""
    while isinstance(values, syntax.Paren):
        values = values.inner
    if not isinstance(values, syntax.Range):
        return True if isinstance(values, syntax.Matrix) and values.rows else None
    first, last = _written(values.first, context), _written(values.last, context)
    step = 1.0 if values.step is None else _written(values.step, context)
    if first is None or last is None or step is None:
        return None
    return step != 0 and (last - first) / step >= 0


def _written(node: syntax.Node, context: Context) -> float | None:
    """A number that is written out, or a variable that only ever holds one."""
    if isinstance(node, syntax.Name):
        node = context.usage.constants.get(node.name, node)
    if isinstance(node, syntax.Unary) and node.operator == "-":
        value = _written(node.operand, context)
        return None if value is None else -value
    return float(node.text) if isinstance(node, syntax.Number) and _NUMBER.fullmatch(node.text) else None


def while_loop(statement: syntax.While, context: Context, writer: Writer, nested: Nested, joined: Joined) -> None:
    """Write a ``while`` loop."""
    truth(statement.condition, context)
    writer.enter_header(statement.place, _CHUNKS if _lowers_chunks(statement) else "")
    if _lowers_chunks(statement):
        writer.comment("Or keep the number of chunks and let the option trim_cases=True drop the last cases:")
    _settle(statement.body, context, writer, nested, joined)
    header = f"while {truth(statement.condition, context).text}:"
    _write(header, statement.body, context, writer, nested, joined)


def _lowers_chunks(statement: syntax.While) -> bool:
    """``while mod(cases, numchunks), numchunks = numchunks - 1; end``."""
    asks = any(node == syntax.Name("mod") or node == syntax.Name("rem") for node in statement.condition.walk())
    names = {node.name for node in statement.condition.walk() if isinstance(node, syntax.Name)}
    lowered = [
        part.targets[0].name
        for part in statement.body
        if isinstance(part, syntax.Assign)
        and isinstance(part.targets[0], syntax.Name)
        and isinstance(part.value, syntax.Binary)
        and part.value.operator == "-"
    ]
    return asks and bool(names & set(lowered))


def _settle(body: Sequence[Statement], context: Context, writer: Writer, nested: Nested, joined: Joined) -> None:
    """Go through the body until what is known at its start no longer changes."""
    for _ in range(_MOST_PASSES if writer.rehearsals < _FULL_REHEARSALS else 2):
        start = dict(context.variables)
        with writer.rehearsal():
            nested(body, context, writer)
        context.variables = joined([start, context.variables])
        if all(name in start and _alike(start[name], value) for name, value in context.variables.items()):
            return


def _write(
    header: str, body: Sequence[Statement], context: Context, writer: Writer, nested: Nested, joined: Joined
) -> None:
    """Write a loop that is settled; inside a rehearsal that would find out nothing more."""
    if writer.rehearsals:
        return
    before = dict(context.variables)
    with writer.block(header):
        nested(body, context, writer)
    context.variables = joined([before, context.variables])


def _alike(one: Value, other: Value) -> bool:
    return (one.kind, one.integer, one.logical, one.nd) == (other.kind, other.integer, other.logical, other.nd)


def _header(statement: syntax.For, context: Context) -> tuple[str, Value]:
    name = python_name(statement.variable)
    values = statement.values
    while isinstance(values, syntax.Paren):
        values = values.inner
    if isinstance(values, syntax.Range):
        return _over_range(statement.variable, values, context)
    if isinstance(values, syntax.Matrix) and len(values.rows) == 1:
        entries = [context(entry) for entry in values.rows[0]]
        if all(entry.kind is Kind.NUM for entry in entries):
            known = number(name) if not all(entry.integer for entry in entries) else integer(name)
            return f"for {name} in [{', '.join(entry.text for entry in entries)}]:", known
    value = context(values)
    if value.kind is Kind.ROW:
        return f"for {name} in {value.at(Binding.ATOM)}.tolist():", Value(name, Kind.NUM, integer=value.integer)
    if value.kind is Kind.NUM:
        return f"for {name} in [{value.text}]:", value
    if value.kind is Kind.CELL and value.nd:
        context.needs("ml")
        return f"for {name} in ml.cell_columns({value.text}):", Value(name, Kind.CELL, nd=True)
    if value.kind is Kind.CELL:
        return f"for {name} in [[entry] for entry in {value.text}]:", Value(name, Kind.CELL)
    if value.kind in (*MATRICES, Kind.LOADED, Kind.EMPTY):
        context.needs("ml")
        return f"for {name} in ml.columns({value.text}):", Value(name, Kind.LOADED)
    raise Untranslatable(f"loops over {value.kind.value}")


def _over_range(variable: str, values: syntax.Range, context: Context) -> tuple[str, Value]:
    name = python_name(variable)
    if variable in context.usage.positions:
        start = less_one(values.first, context, "range_start").text
        stop = whole(values.last, context, "range_end").text
        bounds = stop if start == "0" else f"{start}, {stop}"
        return f"for {name} in range({bounds}):", Value(name, Kind.NUM, integer=True, zero_based=True)
    first, step, last = range_parts(values, context)
    if first.integer and step.integer and not last.integer:
        context.needs("ml")
        sign = "-" if step.text.startswith("-") else ""
        last = integer(f"{sign}ml.range_end({sign}{last.at(Binding.UNARY)})")
    bounds = whole_bounds(first, step, last)
    if bounds is not None:
        return f"for {name} in {Value(call('range', *bounds)).text}:", integer(name)
    context.needs("ml")
    return f"for {name} in ml.colon({first.text}, {step.text}, {last.text}).tolist():", number(name)
