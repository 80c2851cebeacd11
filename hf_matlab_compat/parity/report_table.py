"""A certificate in the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen
from hf_matlab_compat.parity.summaries import Summary, bound_sources, by_run, by_stage, figure_cells, not_run_reasons

STYLES = {Verdict.AGREES: "green", Verdict.TIE: "cyan", Verdict.DIFFERS: "bold red", Verdict.NOT_RUN: "dim"}
_CALLS = re.compile(r"one call of (\d+) epochs equals \d+ (resumed ones|single epochs)")
_HASH = "sha256 "


def certificate_table(certificate: Certificate, *, every_line: bool = False, script: str = "") -> RenderableType:
    """The certificate as something that rich prints, readable from 80 columns on.

    Parameters
    ----------
    certificate : Certificate
    every_line : bool
        Show each comparison, a row each from 80 columns on, instead of a summary by stage.
    script : str
        What reproduces the first divergence, if there is one.
    """
    stages = summaries_table("stage", {row.name[0]: row for row in by_stage(certificate)})
    parts: list[RenderableType | None] = [_lines(certificate) if every_line else stages, ""]
    parts += [_list("Bounds come from", bound_sources(certificate)), _list("Not run", not_run_reasons(certificate))]
    parts += [_values("Constants of the reference", certificate.constants)]
    parts += [_values("Provenance", _without_hashes(certificate.provenance))]
    if screen := divergence_screen(certificate, script):
        parts += [Text(screen), ""]
    parts += [summaries_table("run", {" ".join(row.name): row for row in by_run(certificate)}), ""]
    parts += [Text(f"not exercised by these runs: {certificate.unseen}")]
    parts += [Text(f"Verdict: {certificate.sentence}", style=STYLES[certificate.verdict])]
    return Group(*(part for part in parts if part is not None))


def _without_hashes(provenance: Mapping[str, str]) -> dict[str, str]:
    """Their number for the hashes, which are in the JSON and the HTML."""
    kept = {name: value for name, value in provenance.items() if not name.startswith(_HASH)}
    hashed = len(provenance) - len(kept)
    return {**kept, "files of the reference": f"{hashed} (SHA-256 of each: --json, --html)"} if hashed else kept


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
    table.add_column(heading, overflow="fold", min_width=12)
    for name in ("agree", "tie", "differ", "not run", "farthest", "bound", "share"):
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
        table.add_column(name, overflow="fold", no_wrap=name != "detail")
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


def _list(title: str, counts: dict[str, int]) -> RenderableType | None:
    return _values(title, {name: str(count) for name, count in counts.items()})


def _values(title: str, values: object) -> RenderableType | None:
    pairs = dict(values) if isinstance(values, dict) else {}
    if not pairs:
        return None
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(overflow="fold", ratio=1)
    table.add_column(overflow="fold", ratio=2)
    for name, value in pairs.items():
        table.add_row(name, value)
    return Group(Text(title, style="bold"), Padding(table, (0, 0, 1, 2)))
