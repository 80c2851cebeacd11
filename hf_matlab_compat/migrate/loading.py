"""``load`` without an output: names that come from a file, bound where they can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hf_matlab_compat.matlab.checkpoint_variables import VARIABLES
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.context import Context, NamesIn, Untranslatable, python_name
from hf_matlab_compat.migrate.file_calls import is_table, load_table, with_suffix
from hf_matlab_compat.migrate.literals import contents
from hf_matlab_compat.migrate.syntax import Node, Statement
from hf_matlab_compat.migrate.translation import ASSUMED, Fate
from hf_matlab_compat.migrate.values import Kind, Value
from hf_matlab_compat.migrate.writer import Writer

_CHECKPOINTS = ("_nnet_running", "_nnet_epoch")


def is_workspace_load(node: Node) -> bool:
    """Whether an expression on its own loads a file into the workspace."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("load") and bool(node.arguments)


@dataclass(frozen=True)
class Load:
    """A file that is loaded into the workspace.

    Attributes
    ----------
    line : int
    file : str
        Its name; empty where it is put together while the script runs.
    listed : frozenset of str
        The variables that are asked for by name.
    is_checkpoint : bool
        Whether it is one of the trainer's own.
    """

    line: int
    file: str
    listed: frozenset[str]
    is_checkpoint: bool


def loads(body: Iterable[Statement], constants: Mapping[str, Node]) -> tuple[Load, ...]:
    """The files that a body loads into the workspace."""
    return tuple(
        _load(line, arguments[0], arguments[1:], constants)
        for line, name, arguments in _file_statements(body)
        if name == "load"
    )


def _file_statements(body: Iterable[Statement]) -> Iterator[tuple[int, str, tuple[Node, ...]]]:
    """Line, word and arguments of every ``load …`` and ``save …`` that stands alone."""
    for statement in body:
        for node in () if isinstance(statement, syntax.Function) else statement.walk():
            if isinstance(node, syntax.Command) and node.words[0] in ("load", "save") and len(node.words) > 1:
                yield node.place.first, node.words[0], tuple(map(syntax.Text, node.words[1:]))
            elif isinstance(node, syntax.Evaluate) and (is_workspace_load(node.value) or _is_save(node.value)):
                yield node.place.first, node.value.base.name, node.value.arguments  # type: ignore[attr-defined]


def _is_save(node: Node) -> bool:
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("save") and bool(node.arguments)


def _load(line: int, name: Node, others: Sequence[Node], constants: Mapping[str, Node]) -> Load:
    texts = [part.text for part in name.walk() if isinstance(part, syntax.Text)]
    marked = any(mark in text for text in texts for mark in _CHECKPOINTS)
    listed = frozenset(each.text for each in others if isinstance(each, syntax.Text))
    return Load(line, _file_name(name, constants), listed, marked)


def _file_name(node: Node, constants: Mapping[str, Node]) -> str:
    known = constants.get(node.name, node) if isinstance(node, syntax.Name) else node
    return known.text if isinstance(known, syntax.Text) else ""


def loaded_names(
    found: Iterable[Load], body: Iterable[Statement], names_in: NamesIn
) -> tuple[dict[int, frozenset[str]], list[str]]:
    """The variables that the file of each line is known to hold, and those files of which it is not known.

    Parameters
    ----------
    found : iterable of Load
    body : iterable of Statement
        What it saves into a file itself is not yet in the file beside it.
    names_in : callable
        The variables of a file; None where they are not known.
    """
    saved = {_stem(_file_name(nodes[0], {})) for _, word, nodes in _file_statements(body) if word == "save"}
    held, unknown = dict[int, frozenset[str]](), list[str]()
    for each in found:
        names = names_in(each.file) if each.file and _stem(each.file) not in saved else None
        names = frozenset(VARIABLES) if names is None and each.is_checkpoint else names
        if is_table(each.file):
            names = frozenset([_stem(each.file).split("/")[-1]])
        if each.listed:
            names = each.listed if names is None else each.listed & names
        if names is None:
            unknown.append(_with_suffix(each.file) if each.file else "a file named while the script runs")
        held[each.line] = held.get(each.line, frozenset()) | (names or frozenset())
    return held, list(dict.fromkeys(unknown))


