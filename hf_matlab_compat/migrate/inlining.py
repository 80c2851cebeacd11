"""Scripts that a script calls by name: their statements stand in place of the call, in the workspace of the caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import fields, replace
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Place, Statement
from hf_matlab_compat.migrate.usage import base_name

BodyOf = Callable[[str], tuple[Statement, ...] | None]
"""The statements of a script beside the one at hand; None where there is no script of that name."""


def inlined(script: syntax.Script, body_of: BodyOf, own: str) -> tuple[syntax.Script, tuple[str, ...]]:
    """The script with the statements of the scripts that it calls, and the names of those.

    A call stays where the called script has functions of its own, returns early, or calls itself in the end.
    """
    given = {base_name(t) for node in script.walk() if isinstance(node, syntax.Assign) for t in node.targets}
    inliner = _Inliner(body_of, given)
    made = replace(script, body=tuple(inliner.statements(script.body, (own,))))
    return made, tuple(inliner.found)


class _Inliner:
    def __init__(self, body_of: BodyOf, given: Collection[str]) -> None:
        self._body_of = body_of
        self._given = given
        self.found: dict[str, None] = {}

    def statements(self, body: tuple[Statement, ...], callers: tuple[str, ...]) -> Iterator[Statement]:
        for statement in body:
            name = _called(statement)
            inner = None if not name or name in callers or name in self._given else self._body_of(name)
            if inner is None or not _may_stand_here(inner):
                yield self._rebuilt(statement, callers)
                continue
            self.found[name] = None
            line = statement.place.first
            yield syntax.Comment(Place(line, line, f"% {name}.m, which runs here:"))
            yield from (_moved(each, line) for each in self.statements(inner, (*callers, name)))

    def _rebuilt(self, node: Any, callers: tuple[str, ...]) -> Any:
        """A compound statement with its bodies gone through."""
        changed: dict[str, Any] = {}
        for each in fields(node):
            value = getattr(node, each.name)
            if isinstance(value, tuple) and value and isinstance(value[0], Statement):
                changed[each.name] = tuple(self.statements(value, callers))
            elif isinstance(value, tuple) and value and isinstance(value[0], syntax.Branch):
                changed[each.name] = tuple(self._rebuilt(branch, callers) for branch in value)
        return replace(node, **changed) if changed else node


def _called(statement: Statement) -> str:
    """The script that a statement may call: ``prep``, ``run('prep')``, ``run prep.m``."""
    match statement:
        case syntax.Command(words=(name,)) | syntax.Evaluate(value=syntax.Name(name)):
            return name
        case syntax.Command(words=("run", file)):
            return file.strip("'").removesuffix(".m")
        case syntax.Evaluate(value=syntax.Apply(syntax.Name("run"), (syntax.Text(file),), False)):
            return file.removesuffix(".m")
        case _:
            return ""


def _may_stand_here(body: tuple[Statement, ...]) -> bool:
    nodes = [node for each in body for node in each.walk()]
    leaves = any(isinstance(node, syntax.Jump) and node.word == "return" for node in nodes)
    return not leaves and not any(isinstance(node, syntax.Function) for node in nodes)


def _moved(node: Any, line: int) -> Any:
    """A copy of a statement that stands on the line of the call."""
    if isinstance(node, tuple):
        return tuple(_moved(each, line) for each in node)
    if isinstance(node, Place):
        return replace(node, first=line, last=line, header=line)
    if not isinstance(node, syntax.Node):
        return node
    changed = {each.name: _moved(getattr(node, each.name), line) for each in fields(node)}
    lines = {name: line for name in ("line", "header", "handler_line") if name in changed}
    return replace(node, **(changed | lines))
