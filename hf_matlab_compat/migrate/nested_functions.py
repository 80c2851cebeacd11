"""Functions inside functions: each becomes one of the file, which is given the outer variables that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.usage import base_name

Extra = Mapping[str, tuple[str, ...]]
"""Names of functions, and the variables that each call gives them beside its arguments."""


def lifted(script: syntax.Script) -> syntax.Script:
    """The script with the functions inside its functions behind those.

    Where that would change their meaning (one that changes outer variables, or of which a handle is made), a `Broken`
    statement that says why takes the function's place.
    """
    body: list[syntax.Statement] = []
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
        body += _apart(statement, [each for each in inner if not reasons[each.name]], reasons)
    return replace(script, body=tuple(body))


def _functions_in(function: syntax.Function) -> list[syntax.Function]:
    return [each for each in function.body if isinstance(each, syntax.Function)]


def _apart(
    outer: syntax.Function, inner: list[syntax.Function], reasons: Mapping[str, str]
) -> Iterator[syntax.Statement]:
    """The outer function without those inside it, and they behind it, each with what it reads of the outer one."""
    extra: Extra = {name: tuple(sorted(found)) for name, found in _reads(outer, inner).items()}
    rest = tuple(
        syntax.Broken(each.place, reasons[each.name])
        if isinstance(each, syntax.Function) and reasons.get(each.name)
        else _rewritten(each, extra)
        for each in outer.body
        if not isinstance(each, syntax.Function) or reasons.get(each.name)
    )
    yield replace(outer, body=rest)
    for each in inner:
        body = tuple(_rewritten(part, extra) for part in each.body)
        yield replace(each, parameters=(*each.parameters, *extra[each.name]), body=body)


def _reads(outer: syntax.Function, inner: list[syntax.Function]) -> dict[str, set[str]]:
    """The outer variables that each inner function reads, itself or in another one that it calls."""
    shared = _variables(outer)
    reads = {each.name: (_names(each) & shared) - _own_variables(each) for each in inner}
    calls = {each.name: _names(each) & set(reads) for each in inner}
    for _ in inner:
        reads = {name: reads[name].union(*(reads[each] for each in calls[name])) for name in reads}
    return reads


def _collide(outer: syntax.Function, inner: list[syntax.Function]) -> bool:
    reads = _reads(outer, inner)
    return any(reads[each.name] & (_own_variables(each) | _assigned(each)) for each in inner)


def _obstacle(function: syntax.Function, outer: syntax.Function, inner: list[syntax.Function], taken: set[str]) -> str:
    """Why a function cannot stand outside of the one it is in; empty where it can."""
    own = {*function.parameters, *function.outputs}
    if [each.name for each in inner].count(function.name) > 1 or function.name in taken:
        return "is a function of a name that another one has"
    if _functions_in(function):
        return "is a function with functions inside"
    if own & {"varargin", "varargout"} or _names(function) & {"nargin", "nargout", "exist"}:
        return "is a function inside another one that counts its arguments"
    if (_assigned(function) & _variables(outer)) - own:
        return "is a function inside another one that changes variables of the outer one"
    others = [outer, *inner]
    if any(isinstance(node, syntax.Handle) and node.name == function.name for each in others for node in each.walk()):
        return "is a function inside another one of which a handle is made"
    calls = [node for each in others for node in each.walk() if _is_call(node, function.name)]
    counts = {len(node.arguments) for node in calls if isinstance(node, syntax.Apply)}
    usual = counts <= {len(function.parameters)}
    return "" if usual else "is a function inside another one that is called in several ways"


def _is_call(node: syntax.Node, name: str) -> bool:
    return isinstance(node, syntax.Apply) and node.base == syntax.Name(name)


def _statements(function: syntax.Function) -> Iterator[syntax.Node]:
    """The function's own nodes."""
    for each in function.body:
        if not isinstance(each, syntax.Function):
            yield from each.walk()


def _names(function: syntax.Function) -> set[str]:
    return {node.name for node in _statements(function) if isinstance(node, syntax.Name)}


def _assigned(function: syntax.Function) -> set[str]:
    nodes = list(_statements(function))
    targets = {base_name(target) for node in nodes if isinstance(node, syntax.Assign) for target in node.targets}
    return (targets | {node.variable for node in nodes if isinstance(node, syntax.For)}) - {""}


def _own_variables(function: syntax.Function) -> set[str]:
    return {*function.parameters, *function.outputs}


def _variables(function: syntax.Function) -> set[str]:
    return _own_variables(function) | _assigned(function)


def _rewritten(node: Any, extra: Extra) -> Any:
    """The node with the extra arguments in its calls."""
    if isinstance(node, tuple):
        return tuple(_rewritten(each, extra) for each in node)
    if isinstance(node, syntax.Name):
        return _called(node, (), extra)
    if not isinstance(node, syntax.Node):
        return node
    if isinstance(node, syntax.Apply) and isinstance(node.base, syntax.Name) and not node.brace:
        return _called(node.base, _rewritten(node.arguments, extra), extra, node)
    changed = {each.name: _rewritten(getattr(node, each.name), extra) for each in fields(node)}
    return replace(node, **changed)


def _called(name: syntax.Name, arguments: Any, extra: Extra, call: syntax.Apply | None = None) -> syntax.Node:
    if name.name not in extra:
        return name if call is None else replace(call, arguments=arguments)
    return syntax.Apply(name, (*arguments, *map(syntax.Name, extra[name.name])))
