"""Statements, except compound ones: the Python of each, and the fate of its lines for the report."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.assignments import assign
from hf_matlab_compat.migrate.beside import file_arguments, is_workspace_load
from hf_matlab_compat.migrate.blocks import BLOCKS
from hf_matlab_compat.migrate.by_hand import done_by_hand
from hf_matlab_compat.migrate.calls import is_function, unknown
from hf_matlab_compat.migrate.context import Context, Variables, python_name
from hf_matlab_compat.migrate.file_calls import SESSION, load_table, save, with_suffix
from hf_matlab_compat.migrate.load_plan import Bindings
from hf_matlab_compat.migrate.recurrent_call import PART
from hf_matlab_compat.migrate.syntax import Node, Statement, Untranslatable, refuse
from hf_matlab_compat.migrate.translation import ASSUMED, Fate
from hf_matlab_compat.migrate.usage import base_name
from hf_matlab_compat.migrate.values import Kind, Part, Value, attribute, call, expr, join, name
from hf_matlab_compat.migrate.writer import Account, Writer, comment_of, stored

_LOADED = name("loaded")
_EMPTY = call("np.zeros", (0, 0))


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
        _bind_waiting(statement, context, writer)
    variables = context.variables if isinstance(context.variables, Variables) else Variables(context.variables)
    context.variables = variables
    start, defined = writer.mark(), variables.mark()
    for remarks in (context.notes, context.warnings, context.dropped):
        remarks.clear()
    context.replaced = False
    for comment in statement.place.comments:
        writer.comment(comment)
    context.notes.extend(done_by_hand(statement, context))
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
        refuse(difference)


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
    if _is_read_by_trainer(statement, context):
        _keep_for_trainer(statement, context, writer)
        return
    assign(statement, context, writer)
    for target in () if statement.silent else statement.targets:
        if isinstance(target, syntax.Name):
            _show(target.name, name(python_name(target.name)), writer)
        elif not isinstance(target, syntax.Tilde):
            _show(statement.place.text.split("=")[0].strip(), context(target), writer)
    if context.replaced:
        refuse("assigns what is left out here")
    _done(statement, context, writer)


def _is_read_by_trainer(statement: syntax.Assign, context: Context) -> bool:
    target = statement.targets[0] if len(statement.targets) == 1 else None
    return isinstance(target, syntax.Name) and target.name in context.read_by_trainer


def _keep_for_trainer(statement: syntax.Assign, context: Context, writer: Writer) -> None:
    """Keep a handle that the call of the trainer of recurrent nets takes apart as a comment."""
    context.dropped.append(statement.value)
    context.replaced_by(PART)
    _keep_as_comment(statement, writer)
    context.define(base_name(statement.targets[0]), Value(None, Kind.HANDLE))
    _done(statement, context, writer)


def _show(label: str, value: Value | ast.expr, writer: Writer) -> None:
    writer.run(call("print", label + " =", value))


def _evaluate(statement: syntax.Evaluate, context: Context, writer: Writer) -> None:
    node = statement.value
    if isinstance(node, syntax.Apply) and is_workspace_load(node):
        _load(statement, node.arguments, context, writer)
        _done(statement, context, writer)
        return
    value = context(node)
    if isinstance(node, syntax.Apply) and _is_clear(node):
        _clear([each.text for each in node.arguments if isinstance(each, syntax.Text)], context, writer)
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
        refuse("uses an operator that is Octave's own")
    if not words and (
        command in context.variables or command in context.shared.beside.trainers or _is_own(command, context)
    ):
        _evaluate(syntax.Evaluate(statement.place, syntax.Name(command), statement.silent), context, writer)
        return
    texts = tuple(map(syntax.Text, words))
    if command == "load" and words:
        _load(statement, texts, context, writer)
    elif command == "save" and words:
        writer.run(save(Arguments("save", texts, context)))
    elif command in SESSION:
        context(syntax.Apply(syntax.Name(command), texts))
        if command == "clear":
            _clear(words, context, writer)
        _keep_as_comment(statement, writer)
    elif is_function(command, context):
        value = context(syntax.Apply(syntax.Name(command), tuple(map(_word, words))))
        _write_command(statement, value, context, writer)
    else:
        reason = Untranslatable("is a command to the system") if command.startswith("!") else unknown(command)
        said = reason if words else f"{reason}; another script's variables are not followed"
        refuse(str(said), reason.unknown)
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


def nested(body: Sequence[Statement], context: Context, writer: Writer) -> None:
    """Write the body of a compound statement."""
    context.depth += 1
    made = set(context.made)
    try:
        write_body(body, context, writer)
    finally:
        context.depth -= 1
        context.made &= made


def _load(statement: Statement, nodes: tuple[Node, ...], context: Context, writer: Writer) -> None:
    """Write ``load('x')``."""
    arguments = Arguments("load", file_arguments(nodes), context)
    if not len(arguments):
        refuse("loads without a name")
    table = load_table(arguments)
    if table is not None:
        _load_table(arguments, table, context, writer)
        return
    listed = [arguments.literal(place) for place in range(1, len(arguments))]
    if any(word is None or not word.isidentifier() for word in listed):
        refuse("loads with options")
    bindings = context.plan.at_load.get(id(statement), Bindings())
    if context.depth and "loaded*" not in context.variables:
        context.missing["loaded"] = call("ml.Struct")
    options: dict[str, Part] = {"onto": _LOADED} if "loaded*" in context.variables else {}
    if bindings.kept:
        options["own"] = " ".join(map(python_name, bindings.kept))
    names = [[word for word in listed if word]] if listed else []
    writer.assign("loaded", call("ml.load_mat", with_suffix(arguments.values[0]), *names, **options))
    context.variables["loaded*"] = Value(_LOADED, Kind.LOADED)
    _bind(bindings, lambda held: call("ml.just_loaded", _LOADED, held), statement, context, writer)
    if bindings.kept:
        context.notes.append("stops where the file holds other variables of the script, which MATLAB would replace")


def _bind_waiting(statement: Statement, context: Context, writer: Writer) -> None:
    """Bind the names that a statement is the first to read and that one of several files holds."""
    bindings = context.plan.before.get(id(statement))
    if bindings is not None:
        _bind(bindings, lambda held: call("hasattr", _LOADED, held), statement, context, writer)


def _bind(
    bindings: Bindings, condition: Callable[[str], ast.expr], statement: Statement, context: Context, writer: Writer
) -> None:
    loaded = Value(None, Kind.LOADED)
    for each in bindings.always:
        _say_assumed(each, statement, context, writer)
        python = python_name(each)
        may_be_absent = each in context.plan.fresh_if_absent
        field = call("getattr", _LOADED, python, _EMPTY) if may_be_absent else attribute(_LOADED, python)
        writer.assign(python, field)
        context.define(each, loaded)
    for each in (*bindings.if_held, *(each for each in bindings.replaced if each in context.variables)):
        _say_assumed(each, statement, context, writer)
        python = python_name(each)
        with writer.block(ast.If(condition(python), [], [])):
            writer.assign(python, attribute(_LOADED, python))
        context.define(each, join(context.variables[each], loaded) if each in context.variables else loaded)


def _say_assumed(name: str, statement: Statement, context: Context, writer: Writer) -> None:
    if name in context.plan.assumed:
        line = statement.place.first
        remark = f"{name} is {ASSUMED} {context.plan.assumed[name]}, which is not at hand"
        writer.ledger.enter(line, line, Fate.TRANSLATED, remark)


def _load_table(arguments: Arguments, table: Value, context: Context, writer: Writer) -> None:
    variable = (arguments.literal(0) or "").replace("\\", "/").split("/")[-1].split(".")[0]
    if not variable.isidentifier():
        refuse(f"loads the table {variable!r} into a variable of an unknown name")
    writer.assign(python_name(variable), table)
    context.define(variable, Value(None, Kind.LOADED))


def _is_clear(node: Node) -> bool:
    """Return whether an expression is a call of ``clear``."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("clear")


