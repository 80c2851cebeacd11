"""The variables of a body: which are assigned in part, which hold only positions, which are read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Node, Statement

_MAKERS_OF_POSITIONS = ("randperm", "find")
_LENGTHS = ("length", "numel")


@dataclass(frozen=True)
class Usage:
    """Facts about one body.

    Attributes
    ----------
    written : frozenset of str
        Variables of which a part is assigned.
    positions : frozenset of str
        Variables that hold only positions and are used only as such, so that they can count from 0.
    assigned : frozenset of str
        All variables that are assigned.
    names : frozenset of str
        Every name that occurs.
    in_part_only : frozenset of str
        Variables that are never assigned as a whole, so that they may come from a file.
    only_empty : frozenset of str
        Variables that are only assigned ``[]``.
    constants : mapping
        Variables with one assignment, of a literal number or string, and that literal.
    read : frozenset of str
        Names whose value is used somewhere.
    changing : frozenset of str
        Variables that may hold several values in turn: assigned several times, in a loop, or in part.
    outlived : frozenset of int
        Identities of the ``for`` loops whose variable is read after them.
    asked_for : frozenset of str
        Variables, other than parameters, whose existence the body asks with ``exist``.
    """

    written: frozenset[str]
    positions: frozenset[str]
    assigned: frozenset[str]
    names: frozenset[str]
    in_part_only: frozenset[str]
    only_empty: frozenset[str]
    constants: Mapping[str, Node]
    read: frozenset[str]
    changing: frozenset[str]
    outlived: frozenset[int]
    asked_for: frozenset[str]


def usage_of(
    body: Iterable[Statement],
    parameters: Iterable[str] = (),
    outputs: Iterable[str] = (),
    loaded: Iterable[str] = (),
) -> Usage:
    """Return the facts about a body; functions inside it do not count."""
    nodes = list(_own_nodes(body))
    given = assignments(nodes)
    written = {name for name, pairs in given.items() if not all(isinstance(target, syntax.Name) for target, _ in pairs)}
    whole = {name for name, pairs in given.items() if any(isinstance(target, syntax.Name) for target, _ in pairs)}
    empty = {name for name, pairs in given.items() if all(value == syntax.Matrix(()) for _, value in pairs)}
    once = {name: pairs[0][1] for name, pairs in given.items() if len(pairs) == 1}
    constants = {name: value for name, value in once.items() if isinstance(value, syntax.Number | syntax.Text)}
    reads = list(_Reads({*given, *parameters, *loaded}).of_body(body))
    fixed = {*parameters, *outputs}
    return Usage(
        frozenset(written),
        frozenset(_positions(nodes, reads, whole - written - fixed)),
        frozenset({*given, *parameters}),
        frozenset(_names(body)),
        frozenset(written - whole - fixed),
        frozenset(empty - written - fixed),
        {name: value for name, value in constants.items() if name not in written | fixed},
        frozenset(each.name for each in reads) | frozenset(written),
        frozenset(_changing(nodes, set(parameters))),
        frozenset(_outlived(nodes, set(outputs))),
        frozenset(_asked_for(nodes)) - frozenset(parameters),
    )


def _asked_for(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, syntax.Apply) and node.base == syntax.Name("exist") and node.arguments:
            name = node.arguments[0]
            yield from [name.text] if isinstance(name, syntax.Text) else []


def base_name(node: Node) -> str:
    """Return the variable at the root of ``x(1).y{2}``; empty if there is none."""
    while isinstance(node, syntax.Apply | syntax.Field):
        node = node.base
    return node.name if isinstance(node, syntax.Name) else ""


def field_key(node: Node) -> str:
    """Return ``s.f`` for a field of a variable, under which what is known of it is kept; empty for another node."""
    match node:
        case syntax.Field(syntax.Name(base), str() as field):
            return f"{base}.{field}"
        case _:
            return ""


def _own_nodes(body: Iterable[Node]) -> Iterator[Node]:
    waiting = list(reversed([*body]))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, syntax.Function):
            yield node
            waiting.extend(reversed(node.inside))


def _names(body: Iterable[Node], parameters: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names that occur, without the parameters of anonymous functions."""
    for node in body:
        if isinstance(node, syntax.Name) and node.name not in parameters:
            yield node.name
        elif isinstance(node, syntax.Command) and len(node.words) == 1:
            yield node.words[0]
        if not isinstance(node, syntax.Function):
            own = frozenset(node.parameters) if isinstance(node, syntax.Lambda) else frozenset[str]()
            yield from _names(node.inside, parameters | own)


def assignments(nodes: Iterable[Node]) -> dict[str, list[tuple[Node, Node]]]:
    """Return target and value of every assignment, by variable; the value of a loop's variable is the loop."""
    found: dict[str, list[tuple[Node, Node]]] = {}
    for node in nodes:
        if isinstance(node, syntax.For):
            found.setdefault(node.variable, []).append((syntax.Name(node.variable), node))
        elif isinstance(node, syntax.Assign):
            for target in node.targets:
                found.setdefault(base_name(target), []).append((target, node.value))
    found.pop("", None)
    return found


def _changing(nodes: Iterable[Node], parameters: set[str]) -> set[str]:
    given, changing = set(parameters), set[str]()
    for node in nodes:
        names = {base_name(target) for target in node.targets} if isinstance(node, syntax.Assign) else set[str]()
        changing |= names & given
        given |= names
        if isinstance(node, syntax.For | syntax.While):
            changing |= set(assignments(_own_nodes([node])))
    return changing


