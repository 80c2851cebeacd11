"""``load`` into the workspace, whose names are bound as the plan of the loads says, and ``clear``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.beside import file_arguments
from hf_matlab_compat.migrate.build import Part, attribute, call, name
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.file_calls import load_table, with_suffix
from hf_matlab_compat.migrate.load_plan import Bindings
from hf_matlab_compat.migrate.syntax import Node, Statement, Untranslatable
from hf_matlab_compat.migrate.translation import ASSUMED, Fate
from hf_matlab_compat.migrate.values import Kind, Value, join
from hf_matlab_compat.migrate.writer import Writer

_LOADED = name("loaded")
EMPTY = call("np.zeros", (0, 0))


def load_workspace(statement: Statement, nodes: tuple[Node, ...], context: Context, writer: Writer) -> None:
    """Write ``load('x')``.

    Raises
    ------
    Untranslatable
        The name of the file or of its variables cannot be followed.
    """
    arguments = Arguments("load", file_arguments(nodes), context)
    if not len(arguments):
        raise Untranslatable("loads without a name")
    table = load_table(arguments)
    if table is not None:
        _table(arguments, table, context, writer)
        return
    listed = [arguments.literal(place) for place in range(1, len(arguments))]
    if any(word is None or not word.isidentifier() for word in listed):
        raise Untranslatable("loads with options")
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


def bind_waiting(statement: Statement, context: Context, writer: Writer) -> None:
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
        field = call("getattr", _LOADED, python, EMPTY) if may_be_absent else attribute(_LOADED, python)
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


def _table(arguments: Arguments, table: Value, context: Context, writer: Writer) -> None:
    variable = (arguments.literal(0) or "").replace("\\", "/").split("/")[-1].split(".")[0]
    if not variable.isidentifier():
        raise Untranslatable(f"loads the table {variable!r} into a variable of an unknown name")
    writer.assign(python_name(variable), table)
    context.define(variable, Value(None, Kind.LOADED))


def is_clear(node: Node) -> bool:
    """Return whether an expression is a call of ``clear``."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("clear")


def clear(words: Sequence[str], context: Context, writer: Writer) -> None:
    """Forget the named variables, or all; a later assignment to a part of one starts from an empty array."""
    everything = not words or words[0] in ("all", "-all", "variables", "-v")
    wanted = set(context.variables) if everything else set(words)
    for each in sorted(wanted & set(context.variables)):
        if not each.isidentifier():
            continue
        if each in context.usage.written:
            writer.assign(python_name(each), EMPTY)
            context.define(each, Value(None, Kind.EMPTY))
            context.growing.add(each)
        else:
            del context.variables[each]
            context.cleared.add(each)
