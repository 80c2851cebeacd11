"""Statements: the Python of each, and what the report says of its lines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.assignments import assign
from hf_matlab_compat.migrate.beside import is_workspace_load
from hf_matlab_compat.migrate.build import call, compare, expr, name
from hf_matlab_compat.migrate.calls import is_function, unknown
from hf_matlab_compat.migrate.context import Context, Variables, python_name
from hf_matlab_compat.migrate.file_calls import SESSION, save
from hf_matlab_compat.migrate.loading import bind_waiting, clear, is_clear, load_workspace
from hf_matlab_compat.migrate.loops import for_loop, while_loop
from hf_matlab_compat.migrate.operators import truth
from hf_matlab_compat.migrate.syntax import Statement, Untranslatable
from hf_matlab_compat.migrate.translation import Fate
from hf_matlab_compat.migrate.values import SHAPED, Kind, Value, join
from hf_matlab_compat.migrate.writer import Account, Writer, comment_of, stored


def write_body(body: Sequence[Statement], context: Context, writer: Writer) -> None:
    """Write statements in order, with the empty lines between them; functions are written elsewhere."""
    before = body[0].place.last if body else 0
    for statement in body:
        if statement.place.first > before + 1:
            writer.blank()
        before = statement.place.last
        if not isinstance(statement, syntax.Function):
            write_statement(statement, context, writer)


def write_statement(statement: Statement, context: Context, writer: Writer) -> None:
    """Write one statement, or a TODO with its text."""
    if context.depth == 0:
        bind_waiting(statement, context, writer)
    variables = context.variables if isinstance(context.variables, Variables) else Variables(context.variables)
    context.variables = variables
    start, defined = writer.mark(), variables.mark()
    for remarks in (context.notes, context.warnings, context.dropped):
        remarks.clear()
    context.replaced = False
    for comment in statement.place.comments:
        writer.comment(comment)
    try:
        _write_checked(statement, context, writer)
        writer.insert(start, [comment_of(f"# {remark}") for remark in dict.fromkeys(context.warnings)])
        context.warnings.clear()
    except (Untranslatable, RecursionError) as error:
        failure = error if isinstance(error, Untranslatable) else Untranslatable("is nested too deeply")
        writer.cut_back(start)
        variables.take_back(defined)
        context.variables = variables
        _left_to_do(statement, failure, context, writer)
    if context.depth == 0:
        # MATLAB creates a variable when a part of it is assigned; in Python it exists before the statement
        writer.insert(start, [ast.Assign([stored(each)], first) for each, first in context.missing.items()])
        context.missing.clear()


def _write_checked(statement: Statement, context: Context, writer: Writer) -> None:
    # the strings and numbers of MATLAB must be those of Python
    account = Account(statement, context.shared.beside.trainers)
    with writer.on_account_of(account):
        _WRITERS[type(statement)](statement, context, writer)
    account.leave_out(context.dropped)
    left_out = context.replaced and isinstance(statement, syntax.Evaluate | syntax.Command)
    difference = account.difference(left_out)
    if difference:
        raise Untranslatable(difference)


def _left_to_do(statement: Statement, failure: Untranslatable, context: Context, writer: Writer) -> None:
    writer.todo(statement.place, str(failure), failure.unknown)
    for node in statement.walk():
        for target in node.targets if isinstance(node, syntax.Assign) else ():
            if isinstance(target, syntax.Name):
                context.define(target.name, Value(None))


def _done(statement: Statement, context: Context, writer: Writer) -> None:
    writer.enter(statement.place, Fate.REPLACED if context.replaced else Fate.TRANSLATED, context.notes)


def _comment(statement: syntax.Comment, _context: Context, writer: Writer) -> None:
    if statement.trailing:
        writer.trailing(statement.place.text)
    else:
        writer.comment(statement.place.text)
    writer.enter(statement.place, Fate.COMMENT)


def _assign(statement: syntax.Assign, context: Context, writer: Writer) -> None:
    assign(statement, context, writer)
    for target in () if statement.silent else statement.targets:
        if isinstance(target, syntax.Name):
            _show(target.name, name(python_name(target.name)), writer)
        elif not isinstance(target, syntax.Tilde):
            _show(statement.place.text.split("=")[0].strip(), context(target), writer)
    if context.replaced:
        raise Untranslatable("assigns what is left out here")
    _done(statement, context, writer)


def _show(label: str, value: Value | ast.expr, writer: Writer) -> None:
    writer.run(call("print", label + " =", value))


def _evaluate(statement: syntax.Evaluate, context: Context, writer: Writer) -> None:
    node = statement.value
    if isinstance(node, syntax.Apply) and is_workspace_load(node):
        load_workspace(statement, node.arguments, context, writer)
        _done(statement, context, writer)
        return
    value = context(node)
    if isinstance(node, syntax.Apply) and is_clear(node):
        clear([each.text for each in node.arguments if isinstance(each, syntax.Text)], context, writer)
    if context.replaced or value.node is None:
        context.replaced = True
        _keep_as_comment(statement, writer)
    elif value.effect:
        writer.run(value)
    elif "ans" in context.usage.names and not isinstance(node, syntax.Name):
        _keep_answer(statement, value, context, writer)
    elif not statement.silent:
        _show(node.name if isinstance(node, syntax.Name) else "ans", value, writer)
    elif isinstance(node, syntax.Name | syntax.Text):
        context.replaced_by("left out: a lone value with a semicolon does nothing")
        _keep_as_comment(statement, writer)
    else:
        writer.run(value)
    _done(statement, context, writer)


def _keep_answer(statement: syntax.Evaluate, value: Value, context: Context, writer: Writer) -> None:
    """Assign a value to ``ans``, which the script reads."""
    kept = context.fresh(value, "ans").as_two_dimensional()
    writer.assign("ans", kept)
    context.define("ans", kept)
    if not statement.silent:
        _show("ans", name("ans"), writer)


def _keep_as_comment(statement: Statement, writer: Writer) -> None:
    writer.comment(f"MATLAB: {statement.place.text}")


def _command(statement: syntax.Command, context: Context, writer: Writer) -> None:
    command, *words = statement.words
    if words and words[0] in ("+=", "-=", "*=", "/="):
        raise Untranslatable("uses an operator that is Octave's own")
    if not words and (
        command in context.variables or command in context.shared.beside.trainers or _is_own(command, context)
    ):
        _evaluate(syntax.Evaluate(statement.place, syntax.Name(command), statement.silent), context, writer)
        return
    texts = tuple(map(syntax.Text, words))
    if command == "load" and words:
        load_workspace(statement, texts, context, writer)
    elif command == "save" and words:
        writer.run(save(Arguments("save", texts, context)))
    elif command in SESSION:
        context(syntax.Apply(syntax.Name(command), texts))
        if command == "clear":
            clear(words, context, writer)
        _keep_as_comment(statement, writer)
    elif is_function(command, context):
        value = context(syntax.Apply(syntax.Name(command), tuple(map(_word, words))))
        _write_command(statement, value, context, writer)
    else:
        reason = Untranslatable("is a command to the system") if command.startswith("!") else unknown(command)
        said = reason if words else f"{reason}; another script's variables are not followed"
        raise Untranslatable(str(said), reason.unknown)
    _done(statement, context, writer)


def _is_own(function: str, context: Context) -> bool:
    return function in context.shared.functions or function in context.shared.beside.functions


def _word(word: str) -> syntax.Node:
    return syntax.Number(word) if word.isdigit() else syntax.Text(word.strip("'"))


def _write_command(statement: syntax.Command, value: Value, context: Context, writer: Writer) -> None:
    if value.node is None:
        context.replaced = True
        _keep_as_comment(statement, writer)
    elif statement.words == ("toc",):
        writer.run(call("print", "Elapsed time is", value, "seconds"))
    elif value.effect or value.kind is Kind.HANDLE:
        writer.run(value)
    elif not statement.silent:
        _show("ans", value, writer)


def _if(statement: syntax.If, context: Context, writer: Writer) -> None:
    conditions = [None if each.condition is None else truth(each.condition, context) for each in statement.branches]
    _branches(statement, conditions, context, writer)


def _switch(statement: syntax.Switch, context: Context, writer: Writer) -> None:
    subject, is_true = context(statement.subject), statement.subject == syntax.Name("true")
    conditions: list[Value | None] = []
    for branch in statement.branches:
        if branch.condition is None:
            conditions.append(None if conditions else Value(expr(True)))
        elif is_true:
            conditions.append(truth(branch.condition, context))
        else:
            conditions.append(_case(subject, context(branch.condition)))
    _branches(statement, conditions, context, writer)


def _case(subject: Value, value: Value) -> Value:
    if subject.kind in SHAPED or value.kind in SHAPED:
        raise Untranslatable("switches on an array")
    return Value(compare(subject, "in" if value.kind is Kind.CELL else "==", value), Kind.NUM)


def _branches(statement: Any, conditions: Sequence[Value | None], context: Context, writer: Writer) -> None:
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
    context.variables = joined(ends)


def nested(body: Sequence[Statement], context: Context, writer: Writer) -> None:
    """Write the body of a compound statement."""
    context.depth += 1
    made = set(context.made)
    try:
        write_body(body, context, writer)
    finally:
        context.depth -= 1
        context.made &= made


def joined(ends: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """Return the facts about variables where several paths meet."""
    known = dict(ends[0]) if ends else {}
    for variables in ends[1:]:
        for variable, value in variables.items():
            other = known.setdefault(variable, value)
            if other is not value:
                known[variable] = join(other, value)
    return known


def _try(statement: syntax.Try, context: Context, writer: Writer) -> None:
    writer.enter_header(statement.place)
    writer.ledger.enter(statement.handler_line, statement.handler_line, Fate.TRANSLATED)
    before = dict(context.variables)
    error = python_name(statement.error)
    names = {node.name for part in statement.handler for node in part.walk() if isinstance(node, syntax.Name)}
    handler = ast.ExceptHandler(name("Exception"), error if statement.error in names else None, [])
    with writer.block(ast.Try([], [handler], [], [])):
        nested(statement.body, context, writer)
    after = context.variables
    context.variables = joined([before, after])
    if statement.error:
        context.define(statement.error, Value(None, Kind.STRUCT))
        context.exceptions.add(statement.error)
    with writer.inside(handler.body):
        writer.pragma("noqa: BLE001")
        nested(statement.handler, context, writer)
    context.variables = joined([after, context.variables])


def _for(statement: syntax.For, context: Context, writer: Writer) -> None:
    with _inside_loop(context):
        for_loop(statement, context, writer, nested, joined)


def _while(statement: syntax.While, context: Context, writer: Writer) -> None:
    with _inside_loop(context):
        while_loop(statement, context, writer, nested, joined)


@contextmanager
def _inside_loop(context: Context) -> Iterator[None]:
    context.loops += 1
    try:
        yield
    finally:
        context.loops -= 1


def _jump(statement: syntax.Jump, context: Context, writer: Writer) -> None:
    if statement.word == "return":
        writer.write(returned(context))
    elif context.loops:
        writer.write(ast.Break() if statement.word == "break" else ast.Continue())
    else:
        raise Untranslatable("stands outside a loop")
    _done(statement, context, writer)


def returned(context: Context) -> ast.stmt:
    """Return the return statement of the function at hand, or the end of a script."""
    if context.function is None:
        return ast.Expr(call("sys.exit"))
    outputs = context.function.outputs
    values = [context.variables.get(each, Value(name(python_name(each)))).as_two_dimensional() for each in outputs]
    if len(values) > 1:
        return ast.Return(expr(tuple(values)))
    return ast.Return(expr(values[0]) if values else None)


def _broken(statement: syntax.Broken, _context: Context, writer: Writer) -> None:
    writer.todo(statement.place, statement.reason)


def _global(_statement: syntax.Global, _context: Context, _writer: Writer) -> None:
    raise Untranslatable("declares global or persistent variables")


_WRITERS: dict[type, Callable[[Any, Context, Writer], None]] = {
    syntax.Comment: _comment,
    syntax.Assign: _assign,
    syntax.Evaluate: _evaluate,
    syntax.Command: _command,
    syntax.If: _if,
    syntax.Switch: _switch,
    syntax.For: _for,
    syntax.While: _while,
    syntax.Try: _try,
    syntax.Jump: _jump,
    syntax.Broken: _broken,
    syntax.Global: _global,
}
