"""Statements, one by one: what each writes, and what the report says of its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.accounting import Account
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.assignments import assign
from hf_matlab_compat.migrate.calls import is_function, outputs_of, unknown
from hf_matlab_compat.migrate.clearing import clear, is_clear
from hf_matlab_compat.migrate.context import Context, Variables, python_name
from hf_matlab_compat.migrate.file_calls import SESSION, save
from hf_matlab_compat.migrate.load_files import is_workspace_load
from hf_matlab_compat.migrate.loading import bind_waiting, load_workspace
from hf_matlab_compat.migrate.loops import for_loop, while_loop
from hf_matlab_compat.migrate.operators import truth
from hf_matlab_compat.migrate.syntax import Statement, Untranslatable
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.translation import Fate
from hf_matlab_compat.migrate.values import SHAPED, Binding, Kind, Value, join
from hf_matlab_compat.migrate.writer import Writer

_DOES = (
    "print(",
    "plt.",
    "(plt.",
    "random.seed",
    "raise ",
    "warnings.",
    "assert ",
    "np.savetxt",
    "ml.save_mat",
    "tic =",
    "Path(",
)


def write_body(body: Sequence[Statement], context: Context, writer: Writer) -> None:
    """Write statements in order, with the empty lines between them."""
    before = body[0].place.last if body else 0
    for statement in body:
        if statement.place.first > before + 1:
            writer.blank()
        before = statement.place.last
        if isinstance(statement, syntax.Function):
            continue
        write_statement(statement, context, writer)


def write_statement(statement: Statement, context: Context, writer: Writer) -> None:
    """Write one statement, or a TODO that carries its text."""
    if context.depth == 0:
        bind_waiting(statement, context, writer)
    variables = context.variables if isinstance(context.variables, Variables) else Variables(context.variables)
    context.variables = variables
    start, defined = writer.mark(), variables.mark()
    context.notes.clear()
    context.warnings.clear()
    context.dropped.clear()
    context.replaced = False
    for comment in statement.place.comments:
        writer.comment(comment)
    try:
        _write_checked(statement, context, writer)
        writer.insert(start[0], [f"# {remark}" for remark in dict.fromkeys(context.warnings)])
        context.warnings.clear()
    except (Untranslatable, RecursionError) as error:
        failure = error if isinstance(error, Untranslatable) else Untranslatable("is nested too deeply")
        writer.cut_back(start)
        variables.take_back(defined)
        context.variables = variables
        _left_to_do(statement, failure, context, writer)
    if context.depth == 0:
        _create_missing(start[0], context, writer)


def _write_checked(statement: Statement, context: Context, writer: Writer) -> None:
    """Write a statement, and compare its strings and numbers with those of its Python."""
    account = Account(statement, context.shared.trainers)
    with writer.on_account_of(account):
        _WRITERS[type(statement)](statement, context, writer)
    account.leave_out(context.dropped)
    left_out = context.replaced and isinstance(statement, syntax.Evaluate | syntax.Command)
    difference = account.difference(left_out)
    if difference:
        raise Untranslatable(difference)


def _create_missing(start: int, context: Context, writer: Writer) -> None:
    """Variables that MATLAB creates when a part of them is assigned exist before the statement here."""
    writer.insert(start, [f"{name} = {first}" for name, first in context.missing.items()])
    context.missing.clear()


def _left_to_do(statement: Statement, failure: Untranslatable, context: Context, writer: Writer) -> None:
    writer.todo(statement.place, str(failure), failure.unknown)
    for node in statement.walk():
        for target in node.targets if isinstance(node, syntax.Assign) else ():
            if isinstance(target, syntax.Name):
                context.define(target.name, Value(""))


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
    if not statement.silent:
        for target in statement.targets:
            if isinstance(target, syntax.Name):
                _show(target.name, python_name(target.name), writer)
            elif not isinstance(target, syntax.Tilde):
                _show(statement.place.text.split("=")[0].strip(), context(target).text, writer)
    if context.replaced:
        raise Untranslatable("assigns what is left out here")
    _done(statement, context, writer)


def _show(name: str, text: str, writer: Writer) -> None:
    writer.code(f"print({quoted(name + ' =')}, {text})")


def _evaluate(statement: syntax.Evaluate, context: Context, writer: Writer) -> None:
    node = statement.value
    if is_workspace_load(node):
        load_workspace(statement, node.arguments, context, writer)  # type: ignore[attr-defined]
        _done(statement, context, writer)
        return
    value = context(node)
    if is_clear(node):
        clear([each.text for each in node.arguments if isinstance(each, syntax.Text)], context, writer)  # type: ignore[attr-defined]
    if context.replaced or not value.text:
        context.replaced = True
        _keep_as_comment(statement, context, writer)
    elif "ans" in context.usage.names and not isinstance(node, syntax.Name) and not _only_does(node, value, context):
        _keep_answer(statement, value, context, writer)
    elif _only_does(node, value, context):
        writer.code(value.text)
    elif not statement.silent:
        name = node.name if isinstance(node, syntax.Name) else "ans"
        _show(name, value.text, writer)
    elif isinstance(node, syntax.Name):
        context.replaced_by("left out: a lone name with a semicolon does nothing")
        _keep_as_comment(statement, context, writer)
    else:
        writer.code(value.text)
    _done(statement, context, writer)


def _keep_answer(statement: syntax.Evaluate, value: Value, context: Context, writer: Writer) -> None:
    """A value that is assigned to nothing is ``ans``, where the script reads that."""
    kept = context.fresh(value, "ans").as_two_dimensional()
    writer.code(f"ans = {kept.text}")
    context.define("ans", kept)
    if not statement.silent:
        _show("ans", "ans", writer)


def _only_does(node: syntax.Node, value: Value, context: Context) -> bool:
    """Whether a call is made for what it does and has no value to show."""
    name = node.base.name if isinstance(node, syntax.Apply) and isinstance(node.base, syntax.Name) else ""
    name = node.name if isinstance(node, syntax.Name) else name
    shared = context.shared
    if name in shared.functions or name in shared.siblings:
        return outputs_of(name, context) == 0
    return value.text.startswith(_DOES) or ".write(" in value.text or value.text.endswith(".close()")


def _keep_as_comment(statement: Statement, context: Context, writer: Writer) -> None:
    writer.comment(f"MATLAB: {statement.place.text}")


def _command(statement: syntax.Command, context: Context, writer: Writer) -> None:
    name, *words = statement.words
    if words and words[0] in ("+=", "-=", "*=", "/="):
        raise Untranslatable("uses an operator that is Octave's own")
    if not words and (name in context.variables or name in context.shared.trainers or _is_own(name, context)):
        _evaluate(syntax.Evaluate(statement.place, syntax.Name(name), statement.silent), context, writer)
        return
    if name == "load" and words:
        load_workspace(statement, tuple(syntax.Text(word) for word in words), context, writer)
    elif name == "save" and words:
        writer.code(save(Arguments("save", tuple(syntax.Text(word) for word in words), context)).text)
    elif name in SESSION:
        context(syntax.Apply(syntax.Name(name), tuple(syntax.Text(word) for word in words)))
        if name == "clear":
            clear(words, context, writer)
        _keep_as_comment(statement, context, writer)
    elif is_function(name, context):
        value = context(syntax.Apply(syntax.Name(name), tuple(_word(word) for word in words)))
        _write_command(statement, value, context, writer)
    else:
        reason = Untranslatable("is a command to the system") if name.startswith("!") else unknown(name)
        said = reason if words else f"{reason}; another script's variables are not followed"
        raise Untranslatable(str(said), reason.unknown)
    _done(statement, context, writer)


def _is_own(name: str, context: Context) -> bool:
    return name in context.shared.functions or name in context.shared.siblings


def _word(word: str) -> syntax.Node:
    return syntax.Number(word) if word.isdigit() else syntax.Text(word.strip("'"))


def _write_command(statement: syntax.Command, value: Value, context: Context, writer: Writer) -> None:
    if not value.text:
        context.replaced = True
        _keep_as_comment(statement, context, writer)
    elif statement.words == ("toc",):
        writer.code(f'print("Elapsed time is", {value.text}, "seconds")')
    elif value.text.startswith(_DOES) or value.kind is Kind.HANDLE:
        writer.code(value.text)
    elif not statement.silent:
        _show("ans", value.text, writer)


def _if(statement: syntax.If, context: Context, writer: Writer) -> None:
    conditions = [None if each.condition is None else truth(each.condition, context) for each in statement.branches]
    headers = ["if" if place == 0 else "elif" for place in range(len(conditions))]
    texts = [
        "else:" if condition is None else f"{word} {condition.text}:"
        for word, condition in zip(headers, conditions, strict=True)
    ]
    _branches(statement, texts, context, writer)


def _switch(statement: syntax.Switch, context: Context, writer: Writer) -> None:
    subject = context(statement.subject)
    texts: list[str] = []
    for branch in statement.branches:
        word = "elif" if texts else "if"
        if branch.condition is None:
            texts.append("else:" if texts else "if True:")
        elif statement.subject == syntax.Name("true"):
            texts.append(f"{word} {truth(branch.condition, context).text}:")
        else:
            texts.append(f"{word} {_case(subject, branch.condition, context)}:")
    _branches(statement, texts, context, writer)


def _case(subject: Value, condition: syntax.Node, context: Context) -> str:
    value = context(condition)
    if subject.kind in SHAPED or value.kind in SHAPED:
        raise Untranslatable("switches on an array")
    operator = "in" if value.kind is Kind.CELL else "=="
    return f"{subject.at(Binding.BIT_OR)} {operator} {value.at(Binding.BIT_OR)}"


def _branches(statement: Any, headers: list[str], context: Context, writer: Writer) -> None:
    writer.enter_header(statement.place)
    before = dict(context.variables)
    ends = [] if headers and headers[-1] == "else:" else [before]
    for branch, header in zip(statement.branches, headers, strict=True):
        writer.ledger.enter(branch.line, branch.header, Fate.TRANSLATED)
        context.variables = dict(before)
        with writer.block(header):
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
    """What is known where several paths meet."""
    known = dict(ends[0]) if ends else {}
    for variables in ends[1:]:
        for name, value in variables.items():
            other = known.setdefault(name, value)
            if other is not value:
                known[name] = join(other, value)
    return known


def _try(statement: syntax.Try, context: Context, writer: Writer) -> None:
    writer.enter_header(statement.place)
    writer.ledger.enter(statement.handler_line, statement.handler_line, Fate.TRANSLATED)
    before = dict(context.variables)
    with writer.block("try:"):
        nested(statement.body, context, writer)
    after = context.variables
    context.variables = joined([before, after])
    name = python_name(statement.error)
    if statement.error:
        context.define(statement.error, Value(name, Kind.STRUCT))
        context.exceptions.add(statement.error)
    caught = f"except Exception as {name}:" if name in _names(statement) else "except Exception:"
    with writer.block(f"{caught}  # noqa: BLE001"):
        nested(statement.handler, context, writer)
    context.variables = joined([after, context.variables])


def _names(statement: syntax.Try) -> set[str]:
    return {
        python_name(node.name) for part in statement.handler for node in part.walk() if isinstance(node, syntax.Name)
    }


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
    if statement.word != "return" and not context.loops:
        raise Untranslatable("stands outside a loop")
    if statement.word != "return":
        writer.code(statement.word)
    elif context.function is None:
        context.needs("sys")
        writer.code("sys.exit()")
    else:
        writer.code(returned(context))
    _done(statement, context, writer)


def returned(context: Context) -> str:
    """The return statement of the function at hand."""
    outputs = context.function.outputs if context.function is not None else ()
    values = [context.variables.get(name, Value(python_name(name))).as_two_dimensional() for name in outputs]
    if any(value.text.startswith("np.") for value in values):
        context.needs("np")
    return f"return {', '.join(value.text for value in values)}".rstrip()


def _broken(statement: syntax.Broken, context: Context, writer: Writer) -> None:
    writer.todo(statement.place, statement.reason)


def _global(statement: syntax.Global, context: Context, writer: Writer) -> None:
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
