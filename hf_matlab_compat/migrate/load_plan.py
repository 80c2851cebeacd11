"""Which names each ``load`` of a body binds, found out before anything is translated.

A load replaces every variable that its file holds. Where the file is at hand, its names are known. Where it is not,
the names that nothing else defines are assumed to be in it, and variables that it may replace are looked up in it
when the script runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import cached_property

from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Node, Statement
from hf_matlab_compat.migrate.usage import Usage, base_name

_CHECKPOINTS = ("_nnet_running", "_nnet_epoch")
_OPTIONS = ("-mat", "-ascii")
_FEW = 3
"""So many of the script's variables are looked up in a file that is not at hand; more are refused in it."""
_ABSENT = "a file named while the script runs"
NamesIn = Callable[[str], Sequence[frozenset[str]] | None]
"""The variables of each .mat file of a name, which may hold ``*``; None where they are not known."""


def is_table(name: str) -> bool:
    """Whether MATLAB would read this file as text."""
    suffix = re.search(r"\.(\w+)\Z", name)
    return suffix is not None and suffix[1] != "mat"


def is_workspace_load(node: Node) -> bool:
    """Whether an expression on its own loads a file into the workspace."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("load") and bool(node.arguments)


@dataclass(frozen=True)
class Load:
    """A file that is loaded into the workspace.

    Attributes
    ----------
    place : int
        Its number among the statements of the body.
    file : str
        Its name, with ``*`` for what is put together while the script runs.
    listed : frozenset of str
        The variables that are asked for by name.
    surely, perhaps : frozenset of str
        The variables that it is known to bind, and those that some of the files of this name hold.
    unknown : str
        What the file is called in a remark, where its variables are not known; empty where they are.
    """

    place: int
    file: str
    listed: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    unknown: str = ""


@dataclass(frozen=True)
class Bindings:
    """What one load binds.

    Attributes
    ----------
    always : tuple of str
    if_held : tuple of str
        Only where the file holds them.
    replaced : tuple of str
        Variables of the script, where they are defined so far and the file holds them.
    kept : tuple of str
        Variables of the script that the file must not hold, since it is not known here what they would become.
    """

    always: tuple[str, ...] = ()
    if_held: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadPlan:
    """What the loads of a body bind, and where.

    Attributes
    ----------
    at_load : mapping
        By the identity of the statement that loads.
    before : mapping
        Names to bind before a statement, by its identity: they come from one of several files loaded further up.
    assumed : mapping
        Names that nothing defines, and the files that one of them is assumed to be in.
    names : frozenset of str
        All names that a load binds.
    fresh_if_absent : frozenset of str
        Those among `assumed` that MATLAB creates where no file holds them.
    """

    at_load: Mapping[int, Bindings] = field(default_factory=dict)
    before: Mapping[int, Bindings] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    fresh_if_absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Spot:
    """One statement of a body in the order of the text.

    Attributes
    ----------
    statement : Statement
    top : int
        The place of the outermost statement around it.
    loop : range
        The places of the outermost loop around it; empty where there is none.
    guarded : bool
        Whether it stands in a branch or a ``try``, and so may not run.
    reads, assigns : frozenset of str
        Names whose value it uses, or of which it assigns a part, and those that it gives another value as a whole.
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
    """What the loads of a body bind.

    Parameters
    ----------
    body : sequence of Statement
    usage : Usage
        Of the body.
    outputs : iterable of str
        What the function at hand returns.
    names_in : callable
        The variables of each file of a name.
    is_free : callable
        Whether a name may be a variable of a file that is not at hand.
    """
    spots = spots_of(body)
    found = _loads(spots, usage.constants)
    if not found:
        return LoadPlan()
    return _Planner(spots, _known(found, spots, names_in), usage, frozenset(outputs), is_free).plan()


def spots_of(body: Iterable[Statement]) -> tuple[Spot, ...]:
    """The statements of a body, those of functions left out."""
    found: list[Spot] = []
    for outer in body:
        top, loop = len(found), range(0)
        inner = () if isinstance(outer, syntax.Function) else tuple(_statements_in(outer))
        guarded = {id(each) for part in inner for each in _inside_guard(part)}
        for place, statement in enumerate(inner, top):
            if isinstance(statement, syntax.For | syntax.While) and place not in loop:
                loop = range(place, place + sum(1 for _ in _statements_in(statement)))
            around = loop if place in loop else range(0)
            found.append(Spot(statement, top, around, id(statement) in guarded, *_occurrences(statement)))
    return tuple(found)


def _inside_guard(statement: Statement) -> Iterator[Statement]:
    if isinstance(statement, syntax.If | syntax.Switch | syntax.Try):
        yield from (each for each in _statements_in(statement) if each is not statement)


def _statements_in(statement: Statement) -> Iterator[Statement]:
    return (node for node in statement.walk() if isinstance(node, Statement))


