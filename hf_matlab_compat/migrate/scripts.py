"""A whole script: functions first, then the script's own statements, then the imports of the names that they use."""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.beside import Beside
from hf_matlab_compat.migrate.calls import is_function
from hf_matlab_compat.migrate.context import IMPORTS, Context, Shared, python_name
from hf_matlab_compat.migrate.expressions import (
    CONSTANTS,
    called_parameters,
    fields_with_functions,
    translate_expression,
)
from hf_matlab_compat.migrate.inlining import inlined, lifted
from hf_matlab_compat.migrate.load_plan import plan_loads
from hf_matlab_compat.migrate.parsing import parse
from hf_matlab_compat.migrate.recurrent_call import FILES, TRAINER, handles_in, read_by_trainer
from hf_matlab_compat.migrate.statements import returned, write_body
from hf_matlab_compat.migrate.syntax import MATLAB_FUNCTIONS, Untranslatable
from hf_matlab_compat.migrate.translation import Fate, Ledger, Translation
from hf_matlab_compat.migrate.usage import usage_of
from hf_matlab_compat.migrate.values import Kind, Value, binary, call, compare, expr
from hf_matlab_compat.migrate.values import name as name_node
from hf_matlab_compat.migrate.writer import Writer, comment_of, printable, rendered, stored, trailing_text

STYLES = ("legacy", "modern")
STREAMS = ("octave", "matlab")
_MOST_PASSES = 6
_PACKAGES = ("numpy", "matplotlib", "hf_matlab_compat")
ALONE = Beside()


def translate(
    source: str,
    *,
    style: str = "legacy",
    streams: str = "octave",
    name: str = "script",
    beside: Beside = ALONE,
) -> Translation:
    """Translate the text of a MATLAB script or function file; nothing is run or written.

    Parameters
    ----------
    source : str
        The text of the .m file.
    style : {'legacy', 'modern'}
        Call the trainer by its 22 MATLAB names, or by `train` with the field's names.
    streams : {'octave', 'matlab'}
        The program whose random numbers the script's seeds reproduce.
    name : str
        Name of the script, without suffix.
    beside : Beside, optional
        Functions, copies of the trainer and data in the script's folder.

    Returns
    -------
    Translation
        Its Python has one line for each statement; `migrate_script` formats what it writes.

    Raises
    ------
    MigrationError
        The text is not a script, an option is unknown, or the parser is not installed.
    """
    for option, value, known in (("style", style, STYLES), ("streams", streams, STREAMS)):
        if value not in known:
            raise MigrationError(f"{option}: expected one of {', '.join(known)}, got {value!r}.")
    script, parts = inlined(lifted(_under_its_name(parse(source), name)), beside.body_of, name)
    functions = {each.name: each for each in script.body if isinstance(each, syntax.Function)}
    shared = Shared(style, streams, functions, beside)
    code = [each for each in script.body if not isinstance(each, syntax.Comment)]
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
    body, used = _with_imports(name, shared, writer)
    calls = tuple(each for each in shared.called if python_name(each) in used)
    ledger = writer.ledger
    return Translation(
        name, _as_text(body, name), ledger.close(), ledger.todos, calls, positions=positions, parts=parts
    )


def _under_its_name(script: syntax.Script, name: str) -> syntax.Script:
    """Return a function file with its first function renamed as the file, which is the name that MATLAB uses."""
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
    """Write lines that the parser skipped as left to do."""
    unread = writer.ledger.unread()
    for first in (number for number in unread if number - 1 not in unread):
        last = next(number for number in itertools.count(first) if number + 1 not in unread)
        writer.todo(syntax.Place(first, last, "\n".join(script.lines[first - 1 : last])), "was not read")


def _leading_comments(body: tuple[syntax.Statement, ...], writer: Writer) -> tuple[syntax.Statement, ...]:
    """Write the comments at the top, which stay above functions that move up, and return the statements after them."""
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
    """Write a body, and again while variables turn out to need two dimensions throughout."""
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
    context.handles = handles_in(body)
    context.read_by_trainer = read_by_trainer(body, context.handles)
    context.plan = plan_loads(body, usage, outputs, shared.beside.names_in, lambda name: _is_free(name, context))
    if context.plan.names:
        free = sorted(context.plan.names - usage.assigned | set(context.plan.assumed))
        replaced = sorted(context.plan.names & usage.assigned)
        context.usage = usage_of(body, (*parameters, *replaced), outputs, free)
    return context


def _is_free(name: str, context: Context) -> bool:
    known = {*CONSTANTS, *MATLAB_FUNCTIONS, *context.shared.beside.trainers, *context.shared.beside.scripts}
    known |= FILES if TRAINER in context.usage.names else set()
    return name.isidentifier() and name not in known and not is_function(name, context)


def _write_function(function: syntax.Function, shared: Shared, writer: Writer) -> None:
    writer.enter_header(function.place)
    for comment in function.place.comments:
        writer.comment(comment)
    header = ast.FunctionDef(python_name(function.name), _parameters(function), [], [])
    with writer.block(header):
        context = _write_scope(function.body, shared, writer, function)
        for place_, output in enumerate(function.outputs):
            value = context.variables.get(output, Value(None))
            kind = Kind.ARRAY if value.kind is Kind.ROW else value.kind
            shared.output_kinds[function.name, place_] = Value(None, kind, nd=value.nd, logical=value.logical)
        last = function.body[-1] if function.body else None
        if function.outputs and not (isinstance(last, syntax.Jump) and last.word == "return"):
            writer.write(returned(context))
    writer.blank()


