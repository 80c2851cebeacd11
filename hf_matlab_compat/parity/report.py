"""The report on a certificate: its sentences, tables and pictures in order, whatever they are rendered as."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hf_matlab_compat.parity.certificate import Certificate, Line, Traces, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen, ratio
from hf_matlab_compat.parity.engines.provenance import DATA_HASH
from hf_matlab_compat.parity.stages import STAGES

_CALLS = re.compile(r"one call of (\d+) epochs equals \d+ (resumed ones|single epochs)")
_HASH = "sha256 "
_DIGITS = 16
_VERDICTS = ((Verdict.AGREES, "agree"), (Verdict.TIE, "tie"), (Verdict.DIFFERS, "differ"), (Verdict.NOT_RUN, "not run"))


class Marked(NamedTuple):
    """A text in the colour of a verdict."""

    text: str
    verdict: Verdict


Cell = str | Marked


@dataclass(frozen=True)
class Sentence:
    """A sentence of its own."""

    text: str


@dataclass(frozen=True)
class Screen:
    """Lines of text whose columns are aligned."""

    title: str
    text: str


@dataclass(frozen=True)
class Pairs:
    """Names, or numbers, each with a text; `brief` is the same for a screen of a few lines."""

    title: str
    rows: Sequence[tuple[str, str]]
    brief: Sequence[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Column:
    """A column of a table: `folds` wraps its cells where a row is too long, `on_page` shows it on a page alone."""

    name: str
    number: bool = False
    folds: bool = False
    on_page: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells in groups, under the name of each; `every_line` marks the table of all comparisons."""

    title: str
    columns: Sequence[Column]
    groups: Mapping[str, Sequence[Sequence[Cell]]]
    every_line: bool = False


@dataclass(frozen=True)
class Pictures:
    """Pictures of the figures of both sides over the epochs; on a page alone."""

    title: str
    traces: Sequence[Traces]


Part = Sentence | Screen | Pairs | Table | Pictures


@dataclass(frozen=True)
class Summary:
    """Lines of a certificate that share a name; `worst` has the largest share of its bound, or differs first."""

    name: tuple[str, ...]
    counts: Counter[Verdict]
    worst: Line | None

    @property
    def verdict(self) -> Verdict:
        """DIFFERS if any line does; NOT_RUN if none was compared; TIE if there is one; else AGREES."""
        for verdict in (Verdict.DIFFERS, Verdict.TIE, Verdict.AGREES):
            if self.counts[verdict]:
                return verdict
        return Verdict.NOT_RUN


def report(certificate: Certificate, script: str = "") -> list[Part]:
    """Return the parts of the report except for the verdict; `script` reproduces the first divergence, if any."""
    title, _, screen = divergence_screen(certificate, script).partition("\n")
    constants = list(certificate.constants.items())
    parts: list[Part] = [Sentence(_counted(certificate))]
    parts += [Screen(title, screen)] if screen else []
    parts += [
        summaries("Stages", "stage", {"": {row.name[0]: row for row in by_stage(certificate)}}),
        summaries("Runs", "run", _runs(certificate)),
    ]
    parts += [Pictures("Traces", certificate.traces)] if certificate.traces else []
    parts += [
        Pairs("Seen in these runs", list(certificate.seen.items())),
        Sentence(f"Not exercised by these runs: {certificate.unseen}"),
        Pairs("Not run", _by_number(not_run_reasons(certificate))),
        Pairs("Bounds come from", _by_number(_bound_sources(certificate))),
        Pairs("Constants of the reference", constants),
        Pairs("Provenance", list(certificate.provenance.items()), _without_hashes(certificate.provenance)),
        _lines(certificate),
    ]
    return [part for part in parts if not isinstance(part, Pairs) or part.rows]


def summaries(title: str, heading: str, groups: Mapping[str, Mapping[str, Summary]]) -> Table:
    """Return a table with a row a summary: how many comparisons have each verdict, and the nearest to its bound.

    `heading` is that of the first column; summaries come by the name of their row, in named groups.
    """
    figures = (*(word for _, word in _VERDICTS), "farthest", "bound", "share")
    columns = (Column(heading), *(Column(name, number=True) for name in figures), Column("verdict", on_page=True))
    rows = {group: [_summary_cells(name, row) for name, row in found.items()] for group, found in groups.items()}
    return Table(title, columns, rows)


def summary(name: tuple[str, ...], lines: Sequence[Line]) -> Summary:
    """Return the summary of some lines."""
    judged = [line for line in lines if not math.isnan(ratio(line))]
    worst = max(judged, key=lambda line: (line.verdict is Verdict.DIFFERS, ratio(line)), default=None)
    return Summary(name, Counter(line.verdict for line in lines), worst)


def by_stage(certificate: Certificate) -> list[Summary]:
    """Return one summary a stage, in the order in which a difference would arise."""
    lines = certificate.lines
    present = [stage for stage in STAGES if any(line.stage == stage for line in lines)]
    return [summary((stage,), [line for line in lines if line.stage == stage]) for stage in present]


