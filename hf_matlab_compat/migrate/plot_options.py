"""Arguments of plotting calls: what is drawn, line specifications, and options given by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import Kind, Part, Value, binary, call, written_number

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
