"""Figures, through matplotlib."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.plot_options import (
    FACES,
    LINES,
    TEXTS,
    drawn,
    drop,
    is_current,
    taken_apart,
    vector,
    written_numbers,
)
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.values import Binding, Kind, Value

_AXES = {"xy": "auto", "ij": "auto", "square": "scaled"}
_AXIS_WORDS = ("off", "on", "equal", "tight", "image", "auto")
_CURVES = ("plot", "semilogy", "semilogx", "loglog")
_MAPS = {
    **{name: name for name in ("gray", "jet", "hot", "cool", "spring", "summer", "autumn", "winter", "bone", "copper")},
    **{name: name for name in ("pink", "hsv", "prism", "flag", "turbo", "viridis")},
    "parula": "viridis",
    "default": "viridis",
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


def _figure(arguments: Arguments) -> Value:
    context = arguments.context
    context.needs("plt")
    first = arguments.literal(0) is None and len(arguments) > 0
    given = [arguments.whole(0) if arguments.values[0].kind is Kind.NUM else arguments.values[0].text] if first else []
    units = any((arguments.literal(k) or "").lower() == "units" for k in range(len(arguments)))
    for place in range(int(first), len(arguments) - 1, 2):
        name = (arguments.literal(place) or "").lower()
        size = None if name != "position" or units else written_numbers(arguments.nodes[place + 1], 4)
        if size is not None and min(map(float, size[2:])) > 1:
            given.append(f"figsize=({size[2]} / 100, {size[3]} / 100)")
        elif name == "name" and not first:
            given.insert(0, f"num={context(arguments.nodes[place + 1]).text}")
        else:
            drop(arguments, place, place + 1)
    return Value(f"plt.figure({', '.join(given)})", Kind.HANDLE)


def _curve(arguments: Arguments) -> Value:
    given = taken_apart(arguments, LINES)
    return Value(f"plt.{arguments.name}({given.text(*(drawn(arguments, each) for each in given.drawn))})", Kind.HANDLE)


def _line(arguments: Arguments) -> Value:
    """``line(x, y)`` of two vectors."""
    given = taken_apart(arguments, LINES)
    if len(given.drawn) != 2:
        raise Untranslatable("draws a line in an unknown way")
    return Value(f"plt.plot({given.text(*(drawn(arguments, each) for each in given.drawn))})", Kind.HANDLE)


def _scatter(arguments: Arguments) -> Value:
    options = {"displayname": "label", "linewidth": "linewidth", "marker": "marker", "markerfacecolor": "facecolors",
               "markeredgecolor": "edgecolors"}  # fmt: skip
    given = taken_apart(arguments, options, ("filled",))
    data = [each for each in given.drawn if each.kind is not Kind.STR]
    words = [arguments.literal(k) or "" for k in range(len(arguments))]
    for word in (each for each, value in zip(words, arguments.values, strict=True) if value in given.drawn and each):
        colour, marker = (next((c for c in word if c in kind), "") for kind in ("bgrcmykw", ".ox+*sdv^<>ph"))
        given.keywords |= {"color": quoted(colour)} if colour else {}
        given.keywords |= {"marker": quoted(marker)} if marker else {}
    if not 2 <= len(data) <= 4:
        raise Untranslatable("calls scatter in an unknown way")
    names = ("", "", "s=", "c=")
    texts = [f"{name}{vector(arguments, each)}" for name, each in zip(names, data, strict=False)
             if each.kind is not Kind.EMPTY]  # fmt: skip
    return Value(f"plt.scatter({given.text(*texts)})", Kind.HANDLE)


def _bars(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        given = taken_apart(arguments, FACES)
        data = [vector(arguments, each) for each in given.drawn if each.kind is not Kind.STR]
        if len(data) != len(given.drawn) or not 1 <= len(data) <= 2:
            raise Untranslatable(f"calls {arguments.name} in an unknown way")
        if len(data) == 1:
            arguments.context.needs("np")
            data.insert(0, f"np.arange(1, np.size({data[0]}) + 1)")
        return Value(f"plt.{name}({given.text(*data)})", Kind.HANDLE)

    return translator


def _error_bars(arguments: Arguments) -> Value:
    given = taken_apart(arguments, LINES)
    data = [vector(arguments, each) for each in given.drawn if each.kind is not Kind.STR]
    words = [each.text for each in given.drawn if each.kind is Kind.STR]
    if len(data) != 3 or len(words) > 1:
        raise Untranslatable("calls errorbar in an unknown way")
    fmt = [f"fmt={word}" for word in words]
    return Value(f"plt.errorbar({given.text(*data, *fmt)})", Kind.HANDLE)


def _labelled(name: str) -> Translator:
    """``title``, ``xlabel`` and their like."""

    def translator(arguments: Arguments) -> Value:
        given = taken_apart(arguments, TEXTS, texts=1)
        if len(given.drawn) != 1:
            raise Untranslatable(f"calls {arguments.name} in an unknown way")
        (said,) = given.drawn
        if said.kind is Kind.CELL:
            said = Value(f'"\\n".join({said.text})', Kind.STR)
        return Value(f"plt.{name}({given.text(said.text)})", Kind.HANDLE)

    return translator


def _text(arguments: Arguments) -> Value:
    given = taken_apart(arguments, TEXTS, texts=3)
    if len(given.drawn) != 3:
        raise Untranslatable("calls text in an unknown way")
    return Value(f"plt.text({given.text(*(each.text for each in given.drawn))})", Kind.HANDLE)


def _legend(arguments: Arguments) -> Value:
    context = arguments.context
    context.needs("plt")
    words = [(arguments.literal(k) or "").lower() for k in range(len(arguments))]
    stop = next(
        (k for k, word in enumerate(words) if word in ("location", "orientation", "fontsize", "box")), len(words)
    )
    labels, keywords = arguments.nodes[:stop], list[str]()
    for place in range(stop, len(words) - 1, 2):
        spot = _PLACES.get(words[place + 1]) if words[place] == "location" else None
        if spot is not None:
            keywords.append(f"loc={quoted(spot)}")
            context.dropped.append(arguments.nodes[place + 1])
        else:
            drop(arguments, place, place + 1)
    if words[:1] in (["show"], ["toggle"]):
        labels = ()
    if words[:1] in (["off"], ["hide"]):
        return Value("plt.gca().legend().remove()")
    values = [context(node) for node in labels]
    if len(values) == 1 and values[0].kind in (Kind.CELL, Kind.UNKNOWN, Kind.LOADED):
        return Value(f"plt.legend({', '.join([values[0].text, *keywords])})", Kind.HANDLE)
    if any(value.kind is not Kind.STR for value in values):
        raise Untranslatable("labels chosen lines in a legend")
    listed = [f"[{', '.join(value.text for value in values)}]"] if values else []
    return Value(f"plt.legend({', '.join([*listed, *keywords])})", Kind.HANDLE)


def _subplot(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    count = next((k for k in range(len(arguments)) if arguments.literal(k) is not None), len(arguments))
    if count < len(arguments):
        drop(arguments, *range(count, len(arguments)))
    if count == 1:
        return Value(f"plt.subplot({arguments.whole(0)})", Kind.HANDLE)
    if count != 3:
        raise Untranslatable("calls subplot in an unknown way")
    where = arguments.values[2]
    sizes = [arguments.whole(0), arguments.whole(1)]
    if where.kind is Kind.NUM:
        return Value(f"plt.subplot({', '.join([*sizes, arguments.whole(2)])})", Kind.HANDLE)
    spot = f"(int(np.min({where.text})), int(np.max({where.text})))"
    arguments.context.needs("np")
    return Value(f"plt.subplot({', '.join([*sizes, spot])})", Kind.HANDLE)


def _image(arguments: Arguments) -> Value:
    given = taken_apart(arguments, {})
    if len(given.drawn) not in (1, 2):
        raise Untranslatable(f"calls {arguments.name} in an unknown way")
    value, *limits = given.drawn
    text = f"plt.imshow({value.as_two_dimensional().text}"
    if arguments.name == "imshow":
        return Value(f'{text}, cmap="gray"{_clim(arguments, limits)})', Kind.HANDLE)
    return Value(f'{text}, aspect="auto"{_clim(arguments, limits)})', Kind.HANDLE)


def _clim(arguments: Arguments, limits: list[Value]) -> str:
    if not limits or limits[0].kind is Kind.EMPTY:
        return ""
    return f", clim={vector(arguments, limits[0])}"


def _colormap(arguments: Arguments) -> Value:
    nodes = [node for node in arguments.nodes if not is_current(node)]
    node = nodes[0] if len(nodes) == 1 else None
    base = node.base if isinstance(node, syntax.Apply) else node
    name = node.text if isinstance(node, syntax.Text) else base.name if isinstance(base, syntax.Name) else ""
    if isinstance(node, syntax.Apply):
        arguments.context.dropped.extend(node.arguments)
    if name not in _MAPS:
        raise Untranslatable("sets colours in an unknown way")
    arguments.context.needs("plt")
    if isinstance(node, syntax.Text) and _MAPS[name] != name:
        arguments.context.dropped.append(node)
    return Value(f"plt.set_cmap({quoted(_MAPS[name])})")


def _colorbar(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    if len(arguments):
        drop(arguments, *range(len(arguments)))
    return Value("plt.colorbar()", Kind.HANDLE)


def _limits(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    nodes = [node for node in arguments.nodes if not is_current(node)]
    if len(nodes) != 1 or isinstance(nodes[0], syntax.Text):
        raise Untranslatable(f"calls {arguments.name} in an unknown way")
    return Value(f"plt.{arguments.name}({vector(arguments, arguments.context(nodes[0]))})")


def _axis(arguments: Arguments) -> Value:
    context = arguments.context
    context.needs("plt")
    nodes = [node for node in arguments.nodes if not is_current(node)]
    made: list[str] = []
    for node in nodes:
        word = node.text.lower() if isinstance(node, syntax.Text) else None
        if word is None:
            made.append(f"plt.axis({vector(arguments, context(node))})")
        elif word in (*_AXES, *_AXIS_WORDS):
            made.append(f"plt.axis({quoted(_AXES.get(word, word))})")
        else:
            drop(arguments, arguments.nodes.index(node))
    if not nodes:
        raise Untranslatable("asks for the limits of the axes")
    if not made:
        context.replaced_by(_LOOKS)
        return Value("")
    return Value(made[0] if len(made) == 1 else f"({', '.join(made)})")


def _grid(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    return Value(f"plt.grid({arguments.literal(0) != 'off'})")


def _saved(arguments: Arguments) -> Value:
    """``print('-dpng', 'name')``, ``saveas(gcf, 'name.png')``, ``saveas(h, 'name', 'png')``."""
    context = arguments.context
    context.needs("plt")
    kind, dots, names = "", "", list[Value]()
    for place, node in enumerate(arguments.nodes):
        word = arguments.literal(place) or ""
        if is_current(node) or (place == 0 and arguments.name != "print" and context(node).kind is Kind.HANDLE):
            continue
        if word.startswith("-d") or (names and word in _FORMATS):
            kind = _format(word.removeprefix("-d"))
        elif word.startswith("-r") and word[2:].isdigit():
            dots = f", dpi={word[2:]}"
        elif word.startswith("-"):
            drop(arguments, place)
        else:
            names.append(context(node))
    if len(names) != 1 or names[0].kind not in (Kind.STR, Kind.UNKNOWN, Kind.LOADED):
        raise Untranslatable("prints a figure in an unknown way")
    return Value(f"plt.savefig({_with_format(arguments, names[0], kind)}{dots})")


def _format(word: str) -> str:
    if word not in _FORMATS:
        raise Untranslatable(f"prints a figure as '{word}', which matplotlib does not write")
    return _FORMATS[word]


def _with_format(arguments: Arguments, name: Value, kind: str) -> str:
    """The file's name with the format's suffix, where it has none of its own."""
    given = [node for node in arguments.nodes if not (isinstance(node, syntax.Text) and _is_option(node.text))]
    words = [part.text for node in given for part in node.walk() if isinstance(part, syntax.Text)]
    suffix = words[-1].rpartition(".")[2].lower() if words and "." in words[-1] else ""
    if suffix in ("fig", "ofig", "m"):
        raise Untranslatable("saves a figure in MATLAB's own format, which matplotlib does not write")
    if not kind and not suffix and words:
        raise Untranslatable("prints a figure without saying in which format")
    if not kind or suffix in _FORMATS:
        return name.text
    return f'{name.at(Binding.ADD)} + ".{kind}"'


def _is_option(word: str) -> bool:
    return word.startswith("-") or word in _FORMATS


def _current(text: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        arguments.context.needs("plt")
        return Value(text, Kind.HANDLE)

    return translator


def _set(arguments: Arguments) -> Value:
    """``set(gca, 'XLim', …)``, ``set(gcf, 'Position', …)``; of other handles only how things look."""
    context = arguments.context
    node = arguments.nodes[0]
    keywords: list[str] = []
    for place in range(1, len(arguments) - 1, 2):
        name = (arguments.literal(place) or "").lower()
        size = written_numbers(arguments.nodes[place + 1], 4) if name == "position" else None
        if node == syntax.Name("gcf") and size is not None and min(map(float, size[2:])) > 1:
            keywords.append(f"plt.gcf().set_size_inches({size[2]} / 100, {size[3]} / 100)")
        elif node == syntax.Name("gca") and name in _OF_AXES:
            value = context(arguments.nodes[place + 1])
            text = (
                quoted(value_word)
                if (value_word := _lowered(arguments, place + 1))
                else vector_or_list(arguments, value)
            )
            keywords.append(f"plt.gca().set_{_OF_AXES[name]}({text})")
        else:
            drop(arguments, place, place + 1)
    if not keywords:
        context.replaced_by(_LOOKS)
        return Value("")
    context.needs("plt")
    return Value(keywords[0] if len(keywords) == 1 else f"({', '.join(keywords)})")


def _lowered(arguments: Arguments, place: int) -> str:
    word = arguments.literal(place)
    return "" if word is None else word.lower()


def vector_or_list(arguments: Arguments, value: Value) -> str:
    """A list as it is, data of one dimension."""
    return value.text if value.kind is Kind.CELL else vector(arguments, value)


def _close(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    which = arguments.literal(0)
    if which is not None and which != "all":
        raise Untranslatable(f"closes '{which}'")
    given = ['"all"'] if which else [arguments.values[0].text] if len(arguments) else []
    return Value(f"plt.close({', '.join(given)})")


def _looks(remark: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        arguments.context.replaced_by(remark)
        return Value("")

    return translator


def _histogram(arguments: Arguments) -> Value:
    given = taken_apart(arguments, FACES)
    if len(given.drawn) not in (1, 2):
        raise Untranslatable(f"calls {arguments.name} in an unknown way")
    arguments.context.needs("np")
    bins = "10" if arguments.name == "hist" else '"auto"'
    if len(given.drawn) == 2:
        bins = arguments.whole(1) if given.drawn[1].kind is Kind.NUM else _refuse_centres()
    return Value(f"plt.hist({given.text(f'np.ravel({given.drawn[0].text})', bins)})")


def _refuse_centres() -> str:
    raise Untranslatable("gives the bins of a histogram")


TABLE: Table = {
    **dict.fromkeys(_CURVES, _curve),
    **{name: _labelled(name) for name in ("title", "xlabel", "ylabel")},
    "sgtitle": _labelled("suptitle"),
    "figure": _figure,
    "clf": _current("plt.clf()"),
    "drawnow": _current("plt.draw()"),
    "subplot": _subplot,
    "legend": _legend,
    "xlim": _limits,
    "ylim": _limits,
    "colorbar": _colorbar,
    "line": _line,
    "scatter": _scatter,
    "bar": _bars("bar"),
    "barh": _bars("barh"),
    "stem": _bars("stem"),
    "stairs": _bars("step"),
    "errorbar": _error_bars,
    "text": _text,
    "imagesc": _image,
    "imshow": _image,
    "colormap": _colormap,
    "axis": _axis,
    "grid": _grid,
    "print": _saved,
    "saveas": _saved,
    "exportgraphics": _saved,
    "gcf": _current("plt.gcf()"),
    "gca": _current("plt.gca()"),
    "set": _set,
    "close": _close,
    "hold": _looks("left out: matplotlib draws into the same axes until told otherwise"),
    **dict.fromkeys(("box", "shading", "refresh", "truesize", "daspect", "pbaspect"), _looks(_LOOKS)),
    "hist": _histogram,
    "histogram": _histogram,
}
