"""Figures, through matplotlib."""

from __future__ import annotations

import ast
from functools import partial

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import (
    FACES,
    LINES,
    TEXTS,
    Arguments,
    Table,
    Translator,
    drawn,
    drop,
    is_current,
    plot,
    size_in_inches,
    taken_apart,
    vector,
)
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import Kind, Part, Value, binary, call, expr, method

_AXES = {"xy": "auto", "ij": "auto", "square": "scaled"}
_AXIS_WORDS = ("off", "on", "equal", "tight", "image", "auto")
_MAPS = {
    **{name: name for name in ("gray", "jet", "hot", "cool", "spring", "summer", "autumn", "winter", "bone", "copper")},
    **{name: name for name in ("pink", "hsv", "prism", "flag", "turbo", "viridis")},
    **dict.fromkeys(("parula", "default"), "viridis"),
}
_PLACES = {
    "best": "best",
    "northeast": "upper right",
    "northwest": "upper left",
    "southeast": "lower right",
    "southwest": "lower left",
    "north": "upper center",
    "south": "lower center",
    "east": "center right",
    "west": "center left",
}
_FORMATS = {"png": "png", "eps": "eps", "epsc": "eps", "epsc2": "eps", "eps2": "eps", "pdf": "pdf", "svg": "svg",
            "jpeg": "jpg", "jpg": "jpg", "tiff": "tiff", "tif": "tiff"}  # fmt: skip
_OF_AXES = {"xlim": "xlim", "ylim": "ylim", "xscale": "xscale", "yscale": "yscale", "xtick": "xticks",
            "ytick": "yticks", "xticklabel": "xticklabels", "yticklabel": "yticklabels"}  # fmt: skip
_LOOKS = "left out: it only concerns how a figure looks"
_POINTS = {"displayname": "label", "linewidth": "linewidth", "marker": "marker", "markerfacecolor": "facecolors",
           "markeredgecolor": "edgecolors"}  # fmt: skip


def _figure(arguments: Arguments) -> Value:
    first = arguments.literal(0) is None and len(arguments) > 0
    given: list[Part] = []
    if first:
        given = [arguments.whole(0) if arguments.values[0].kind is Kind.NUM else arguments.values[0]]
    units = any(_word(arguments, place) == "units" for place in range(len(arguments)))
    options: dict[str, Part] = {}
    for place in range(int(first), len(arguments) - 1, 2):
        word, node = _word(arguments, place), arguments.nodes[place + 1]
        size = None if word != "position" or units else size_in_inches(node)
        if size is not None:
            options["figsize"] = tuple(size)
        elif word == "name" and not first:
            options = {"num": arguments.context(node), **options}
        else:
            drop(arguments, place, place + 1)
    return plot("figure", *given, **options)


def _word(arguments: Arguments, place: int) -> str:
    return (arguments.literal(place) or "").lower()


def _curve(arguments: Arguments) -> Value:
    given = taken_apart(arguments, LINES)
    return given.to(arguments.name, *map(drawn, given.drawn))


def _line(arguments: Arguments) -> Value:
    """Translate ``line(x, y)`` of two vectors."""
    given = taken_apart(arguments, LINES)
    if len(given.drawn) != 2:
        refuse("draws a line in an unknown way")
    return given.to("plot", *map(drawn, given.drawn))


def _scatter(arguments: Arguments) -> Value:
    given = taken_apart(arguments, _POINTS, ("filled",))
    data = [each for each in given.drawn if each.kind is not Kind.STR]
    if not 2 <= len(data) <= 4:
        arguments.refuse_form()
    words = [each.node.value for each in given.drawn if isinstance(each.node, ast.Constant)]
    for word in (each for each in words if isinstance(each, str)):
        for option, characters in (("color", "bgrcmykw"), ("marker", ".ox+*sdv^<>ph")):
            found = next((each for each in word if each in characters), "")
            given.keywords |= {option: found} if found else {}
    options = {
        option: vector(each) for option, each in zip(("s", "c"), data[2:], strict=False) if each.kind is not Kind.EMPTY
    }
    return given.to("scatter", *map(vector, data[:2]), **options)


def _bars(arguments: Arguments, function: str) -> Value:
    given = taken_apart(arguments, FACES)
    data = [vector(each) for each in given.drawn if each.kind is not Kind.STR]
    if len(data) != len(given.drawn) or not 1 <= len(data) <= 2:
        arguments.refuse_form()
    if len(data) == 1:
        data.insert(0, call("np.arange", 1, binary(call("np.size", data[0]), "+", 1)))
    return given.to(function, *data)


def _error_bars(arguments: Arguments) -> Value:
    given = taken_apart(arguments, LINES)
    data = [vector(each) for each in given.drawn if each.kind is not Kind.STR]
    words: list[Value] = [each for each in given.drawn if each.kind is Kind.STR]
    if len(data) != 3 or len(words) > 1:
        arguments.refuse_form()
    return given.to("errorbar", *data, **({"fmt": words[0]} if words else {}))


