"""Handles and anonymous functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.matlab_functions import NAMES
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Kind, Value


def handle(node: syntax.Handle, context: Context) -> Value:
    """``@name``."""
    if node.name in context.shared.functions and len(context.shared.functions[node.name].outputs) <= 1:
        return Value(python_name(node.name), Kind.HANDLE)
    if node.name in ("max", "min"):
        raise Untranslatable(f"makes a handle of {node.name}, which may be given one array or two")
    if node.name == "single":
        context.needs("ml")
        return Value("ml.single", Kind.HANDLE)
    if node.name == "double":
        context.needs("np")
        return Value("np.float64", Kind.HANDLE)
    if node.name in context.shared.siblings and context.shared.siblings[node.name] == 1:
        return replace(context(syntax.Apply(syntax.Name(node.name), ())), kind=Kind.HANDLE, **_bare(node.name))
    given = ("a", "b") if node.name in _OF_TWO else ("a",)
    call = syntax.Apply(syntax.Name(node.name), tuple(map(syntax.Name, given)))
    try:
        return lambda_text(syntax.Lambda(given, call), context)
    except Untranslatable as failure:
        raise Untranslatable(f"makes a handle of {node.name}: {failure}", failure.unknown) from None


def _bare(name: str) -> dict[str, str]:
    return {"text": python_name(name)}


_OF_TWO = ("plus", "minus", "times", "rdivide", "power", "mtimes", "eq", "ne", "lt", "le", "gt", "ge", "mod", "rem",
           "strcmp", "strcmpi", "isequal", "and", "or")  # fmt: skip
"""Functions of two arguments; a handle of any other is one of one argument."""


def lambda_text(node: syntax.Lambda, context: Context) -> Value:
    """``@(x) …``."""
    names, body = lambda_parts(node, context)
    return Value(f"lambda {', '.join(names)}: {body}" if names else f"lambda: {body}", Kind.HANDLE)


def _captured(node: syntax.Lambda, context: Context) -> list[str]:
    """Defaults for the variables that get other values later on: MATLAB keeps those they had at this point."""
    used = {part.name for part in node.body.walk() if isinstance(part, syntax.Name)} - set(node.parameters)
    changing = sorted(name for name in used & context.usage.changing if name in context.variables)
    kept: list[str] = []
    for name in changing:
        value = context.fresh(replace(context.variables[name], owner=name), "")
        kept.append(f"{python_name(name)}={value.text}")
    return ["*", *kept] if kept else []


def called_parameters(parameters: Iterable[str], body: Iterable[syntax.Node]) -> frozenset[str]:
    """Parameters that may hold functions: all that is done with them is to call them or to hand them on."""
    called, others = set[str](), set[str]()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        inner = [*node.children()]
        if isinstance(node, syntax.Name):
            others.add(node.name)
        elif isinstance(node, syntax.Apply) and isinstance(node.base, syntax.Name) and not node.brace:
            called.add(node.base.name)
            handed = node.base.name in _GIVEN_FUNCTIONS or node.base.name not in NAMES
            inner = [each for each in node.arguments if not (handed and isinstance(each, syntax.Name))]
        waiting.extend(inner)
    return frozenset(parameters) & called - others


def fields_with_functions(script: syntax.Script) -> frozenset[str]:
    """Fields that the file puts functions into, or only ever calls; ``{}`` and all fields where cells get some too."""
    nodes = [*script.walk()]
    used = [node.name for node in nodes if isinstance(node, syntax.Field) and isinstance(node.name, str)]
    called = [node.base.name for node in nodes if _is_called_field(node)]  # type: ignore[attr-defined]
    found = {name for name in used if used.count(name) == called.count(name)}
    if any(_keeps_function(node) for node in nodes):
        found |= {*used, "{}"}
    return frozenset(found)


def _is_called_field(node: syntax.Node) -> bool:
    is_call = isinstance(node, syntax.Apply) and not node.brace and isinstance(node.base, syntax.Field)
    inside = [part for each in node.arguments for part in each.walk()] if isinstance(node, syntax.Apply) else []
    return is_call and not any(isinstance(part, syntax.Colon | syntax.End | syntax.Range) for part in inside)


def _keeps_function(node: syntax.Node) -> bool:
    """Whether functions are put into cells or fields."""
    match node:
        case syntax.Lambda(body=syntax.Lambda() | syntax.Handle()):
            return True
        case syntax.CellLiteral(rows):
            return any(isinstance(each, syntax.Handle | syntax.Lambda) for row in rows for each in row)
        case syntax.Apply(syntax.Name("struct"), given, False):
            return any(isinstance(each, syntax.Handle | syntax.Lambda) for each in given)
        case syntax.Assign(targets=(target,), value=syntax.Handle() | syntax.Lambda()):
            return not isinstance(target, syntax.Name)
        case _:
            return False


_GIVEN_FUNCTIONS = ("feval", "cellfun", "arrayfun", "bsxfun", "func2str", "isa", "class", "isempty")


def lambda_parts(node: syntax.Lambda, context: Context) -> tuple[list[str], str]:
    """Parameters and body."""
    kept = _captured(node, context)
    hidden = {name: context.variables.get(name) for name in node.parameters}
    names = [python_name(name) for name in node.parameters]
    for name, python in zip(node.parameters, names, strict=True):
        context.variables[name] = Value(python, applied=name in called_parameters(node.parameters, [node.body]))
    try:
        return [*names, *kept], context(node.body).as_two_dimensional().text
    finally:
        for name, before in hidden.items():
            if before is None:
                del context.variables[name]
            else:
                context.variables[name] = before
