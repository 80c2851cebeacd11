"""The arguments of a call: as the tables of functions look at them, with the rows of those tables, and of plots."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn, TypeAlias

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import Apply, Name, Node, Number, Text, refuse
from hf_matlab_compat.migrate.values import NO_NUMBERS, Kind, Part, Value, binary, call, expr, written_number


@dataclass(frozen=True)
class Arguments:
    """A call of `name` with the expressions `nodes`."""

    name: str
    nodes: tuple[Node, ...]
    context: Context

    @cached_property
    def values(self) -> list[Value]:
        """The arguments, translated."""
        return [self.context(node) for node in self.nodes]

    def __len__(self) -> int:
        return len(self.nodes)

    def expect(self, *counts: int) -> list[Value]:
        """Return the values, where there are as many as one of `counts`; raise Untranslatable for other numbers."""
        if len(self.nodes) not in counts:
            refuse(f"calls {self.name} with {len(self.nodes)} arguments")
        return self.values

    def numbers(self, *counts: int) -> list[Value]:
        """Return the values as `expect` does; refuse strings, lists and functions, with which nothing is computed."""
        values = self.expect(*counts) if counts else self.values
        for value in values:
            if value.kind in NO_NUMBERS:
                refuse(f"calls {self.name} with {value.kind.value}")
        return values

    def refuse_form(self) -> NoReturn:
        """Refuse a form of the call that is not known."""
        refuse(f"calls {self.name} in an unknown way")

    def literal(self, place: int) -> str | None:
        """Return the text of a string literal at this place."""
        node = self.nodes[place] if place < len(self.nodes) else None
        return node.text if isinstance(node, Text) else None

    def dimension(self, place: int) -> int | None:
        """Return a literal dimension argument as an axis, from 0; None where there is no argument."""
        if place >= len(self.nodes):
            return None
        node = self.nodes[place]
        if isinstance(node, Number) and node.text in ("1", "2", "3", "4"):
            return int(node.text) - 1
        return refuse(f"calls {self.name} along a dimension that is not written out")

    def whole(self, place: int) -> ast.expr:
        """Return a whole number at this place: a size or a count."""
        value = self.values[place]
        if value.kind is Kind.NUM and value.integer:
            return expr(value)
        return call("int" if value.kind is Kind.NUM else "ml.integer", value)

    def wholes(self, start: int = 0) -> list[ast.expr]:
        """Return whole numbers from a place on."""
        return [self.whole(place) for place in range(start, len(self.nodes))]

    def sized_as(self, place: int) -> Value | None:
        """Return x for an argument ``size(x)``; None for any other."""
        match self.nodes[place] if place < len(self.nodes) else None:
            case Apply(Name("size"), (inner,), False):
                return self.context(inner)
            case _:
                return None


Translator: TypeAlias = Callable[[Arguments], Value]
Table: TypeAlias = Mapping[str, Translator]
Outputs: TypeAlias = Callable[[Arguments, int], tuple[ast.expr, list[Value]]]


@dataclass(frozen=True)
class Routine:
    """A function of MATLAB's that is one call in Python, whatever it is given.

    Attributes
    ----------
    kind : Kind
        Of the result.
    counts : int or tuple of int
        Possible numbers of arguments.
    function : str
        In Python; the run time's routine of MATLAB's name where it is empty.
    logical, nd, integer, effect : bool
        As in `Value`.
    numbers : bool
        Whether strings, lists and functions are refused.
    """

    kind: Kind
    counts: int | tuple[int, ...] = 1
    function: str = ""
    logical: bool = False
    nd: bool = False
    integer: bool = False
    numbers: bool = True

    def __call__(self, arguments: Arguments) -> Value:
        """Translate a call."""
        counts = (self.counts,) if isinstance(self.counts, int) else self.counts
        values = arguments.numbers(*counts) if self.numbers else arguments.expect(*counts)
        return self.of(arguments.name, *values)

    def of(self, name: str, *values: Part) -> Value:
        """Return the call, of a function called `name` in MATLAB, with the values in two dimensions."""
        given = [value.as_two_dimensional() if isinstance(value, Value) else value for value in values]
        made = call(self.function or f"ml.{name}", *given)
        return Value(made, self.kind, integer=self.integer, logical=self.logical, nd=self.nd)


# --- arguments of plotting calls: what is drawn, line specifications, and options given by name

Names = Mapping[str, str]

LINES: Names = {
    **{name: name for name in ("linewidth", "markersize", "color", "linestyle", "marker")},
    **{name: name for name in ("markerfacecolor", "markeredgecolor")},
    "displayname": "label",
}
TEXTS: Names = {
    name: name for name in ("fontsize", "fontweight", "color", "rotation", "horizontalalignment", "verticalalignment")
}
FACES: Names = {"facecolor": "facecolor", "edgecolor": "edgecolor", "displayname": "label", "linewidth": "linewidth"}
_MARKERS = {"square": "s", "diamond": "D", "pentagram": "p", "hexagram": "h", "point": ".", "circle": "o"}
_SPECIFICATION = re.compile(r"(?=.)(?:[bgrcmykw]|[.ox+*sdv^<>ph]|--|-\.|-|:)*\Z")


@dataclass
class Given:
    """The arguments of a call, taken apart.

    Attributes
    ----------
    drawn : list of Value
        Data, sizes and line specifications, which come before the options.
    keywords : dict of str to part
        Options that matplotlib has as well, by its names.
    flags : set of str
        Words that stand for themselves, in small letters.
    """

    drawn: list[Value] = field(default_factory=list)
    keywords: dict[str, Part] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def to(self, function: str, *drawn: Part, **options: Part) -> Value:
        """Return the call of a function of pyplot with what is drawn and the options."""
        return plot(function, *drawn, **options, **self.keywords)


def plot(function: str, *given: Part, **options: Part) -> Value:
    """Return a call of a function of pyplot."""
    return Value(call(f"plt.{function}", *given, **options), Kind.HANDLE, effect=True)


def taken_apart(arguments: Arguments, known: Names, flags: Iterable[str] = (), *, texts: int = 0) -> Given:
    """Separate data, options and flags; options that matplotlib does not have are left out with a remark.

    `known` maps MATLAB's options, in small letters, to matplotlib's names; `flags` are words that take no value. The
    first `texts` arguments are data even if they are strings.
    """
    given = Given()
    place = 1 if arguments.nodes and is_current(arguments.nodes[0]) else 0
    while place < len(arguments):
        word = arguments.literal(place)
        lowered = (word or "").lower()
        if len(given.drawn) < texts:
            given.drawn.append(arguments.context(arguments.nodes[place]))
        elif word is None or _SPECIFICATION.match(word):
            given.drawn.append(_value(arguments, place))
        elif lowered in flags:
            given.flags.add(lowered)
        else:
            _option(arguments, place, known, given)
            place += 1
        place += 1
    return given


def is_current(node: syntax.Node) -> bool:
    """Return whether it is ``gca`` or ``gcf``, to which a call applies anyway."""
    return node in (syntax.Name("gca"), syntax.Name("gcf"))


def drop(arguments: Arguments, *places: int) -> None:
    """Leave out arguments that only concern how a figure looks, and that matplotlib has nothing for."""
    for place in places:
        arguments.context.dropped.append(arguments.nodes[place])
    said = next((word for place in places if (word := arguments.literal(place))), "an argument")
    arguments.context.notes.append(f"left out: {said} of {arguments.name}, which only concerns how a figure looks")


def _value(arguments: Arguments, place: int) -> Value:
    value = arguments.context(arguments.nodes[place])
    if value.kind in (Kind.HANDLE, Kind.STRUCT, Kind.FILE) or value.starred:
        refuse(f"calls {arguments.name} with {value.kind.value}; matplotlib draws into the current axes")
    return value


def _option(arguments: Arguments, place: int, known: Names, given: Given) -> None:
    name = known.get((arguments.literal(place) or "").lower())
    if place + 1 >= len(arguments):
        drop(arguments, place)
    elif name is None:
        drop(arguments, place, place + 1)
    else:
        given.keywords[name] = _of_option(arguments, place + 1)


def _of_option(arguments: Arguments, place: int) -> Part:
    word = arguments.literal(place)
    if word is not None:
        return _MARKERS.get(word.lower(), word)
    value = arguments.context(arguments.nodes[place])
    return value if value.kind in (Kind.NUM, Kind.ROW, Kind.STR) else call("np.squeeze", value)


def drawn(value: Value) -> Part:
    """Return data without dimensions of one."""
    return value if value.kind in (Kind.STR, Kind.NUM, Kind.ROW, Kind.COLUMN) else call("np.squeeze", value)


def vector(value: Value) -> Part:
    """Return data of one dimension."""
    return value if value.kind in (Kind.ROW, Kind.NUM, Kind.STR) else call("np.ravel", value)


def size_in_inches(node: syntax.Node) -> list[Part] | None:
    """Return width and height of ``[100 100 560 420]``, at 100 pixels an inch; None for anything else."""
    if not (isinstance(node, syntax.Matrix) and len(node.rows) == 1 and len(node.rows[0]) == 4):
        return None
    found = [each.text for each in node.rows[0] if isinstance(each, syntax.Number)]
    if len(found) < 4 or min(map(float, found[2:])) <= 1:
        return None
    return [binary(int(each) if each.isdigit() else written_number(each), "/", 100) for each in found[2:]]