def _labelled(arguments: Arguments, function: str) -> Value:
    """Translate ``title``, ``xlabel`` and their like."""
    given = taken_apart(arguments, TEXTS, texts=1)
    if len(given.drawn) != 1:
        arguments.refuse_form()
    (said,) = given.drawn
    return given.to(function, method("\n", "join", said) if said.kind is Kind.CELL else said)


def _text(arguments: Arguments) -> Value:
    given = taken_apart(arguments, TEXTS, texts=3)
    if len(given.drawn) != 3:
        arguments.refuse_form()
    return given.to("text", *given.drawn)


def _legend(arguments: Arguments) -> Value:
    context = arguments.context
    words = [_word(arguments, place) for place in range(len(arguments))]
    options = ("location", "orientation", "fontsize", "box")
    stop = next((place for place, word in enumerate(words) if word in options), len(words))
    labels, keywords = arguments.nodes[:stop], dict[str, Part]()
    for place in range(stop, len(words) - 1, 2):
        spot = _PLACES.get(words[place + 1]) if words[place] == "location" else None
        if spot is None:
            drop(arguments, place, place + 1)
        else:
            keywords["loc"] = spot
            context.dropped.append(arguments.nodes[place + 1])
    if words[:1] in (["off"], ["hide"]):
        return Value(method(method(call("plt.gca"), "legend"), "remove"), effect=True)
    values = [context(node) for node in (() if words[:1] in (["show"], ["toggle"]) else labels)]
    if len(values) == 1 and values[0].kind in (Kind.CELL, Kind.UNKNOWN, Kind.LOADED):
        return plot("legend", values[0], **keywords)
    if any(value.kind is not Kind.STR for value in values):
        refuse("labels chosen lines in a legend")
    listed: list[Part] = [expr([*values])] if values else []
    return plot("legend", *listed, **keywords)


def _subplot(arguments: Arguments) -> Value:
    places = range(len(arguments))
    count = next((place for place in places if arguments.literal(place) is not None), len(arguments))
    if count < len(arguments):
        drop(arguments, *places[count:])
    if count == 1:
        return plot("subplot", arguments.whole(0))
    if count != 3:
        arguments.refuse_form()
    where = arguments.values[2]
    spot = (
        arguments.whole(2)
        if where.kind is Kind.NUM
        else expr((call("int", call("np.min", where)), call("int", call("np.max", where))))
    )
    return plot("subplot", arguments.whole(0), arguments.whole(1), spot)


def _image(arguments: Arguments) -> Value:
    given = taken_apart(arguments, {})
    if len(given.drawn) not in (1, 2):
        arguments.refuse_form()
    value, *limits = given.drawn
    options: dict[str, Part] = {"cmap": "gray"} if arguments.name == "imshow" else {"aspect": "auto"}
    if limits and limits[0].kind is not Kind.EMPTY:
        options["clim"] = vector(limits[0])
    return plot("imshow", value.as_two_dimensional(), **options)


def _colormap(arguments: Arguments) -> Value:
    nodes = [node for node in arguments.nodes if not is_current(node)]
    node = nodes[0] if len(nodes) == 1 else None
    base = node.base if isinstance(node, syntax.Apply) else node
    name = node.text if isinstance(node, syntax.Text) else base.name if isinstance(base, syntax.Name) else ""
    if isinstance(node, syntax.Apply):
        arguments.context.dropped.extend(node.arguments)
    if name not in _MAPS:
        refuse("sets colours in an unknown way")
    if isinstance(node, syntax.Text) and _MAPS[name] != name:
        arguments.context.dropped.append(node)
    return plot("set_cmap", _MAPS[name])


def _colorbar(arguments: Arguments) -> Value:
    if len(arguments):
        drop(arguments, *range(len(arguments)))
    return plot("colorbar")


def _limits(arguments: Arguments) -> Value:
    nodes = [node for node in arguments.nodes if not is_current(node)]
    if len(nodes) != 1 or isinstance(nodes[0], syntax.Text):
        arguments.refuse_form()
    return plot(arguments.name, vector(arguments.context(nodes[0])))


def _axis(arguments: Arguments) -> Value:
    nodes = [node for node in arguments.nodes if not is_current(node)]
    made: list[Part] = []
    for node in nodes:
        word = node.text.lower() if isinstance(node, syntax.Text) else None
        if word is None:
            made.append(plot("axis", vector(arguments.context(node))))
        elif word in (*_AXES, *_AXIS_WORDS):
            made.append(plot("axis", _AXES.get(word, word)))
        else:
            drop(arguments, arguments.nodes.index(node))
    if not nodes:
        refuse("asks for the limits of the axes")
    return _all_of(made, arguments)


def _all_of(made: list[Part], arguments: Arguments) -> Value:
    """Return several calls as one statement; nothing if every option only concerns looks."""
    if not made:
        arguments.context.replaced_by(_LOOKS)
        return Value()
    return Value(expr(made[0]) if len(made) == 1 else expr(tuple(made)), effect=True)


def _grid(arguments: Arguments) -> Value:
    return plot("grid", arguments.literal(0) != "off")


