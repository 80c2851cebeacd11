"""Scripts called by name, whose statements replace the call, and functions inside functions, which move out of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.beside import BodyOf
from hf_matlab_compat.migrate.syntax import Place, Statement
from hf_matlab_compat.migrate.usage import assignments

Extra = Mapping[str, tuple[str, ...]]
"""Names of functions, and the variables that each call passes in addition to its arguments."""


def inlined(script: syntax.Script, body_of: BodyOf, own: str) -> tuple[syntax.Script, tuple[str, ...]]:
    """Return the script with the statements of the scripts that it calls, and the names of those scripts.

    A call stays if the called script has functions of its own, returns early, or finally calls itself.
    """
    inliner = _Inliner(body_of, assignments(script.walk()))
    made = replace(script, body=tuple(inliner.statements(script.body, (own,))))
    return made, tuple(inliner.found)


class _Inliner:
    def __init__(self, body_of: BodyOf, given: Collection[str]) -> None:
        self._body_of = body_of
        self._given = given
        self.found: dict[str, None] = {}

    def statements(self, body: tuple[Statement, ...], callers: tuple[str, ...]) -> Iterator[Statement]:
        for statement in body:
            name = _called_script(statement)
            inner = None if not name or name in callers or name in self._given else self._body_of(name)
            if inner is None or not _can_be_inlined(inner):
                yield self._rebuilt(statement, callers)
                continue
            self.found[name] = None
            line = statement.place.first
            yield syntax.Comment(Place(line, line, f"% {name}.m, which runs here:"))
            yield from (_moved(each, line) for each in self.statements(inner, (*callers, name)))

    def _rebuilt(self, node: Any, callers: tuple[str, ...]) -> Any:
        """Return a compound statement with calls in its bodies replaced."""
        changed: dict[str, Any] = {}
        for each in fields(node):
            value = getattr(node, each.name)
            if isinstance(value, tuple) and value and isinstance(value[0], Statement):
                changed[each.name] = tuple(self.statements(value, callers))
            elif isinstance(value, tuple) and value and isinstance(value[0], syntax.Branch):
                changed[each.name] = tuple(self._rebuilt(branch, callers) for branch in value)
        return replace(node, **changed) if changed else node


def _called_script(statement: Statement) -> str:
    """Return the script that a statement may call: ``prep``, ``run('prep')``, ``run prep.m``."""
    match statement:
        case syntax.Command(words=(name,)) | syntax.Evaluate(value=syntax.Name(name)):
            return name
        case syntax.Command(words=("run", file)):
            return file.strip("'").removesuffix(".m")
        case syntax.Evaluate(value=syntax.Apply(syntax.Name("run"), (syntax.Text(file),), False)):
            return file.removesuffix(".m")
        case _:
            return ""


def _can_be_inlined(body: tuple[Statement, ...]) -> bool:
    nodes = [node for each in body for node in each.walk()]
    leaves = any(isinstance(node, syntax.Jump) and node.word == "return" for node in nodes)
    return not leaves and not any(isinstance(node, syntax.Function) for node in nodes)


def _moved(node: Any, line: int) -> Any:
    """Return a copy of a statement with the line of the call as its place."""
    if isinstance(node, tuple):
        return tuple(_moved(each, line) for each in node)
    if isinstance(node, Place):
        return replace(node, first=line, last=line, header=line)
    if not isinstance(node, syntax.Node):
        return node
    changed = {each.name: _moved(getattr(node, each.name), line) for each in fields(node)}
    lines = {name: line for name in ("line", "header", "handler_line") if name in changed}
    return replace(node, **(changed | lines))


def lifted(script: syntax.Script) -> syntax.Script:
    """Return the script with inner functions after the outer one, which passes them the variables that they read.

    A function whose meaning that would change (it assigns outer variables, or a handle is made of it) becomes a
    `Broken` statement that says why.
    """
    body: list[Statement] = []
    taken = {each.name for each in script.body if isinstance(each, syntax.Function)}
    for statement in script.body:
        inner = _functions_in(statement) if isinstance(statement, syntax.Function) else []
        if not inner or not isinstance(statement, syntax.Function):
            body.append(statement)
            continue
        reasons = {each.name: _obstacle(each, statement, inner, taken) for each in inner}
        if _collide(statement, [each for each in inner if not reasons[each.name]]):
            same = "is a function inside another one that has variables of the same name as the outer one"
            reasons = {name: reason or same for name, reason in reasons.items()}
        taken |= {name for name, reason in reasons.items() if not reason}
        body += _separated(statement, [each for each in inner if not reasons[each.name]], reasons)
    return replace(script, body=tuple(body))


def _functions_in(function: syntax.Function) -> list[syntax.Function]:
    return [each for each in function.body if isinstance(each, syntax.Function)]


def _separated(outer: syntax.Function, inner: list[syntax.Function], reasons: Mapping[str, str]) -> Iterator[Statement]:
    """Yield the outer function without the inner ones, then those, each with the outer variables that it reads."""
    extra: Extra = {name: tuple(sorted(found)) for name, found in _reads(outer, inner).items()}
    rest = tuple(
        syntax.Broken(each.place, reasons[each.name])
        if isinstance(each, syntax.Function) and reasons.get(each.name)
        else _with_extra(each, extra)
        for each in outer.body
        if not isinstance(each, syntax.Function) or reasons.get(each.name)
    )
    yield replace(outer, body=rest)
    for each in inner:
        body = tuple(_with_extra(part, extra) for part in each.body)
        yield replace(each, parameters=(*each.parameters, *extra[each.name]), body=body)


def _reads(outer: syntax.Function, inner: list[syntax.Function]) -> dict[str, set[str]]:
    """Return the outer variables that each inner function reads, directly or in another one that it calls."""
    shared = _own_variables(outer) | _assigned(outer)
    reads = {each.name: (_names(each) & shared) - _own_variables(each) for each in inner}
    calls = {each.name: _names(each) & set(reads) for each in inner}
    for _ in inner:
        reads = {name: reads[name].union(*(reads[each] for each in calls[name])) for name in reads}
    return reads


def _collide(outer: syntax.Function, inner: list[syntax.Function]) -> bool:
    reads = _reads(outer, inner)
    return any(reads[each.name] & (_own_variables(each) | _assigned(each)) for each in inner)


def _obstacle(function: syntax.Function, outer: syntax.Function, inner: list[syntax.Function], taken: set[str]) -> str:
    """Return why a function cannot move out of the one around it; empty if it can."""
    own = _own_variables(function)
    if [each.name for each in inner].count(function.name) > 1 or function.name in taken:
        return "is a function of a name that another one has"
    if _functions_in(function):
        return "is a function with functions inside"
    if own & {"varargin", "varargout"} or _names(function) & {"nargin", "nargout", "exist"}:
        return "is a function inside another one that counts its arguments"
    if (_assigned(function) & (_own_variables(outer) | _assigned(outer))) - own:
        return "is a function inside another one that changes variables of the outer one"
    nodes = [node for each in (outer, *inner) for node in each.walk()]
    if any(isinstance(node, syntax.Handle) and node.name == function.name for node in nodes):
        return "is a function inside another one of which a handle is made"
    calls = (node for node in nodes if isinstance(node, syntax.Apply) and node.base == syntax.Name(function.name))
    usual = {len(node.arguments) for node in calls} <= {len(function.parameters)}
    return "" if usual else "is a function inside another one that is called in several ways"


def _nodes(function: syntax.Function) -> Iterator[syntax.Node]:
    """Yield the nodes of a function without those of functions inside it."""
    for each in function.body:
        if not isinstance(each, syntax.Function):
            yield from each.walk()


def _names(function: syntax.Function) -> set[str]:
    return {node.name for node in _nodes(function) if isinstance(node, syntax.Name)}


def _assigned(function: syntax.Function) -> set[str]:
    return set(assignments(_nodes(function)))


def _own_variables(function: syntax.Function) -> set[str]:
    return {*function.parameters, *function.outputs}


def _with_extra(node: Any, extra: Extra) -> Any:
    """Return the node with the additional arguments in its calls."""
    if isinstance(node, tuple):
        return tuple(_with_extra(each, extra) for each in node)
    if isinstance(node, syntax.Name):
        return _called(node, (), extra)
    if not isinstance(node, syntax.Node):
        return node
    if isinstance(node, syntax.Apply) and isinstance(node.base, syntax.Name) and not node.brace:
        return _called(node.base, _with_extra(node.arguments, extra), extra, node)
    changed = {each.name: _with_extra(getattr(node, each.name), extra) for each in fields(node)}
    return replace(node, **changed)


def _called(name: syntax.Name, arguments: Any, extra: Extra, call: syntax.Apply | None = None) -> syntax.Node:
    if name.name not in extra:
        return name if call is None else replace(call, arguments=arguments)
    return syntax.Apply(name, (*arguments, *map(syntax.Name, extra[name.name])))
