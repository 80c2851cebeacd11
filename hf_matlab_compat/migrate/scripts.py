"""A whole script: functions first, then the script's own statements, then the imports they turned out to need."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import replace

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.calls import is_function
from hf_matlab_compat.migrate.context import IMPORTS, Beside, Context, Shared, python_name
from hf_matlab_compat.migrate.expressions import (
    CONSTANTS,
    called_parameters,
    fields_with_functions,
    translate_expression,
)
from hf_matlab_compat.migrate.inlining import inlined, lifted
from hf_matlab_compat.migrate.layout import formatted, spaced
from hf_matlab_compat.migrate.literals import escaped
from hf_matlab_compat.migrate.load_plan import plan_loads
from hf_matlab_compat.migrate.matlab_functions import NAMES
from hf_matlab_compat.migrate.parsing import parse
from hf_matlab_compat.migrate.statements import returned, write_body
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.translation import Fate, Ledger, Translation
from hf_matlab_compat.migrate.usage import usage_of
from hf_matlab_compat.migrate.values import Kind, Value
from hf_matlab_compat.migrate.writer import Writer

STYLES = ("legacy", "modern")
STREAMS = ("octave", "matlab")
_MOST_PASSES = 6
_NEIGHBOURS = 2
_QUOTE = '"'
ALONE = Beside()
"""A script without files beside it."""


def translate(
    source: str,
    *,
    style: str = "legacy",
    streams: str = "octave",
    name: str = "script",
    beside: Beside = ALONE,
) -> Translation:
    """Translate a MATLAB script or function file into a Python script.

    Reads and returns text; nothing is run.

    Parameters
    ----------
    source : str
        The text of the .m file.
    style : {'legacy', 'modern'}
        The trainer's call with its 22 names, or `train` with the field's.
    streams : {'octave', 'matlab'}
        Whose random numbers the script's seeds stand for.
    name : str
        Of the script, without suffix.
    beside : Beside, optional
        Functions, copies of the trainer and data in the script's folder.

    Returns
    -------
    Translation

    Raises
    ------
    MigrationError
        The text is no script, an option is unknown, or the parser is not installed.
    """
    for option, value, known in (("style", style, STYLES), ("streams", streams, STREAMS)):
        if value not in known:
            raise MigrationError(f"{option}: expected one of {', '.join(known)}, got {value!r}.")
    script, parts = inlined(lifted(_under_its_name(parse(source), name)), beside.body_of, name)
    functions = {each.name: each for each in script.body if isinstance(each, syntax.Function)}
    shared = Shared(
        style, streams, functions, beside.functions, beside.trainers, names_in=beside.names_in, scripts=beside.scripts
    )
    code = [each for each in script.body if not isinstance(each, syntax.Comment)]
    shared.makers = beside.makers
    shared.fields_with_functions = fields_with_functions(script)
    shared.is_function_file = bool(code) and all(isinstance(each, syntax.Function) for each in code)
    writer, positions = Writer(Ledger(script.lines)), frozenset[str]()
    for _ in range(_MOST_PASSES):
        before = _known(shared)
        writer = Writer(Ledger(script.lines))
        shared.imports.clear()
        shared.called.clear()
        shared.inlined.clear()
        positions = _write(script, shared, writer)
        if _known(shared) == before:
            break
    python = _assembled(name, shared, writer)
    calls = tuple(name for name, line in shared.called.items() if f"\n{line}\n" in python)
    ledger = writer.ledger
    return Translation(name, python, ledger.close(), ledger.todos, calls, positions=positions, parts=parts)


def _under_its_name(script: syntax.Script, name: str) -> syntax.Script:
    """A function file whose first function is called as the file is, which is the name that MATLAB goes by."""
    code = [each for each in script.body if not isinstance(each, syntax.Comment)]
    functions = [each for each in code if isinstance(each, syntax.Function)]
    if not functions or len(functions) < len(code) or name in (functions[0].name, "script") or not name.isidentifier():
        return script
    main: syntax.Statement = replace(functions[0], name=name)
    if any(each.name == name for each in functions):
        main = syntax.Broken(functions[0].place, f"is called {name} as the file is, and so is another function of it")
    return replace(script, body=tuple(main if each is functions[0] else each for each in script.body))


def _known(shared: Shared) -> tuple[object, ...]:
    return dict(shared.parameter_kinds), dict(shared.output_kinds), shared.uses_random


def _write(script: syntax.Script, shared: Shared, writer: Writer) -> frozenset[str]:
    """Write a whole file and return the positions among its own variables."""
    writer.ledger.enter(1, 0, Fate.TRANSLATED)
    rest = _leading_comments(script.body, writer)
    for statement in script.body:
        if isinstance(statement, syntax.Function):
            start = writer.mark()
            try:
                _write_function(statement, shared, writer)
            except Untranslatable as failure:
                writer.cut_back(start)
                writer.todo(statement.place, str(failure))
    context = _write_scope(rest, shared, writer, None)
    _write_unread(script, writer)
    _write_entry(script, writer)
    return context.usage.positions


def _write_unread(script: syntax.Script, writer: Writer) -> None:
    """Lines that the parser passed over are left to do as well."""
    unread = writer.ledger.unread()
    for first in (number for number in unread if number - 1 not in unread):
        last = next(number for number in itertools.count(first) if number + 1 not in unread)
        writer.todo(syntax.Place(first, last, "\n".join(script.lines[first - 1 : last])), "was not read")


def _leading_comments(body: tuple[syntax.Statement, ...], writer: Writer) -> tuple[syntax.Statement, ...]:
    """Comments at the very top stay above the functions that move up."""
    if not any(isinstance(each, syntax.Function) for each in body):
        return body
    place = next((k for k, each in enumerate(body) if not isinstance(each, syntax.Comment)), len(body))
    for comment in body[:place]:
        writer.comment(comment.place.text)
        writer.enter(comment.place, Fate.COMMENT)
    writer.blank()
    return body[place:]


def _write_scope(
    body: tuple[syntax.Statement, ...], shared: Shared, writer: Writer, function: syntax.Function | None
) -> Context:
    """Write a body, again where a variable turned out to need two dimensions throughout."""
    two_dimensional: set[str] = set()
    start, ledger = writer.mark(), writer.ledger
    for _ in range(_MOST_PASSES):
        context = _context(body, shared, function)
        context.two_dimensional = set(two_dimensional)
        writer.cut_back(start)
        _enter_function(context, writer)
        write_body(body, context, writer)
        mixed = {name for name, kinds in context.assigned.items() if Kind.ROW in kinds and len(kinds) > 1}
        if mixed <= two_dimensional:
            break
        two_dimensional |= mixed
    writer.ledger = ledger
    return context  # pyright: ignore[reportPossiblyUnboundVariable]


def _context(body: tuple[syntax.Statement, ...], shared: Shared, function: syntax.Function | None) -> Context:
    parameters = function.parameters if function is not None else ()
    outputs = function.outputs if function is not None else ()
    usage = usage_of(body, parameters, outputs)
    context = Context(shared, usage, function, translate_expression)
    context.plan = plan_loads(body, usage, outputs, shared.names_in, lambda name: _is_free(name, context))
    if context.plan.names:
        free = sorted(context.plan.names - usage.assigned | set(context.plan.assumed))
        replaced = sorted(context.plan.names & usage.assigned)
        context.usage = usage_of(body, (*parameters, *replaced), outputs, free)
    return context


def _is_free(name: str, context: Context) -> bool:
    known = name in CONSTANTS or name in NAMES or name in context.shared.trainers or is_function(name, context)
    return name.isidentifier() and not known and name not in context.shared.scripts


def _write_function(function: syntax.Function, shared: Shared, writer: Writer) -> None:
    writer.enter_header(function.place)
    for comment in function.place.comments:
        writer.comment(comment)
    optional = _counts_arguments(function)
    with writer.block(f"def {python_name(function.name)}({', '.join(_parameters(function, optional))}):"):
        context = _write_scope(function.body, shared, writer, function)
        for place_, output in enumerate(function.outputs):
            value = context.variables.get(output, Value("")).as_two_dimensional()
            shared.output_kinds[function.name, place_] = Value("", value.kind, nd=value.nd, logical=value.logical)
        last = function.body[-1] if function.body else None
        if function.outputs and not (isinstance(last, syntax.Jump) and last.word == "return"):
            writer.code(returned(context))
    writer.blank()


def _parameters(function: syntax.Function, optional: bool) -> Iterator[str]:
    for place, name in enumerate(function.parameters):
        if name == "varargin":
            yield "*varargin"
        elif name == "~":
            yield f"_unused{place}" + ("=None" if optional else "")
        else:
            yield python_name(name) + ("=None" if optional else "")


def _counts_arguments(function: syntax.Function) -> bool:
    names = {node.name for part in function.body for node in part.walk() if isinstance(node, syntax.Name)}
    return bool(names & {"nargin", "exist"})


def _enter_function(context: Context, writer: Writer) -> None:
    """What a function's body starts with: kinds of its parameters, copies of those it writes to, nargin."""
    function = context.function
    if function is None:
        return
    context.optional = frozenset(function.parameters if _counts_arguments(function) else ())
    for name in function.parameters:
        known = context.shared.parameter_kinds.get((function.name, name), Value(""))
        kind = Kind.CELL if name == "varargin" else known.kind
        applied = kind is Kind.UNKNOWN and name in called_parameters(function.parameters, function.body)
        value = Value("", kind, integer=known.integer, nd=known.nd, logical=known.logical, applied=applied)
        context.define(name, value)
        if name in context.usage.written and kind is not Kind.NUM:
            context.needs("ml")
            writer.code(f"{python_name(name)} = ml.copied({python_name(name)})")
    if "nargin" in context.usage.names:
        writer.code(f"nargin = {_argument_count(function)}")


