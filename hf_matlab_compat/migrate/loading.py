"""``load`` without an output: names that come from a file, bound where the plan of the loads says."""

from __future__ import annotations

from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.file_calls import load_table, with_suffix
from hf_matlab_compat.migrate.load_files import file_arguments
from hf_matlab_compat.migrate.load_plan import Bindings
from hf_matlab_compat.migrate.syntax import Node, Statement, Untranslatable
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.translation import ASSUMED, Fate
from hf_matlab_compat.migrate.values import Kind, Value, join
from hf_matlab_compat.migrate.writer import Writer


def load_workspace(statement: Statement, nodes: tuple[Node, ...], context: Context, writer: Writer) -> None:
    """Write ``load('x')``."""
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
    context.needs("ml")
    bindings = context.plan.at_load.get(id(statement), Bindings())
    if context.depth and "loaded*" not in context.variables:
        context.missing["loaded"] = "ml.Struct()"
    options = ["onto=loaded"] if "loaded*" in context.variables else []
    options += [f"own={quoted(' '.join(map(python_name, bindings.kept)))}"] if bindings.kept else []
    names = [f"[{', '.join(quoted(word) for word in listed if word)}]"] if listed else []
    writer.code(f"loaded = ml.load_mat({', '.join([with_suffix(arguments.values[0]), *names, *options])})")
    context.variables["loaded*"] = Value("loaded", Kind.LOADED)
    _bind(bindings, "ml.just_loaded(loaded, {})", statement, context, writer)
    if bindings.kept:
        context.notes.append("stops where the file holds other variables of the script, which MATLAB would replace")


def bind_waiting(statement: Statement, context: Context, writer: Writer) -> None:
    """Before a statement that first reads names of one of several files: bind them."""
    bindings = context.plan.before.get(id(statement))
    if bindings is not None:
        _bind(bindings, "hasattr(loaded, {})", statement, context, writer)


def _bind(bindings: Bindings, condition: str, statement: Statement, context: Context, writer: Writer) -> None:
    for name in bindings.always:
        _say_assumed(name, statement, context, writer)
        python = python_name(name)
        if name in context.plan.fresh_if_absent:
            context.needs("np")
            writer.code(f'{python} = getattr(loaded, "{python}", np.zeros((0, 0)))')
        else:
            writer.code(f"{python} = loaded.{python}")
        context.define(name, Value(python, Kind.LOADED))
    for name in (*bindings.if_held, *(each for each in bindings.replaced if each in context.variables)):
        _say_assumed(name, statement, context, writer)
        python, loaded = python_name(name), Value(python_name(name), Kind.LOADED)
        with writer.block(f"if {condition.format(quoted(python))}:"):
            writer.code(f"{python} = loaded.{python}")
        context.define(name, join(context.variables[name], loaded) if name in context.variables else loaded)


def _say_assumed(name: str, statement: Statement, context: Context, writer: Writer) -> None:
    if name in context.plan.assumed:
        line = statement.place.first
        remark = f"{name} is {ASSUMED} {context.plan.assumed[name]}, which is not at hand"
        writer.ledger.enter(line, line, Fate.TRANSLATED, remark)


def _table(arguments: Arguments, table: Value, context: Context, writer: Writer) -> None:
    name = (arguments.literal(0) or "").replace("\\", "/").split("/")[-1].split(".")[0]
    if not name.isidentifier():
        raise Untranslatable(f"loads the table {name!r} into a variable of an unknown name")
    writer.code(f"{python_name(name)} = {table.text}")
    context.define(name, Value(python_name(name), Kind.LOADED))