def _occurrences(statement: Statement) -> tuple[frozenset[str], frozenset[str]]:
    if isinstance(statement, syntax.Command):
        word, *others = statement.words
        return frozenset(others if word == "save" else () if others else (word,)), frozenset()
    targets = statement.targets if isinstance(statement, syntax.Assign) else ()
    assigns = {each.name for each in targets if isinstance(each, syntax.Name)}
    own: list[Node] = [each for each in statement.children() if not any(each is target for target in targets)]
    own += [each for each in targets if not isinstance(each, syntax.Name)]
    loops = {statement.variable} if isinstance(statement, syntax.For) else set[str]()
    return frozenset(_names(own, frozenset())), frozenset(assigns | loops)


def _names(nodes: Iterable[Node], hidden: frozenset[str]) -> Iterator[str]:
    """Names in expressions, those of statements inside and of an anonymous function's parameters left out."""
    for node in nodes:
        if isinstance(node, syntax.Name) and node.name not in hidden:
            yield node.name
        elif isinstance(node, syntax.Apply) and base_name(node) in ("save", "exist"):
            yield from (each.text for each in node.arguments if isinstance(each, syntax.Text))
        if not isinstance(node, Statement):
            own = frozenset(node.parameters) if isinstance(node, syntax.Lambda) else frozenset[str]()
            yield from _names(node.children(), hidden | own)


def _surely_called(statement: Statement) -> Iterator[str]:
    """Names that stand alone as a statement, or that get what is no index: a string, a function, ``[]``, a cell."""
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