def _argument_count(function: syntax.Function) -> str:
    named = [python_name(name) for name in function.parameters if name not in ("varargin", "~")]
    counted = f"sum(each is not None for each in [{', '.join(named)}])" if named else ""
    rest = "len(varargin)" if "varargin" in function.parameters else ""
    return " + ".join(part for part in (counted, rest) if part) or "0"


def _write_entry(script: syntax.Script, writer: Writer) -> None:
    """A file with nothing but functions runs its first one, where that needs no arguments."""
    main = next((each for each in script.body if isinstance(each, syntax.Function)), None)
    only = all(isinstance(each, syntax.Function | syntax.Comment) for each in script.body)
    if main is not None and only and set(main.parameters) <= {"varargin"}:
        writer.blank()
        with writer.block('if __name__ == "__main__":'):
            writer.code(f"{python_name(main.name)}()")


def _assembled(name: str, shared: Shared, writer: Writer) -> str:
    header = [f'"""{escaped(name, _QUOTE)}.m in Python."""', ""]
    start = [f'random = ml.random_state("{shared.streams}")', ""] if shared.uses_random else []
    names = _names_in("\n".join([*start, *writer.lines]), name)
    used = {line for line in {*shared.imports, *IMPORTS.values()} if line.split()[-1] in names}
    imports = sorted(_merged(used), key=_import_order)
    groups = [[line for line in imports if _group(line) == group] for group in range(_NEIGHBOURS + 1)]
    for place, group in enumerate(groups):
        # whether the neighbours are a block of their own depends on where ruff is called
        header += ["# isort: split"] if group and place == _NEIGHBOURS and any(groups[:place]) else []
        header += [*group, ""] if group else []
    lines = spaced([*header, *start, *_without_inlined(writer.lines, shared.inlined)])
    while lines and not lines[-1].strip():
        lines.pop()
    return formatted("\n".join(lines) + "\n")