def _saved(arguments: Arguments) -> Value:
    """Translate ``print('-dpng', 'name')``, ``saveas(gcf, 'name.png')``, ``saveas(h, 'name', 'png')``."""
    context = arguments.context
    kind, options, names = "", dict[str, Part](), list[Value]()
    for place, node in enumerate(arguments.nodes):
        word = arguments.literal(place) or ""
        if is_current(node) or (place == 0 and arguments.name != "print" and context(node).kind is Kind.HANDLE):
            continue
        if word.startswith("-d") or (names and word in _FORMATS):
            kind = _format(word.removeprefix("-d"))
        elif word.startswith("-r") and word[2:].isdigit():
            options["dpi"] = int(word[2:])
        elif word.startswith("-"):
            drop(arguments, place)
        else:
            names.append(context(node))
    if len(names) != 1 or names[0].kind not in (Kind.STR, Kind.UNKNOWN, Kind.LOADED):
        refuse("prints a figure in an unknown way")
    return plot("savefig", _with_format(arguments, names[0], kind), **options)


def _format(word: str) -> str:
    if word not in _FORMATS:
        refuse(f"prints a figure as '{word}', which matplotlib does not write")
    return _FORMATS[word]


def _with_format(arguments: Arguments, name: Value, kind: str) -> Part:
    """Return the file's name, with the format's suffix if it has none."""
    given = [node for node in arguments.nodes if not (isinstance(node, syntax.Text) and _is_option(node.text))]
    words = [part.text for node in given for part in node.walk() if isinstance(part, syntax.Text)]
    suffix = words[-1].rpartition(".")[2].lower() if words and "." in words[-1] else ""
    if suffix in ("fig", "ofig", "m"):
        refuse("saves a figure in MATLAB's own format, which matplotlib does not write")
    if not kind and not suffix and words:
        refuse("prints a figure without saying in which format")
    return name if not kind or suffix in _FORMATS else binary(name, "+", f".{kind}")


def _is_option(word: str) -> bool:
    return word.startswith("-") or word in _FORMATS


def _current(_arguments: Arguments, function: str) -> Value:
    return plot(function)


def _set(arguments: Arguments) -> Value:
    """Translate ``set(gca, 'XLim', …)``, ``set(gcf, 'Position', …)``; of other handles only how things look."""
    target, made = arguments.nodes[0], list[Part]()
    for place in range(1, len(arguments) - 1, 2):
        word, node = _word(arguments, place), arguments.nodes[place + 1]
        size = size_in_inches(node) if word == "position" else None
        if target == syntax.Name("gcf") and size is not None:
            made.append(method(call("plt.gcf"), "set_size_inches", *size))
        elif target == syntax.Name("gca") and word in _OF_AXES:
            value = arguments.context(node)
            given = _word(arguments, place + 1) or (value if value.kind is Kind.CELL else vector(value))
            made.append(method(call("plt.gca"), f"set_{_OF_AXES[word]}", given))
        else:
            drop(arguments, place, place + 1)
    return _all_of(made, arguments)


def _close(arguments: Arguments) -> Value:
    which = arguments.literal(0)
    if which is not None and which != "all":
        refuse(f"closes '{which}'")
    return plot("close", *([which] if which else arguments.values[:1]))


def _looks(remark: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        arguments.context.replaced_by(remark)
        return Value()

    return translator


def _histogram(arguments: Arguments) -> Value:
    given = taken_apart(arguments, FACES)
    if len(given.drawn) not in (1, 2):
        arguments.refuse_form()
    bins: Part = 10 if arguments.name == "hist" else "auto"
    if len(given.drawn) == 2:
        if given.drawn[1].kind is not Kind.NUM:
            refuse("gives the bins of a histogram")
        bins = arguments.whole(1)
    return given.to("hist", call("np.ravel", given.drawn[0]), bins)


TABLE: Table = {
    **dict.fromkeys(("plot", "semilogy", "semilogx", "loglog"), _curve),
    **{name: partial(_labelled, function=name) for name in ("title", "xlabel", "ylabel")},
    "sgtitle": partial(_labelled, function="suptitle"),
    "figure": _figure,
    "clf": partial(_current, function="clf"),
    "drawnow": partial(_current, function="draw"),
    "gcf": partial(_current, function="gcf"),
    "gca": partial(_current, function="gca"),
    "subplot": _subplot,
    "legend": _legend,
    **dict.fromkeys(("xlim", "ylim"), _limits),
    "colorbar": _colorbar,
    "line": _line,
    "scatter": _scatter,
    **{name: partial(_bars, function=name) for name in ("bar", "barh", "stem")},
    "stairs": partial(_bars, function="step"),
    "errorbar": _error_bars,
    "text": _text,
    **dict.fromkeys(("imagesc", "imshow"), _image),
    "colormap": _colormap,
    "axis": _axis,
    "grid": _grid,
    **dict.fromkeys(("print", "saveas", "exportgraphics"), _saved),
    "set": _set,
    "close": _close,
    "hold": _looks("left out: matplotlib draws into the same axes until told otherwise"),
    **dict.fromkeys(("box", "shading", "refresh", "truesize", "daspect", "pbaspect"), _looks(_LOOKS)),
    **dict.fromkeys(("hist", "histogram"), _histogram),
}
