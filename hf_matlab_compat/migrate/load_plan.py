"""The names that each ``load`` of a body binds, planned before the body is translated.

A load replaces every variable that its file holds. If the file is beside the script, its names are known. If not, the
names that nothing else defines are assumed to be in it, and the script looks up at run time the variables that it may
replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.beside import ABSENT, Load, NamesIn, loads_of
from hf_matlab_compat.migrate.syntax import Node, Statement
from hf_matlab_compat.migrate.usage import Usage, base_name

_FEW = 3
"""Most of the script's variables that are looked up in an unknown file; with more, the file may hold none of them."""


@dataclass(frozen=True)
class Bindings:
    """The names that one load binds.

    Attributes
    ----------
    always : tuple of str
        Bound in any case.
    if_held : tuple of str
        Bound if the file holds them.
    replaced : tuple of str
        Variables of the script, bound if they are already defined and the file holds them.
    kept : tuple of str
        Variables of the script that the file must not hold, as their new kind would be unknown.
    """

    always: tuple[str, ...] = ()
    if_held: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadPlan:
    """The names that the loads of a body bind, and where.

    Attributes
    ----------
    at_load : mapping
        Bindings by the identity of the statement that loads.
    before : mapping
        Bindings before a statement, by its identity, of names from one of several files loaded above it.
    assumed : mapping
        Names that nothing defines, each with the files that are assumed to hold it.
    names : frozenset of str
        All names that a load binds.
    fresh_if_absent : frozenset of str
        Those of `assumed` that MATLAB creates if no file holds them.
    """

    at_load: Mapping[int, Bindings] = field(default_factory=dict)
    before: Mapping[int, Bindings] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    fresh_if_absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Spot:
    """One statement of a body, in the order of the text.

    Attributes
    ----------
    statement : Statement
        The statement itself, with those inside it.
    top : int
        Place of the outermost statement around it.
    loop : range
        Places of the outermost loop around it; empty if there is none.
    guarded : bool
        Whether it is in a branch or a ``try``, and so may not run.
    reads, assigns : frozenset of str
        Names that it reads or assigns in part, and those that it assigns as a whole.
    """

    statement: Statement
    top: int
    loop: range
    guarded: bool
    reads: frozenset[str]
    assigns: frozenset[str]


def plan_loads(
    body: Sequence[Statement],
    usage: Usage,
    outputs: Iterable[str],
    names_in: NamesIn,
    is_free: Callable[[str], bool],
) -> LoadPlan:
    """Return the names that the loads of a body bind.

    Parameters
    ----------
    body : sequence of Statement
        Of a script or a function.
    usage : Usage
        Of the body.
    outputs : iterable of str
        Outputs of the function, none for a script.
    names_in : callable
        Lists the variables of each file of a name.
    is_free : callable
        Says whether a name may be a variable of a file that is not at hand.
    """
    spots = _spots_of(body)
    loads = loads_of([each.statement for each in spots], usage.constants, names_in)
    return _Planner(spots, loads, usage, frozenset(outputs), is_free).plan() if loads else LoadPlan()


def _spots_of(body: Iterable[Statement]) -> tuple[Spot, ...]:
    """Return the statements of a body, without those of functions inside it."""
    found: list[Spot] = []
    for outer in body:
        top, loop = len(found), range(0)
        inner = () if isinstance(outer, syntax.Function) else tuple(_statements_in(outer))
        guards = [each for each in inner if isinstance(each, syntax.If | syntax.Switch | syntax.Try)]
        guarded = {id(each) for guard in guards for each in _statements_in(guard) if each is not guard}
        for place, statement in enumerate(inner, top):
            if isinstance(statement, syntax.For | syntax.While) and place not in loop:
                loop = range(place, place + sum(1 for _ in _statements_in(statement)))
            around = loop if place in loop else range(0)
            found.append(Spot(statement, top, around, id(statement) in guarded, *_occurrences(statement)))
    return tuple(found)


def _statements_in(statement: Statement) -> Iterator[Statement]:
    return (node for node in statement.walk() if isinstance(node, Statement))


def _occurrences(statement: Statement) -> tuple[frozenset[str], frozenset[str]]:
    if isinstance(statement, syntax.Command):
        word, *others = statement.words
        return frozenset(others if word == "save" else () if others else (word,)), frozenset()
    targets = statement.targets if isinstance(statement, syntax.Assign) else ()
    assigns = {each.name for each in targets if isinstance(each, syntax.Name)}
    own: list[Node] = [each for each in statement.inside if not any(each is target for target in targets)]
    own += [each for each in targets if not isinstance(each, syntax.Name)]
    loops = {statement.variable} if isinstance(statement, syntax.For) else set[str]()
    return frozenset(_names(own, frozenset())), frozenset(assigns | loops)