def _without_inlined(lines: list[str], inlined: set[str]) -> Iterator[str]:
    """The lines without assignments of constants to variables that nothing reads any more, but with their comments."""
    tree = ast.parse("\n".join(lines)) if inlined else ast.Module([], [])
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    read |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    dead = {node.lineno for node in tree.body if _is_constant(node, inlined - read)}
    for number, line in enumerate(lines, 1):
        if number not in dead:
            yield line
        elif "  # " in line:
            yield line[line.rindex("  # ") + 2 :]


def _is_constant(node: ast.stmt, names: set[str]) -> bool:
    """Whether it is ``name = constant`` on one line, for one of the names."""
    if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and node.lineno == node.end_lineno):
        return False
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id in names and isinstance(node.value, ast.Constant)


def _names_in(python: str, name: str) -> set[str]:
    """The names that a script uses; a part that was tried and given up may have asked for imports of others."""
    try:
        tree = ast.parse(python)
        compile(tree, name, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise MigrationError(
            f"{name}.m: expected a script whose Python compiles, got one whose does not ({error}). "
            "Look for what is nested deeply or named twice."
        ) from None
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _merged(imports: set[str]) -> Iterator[str]:
    """``from x import a`` and ``from x import b`` as one line."""
    names: dict[str, list[str]] = {}
    for line in sorted(imports):
        module, _, name = line.partition(" import ")
        if not line.startswith("from ") or " as " in name:
            yield line
        else:
            names.setdefault(module, []).append(name)
    yield from (f"{module} import {', '.join(found)}" for module, found in names.items())


def _group(line: str) -> int:
    """Python's own modules, packages, this package, the script's neighbours: as ruff sorts them."""
    module = line.split()[1].split(".")[0]
    if module in ("math", "sys", "time", "os", "warnings", "pathlib"):
        return 0
    return {"numpy": 1, "matplotlib": 1, "hf_matlab_compat": 1}.get(module, _NEIGHBOURS)


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line
