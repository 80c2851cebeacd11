"""A report rendered in the terminal, by rich, and as one HTML page without network or script."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from textwrap import wrap
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from hf_matlab_compat.parity.certificate import Certificate, Traces, Verdict
from hf_matlab_compat.parity.report import Cell, Marked, Pairs, Part, Pictures, Screen, Sentence, Table, report

STYLES = {Verdict.AGREES: "green", Verdict.TIE: "cyan", Verdict.DIFFERS: "bold red", Verdict.NOT_RUN: "dim"}
CLASSES = {Verdict.AGREES: "agrees", Verdict.TIE: "tie", Verdict.DIFFERS: "differs", Verdict.NOT_RUN: "none"}
_NAMES_AT_MOST = 30
"""Columns of the terminal that the names of pairs may take."""
_TITLES = {"ll": "log-likelihood after the step", "rho": "reduction ratio rho", "lambda": "lambda (log scale)"}
_OURS, _REFERENCE, _INK = "#d9730d", "#6ca0d6", "#808890"
_NO_PICTURES = "Pictures of these figures need matplotlib: pip install 'hf_matlab_compat[plot]'."


def certificate_table(certificate: Certificate, *, every_line: bool = False, script: str = "") -> RenderableType:
    """Render the report for rich, readable from 80 columns on; print it with ``crop=False``.

    The verdict comes first, what may be longer than a screen last; the verdict's own word ends it.

    `every_line` shows the table of all comparisons too, a row each from 80 columns on. `script` is two lines of Python
    that reproduce the first divergence, if there is one.
    """
    style = STYLES[certificate.verdict]
    parts: list[RenderableType] = [_Rows(f"Verdict: {certificate.sentence}", style=style), ""]
    for part in report(certificate, script):
        if not isinstance(part, Pictures) and (every_line or not (isinstance(part, Table) and part.every_line)):
            parts += [in_terminal(part), ""]
    return Group(*parts, _Rows(f"Verdict: {certificate.verdict_in_words}", style=style))


def in_terminal(part: Sentence | Screen | Pairs | Table) -> RenderableType:
    """Render one part of a report for rich."""
    if isinstance(part, Sentence):
        return _Rows(part.text)
    if isinstance(part, Screen):
        return Text(f"{part.title}\n{part.text}", no_wrap=True, overflow="ignore")
    return _Grid(part) if isinstance(part, Table) else Group(*_pairs_in_terminal(part))


def _pairs_in_terminal(part: Pairs) -> Iterator[RenderableType]:
    """Yield names and texts in two columns; the text of a long name begins on the next line."""
    rows = part.rows if part.brief is None else part.brief
    width = min(_NAMES_AT_MOST, max(len(name) for name, _ in rows))
    yield Text(part.title, style="bold")
    for name, text in rows:
        if len(name) > width:
            yield Text(f"  {name}", no_wrap=True, overflow="ignore")
        yield _Rows(text, f"  {'' if len(name) > width else name:<{width}}  ")


@dataclass(frozen=True)
class _Rows:
    """A text wrapped between words and nowhere else, after the start of its first row."""

    text: str
    start: str = ""
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        more = " " * len(self.start)
        width = max(len(self.start) + 20, options.max_width)
        text = f"{self.start}{self.text}".rstrip()
        rows = wrap(text, width, subsequent_indent=more, break_long_words=False, break_on_hyphens=False)
        yield from (Text(row, style=self.style, no_wrap=True, overflow="ignore") for row in rows)


@dataclass(frozen=True)
class _Grid:
    """A table of which every group has the same columns, under its name."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = [at for at, column in enumerate(self.table.columns) if not column.on_page]
        widths = self._widths(shown, options.max_width)
        whole = options.update(width=sum(widths.values()) + (1 + self._spare) * len(widths))
        names = [Text(self.table.columns[at].name, style="bold") for at in shown]
        yield from console.render(self._rich_table(widths, [names]), whole)
        for name, rows in self.table.groups.items():
            if name:
                yield Text(name, no_wrap=True, overflow="ignore")
            cells = [[_text(row[at]) for at in shown] for row in rows]
            yield from console.render(self._rich_table(widths, cells, self._indent), whole)

    @property
    def _spare(self) -> int:
        """Return the columns by which cells are moved apart, and rows under a heading in, where no cell is folded."""
        return 0 if any(column.folds for column in self.table.columns) else 1

    @property
    def _indent(self) -> int:
        return 2 * self._spare if any(self.table.groups) else 0

    def _rich_table(self, widths: Mapping[int, int], rows: Sequence[Sequence[Text]], indent: int = 0) -> RichTable:
        grid = RichTable(box=None, pad_edge=False, padding=(0, 1 + self._spare, 0, 0), show_header=False)
        for at, width in widths.items():
            grid.add_column(width=width, justify="right" if self.table.columns[at].number else "left", overflow="fold")
        for first, *others in rows:
            grid.add_row(Text(" " * indent) + first, *others)
        return grid

    def _widths(self, shown: Sequence[int], most: int) -> dict[int, int]:
        """Return the width of each column; the one that folds takes what the others leave."""
        rows = [row for rows in self.table.groups.values() for row in rows]
        columns = self.table.columns
        widths = {at: max(len(columns[at].name), *(len(_text(row[at])) for row in rows), 0) for at in shown}
        widths[shown[0]] += self._indent
        for at in shown:
            if columns[at].folds:
                widths[at] = max(12, min(widths[at], most - sum(widths.values()) + widths[at] - len(widths)))
        return widths


