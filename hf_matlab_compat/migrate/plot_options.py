"""Arguments of plotting calls: what is drawn, line specifications, and options given by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.values import Kind, Value

Names = Mapping[str, str]

LINES: Names = {
    "linewidth": "linewidth",
    "markersize": "markersize",
    "color": "color",
    "displayname": "label",
    "linestyle": "linestyle",
    "marker": "marker",
    "markerfacecolor": "markerfacecolor",
    "markeredgecolor": "markeredgecolor",
}
TEXTS: Names = {
    "fontsize": "fontsize",
    "fontweight": "fontweight",
    "color": "color",
    "rotation": "rotation",
    "horizontalalignment": "horizontalalignment",
    "verticalalignment": "verticalalignment",
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
        What stands before the options: data, sizes, line specifications.
    keywords : dict of str to str
        Options that matplotlib has as well, by its names.
    flags : set of str
        Words that stand for themselves, in small letters.
    """

    drawn: list[Value] = field(default_factory=list)
    keywords: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def text(self, *drawn: str) -> str:
        """Everything as it stands between the parentheses."""
        return ", ".join([*drawn, *(f"{name}={value}" for name, value in self.keywords.items())])


def taken_apart(arguments: Arguments, known: Names, flags: Iterable[str] = (), *, texts: int = 0) -> Given:
    """The arguments of a call; options that matplotlib does not have are left out with a remark.

    Parameters
    ----------
    arguments : Arguments
    known : mapping of str to str
        MATLAB's options, in small letters, and matplotlib's names for them.
    flags : iterable of str
        Words that take no value.
    texts : int
        How many arguments stand first and are no options, though they may be strings.
    """
    arguments.context.needs("plt")
    given = Given()
    place = 1 if arguments.nodes and is_current(arguments.nodes[0]) else 0
    while place < len(arguments):
        word = arguments.literal(place)
        lowered = (word or "").lower()
        if len(given.drawn) < texts:
            given.drawn.append(arguments.context(arguments.nodes[place]))
        elif word is None or _is_specification(word):
            given.drawn.append(_value(arguments, place))
        elif lowered in flags:
            given.flags.add(lowered)
        else:
            _option(arguments, place, known, given)
            place += 1
        place += 1
    return given


def is_current(node: syntax.Node) -> bool:
    """Whether it is ``gca`` or ``gcf``, to which a call applies anyway."""
    return node in (syntax.Name("gca"), syntax.Name("gcf"))


def drop(arguments: Arguments, *places: int) -> None:
    """Arguments that only concern how a figure looks, and that matplotlib has nothing for."""
    for place in places:
        arguments.context.dropped.append(arguments.nodes[place])
    names = [arguments.literal(place) or "" for place in places]
    said = next((name for name in names if name), "an argument")
    arguments.context.notes.append(f"left out: {said} of {arguments.name}, which only concerns how a figure looks")


def _is_specification(word: str) -> bool:
    return _SPECIFICATION.match(word) is not None


def _value(arguments: Arguments, place: int) -> Value:
    value = arguments.context(arguments.nodes[place])
    if value.kind in (Kind.HANDLE, Kind.STRUCT, Kind.FILE) or value.text.startswith("*"):
        raise Untranslatable(f"calls {arguments.name} with {value.kind.value}; matplotlib draws into the current axes")
    return value


def _option(arguments: Arguments, place: int, known: Names, given: Given) -> None:
    if place + 1 >= len(arguments):
        drop(arguments, place)
        return
    name = known.get((arguments.literal(place) or "").lower())
    if name is None:
        drop(arguments, place, place + 1)
        return
    given.keywords[name] = _of_option(arguments, place + 1)


def _of_option(arguments: Arguments, place: int) -> str:
    word = arguments.literal(place)
    if word is not None:
        return quoted(_MARKERS.get(word.lower(), word))
    value = arguments.context(arguments.nodes[place])
    if value.kind in (Kind.NUM, Kind.ROW, Kind.STR):
        return value.text
    arguments.context.needs("np")
    return f"np.squeeze({value.text})"


def drawn(arguments: Arguments, value: Value) -> str:
    """Data without dimensions of one."""
    if value.kind in (Kind.STR, Kind.NUM, Kind.ROW, Kind.COLUMN):
        return value.text
    arguments.context.needs("np")
    return f"np.squeeze({value.text})"


def vector(arguments: Arguments, value: Value) -> str:
    """Data of one dimension."""
    if value.kind in (Kind.ROW, Kind.NUM, Kind.STR):
        return value.text
    arguments.context.needs("np")
    return f"np.ravel({value.text})"


def written_numbers(node: syntax.Node, count: int) -> list[str] | None:
    """The numbers of ``[100 100 560 420]``, where they are written out."""
    if not (isinstance(node, syntax.Matrix) and len(node.rows) == 1 and len(node.rows[0]) == count):
        return None
    found = [each.text for each in node.rows[0] if isinstance(each, syntax.Number)]
    return found if len(found) == count else None