def _names(nodes: Iterable[Node], hidden: frozenset[str]) -> Iterator[str]:
    """Yield names in expressions, without those of inner statements and of anonymous functions' parameters."""
    for node in nodes:
        if isinstance(node, syntax.Name) and node.name not in hidden:
            yield node.name
        elif isinstance(node, syntax.Apply) and base_name(node) in ("save", "exist"):
            yield from (each.text for each in node.arguments if isinstance(each, syntax.Text))
        if not isinstance(node, Statement):
            own = frozenset(node.parameters) if isinstance(node, syntax.Lambda) else frozenset[str]()
            yield from _names(node.inside, hidden | own)


def _surely_called(statement: Statement) -> Iterator[str]:
    """Yield names that must be functions: alone in a statement, or with an argument that cannot be an index."""
    if isinstance(statement, syntax.Command) and len(statement.words) == 1 and statement.silent:
        yield statement.words[0]
    elif isinstance(statement, syntax.Evaluate) and isinstance(statement.value, syntax.Name) and statement.silent:
        yield statement.value.name
    for node in statement.walk():
        if isinstance(node, syntax.Apply) and _is_call(node):
            yield base_name(node)


def _is_call(node: syntax.Apply) -> bool:
    given = node.arguments
    return isinstance(node.base, syntax.Name) and not node.brace and (not given or any(map(_is_no_index, given)))


def _is_no_index(node: Node) -> bool:
    match node:
        case syntax.Text(text):
            return text != ":"
        case syntax.Matrix(rows):
            return not rows
        case syntax.Number(text):
            return not text.isdigit() or int(text) == 0
        case _:
            return isinstance(node, syntax.Handle | syntax.Lambda | syntax.CellLiteral)