def not_run_reasons(certificate: Certificate) -> Counter[str]:
    """Return how many lines were not run for which reason, without its figures."""
    return Counter(_rule(line.bound_source) for line in certificate.lines if line.verdict is Verdict.NOT_RUN)


def figure_cells(line: Line | None) -> list[str]:
    """Return distance, bound and share of a line, as short texts; empty where there are none."""
    if line is None or line.distance is None or line.bound is None:
        return ["", "", ""]
    distance = f"{line.distance:.1e}" if line.distance else "0"
    if line.bound == 0:
        return [distance, "exact", ""]
    share = ratio(line)
    return [distance, f"{line.bound:.1e}", f"{share:.2f}" if share < 100 else f"{share:.0e}"]


def _counted(certificate: Certificate) -> str:
    counts = Counter(line.verdict for line in certificate.lines)
    ties = f" ({counts[Verdict.TIE]} as a tie)" if counts[Verdict.TIE] else ""
    said = [f"{counts[Verdict.AGREES] + counts[Verdict.TIE]} agree{ties}"]
    said += [f"{counts[Verdict.DIFFERS]} differ"] if counts[Verdict.DIFFERS] else []
    said += [f"{counts[Verdict.NOT_RUN]} were not run"] if counts[Verdict.NOT_RUN] else []
    return f"Of {len(certificate.lines)} comparisons {', '.join(said)}. A share is distance / bound."


def _runs(certificate: Certificate) -> dict[str, dict[str, Summary]]:
    """Return one summary a precision, mode and, where there are several, backend, by case."""
    several = len({line.backend for line in certificate.lines}) > 1
    runs: dict[str, dict[str, Summary]] = {}
    for (case, *rest), lines in _lines_by_run(certificate).items():
        name = " ".join(rest if several else rest[:2])
        runs.setdefault(case, {})[name] = summary((case, *rest), lines)
    return runs


def _lines_by_run(certificate: Certificate) -> dict[tuple[str, ...], list[Line]]:
    runs: dict[tuple[str, ...], list[Line]] = {}
    for line in certificate.lines:
        runs.setdefault(line.run, []).append(line)
    return runs


def _summary_cells(name: str, row: Summary) -> list[Cell]:
    counts = [Marked(str(n), v) if (n := row.counts[v]) else Marked("·", Verdict.NOT_RUN) for v, _ in _VERDICTS]
    return [name, *counts, *figure_cells(row.worst), Marked(row.verdict.value, row.verdict)]


def _lines(certificate: Certificate) -> Table:
    columns = (
        *(Column("ep.", number=True), Column("stage"), Column("detail", folds=True)),
        *(Column("ours", on_page=True), Column("reference", on_page=True)),
        *(Column("apart", number=True), Column("bound", number=True), Column("from", on_page=True), Column("verdict")),
    )
    groups = {" · ".join(run): [_line(line) for line in lines] for run, lines in _lines_by_run(certificate).items()}
    return Table(f"All {len(certificate.lines)} comparisons", columns, groups, every_line=True)


def _line(line: Line) -> list[Cell]:
    verdict = Marked({Verdict.TIE: "tie"}.get(line.verdict, line.verdict.value), line.verdict)
    values = (line.ours, line.reference, *figure_cells(line)[:2], line.bound_source)
    return [str(line.epoch), line.stage, _short(line.detail), *values, verdict]


def _short(detail: str) -> str:
    """Return the detail in fewer words, where a line would not be one row."""
    found = _CALLS.search(detail)
    if not found:
        return detail
    return detail.replace(found[0], f"1 call = {found[1]} {'runs' if found[2] == 'resumed ones' else 'epochs'}")


def _by_number(counts: Counter[str]) -> list[tuple[str, str]]:
    width = len(str(max(counts.values(), default=0)))
    return [(f"{count:>{width}}", text) for text, count in counts.most_common()]


def _bound_sources(certificate: Certificate) -> Counter[str]:
    compared = [line.bound_source for line in certificate.lines if line.verdict is not Verdict.NOT_RUN]
    return Counter(_rule(source) for source in compared)


def _rule(source: str) -> str:
    """Return the source of a bound without its figures."""
    head, _, tail = source.partition(", E=")
    return f"{head} {tail[tail.index('(') :]}" if "(" in tail else head


def _without_hashes(provenance: Mapping[str, str]) -> list[tuple[str, str]]:
    """Replace hashes, which are in the JSON and on the page, by their number, or the only one by its first digits."""
    return [
        *((name, value) for name, value in provenance.items() if not name.startswith((_HASH, DATA_HASH))),
        *_hashes(provenance, _HASH, "files of the reference"),
        *_hashes(provenance, DATA_HASH, "data"),
    ]


def _hashes(provenance: Mapping[str, str], start: str, name: str) -> Iterator[tuple[str, str]]:
    found = {key.removeprefix(start): value for key, value in provenance.items() if key.startswith(start)}
    if len(found) == 1:
        key, value = found.popitem()
        yield name, f"{key}, SHA-256 {value[:_DIGITS]} (its first {_DIGITS} digits; all: --json, --html)"
    elif found:
        yield name, f"{len(found)} (SHA-256 of each: --json, --html)"