def file_arguments(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The arguments of ``load`` without its options, the file's name first."""
    return tuple(each for each in nodes if not (isinstance(each, syntax.Text) and each.text in _OPTIONS))


def _file_statements(spots: Iterable[Spot], word: str) -> Iterator[tuple[int, tuple[Node, ...]]]:
    """Place and arguments of every ``load …`` or ``save …`` that stands alone."""
    for place, spot in enumerate(spots):
        statement = spot.statement
        if isinstance(statement, syntax.Command) and statement.words[0] == word and len(statement.words) > 1:
            yield place, file_arguments(tuple(map(syntax.Text, statement.words[1:])))
        elif isinstance(statement, syntax.Evaluate) and isinstance(statement.value, syntax.Apply):
            call = statement.value
            if call.base == syntax.Name(word) and call.arguments:
                yield place, file_arguments(call.arguments)


def _loads(spots: Sequence[Spot], constants: Mapping[str, Node]) -> list[Load]:
    return [
        Load(place, file_name(nodes[0], constants), frozenset(e.text for e in nodes[1:] if isinstance(e, syntax.Text)))
        for place, nodes in _file_statements(spots, "load")
        if nodes
    ]


def file_name(node: Node, constants: Mapping[str, Node]) -> str:
    """The name that an expression gives a file, with ``*`` for what is not written out."""
    match node:
        case syntax.Text(text):
            return text
        case syntax.Name(name) if name in constants:
            return file_name(constants[name], {})
        case syntax.Paren(inner):
            return file_name(inner, constants)
        case syntax.Matrix(rows=(row,)):
            return "".join(file_name(each, constants) for each in row)
        case syntax.Apply(syntax.Name("sprintf"), (syntax.Text(text), *_)):
            return re.sub(r"%[-+ 0#]*\d*(\.\d+)?[a-zA-Z]", "*", text)
        case syntax.Apply(syntax.Name("strcat"), parts):
            return "".join(file_name(each, constants) for each in parts)
        case syntax.Apply(syntax.Name("fullfile"), parts):
            return "/".join(file_name(each, constants) for each in parts)
        case _:
            return "*"


def added_folders(body: Iterable[Node]) -> Iterator[tuple[str, bool]]:
    """Folders that ``addpath`` names, from the script's own, and whether those inside them are meant too."""
    for node in (node for statement in body for node in statement.walk()):
        if isinstance(node, syntax.Command) and node.words[0] == "addpath":
            yield from ((_from_here(word), False) for word in node.words[1:])
        elif isinstance(node, syntax.Apply) and node.base == syntax.Name("addpath"):
            for given in node.arguments:
                is_deep = isinstance(given, syntax.Apply) and given.base == syntax.Name("genpath")
                inner = given.arguments[:1] if isinstance(given, syntax.Apply) and is_deep else (given,)
                yield from ((_from_here(file_name(each, {})), is_deep) for each in inner)


def _from_here(name: str) -> str:
    """A folder's name without what leads to the script's own folder: ``pwd``, ``.``, ``mfilename``."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "*")]
    return "" if ".." in parts or name.startswith("/") else "/".join(parts)


def _known(found: Iterable[Load], spots: Sequence[Spot], names_in: NamesIn) -> list[Load]:
    """The loads with what is known of their files; one that the body saves itself may not be the one beside it."""
    saved = list(_saves(spots))
    return [_with_names(each, _held_by(each, saved, names_in(each.file))) for each in found]


def _held_by(
    load: Load, saved: Iterable[tuple[int, str, frozenset[str]]], beside: Sequence[frozenset[str]] | None
) -> Sequence[frozenset[str]] | None:
    own = [(place, names) for place, file, names in saved if _may_be_one(_stem(load.file), _stem(file))]
    if any(not names for _, names in own) or (beside is None and all(place > load.place for place, _ in own)):
        return beside if not own else None
    return [*(beside or ()), *(names for _, names in own)]


def _may_be_one(one: str, other: str) -> bool:
    return fnmatch(one, other) or fnmatch(other, one)


def _saves(spots: Iterable[Spot]) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Place, file and names of every ``save``; no names where they are not written out."""
    for place, nodes in _file_statements(spots, "save"):
        words = [each.text if isinstance(each, syntax.Text) else "-" for each in nodes[1:]]
        plain = bool(nodes) and all(word.isidentifier() or re.fullmatch(r"-v[\d.]+", word) for word in words)
        names = frozenset(word for word in words if word.isidentifier()) if plain else frozenset[str]()
        yield place, file_name(nodes[0], {}) if nodes else "*", names


def _with_names(load: Load, held: Sequence[frozenset[str]] | None) -> Load:
    if is_table(load.file):
        held = [frozenset([_stem(load.file).split("/")[-1]])]
    elif not held and any(mark in load.file for mark in _CHECKPOINTS):
        held = [frozenset(VARIABLES)]
    if load.listed:
        held = [load.listed & names for names in held or [load.listed]]
    if not held:
        return replace(load, unknown=_with_suffix(load.file) if load.file.strip("*") else _ABSENT)
    surely, every = frozenset[str].intersection(*held), frozenset[str]().union(*held)
    return replace(load, surely=surely, perhaps=every - surely)


def _with_suffix(file: str) -> str:
    return file if "." in file.replace("\\", "/").split("/")[-1] else f"{file}.mat"


def _stem(file: str) -> str:
    return file.replace("\\", "/").removesuffix(".mat").rsplit(".", 1)[0]


@dataclass(frozen=True)
class _Planner:
    """Finds what each load binds from the order of the statements."""

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
        assumed |= dict.fromkeys(sorted(self._held & frozenset[str]().union(*guesses)), _ABSENT)
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
        """The place at which each name first occurs."""
        found: dict[str, int] = {}
        for place, spot in enumerate(self.spots):
            for name in spot.reads | spot.assigns:
                found.setdefault(name, place)
        return found

    @cached_property
    def _behind(self) -> frozenset[str]:
        """Free names that first occur behind a load of an unknown file, or in its loop."""
        loops = ((self.spots[each.place].loop, each.place) for each in self._unknown)
        start = min((loop.start if loop else place for loop, place in loops), default=len(self.spots))
        called = {name for spot in self.spots for name in _surely_called(spot.statement)}
        named = (n for n in self.usage.names if n not in self._held and n not in called and self.is_free(n))
        return frozenset(name for name in named if self._first.get(name, -1) > start)

    @cached_property
    def _given_by_file(self) -> frozenset[str]:
        """Free names that nothing gives a value as a whole."""
        return self._behind - self.usage.assigned | self._behind & self.usage.in_part_only

    @cached_property
    def _looked_up(self) -> frozenset[str]:
        """Free names that are read before they are given a value: ``load x; D = D / 255;``."""
        others = self._behind - self._given_by_file
        return frozenset(n for n in others if n in self.spots[self._first[n]].reads and not self._is_made_in_part(n))

    @cached_property
    def _made_in_part(self) -> frozenset[str]:
        return frozenset(name for name in self._given_by_file & self.usage.assigned if self._is_made_in_part(name))

    def _is_made_in_part(self, name: str) -> bool:
        """Whether its first statement assigns a part of a name and reads nothing of it: ``e(k) = 1``."""
        first = self.spots[self._first[name]].statement
        own = isinstance(first, syntax.Assign) and len(first.targets) == 1 and base_name(first.targets[0]) == name
        return own and list(first.walk()).count(syntax.Name(name)) == 1

    @cached_property
    def _functions(self) -> frozenset[str]:
        """Variables that hold functions, which are seldom in a file."""
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
        is_looked_up = len(kept) <= _FEW or self.spots[load.place].guarded  # a try would catch the refusal
        own = (kept, set[str]()) if is_looked_up else (set[str](), kept)
        return Bindings(*(tuple(sorted(each, key=self._order)) for each in (always, if_held, *own)))

    def _order(self, name: str) -> tuple[int, str]:
        return self._first.get(name, -1), name

    def _form(self, name: str, load: Load) -> str:
        """How a file that is not known binds a name: always, where it holds it, or not here."""
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
        """Names that several unknown files may give: bound before the top-level statement that first reads one."""
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
        """Whether the script gives a variable a value before the load and reads that behind it."""
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
