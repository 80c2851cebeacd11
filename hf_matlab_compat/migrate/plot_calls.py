"""Figures, through matplotlib."""

from __future__ import annotations

from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.context import Untranslatable
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.values import Kind, Value

_PLAIN = {
    "figure": "figure",
    "clf": "clf",
    "subplot": "subplot",
    "title": "title",
    "xlabel": "xlabel",
    "ylabel": "ylabel",
    "legend": "legend",
    "xlim": "xlim",
    "ylim": "ylim",
    "colorbar": "colorbar",
    "drawnow": "draw",
}
_AXES = {"xy": "auto", "ij": "auto", "square": "scaled"}
_CURVES = {"plot": "plot", "semilogy": "semilogy", "semilogx": "semilogx", "loglog": "loglog", "scatter": "scatter"}
_OPTIONS = {"LineWidth": "linewidth", "MarkerSize": "markersize", "Color": "color", "DisplayName": "label"}


def _plain(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        arguments.context.needs("plt")
        given = [value.text for value in arguments.values]
        if name == "legend" and all(value.kind is Kind.STR for value in arguments.values) and given:
            given = [f"[{', '.join(given)}]"]
        return Value(f"plt.{name}({', '.join(given)})")

    return translator


def _curve(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        arguments.context.needs("plt")
        given: list[str] = []
        options: list[str] = []
        place = 0
        while place < len(arguments):
            word = arguments.literal(place)
            if word in _OPTIONS and place + 1 < len(arguments):
                options.append(f"{_OPTIONS[word]}={arguments.values[place + 1].text}")
                place += 1
            else:
                given.append(_drawn(arguments, arguments.values[place]))
            place += 1
        return Value(f"plt.{name}({', '.join(given + options)})")

    return translator


def _drawn(arguments: Arguments, value: Value) -> str:
    if value.kind in (Kind.STR, Kind.NUM, Kind.ROW, Kind.COLUMN):
        return value.text
    arguments.context.needs("np")
    return f"np.squeeze({value.text})"


def _image(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    arguments.context.needs("plt")
    limits = ""
    if len(arguments) == 2:
        low_high = arguments.values[1].text
        limits = f", clim={low_high}" if arguments.name == "imagesc" else ""
    aspect = ', aspect="auto"' if arguments.name == "imagesc" else ', cmap="gray"'
    return Value(f"plt.imshow({value.as_two_dimensional().text}{aspect}{limits})")


def _colormap(arguments: Arguments) -> Value:
    name = arguments.literal(0)
    if name is None and len(arguments) == 1:
        node = arguments.nodes[0]
        name = getattr(node, "name", None) or getattr(getattr(node, "base", None), "name", None)
    if name is None:
        raise Untranslatable("sets colours in an unknown way")
    arguments.context.needs("plt")
    return Value(f"plt.set_cmap({quoted(str(name))})")


def _axis(arguments: Arguments) -> Value:
    value = arguments.expect(1)[0]
    arguments.context.needs("plt")
    word = _AXES.get(arguments.literal(0) or "")
    return Value(f"plt.axis({quoted(word) if word else value.text})")


def _grid(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    return Value(f"plt.grid({arguments.literal(0) != 'off'})")


def _saved(arguments: Arguments) -> Value:
    names = [arguments.values[k].text for k in range(len(arguments)) if (arguments.literal(k) or "").find("-") != 0]
    names = [text for text in names if text not in ("gcf", "plt.gcf()")]
    if len(names) != 1:
        raise Untranslatable("prints a figure in an unknown way")
    arguments.context.needs("plt")
    return Value(f"plt.savefig({names[0]})")


def _current(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    return Value("plt.gcf()", Kind.HANDLE)


def _close(arguments: Arguments) -> Value:
    arguments.context.needs("plt")
    return Value(
        'plt.close("all")' if arguments.literal(0) in (None, "all") else f"plt.close({arguments.values[0].text})"
    )


def _hold(arguments: Arguments) -> Value:
    arguments.context.replaced_by("left out: matplotlib draws into the same axes until told otherwise")
    return Value("")


def _histogram(arguments: Arguments) -> Value:
    values = arguments.expect(1, 2)
    arguments.context.needs("plt")
    bins = arguments.whole(1) if len(values) == 2 else "10"
    arguments.context.needs("np")
    return Value(f"plt.hist(np.ravel({values[0].text}), {bins})")


TABLE: Table = {
    **{matlab: _plain(name) for matlab, name in _PLAIN.items()},
    **{matlab: _curve(name) for matlab, name in _CURVES.items()},
    "imagesc": _image,
    "imshow": _image,
    "colormap": _colormap,
    "axis": _axis,
    "grid": _grid,
    "print": _saved,
    "saveas": _saved,
    "gcf": _current,
    "close": _close,
    "hold": _hold,
    "hist": _histogram,
}
