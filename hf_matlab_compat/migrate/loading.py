"""``load`` without an output: names that come from a file, bound where they can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hf_matlab_compat.matlab.checkpoint_variables import VARIABLES
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.context import Context, Untranslatable, python_name
from hf_matlab_compat.migrate.file_calls import load_table, with_suffix
from hf_matlab_compat.migrate.syntax import Node, Statement
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.values import Kind, Value
from hf_matlab_compat.migrate.writer import Writer

_CHECKPOINTS = ("_nnet_running", "_nnet_epoch")


def is_workspace_load(node: Node) -> bool:
    """Whether an expression on its own loads a file into the workspace."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("load") and bool(node.arguments)


def load_lines(body: Iterable[Statement]) -> tuple[int, ...]:
    """The lines at which files are loaded into the workspace."""
    return tuple(
        node.place.first
        for statement in body
        if not isinstance(statement, syntax.Function)
        for node in statement.walk()
        if (isinstance(node, syntax.Evaluate) and is_workspace_load(node.value))
        or (isinstance(node, syntax.Command) and node.words[0] == "load" and len(node.words) > 1)
    )


def first_reads(body: Sequence[Statement], names: Iterable[str]) -> dict[str, int]:
    """The line at which each of `names` first occurs; names that do not occur are left out."""
    wanted, found = set(names), dict[str, int]()
    for statement in body:
        if isinstance(statement, syntax.Function):
            continue
        for node in statement.walk():
            if isinstance(node, Statement):
                line = node.place.first
                for name in wanted & (_names_in(node) - _names_below(node)):
                    found[name] = min(found.get(name, line), line)
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def _names_in(statement: Statement) -> set[str]:
    """Names that occur in a statement."""
    if isinstance(statement, syntax.Command):
        return set(statement.words) if len(statement.words) == 1 else set()
    return {part.name for part in statement.walk() if isinstance(part, syntax.Name)}


def _names_below(statement: Statement) -> set[str]:
    below = (part for part in statement.walk() if isinstance(part, Statement) and part is not statement)
    return {name for part in below for name in _names_in(part)}


def load_workspace(statement: Statement, nodes: tuple[Node, ...], context: Context, writer: Writer) -> None:
    """Write ``load('x')``."""
    arguments = Arguments("load", nodes, context)
    table = load_table(arguments)
    if table is not None:
        _table(arguments, table, context, writer)
        return
    listed = [arguments.literal(place) for place in range(1, len(arguments))]
    if any(word is None or not word.isidentifier() for word in listed):
        raise Untranslatable("loads with options")
    context.needs("ml")
    name = arguments.values[0]
    if context.depth and "loaded*" not in context.variables:
        context.missing["loaded"] = "None"
    onto = ", onto=loaded" if "loaded*" in context.variables else ""
    writer.code(f"loaded = ml.load_mat({with_suffix(name)}{onto})")
    context.variables["loaded*"] = Value("loaded", Kind.LOADED)
    line = statement.place.first
    _bind(_ready(name, line, [word for word in listed if word], context), context, writer)


def bind_waiting(statement: Statement, context: Context, writer: Writer) -> None:
    """Before a statement that first reads loaded names: bind them, where the file was loaded further up."""
    context.last_line = statement.place.last
    if "loaded*" in context.variables:
        _bind([name for name, line in context.waiting.items() if line <= statement.place.last], context, writer)


def _ready(name: Value, line: int, listed: list[str], context: Context) -> list[str]:
    """Names to bind right behind this load: those read before the next one."""
    later = [other for other in context.load_lines if other > line]
    stop = later[0] if later and context.depth == 0 else context.last_line + 1 if context.depth else float("inf")
    ready = [each for each, first in context.waiting.items() if line < first <= stop]
    if any(mark in name.text for mark in _CHECKPOINTS):
        ready += [each for each in VARIABLES if each in context.usage.names and each not in ready]
    ready += [each for each in listed if each not in ready]
    taken = sorted(set(context.usage.assigned) & set(context.usage.names) - set(ready))
    if taken and not listed:
        context.notes.append(
            f"binds {', '.join(ready) or 'nothing'}; in MATLAB it would also replace others of the script's "
            "variables, should the file hold any"
        )
    return ready


def _bind(names: list[str], context: Context, writer: Writer) -> None:
    for name in names:
        writer.code(f"{python_name(name)} = loaded.{python_name(name)}")
        context.define(name, Value(python_name(name), Kind.LOADED))
        context.waiting.pop(name, None)


def _table(arguments: Arguments, table: Value, context: Context, writer: Writer) -> None:
    name = (arguments.literal(0) or "").replace("\\", "/").split("/")[-1].split(".")[0]
    if not name.isidentifier():
        raise Untranslatable(f"loads the table {quoted(name)} into a variable of an unknown name")
    writer.code(f"{python_name(name)} = {table.text}")
    context.define(name, Value(python_name(name), Kind.LOADED))
    context.waiting.pop(name, None)
