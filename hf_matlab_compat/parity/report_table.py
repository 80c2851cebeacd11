"""A certificate in the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen
from hf_matlab_compat.parity.engines.provenance import DATA_HASH
from hf_matlab_compat.parity.summaries import Summary, bound_sources, by_run, by_stage, figure_cells, not_run_reasons

STYLES = {Verdict.AGREES: "green", Verdict.TIE: "cyan", Verdict.DIFFERS: "bold red", Verdict.NOT_RUN: "dim"}
_CALLS = re.compile(r"one call of (\d+) epochs equals \d+ (resumed ones|single epochs)")
_HASH = "sha256 "
_COUNTED = ("agree", "tie", "differ", "not run", "farthest", "bound", "share")
_DIGITS = 16
_NAMES_AT_MOST = 30
"""Columns that the names of pairs may take."""


def certificate_table(certificate: Certificate, *, every_line: bool = False, script: str = "") -> RenderableType:
    """The certificate as something that rich prints, readable from 80 columns on; print it with ``crop=False``.

    The verdict comes first, and what is longer than a screen last; the verdict's own word ends it.

    Parameters
    ----------
    certificate : Certificate
    every_line : bool
        Show each comparison, a row each from 80 columns on, instead of a summary by stage.
    script : str
        What reproduces the first divergence, if there is one.
    """
    style = STYLES[certificate.verdict]
    stages = summaries_table("stage", {row.name[0]: row for row in by_stage(certificate)})
    parts: list[RenderableType | None] = [_Rows(f"Verdict: {certificate.sentence}", style=style), ""]
    if screen := divergence_screen(certificate, script):
        parts += [Text(screen, no_wrap=True, overflow="ignore"), ""]
    parts += [_lines(certificate) if every_line else stages, "", *_runs(certificate), ""]
    parts += [_values("Seen in these runs", certificate.seen)]
    parts += [_Rows(f"Not exercised by these runs: {certificate.unseen}"), ""]
    parts += [_list("Not run", not_run_reasons(certificate)), _list("Bounds come from", bound_sources(certificate))]
    parts += [_values("Constants of the reference", certificate.constants)]
    parts += [_values("Provenance", _without_hashes(certificate.provenance))]
    parts += [_Rows(f"Verdict: {certificate.verdict_in_words}", style=style)]
    return Group(*(part for part in parts if part is not None))


def _without_hashes(provenance: Mapping[str, str]) -> dict[str, str]:
    """Their number for the hashes, which are in the JSON and the HTML; a single one of its kind is given."""
    kept = dict(provenance)
    for start, name in ((_HASH, "files of the reference"), (DATA_HASH, "data")):
        hashes = {key: value for key, value in provenance.items() if key.startswith(start)}
        for key in hashes:
            del kept[key]
        if len(hashes) == 1:
            key, value = hashes.popitem()
            digits = f"SHA-256 {value[:_DIGITS]} (its first {_DIGITS} digits; all: --json, --html)"
            kept[name] = f"{key.removeprefix(start)}, {digits}"
        elif hashes:
            kept[name] = f"{len(hashes)} (SHA-256 of each: --json, --html)"
    return kept


def _runs(certificate: Certificate) -> Iterator[Text]:
    """A line a run, under the name of its case."""
    rows = by_run(certificate)
    several = len({row.name[3] for row in rows}) > 1
    yield _row("run", _COUNTED, ["bold"] * len(_COUNTED), "bold")
    case = ""
    for row in rows:
        if row.name[0] != case:
            case = row.name[0]
            yield Text(case, no_wrap=True, overflow="ignore")
        cells = [*_counts(row), *(Text(cell) for cell in figure_cells(row.worst))]
        name = " ".join(row.name[1:4] if several else row.name[1:3])
        yield _row(f"  {name}", [str(cell) for cell in cells], [str(cell.style) for cell in cells])


def _row(name: str, cells: Sequence[str], styles: Sequence[str], style: str = "") -> Text:
    widths = (7, 5, 8, 9, 10, 9, 7)
    row = Text(f"{name:<23}", style=style, no_wrap=True, overflow="ignore")
    for cell, width, own in zip(cells, widths, styles, strict=True):
        row.append(f"{cell:>{width}}", style=own)
    row.rstrip()
    return row


def summaries_table(heading: str, rows: Mapping[str, Summary]) -> Table:
    """A line a summary: how many comparisons have each verdict, and the one that comes nearest to its bound.

    Parameters
    ----------
    heading : str
        Of the first column.
    rows : mapping of str to Summary
        By what the first column calls them.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column(heading, overflow="ignore", min_width=12)
    for name in _COUNTED:
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in rows.items():
        table.add_row(name, *_counts(row), *figure_cells(row.worst))
    return table


def _counts(row: Summary) -> list[Text]:
    order = (Verdict.AGREES, Verdict.TIE, Verdict.DIFFERS, Verdict.NOT_RUN)
    return [Text(str(row.counts[v]) if row.counts[v] else "·", STYLES[v] if row.counts[v] else "dim") for v in order]


def _lines(certificate: Certificate) -> RenderableType:
    """A table a run, under what its lines share."""
    runs: dict[tuple[str, ...], list[Line]] = {}
    for line in certificate.lines:
        runs.setdefault(line.run, []).append(line)
    parts: list[RenderableType] = []
    for run, lines in runs.items():
        parts += [Text(" · ".join(run), style="bold"), _lines_of_a_run(lines), ""]
    return Group(*parts)


def _lines_of_a_run(lines: Sequence[Line]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("ep.", "stage", "detail"):
        table.add_column(name, overflow="fold", no_wrap=name != "detail")  # a detail may be a word of any length
    for name in ("apart", "bound"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for line in lines:
        verdict = Text({Verdict.TIE: "tie"}.get(line.verdict, line.verdict.value), style=STYLES[line.verdict])
        table.add_row(str(line.epoch), line.stage, _short(line.detail), *figure_cells(line)[:2], verdict)
    return table


def _short(detail: str) -> str:
    """In fewer words, where a line would not be one row."""
    found = _CALLS.search(detail)
    return (
        detail.replace(found[0], f"1 call = {found[1]} {'runs' if found[2] == 'resumed ones' else 'epochs'}")
        if found
        else detail
    )


def _list(title: str, counts: Mapping[str, int]) -> RenderableType | None:
    """Reasons by how often they were given, the number first."""
    width = len(str(max(counts.values(), default=0)))
    rows = [_Rows(reason, f"  {count:>{width}}  ") for reason, count in sorted(counts.items(), key=lambda one: -one[1])]
    return Group(Text(title, style="bold"), *rows, "") if counts else None


def _values(title: str, values: Mapping[str, str]) -> RenderableType | None:
    """Names and values in two columns; the value of a long name begins on the next line."""
    width = min(_NAMES_AT_MOST, max(map(len, values), default=0))
    rows: list[RenderableType] = [Text(title, style="bold")]
    for name, value in values.items():
        rows += [Text(f"  {name}", no_wrap=True, overflow="ignore")] if len(name) > width else []
        rows.append(_Rows(value, f"  {'' if len(name) > width else name:<{width}}  "))
    return Group(*rows, "") if values else None


@dataclass(frozen=True)
class _Rows:
    """A text wrapped between words and nowhere else, behind what its first row begins with."""

    text: str
    start: str = ""
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        more = " " * len(self.start)
        width = max(len(self.start) + 20, options.max_width)
        rows = wrap(
            f"{self.start}{self.text}".rstrip(),
            width,
            subsequent_indent=more,
            drop_whitespace=True,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (Text(row, style=self.style, no_wrap=True, overflow="ignore") for row in rows)