def _with_suffix(file: str) -> str:
    return file if "." in file.replace("\\", "/").split("/")[-1] else f"{file}.mat"


def _stem(file: str) -> str:
    return file.replace("\\", "/").removesuffix(".mat").rsplit(".", 1)[0]


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


def made_in_part(body: Sequence[Statement], names: Iterable[str]) -> Iterator[str]:
    """Those of `names` whose first statement assigns a part of them and reads nothing of them: ``e(k) = 1``."""
    for name in names:
        statements = (part for each in body for part in each.walk() if isinstance(part, Statement))
        first = next((part for part in statements if name in _names_in(part) - _names_below(part)), None)
        if isinstance(first, syntax.Assign) and list(first.walk()).count(syntax.Name(name)) == len(first.targets) == 1:
            yield name


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
    _bind(_ready(name, line, [word for word in listed if word], context), statement, context, writer)


def bind_waiting(statement: Statement, context: Context, writer: Writer) -> None:
    """Before a statement that first reads loaded names: bind them, where the file was loaded further up."""
    context.last_line = statement.place.last
    if "loaded*" in context.variables:
        first, last = statement.place.first, statement.place.last
        inner = [line for line in context.load_lines if first <= line <= last]
        ready = [
            name
            for name, line in context.waiting.items()
            if line <= last and not any(load < line and _may_hold(name, load, context) for load in inner)
        ]
        _bind(ready, statement, context, writer)


def _ready(name: Value, line: int, listed: list[str], context: Context) -> list[str]:
    """Names to bind right behind this load: those read before the next one."""
    later = [other for other in context.load_lines if other > line]
    stop = later[0] if later and context.depth == 0 else context.last_line + 1 if context.depth else float("inf")
    ready = [each for each, first in context.waiting.items() if line < first <= stop]
    if any(mark in text for text in contents(name.text) for mark in _CHECKPOINTS):
        ready += [each for each in VARIABLES if each in context.usage.names and each not in ready]
    ready += [each for each in listed if each not in ready]
    ready += sorted(context.held.get(line, frozenset()) & context.usage.assigned & context.usage.read - set(ready))
    taken = sorted(set(context.usage.assigned) & set(context.usage.names) - set(ready))
    if taken and not listed and context.assumed:
        context.notes.append(
            f"binds {', '.join(ready) or 'nothing'}; in MATLAB it would also replace others of the script's "
            "variables, should the file hold any"
        )
    return ready


def _may_hold(name: str, line: int, context: Context) -> bool:
    """Whether the file that is loaded on this line may hold the variable."""
    held = context.held.get(line, frozenset[str]())
    return name in held or not held


def _bind(names: list[str], statement: Statement, context: Context, writer: Writer) -> None:
    line = statement.place.first
    for name in names:
        if name in context.assumed:
            remark = f"{name} is {ASSUMED} {context.assumed[name]}, which is not at hand"
            writer.ledger.enter(line, line, Fate.TRANSLATED, remark)
        python = python_name(name)
        if name in context.fresh_if_absent:
            context.needs("np")
            writer.code(f'{python} = getattr(loaded, "{python}", np.zeros((0, 0)))')
        else:
            writer.code(f"{python} = loaded.{python}")
        context.define(name, Value(python_name(name), Kind.LOADED))
        context.waiting.pop(name, None)


def _table(arguments: Arguments, table: Value, context: Context, writer: Writer) -> None:
    name = (arguments.literal(0) or "").replace("\\", "/").split("/")[-1].split(".")[0]
    if not name.isidentifier():
        raise Untranslatable(f"loads the table {name!r} into a variable of an unknown name")
    writer.code(f"{python_name(name)} = {table.text}")
    context.define(name, Value(python_name(name), Kind.LOADED))
    context.waiting.pop(name, None)