@dataclass(frozen=True)
class _Planner:
    """Finds the names that each load binds from the order of the statements."""

    spots: tuple[Spot, ...]
    loads: list[Load]
    usage: Usage
    outputs: frozenset[str]
    is_free: Callable[[str], bool]

    def plan(self) -> LoadPlan:
        at_load = {id(self.spots[each.place].statement): self._at(each) for each in self.loads}
        before = self._before(at_load)
        files = " or ".join(dict.fromkeys(each.unknown for each in self._unknown))
        assumed = dict.fromkeys(sorted(self._given_by_file | self._looked_up), files)
        guesses = (each.perhaps | each.surely for each in self.loads if not each.unknown and not each.file.strip("*"))
        assumed |= dict.fromkeys(sorted(self._held & frozenset[str]().union(*guesses)), ABSENT)
        return LoadPlan(at_load, before, assumed, self._held | frozenset(assumed), frozenset(self._made_in_part))

    @cached_property
    def _unknown(self) -> list[Load]:
        return [each for each in self.loads if each.unknown]

    @cached_property
    def _held(self) -> frozenset[str]:
        """Names that files are known to hold."""
        return self.usage.names & frozenset[str]().union(*(each.surely | each.perhaps for each in self.loads))

    @cached_property
    def _first(self) -> dict[str, int]:
        """Place of the first occurrence of each name."""
        found: dict[str, int] = {}
        for place, spot in enumerate(self.spots):
            for name in spot.reads | spot.assigns:
                found.setdefault(name, place)
        return found

    @cached_property
    def _after_load(self) -> frozenset[str]:
        """Free names that first occur after a load of an unknown file, or in its loop."""
        loops = ((self.spots[each.place].loop, each.place) for each in self._unknown)
        start = min((loop.start if loop else place for loop, place in loops), default=len(self.spots))
        called = {name for spot in self.spots for name in _surely_called(spot.statement)}
        named = (n for n in self.usage.names if n not in self._held and n not in called and self.is_free(n))
        return frozenset(name for name in named if self._first.get(name, -1) > start)

    @cached_property
    def _given_by_file(self) -> frozenset[str]:
        """Free names that nothing assigns as a whole."""
        return self._after_load - self.usage.assigned | self._after_load & self.usage.in_part_only

    @cached_property
    def _looked_up(self) -> frozenset[str]:
        """Free names that are read before they are assigned: ``load x; D = D / 255;``."""
        others = self._after_load - self._given_by_file
        return frozenset(n for n in others if n in self.spots[self._first[n]].reads and not self._is_made_in_part(n))

    @cached_property
    def _made_in_part(self) -> frozenset[str]:
        return frozenset(name for name in self._given_by_file & self.usage.assigned if self._is_made_in_part(name))

    def _is_made_in_part(self, name: str) -> bool:
        """Return whether the first statement with a name assigns a part of it and does not read it: ``e(k) = 1``."""
        first = self.spots[self._first[name]].statement
        own = isinstance(first, syntax.Assign) and len(first.targets) == 1 and base_name(first.targets[0]) == name
        return own and list(first.walk()).count(syntax.Name(name)) == 1

    @cached_property
    def _functions(self) -> frozenset[str]:
        """Variables that hold only functions, which are rarely in a file."""
        assigned = (spot.statement for spot in self.spots if isinstance(spot.statement, syntax.Assign))
        made = [(each.targets, isinstance(each.value, syntax.Lambda | syntax.Handle)) for each in assigned]
        others = {base_name(target) for targets, is_function in made if not is_function for target in targets}
        return frozenset(base_name(targets[0]) for targets, is_function in made if is_function) - others

    def _at(self, load: Load) -> Bindings:
        wanted = {name for name in self.usage.names if self._is_read_after(name, load.place)}
        always, if_held = set(load.surely & wanted), set(load.perhaps & wanted)
        if load.unknown:
            for name in (self._given_by_file | self._looked_up | self._held) & wanted:
                form = self._form(name, load)
                (always if form == "always" else if_held).update([name] if form else [])
        kept = set[str]()
        if load.unknown or ("*" in load.file and not load.listed):
            known = load.surely | load.perhaps | self._given_by_file | self._looked_up | self._held
            own = self.usage.assigned - known - self._functions
            kept = {name for name in own if self._is_kept(name, load.place)}
        is_looked_up = len(kept) <= _FEW or self.spots[load.place].guarded  # a try would catch a refusal
        own = (kept, set[str]()) if is_looked_up else (set[str](), kept)
        return Bindings(*(tuple(sorted(each, key=self._order)) for each in (always, if_held, *own)))

    def _order(self, name: str) -> tuple[int, str]:
        return self._first.get(name, -1), name

    def _form(self, name: str, load: Load) -> str:
        """Return how an unknown file binds a name: "always", "if held", or not here (empty)."""
        first, place = self._first[name], load.place
        spot, is_inside = self.spots[place], self.spots[first].top == self.spots[place].top
        if name not in self._given_by_file:
            return "if held"
        if first <= place:
            return "if held"
        between = [each for each in self._unknown if spot.top <= each.place < first and each is not load]
        if spot.top != place and not is_inside:
            return ""
        if between:
            return "if held" if is_inside else ""
        return "always"

    def _before(self, at_load: Mapping[int, Bindings]) -> dict[int, Bindings]:
        """Return the names that one of several unknown files holds, by the top-level statement that first reads one."""
        always = [(each.place, at_load[id(self.spots[each.place].statement)].always) for each in self.loads]
        found: dict[int, Bindings] = {}
        for name in sorted(self._given_by_file, key=self._order):
            first = self._first[name]
            top = self.spots[first].top
            if any(place < first and name in names for place, names in always):
                continue
            if any(each.place < top for each in self._unknown):
                key, inner = id(self.spots[top].statement), any(top <= each.place < first for each in self._unknown)
                known = found.get(key, Bindings())
                found[key] = Bindings(
                    (*known.always, *(() if inner else (name,))), (*known.if_held, *((name,) if inner else ()))
                )
        return found

    def _is_read_after(self, name: str, place: int) -> bool:
        around = self.spots[place].loop
        return any(name in spot.reads for k, spot in enumerate(self.spots) if k > place or k in around)

    def _is_kept(self, name: str, place: int) -> bool:
        """Return whether the script assigns a variable before the load and reads it after."""
        loop = self.spots[place].loop
        if not self._first.get(name, -1) < place and place not in loop:
            return False
        inside = [*range(place + 1, loop.stop), *range(loop.start, place)] if loop else []
        for k in [*inside, *range(max(place + 1, loop.stop), len(self.spots))]:
            if name in self.spots[k].reads:
                return True
            if name in self.spots[k].assigns and not self.spots[k].guarded:
                return False
        return name in self.outputs