def _outlived(nodes: list[Node], outputs: set[str]) -> Iterator[int]:
    """Yield the loops whose variable is read after them before it is assigned again."""
    occurrences: dict[str, list[int]] = {}
    for place, node in enumerate(nodes):
        for name in _read_or_given(node):
            occurrences.setdefault(name, []).append(place)
    for place, node in enumerate(nodes):
        if isinstance(node, syntax.For):
            known, end = occurrences[node.variable], place + sum(1 for _ in _own_nodes([node]))
            after = bisect_left(known, end)
            following = known[after : after + 1]
            if any(_is_read(node.variable, nodes[each]) for each in following) or (
                not following and node.variable in outputs
            ):
                yield id(node)


def _read_or_given(node: Node) -> Iterable[str]:
    match node:
        case syntax.Name(name):
            return (name,)
        case syntax.For():
            return (node.variable,)
        case syntax.Assign():
            return {target.name for target in node.targets if isinstance(target, syntax.Name)}
        case _:
            return ()


def _is_read(name: str, node: Node) -> bool:
    """Return whether a node that reads or assigns a variable needs its present value."""
    if isinstance(node, syntax.For | syntax.Assign):
        return syntax.Name(name) in _own_nodes([node.values if isinstance(node, syntax.For) else node.value])
    return True


@dataclass(frozen=True)
class _Read:
    """A name that is read.

    Attributes
    ----------
    name : str
    as_index : bool
        As an index of a variable.
    into : str
        For ``q = perm(1:n)``, read of perm: q, which must hold only positions if perm does.
    """

    name: str
    as_index: bool
    into: str = ""


@dataclass(frozen=True)
class _Reads:
    """Finds the names that a body reads, and whether each is an index of one of the `variables`."""

    variables: set[str]

    def of_body(self, body: Iterable[Node]) -> Iterator[_Read]:
        for node in body:
            if not isinstance(node, syntax.Function):
                yield from self.of(node, False)

    def of(self, node: Node, as_index: bool) -> Iterator[_Read]:
        match node:
            case syntax.Name(name):
                yield _Read(name, as_index)
            case syntax.Assign():
                yield from self._of_assignment(node)
            case syntax.Apply():
                yield from self._of_application(node, as_index)
            case syntax.Command(words=words):
                yield from (_Read(word, False) for word in words if word.isidentifier())
            case syntax.Function():
                return
            case _:
                for child in node.inside:
                    yield from self.of(child, False)

    def _of_assignment(self, node: syntax.Assign) -> Iterator[_Read]:
        for target in node.targets:
            if not isinstance(target, syntax.Name):
                yield from self.of(target, False)
        source = _positions_source(node)
        if source is None:
            yield from self.of(node.value, False)
            yield from self._of_shown(node)
            return
        yield _Read(source, True, base_name(node.targets[0]))
        for child in node.value.inside:
            if not isinstance(child, syntax.Name):
                yield from self.of(child, False)
        yield from self._of_shown(node)

    def _of_shown(self, node: syntax.Assign) -> Iterator[_Read]:
        if not node.silent:  # without a semicolon the value is printed
            yield from (_Read(base_name(target), False) for target in node.targets if isinstance(target, syntax.Name))

    def _of_application(self, node: syntax.Apply, as_index: bool) -> Iterator[_Read]:
        name = base_name(node.base)
        if name in _LENGTHS and len(node.arguments) == 1 and isinstance(node.arguments[0], syntax.Name):
            yield _Read(node.arguments[0].name, True)
            return
        if name in ("save", "exist"):
            texts = (each.text for each in node.arguments if isinstance(each, syntax.Text))
            yield from (_Read(text, False) for text in texts if text.isidentifier())
        is_index = name in self.variables
        yield from self.of(node.base, as_index and is_index)
        for argument in node.arguments:
            yield from self.of(argument, is_index)


def _positions_source(node: syntax.Assign) -> str | None:
    """Return perm for ``q = perm(range)``, None for anything else."""
    value = node.value
    if len(node.targets) != 1 or not isinstance(node.targets[0], syntax.Name):
        return None
    if not (isinstance(value, syntax.Apply) and isinstance(value.base, syntax.Name) and not value.brace):
        return None
    ranged = len(value.arguments) == 1 and isinstance(value.arguments[0], syntax.Range)
    return value.base.name if ranged else None


def _positions(nodes: list[Node], reads: list[_Read], whole: set[str]) -> set[str]:
    candidates = whole - {each.name for each in reads if not each.as_index}
    links = [(each.name, each.into) for each in reads if each.into]
    needed_by: dict[str, list[str]] = {}
    for name, needed in [*links, *_needs(nodes)]:
        needed_by.setdefault(needed, []).append(name)
    lost = [name for name in needed_by if name not in candidates]
    while lost:
        for name in needed_by.get(lost.pop(), ()):
            if name in candidates:
                candidates.remove(name)
                lost.append(name)
    return candidates


_NOTHING = ""
"""Name of no variable: whatever depends on it does not hold only positions."""


def _needs(nodes: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """Yield variables that hold only positions if another one does, and that other one."""
    for node in nodes:
        if isinstance(node, syntax.For) and not _counts_up(node.values):
            yield node.variable, _NOTHING
        if isinstance(node, syntax.Assign) and (len(node.targets) != 1 or not _is_maker(node.value)):
            source = _positions_source(node) if len(node.targets) == 1 else None
            yield from ((base_name(target), source or _NOTHING) for target in node.targets)


def _is_maker(value: Node) -> bool:
    is_call = isinstance(value, syntax.Apply) and isinstance(value.base, syntax.Name)
    return is_call and value.base.name in _MAKERS_OF_POSITIONS and len(value.arguments) == 1  # type: ignore[union-attr]


def _counts_up(values: Node) -> bool:
    return isinstance(values, syntax.Range) and values.step is None