def _text(cell: Cell) -> Text:
    return Text(cell.text, STYLES[cell.verdict]) if isinstance(cell, Marked) else Text(cell)


def to_html(certificate: Certificate, script: str = "") -> str:
    """Render the report as a page; `script` is as in `certificate_table`."""
    template = files("hf_matlab_compat.parity").joinpath("certificate.template.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        verdict=escape(_capital(certificate.verdict_in_words)),
        verdict_class=CLASSES[certificate.verdict],
        cause=escape(_capital(certificate.sentence)) + ".",
        parts="\n".join(_on_page(part) for part in report(certificate, script)),
    )


def _on_page(part: Part) -> str:
    if isinstance(part, Sentence):
        return f"<p>{escape(part.text)}</p>"
    if isinstance(part, Screen):
        body = f"<pre>{escape(part.text)}</pre>"
    elif isinstance(part, Pairs):
        rows = "\n".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in part.rows)
        body = f'<div class="scroll pairs"><table><tbody>\n{rows}\n</tbody></table></div>'
    elif isinstance(part, Pictures):
        body = _pictures(part.traces)
    else:
        body = f'<div class="scroll">{_table(part)}</div>'
        if part.every_line:
            return f"<details><summary>{escape(part.title)}</summary>\n{body}\n</details>"
    return f"<h2>{escape(part.title)}</h2>\n{body}"


def _table(table: Table) -> str:
    kinds = ["n" if column.number else "w" for column in table.columns]
    names = zip(kinds, table.columns, strict=True)
    head = "".join(f'<th class="{kind}">{escape(column.name)}</th>' for kind, column in names)
    rows: list[str] = []
    for name, group in table.groups.items():
        if name:
            rows.append(f'<tr class="group"><td colspan="{len(kinds)}">{escape(name)}</td></tr>')
        for row in group:
            cells = (f'<td class="{kind}">{_cell(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
            rows.append(f"<tr>{''.join(cells)}</tr>")
    body = "\n".join(rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Marked):
        return f'<span class="{CLASSES[cell.verdict]}">{escape(cell.text)}</span>'
    return escape(cell)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _pictures(traces: Sequence[Traces]) -> str:
    """Draw the figures of each run, or say why not."""
    try:
        pictures = [_pictures_of(trace) for trace in traces]
    except ImportError:
        return f'<p class="soft">{_NO_PICTURES}</p>'
    key = "Thick and pale: the reference; thin: this package; shaded: the bound (in double thinner than a line)."
    return "\n".join([f'<p class="soft">{key}</p>', *pictures])


def _pictures_of(trace: Traces) -> str:
    about = f"{escape(trace.case)}, {trace.precision}"
    images = (
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(_draw(trace, name)).decode()}" '
        f'alt="{title} of {about}: ours and the reference by epoch">'
        for name, title in _TITLES.items()
        if name in trace.ours and name in trace.reference
    )
    return f'<p>{about}</p>\n<div class="plots">{"".join(images)}</div>'


def _draw(trace: Traces, name: str) -> bytes:
    """Draw one figure over the epochs as SVG; epochs without a finite value have a mark at the foot."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ours, theirs = (np.asarray(side[name], float) for side in (trace.ours, trace.reference))
    half = np.resize(np.asarray(trace.envelope.get(name, np.zeros(1)), float), theirs.shape)
    epochs = np.asarray(trace.reference.get("epoch", np.arange(1, len(theirs) + 1)), float)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif", "font.size": 8}):
        figure = Figure(figsize=(3.4, 2.2), layout="constrained")
        axes: Any = figure.subplots()
        axes.set_title(_TITLES[name], loc="left", fontsize=9, color=_INK)
        axes.plot(epochs, _finite(theirs), color=_REFERENCE, linewidth=5, marker="o", markersize=5, alpha=0.7)
        axes.fill_between(epochs, _finite(theirs - half), _finite(theirs + half), color=_REFERENCE, alpha=0.3)
        axes.plot(epochs[: len(ours)], _finite(ours), color=_OURS, linewidth=1.2, marker="o", markersize=2.5)
        lost = epochs[: len(ours)][~np.isfinite(ours)]
        axes.plot(lost, 0 * lost + 0.03, "v", color=_OURS, markersize=4, transform=axes.get_xaxis_transform())
        if not np.isfinite([*ours, *theirs]).any():
            axes.text(0.5, 0.5, "-Inf or NaN in every epoch", ha="center", color=_INK, transform=axes.transAxes)
        elif name == "lambda":
            axes.set_yscale("log")
            for axis in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
                axis("{x:.3g}")
        _tidy(axes)
        stream = io.BytesIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _finite(values: Any) -> Any:
    return np.where(np.isfinite(values), values, np.nan)


def _tidy(axes: Any) -> None:
    """Draw a light grid and no box, in a grey that is readable on a light and a dark page."""
    axes.grid(True, color=_INK, alpha=0.25, linewidth=0.6)
    axes.tick_params(which="both", colors=_INK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    for spine in axes.spines.values():
        spine.set_visible(False)
