"""Compound statements: ``if``, ``switch``, ``try``, ``for`` and ``while``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.expressions import range_parts, whole_bounds
from hf_matlab_compat.migrate.indexing import less_one, whole
from hf_matlab_compat.migrate.operators import truth
from hf_matlab_compat.migrate.syntax import Statement, refuse
from hf_matlab_compat.migrate.translation import Fate
from hf_matlab_compat.migrate.values import (
    MATRICES,
    SHAPED,
    Kind,
    Value,
    call,
    compare,
    expr,
    join,
    method,
    name,
    unary,
)
from hf_matlab_compat.migrate.values import whole as literal
from hf_matlab_compat.migrate.writer import Writer, stored

Nested: TypeAlias = Callable[[Sequence[Statement], Context, Writer], None]

_MOST_PASSES = 5
_FULL_REHEARSALS = 3
"""Loops nested deeper than this inside rehearsed loops are rehearsed at most twice."""
_NUMBER = re.compile(r"\d+\.?\d*")
_CHUNKS = "the loop is kept; numchunks as it was with the option trim_cases=True drops the last cases instead"


def _joined(ends: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """Return the facts about variables where several paths meet."""
    known = dict(ends[0]) if ends else {}
    for variables in ends[1:]:
        for variable, value in variables.items():
            other = known.setdefault(variable, value)
            if other is not value:
                known[variable] = join(other, value)
    return known


def for_loop(statement: syntax.For, context: Context, writer: Writer, nested: Nested) -> None:
    """Write a ``for`` loop.

    Parameters
    ----------
    statement : syntax.For
        The loop.
    context : Context
        Of the body around it.
    writer : Writer
        Receives the loop.
    nested : callable
        Writes the statements of a body.
    """
    remark = "; ".join(context.notes)
    values, variable = _values(statement, context)
    if statement.variable in context.two_dimensional and variable.kind is Kind.ROW:
        refuse("loops over something of unclear shape")
    runs = _runs(statement.values, context)
    if runs is None and id(statement) in context.usage.outlived and not _starts_from_itself(statement):
        _leave_empty(statement.variable, writer)
    context.define(statement.variable, variable)
    writer.enter_header(statement.place, remark)
    _settle(statement.body, context, writer, nested)
    header = ast.For(stored(python_name(statement.variable)), values, [], [])
    _write(header, statement.body, context, writer, nested)
    if runs is False:
        _leave_empty(statement.variable, writer)
        context.define(statement.variable, Value(None, Kind.LOADED))


def _leave_empty(variable: str, writer: Writer) -> None:
    """Make a variable empty, as a loop that does not run leaves its variable in MATLAB."""
    writer.assign(python_name(variable), call("np.zeros", (1, 0)))


def _starts_from_itself(statement: syntax.For) -> bool:
    return any(node == syntax.Name(statement.variable) for node in statement.values.walk())


def _runs(values: syntax.Node, context: Context) -> bool | None:
    """Return whether a loop over a literal range or matrix runs at all; None for anything else."""
    while isinstance(values, syntax.Paren):
        values = values.inner
    if not isinstance(values, syntax.Range):
        return True if isinstance(values, syntax.Matrix) and values.rows else None
    first, last = _literal(values.first, context), _literal(values.last, context)
    step = 1.0 if values.step is None else _literal(values.step, context)
    if first is None or last is None or step is None:
        return None
    return step != 0 and (last - first) / step >= 0


def _literal(node: syntax.Node, context: Context) -> float | None:
    """Return a literal number, or the only value of a variable."""
    if isinstance(node, syntax.Name):
        node = context.usage.constants.get(node.name, node)
    if isinstance(node, syntax.Unary) and node.operator == "-":
        value = _literal(node.operand, context)
        return None if value is None else -value
    return float(node.text) if isinstance(node, syntax.Number) and _NUMBER.fullmatch(node.text) else None


@contextmanager
def _inside_loop(context: Context) -> Iterator[None]:
    context.loops += 1
    try:
        yield
    finally:
        context.loops -= 1


def while_loop(statement: syntax.While, context: Context, writer: Writer, nested: Nested) -> None:
    """Write a ``while`` loop; the parameters are those of `for_loop`."""
    truth(statement.condition, context)
    writer.enter_header(statement.place, _CHUNKS if _lowers_chunks(statement) else "")
    if _lowers_chunks(statement):
        writer.comment("Or keep the number of chunks and let the option trim_cases=True drop the last cases:")
    _settle(statement.body, context, writer, nested)
    header = ast.While(expr(truth(statement.condition, context)), [], [])
    _write(header, statement.body, context, writer, nested)


def _lowers_chunks(statement: syntax.While) -> bool:
    """Return whether the loop is ``while mod(cases, numchunks), numchunks = numchunks - 1; end``."""
    names = {node.name for node in statement.condition.walk() if isinstance(node, syntax.Name)}
    lowered = {
        part.targets[0].name
        for part in statement.body
        if isinstance(part, syntax.Assign)
        and isinstance(part.targets[0], syntax.Name)
        and isinstance(part.value, syntax.Binary)
        and part.value.operator == "-"
    }
    return bool(names & {"mod", "rem"}) and bool(names & lowered)


def _settle(body: Sequence[Statement], context: Context, writer: Writer, nested: Nested) -> None:
    """Rehearse the body until the facts at its start no longer change."""
    for _ in range(_MOST_PASSES if writer.rehearsals < _FULL_REHEARSALS else 2):
        start = dict(context.variables)
        with writer.rehearsal(), _inside_loop(context):
            nested(body, context, writer)
        context.variables = _joined([start, context.variables])
        if all(name in start and _alike(start[name], value) for name, value in context.variables.items()):
            return


def _write(
    header: ast.For | ast.While,
    body: Sequence[Statement],
    context: Context,
    writer: Writer,
    nested: Nested,
) -> None:
    if writer.rehearsals:  # the body was rehearsed just now
        return
    before = dict(context.variables)
    with writer.block(header), _inside_loop(context):
        nested(body, context, writer)
    context.variables = _joined([before, context.variables])


def _alike(one: Value, other: Value) -> bool:
    return (one.kind, one.integer, one.logical, one.nd) == (other.kind, other.integer, other.logical, other.nd)


def _values(statement: syntax.For, context: Context) -> tuple[ast.expr, Value]:
    # what the Python loop runs over, and the facts about its variable
    values = statement.values
    while isinstance(values, syntax.Paren):
        values = values.inner
    if isinstance(values, syntax.Range):
        return _over_range(statement.variable, values, context)
    if isinstance(values, syntax.Matrix) and len(values.rows) == 1:
        entries = [context(entry) for entry in values.rows[0]]
        if all(entry.kind is Kind.NUM for entry in entries):
            return expr([*entries]), Value(None, Kind.NUM, integer=all(entry.integer for entry in entries))
    value = context(values)
    if value.kind is Kind.ROW:
        return method(value, "tolist"), Value(None, Kind.NUM, integer=value.integer)
    if value.kind is Kind.NUM:
        return expr([value]), value
    if value.kind is Kind.CELL and value.nd:
        return call("ml.cell_columns", value), Value(None, Kind.CELL, nd=True)
    if value.kind is Kind.CELL:
        each = ast.comprehension(stored("entry"), expr(value), [], 0)
        return ast.ListComp(expr([name("entry")]), [each]), Value(None, Kind.CELL)
    if value.kind in (*MATRICES, Kind.LOADED, Kind.EMPTY):
        return call("ml.columns", value), Value(None, Kind.LOADED)
    return refuse(f"loops over {value.kind.value}")


def _over_range(variable: str, values: syntax.Range, context: Context) -> tuple[ast.expr, Value]:
    if variable in context.usage.positions:
        start, stop = less_one(values.first, context, "range_start"), whole(values.last, context, "range_end")
        bounds = [stop] if literal(start) == 0 else [start, stop]
        return call("range", *bounds), Value(None, Kind.NUM, integer=True, zero_based=True)
    first, step, last = range_parts(values, context)
    if first.integer and step.integer and not last.integer:
        downwards = isinstance(step.node, ast.UnaryOp) and isinstance(step.node.op, ast.USub)
        end = unary("-", call("ml.range_end", unary("-", last))) if downwards else call("ml.range_end", last)
        last = Value(end, Kind.NUM, integer=True)
    bounds = whole_bounds(first, step, last)
    if bounds is not None:
        return call("range", *bounds), Value(None, Kind.NUM, integer=True)
    return method(call("ml.colon", first, step, last), "tolist"), Value(None, Kind.NUM)


def if_block(statement: syntax.If, context: Context, writer: Writer, nested: Nested) -> None:
    """Write ``if``; the parameters are those of `for_loop`."""
    conditions = [None if each.condition is None else truth(each.condition, context) for each in statement.branches]
    _branches(statement, conditions, context, writer, nested)


def switch_block(statement: syntax.Switch, context: Context, writer: Writer, nested: Nested) -> None:
    """Write ``switch``; the parameters are those of `for_loop`."""
    subject, is_true = context(statement.subject), statement.subject == syntax.Name("true")
    conditions: list[Value | None] = []
    for branch in statement.branches:
        if branch.condition is None:
            conditions.append(None if conditions else Value(expr(True)))
        elif is_true:
            conditions.append(truth(branch.condition, context))
        else:
            conditions.append(_case(subject, context(branch.condition)))
    _branches(statement, conditions, context, writer, nested)


def _case(subject: Value, value: Value) -> Value:
    if subject.kind in SHAPED or value.kind in SHAPED:
        refuse("switches on an array")
    return Value(compare(subject, "in" if value.kind is Kind.CELL else "==", value), Kind.NUM)


def _branches(
    statement: Any, conditions: Sequence[Value | None], context: Context, writer: Writer, nested: Nested
) -> None:
    """Write branches as an ``if`` with each following one in the ``else`` of the one before; None is ``else``."""
    writer.enter_header(statement.place)
    before = dict(context.variables)
    ends = [] if conditions and conditions[-1] is None else [before]
    place = writer.body
    for branch, condition in zip(statement.branches, conditions, strict=True):
        writer.ledger.enter(branch.line, branch.header, Fate.TRANSLATED)
        context.variables = dict(before)
        body = place
        if condition is not None:
            header = ast.If(expr(condition), [], [])
            writer.write(header, into=place)
            body, place = header.body, header.orelse
        with writer.inside(body):
            nested(branch.body, context, writer)
        ends.append(context.variables)
    context.variables = _joined(ends)


def try_block(statement: syntax.Try, context: Context, writer: Writer, nested: Nested) -> None:
    """Write ``try``; the parameters are those of `for_loop`."""
    writer.enter_header(statement.place)
    writer.ledger.enter(statement.handler_line, statement.handler_line, Fate.TRANSLATED)
    before = dict(context.variables)
    error = python_name(statement.error)
    names = {node.name for part in statement.handler for node in part.walk() if isinstance(node, syntax.Name)}
    handler = ast.ExceptHandler(name("Exception"), error if statement.error in names else None, [])
    with writer.block(ast.Try([], [handler], [], [])):
        nested(statement.body, context, writer)
    after = context.variables
    context.variables = _joined([before, after])
    if statement.error:
        context.define(statement.error, Value(None, Kind.STRUCT))
        context.exceptions.add(statement.error)
    with writer.inside(handler.body):
        writer.pragma("noqa: BLE001")
        nested(statement.handler, context, writer)
    context.variables = _joined([after, context.variables])


BLOCKS: dict[type, Callable[..., None]] = {
    syntax.If: if_block,
    syntax.Switch: switch_block,
    syntax.For: for_loop,
    syntax.While: while_loop,
    syntax.Try: try_block,
}