def _parameters(function: syntax.Function) -> ast.arguments:
    """Return the parameters; they may be left out if the function asks which ones are given."""
    names = [
        f"_unused{place}" if each == "~" else python_name(each)
        for place, each in enumerate(function.parameters)
        if each != "varargin"
    ]
    defaults = [expr(None)] * len(names) if _counts_arguments(function) else []
    rest = ast.arg("varargin") if "varargin" in function.parameters else None
    return ast.arguments(
        posonlyargs=[], args=list(map(ast.arg, names)), vararg=rest, kwonlyargs=[], kw_defaults=[], defaults=defaults
    )


def _counts_arguments(function: syntax.Function) -> bool:
    names = {node.name for part in function.body for node in part.walk() if isinstance(node, syntax.Name)}
    return bool(names & {"nargin", "exist"})


def _enter_function(context: Context, writer: Writer) -> None:
    """Define the parameters of a function, and write copies of those that it changes, and nargin."""
    function = context.function
    if function is None:
        return
    context.optional = frozenset(function.parameters if _counts_arguments(function) else ())
    for name in function.parameters:
        known = context.shared.parameter_kinds.get((function.name, name), Value(None))
        kind = Kind.CELL if name == "varargin" else known.kind
        applied = kind is Kind.UNKNOWN and name in called_parameters(function.parameters, function.body)
        value = Value(None, kind, integer=known.integer, nd=known.nd, logical=known.logical, applied=applied)
        context.define(name, value)
        if name in context.usage.written and kind is not Kind.NUM:
            writer.assign(python_name(name), call("ml.copied", name_node(python_name(name))))
    if "nargin" in context.usage.names:
        writer.assign("nargin", _argument_count(function))


def _argument_count(function: syntax.Function) -> ast.expr:
    named = [name_node(python_name(name)) for name in function.parameters if name not in ("varargin", "~")]
    each = ast.comprehension(stored("each"), expr(named), [], 0)
    given = compare(name_node("each"), "is not", None)
    counted = [call("sum", ast.ListComp(given, [each]))] if named else []
    rest = [call("len", name_node("varargin"))] if "varargin" in function.parameters else []
    return reduce(lambda one, other: binary(one, "+", other), [*counted, *rest] or [expr(0)])


def _write_entry(script: syntax.Script, writer: Writer) -> None:
    """Write the call of the first function of a file of functions, if it needs no arguments."""
    main = next((each for each in script.body if isinstance(each, syntax.Function)), None)
    only = all(isinstance(each, syntax.Function | syntax.Comment) for each in script.body)
    if main is not None and only and set(main.parameters) <= {"varargin"}:
        writer.blank()
        with writer.block(ast.If(compare(name_node("__name__"), "==", "__main__"), [], [])):
            writer.run(call(python_name(main.name)))


def _with_imports(name: str, shared: Shared, writer: Writer) -> tuple[list[ast.stmt], set[str]]:
    """Return the whole script and the names that it uses; the names decide on the imports."""
    body = list(_without_inlined(writer.body, shared.inlined))
    if shared.uses_random:
        body[:0] = [ast.Assign([stored("random")], call("ml.random_state", shared.streams)), comment_of("")]
    used = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    lines = {line for line in {*shared.imports, *IMPORTS.values()} if line.split()[-1] in used}
    groups: list[list[str]] = [[], [], []]  # in ruff's order: Python's modules, packages, the script's neighbours
    for line in sorted(_merged(lines), key=lambda line: (line.startswith("from"), line)):
        module = line.split()[1].split(".")[0]
        groups[0 if module in sys.stdlib_module_names else 1 if module in _PACKAGES else 2].append(line)
    header: list[ast.stmt] = [ast.Expr(ast.Constant(f"{printable(name)}.m in Python.")), comment_of("")]
    for place, group in enumerate(groups):
        # ruff takes neighbours for packages if it is called elsewhere
        header += [comment_of("# isort: split")] if group and place == 2 and any(groups[:2]) else []
        header += [*ast.parse("\n".join(group)).body, comment_of("")] if group else []
    return [*header, *body], used


def _without_inlined(body: Iterable[ast.stmt], inlined: set[str]) -> Iterator[ast.stmt]:
    """Yield statements without constants for variables that nothing reads any more, but with their comments."""
    nodes = [node for statement in body for node in ast.walk(statement)] if inlined else []
    read = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}
    dead = inlined - read - {node.value for node in nodes if isinstance(node, ast.Constant)}
    removed = False
    for statement in body:
        text = trailing_text(statement) if removed else ""
        removed = _is_constant(statement, dead)
        if not removed:
            yield comment_of(f"# {text}") if text else statement


def _is_constant(statement: ast.stmt, names: set[str]) -> bool:
    """Return whether a statement is ``name = constant`` for one of the names."""
    match statement:
        case ast.Assign([ast.Name(name)], ast.Constant()):
            return name in names
        case _:
            return False


def _as_text(body: list[ast.stmt], name: str) -> str:
    try:
        python = rendered(body)
        compile(python, name, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise MigrationError(
            f"{name}.m: expected a script whose Python compiles, got one whose does not ({error}). "
            "Look for what is nested deeply or named twice."
        ) from None
    return python


def _merged(imports: set[str]) -> Iterator[str]:
    """Yield import lines, ``from x import a`` and ``from x import b`` as one."""
    names: dict[str, list[str]] = {}
    for line in sorted(imports):
        module, _, name = line.partition(" import ")
        if not line.startswith("from ") or " as " in name:
            yield line
        else:
            names.setdefault(module, []).append(name)
    yield from (f"{module} import {', '.join(found)}" for module, found in names.items())