def _clear(words: Sequence[str], context: Context, writer: Writer) -> None:
    """Forget the named variables, or all; a later assignment to a part of one starts from an empty array."""
    everything = not words or words[0] in ("all", "-all", "variables", "-v")
    wanted = set(context.variables) if everything else set(words)
    for each in sorted(wanted & set(context.variables)):
        if not each.isidentifier():
            continue
        if each in context.usage.written:
            writer.assign(python_name(each), _EMPTY)
            context.define(each, Value(None, Kind.EMPTY))
            context.growing.add(each)
        else:
            del context.variables[each]
            context.cleared.add(each)


def _jump(statement: syntax.Jump, context: Context, writer: Writer) -> None:
    if statement.word == "return":
        writer.write(returned(context))
    elif context.loops:
        writer.write(ast.Break() if statement.word == "break" else ast.Continue())
    else:
        refuse("stands outside a loop")
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
    refuse("declares global or persistent variables")


def _block(write: Callable[..., None]) -> Callable[[Any, Context, Writer], None]:
    return lambda statement, context, writer: write(statement, context, writer, nested)


_WRITERS: dict[type, Callable[[Any, Context, Writer], None]] = {
    syntax.Comment: _comment,
    syntax.Assign: _assign,
    syntax.Evaluate: _evaluate,
    syntax.Command: _command,
    **{kind: _block(write) for kind, write in BLOCKS.items()},
    syntax.Jump: _jump,
    syntax.Broken: _broken,
    syntax.Global: _global,
}
