"""A certificate as one HTML file: no network, no script, readable in any browser and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from hf_matlab_compat.parity.certificate import Certificate, Line, Traces, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen
from hf_matlab_compat.parity.summaries import Summary, by_run, by_stage, figure_cells, not_run_reasons, summary
from hf_matlab_compat.parity.trace_plot import trace_plots

CLASSES = {Verdict.AGREES: "agrees", Verdict.TIE: "tie", Verdict.DIFFERS: "differs", Verdict.NOT_RUN: "none"}
_COUNTED = ("agree", "tie", "differ", "not run", "farthest", "bound", "share")
_LINE = ("run", "epoch", "stage", "detail", "ours", "reference", "distance", "bound", "source", "verdict")


def to_html(certificate: Certificate, script: str = "") -> str:
    """The certificate as a page.

    Parameters
    ----------
    certificate : Certificate
    script : str
        What reproduces the first divergence, if there is one.
    """
    template = files("hf_matlab_compat.parity").joinpath("certificate.template.html").read_text(encoding="utf-8")
    screen = divergence_screen(certificate, script)
    return Template(template).substitute(
        verdict=escape(_capital(certificate.verdict_in_words)),
        verdict_class=CLASSES[certificate.verdict],
        cause=escape(_capital(certificate.sentence)) + ".",
        counts=_sentence(certificate),
        divergence=f"<h2>First divergence</h2>\n<pre>{escape(screen.partition(chr(10))[2])}</pre>" if screen else "",
        runs=_summaries(("case", "precision", "mode", "on"), by_run(certificate)),
        traces=_traces(certificate.traces),
        stages=_summaries(("stage",), by_stage(certificate)),
        seen=_section("Seen in these runs", certificate.seen),
        reasons=_section("Not run", {reason: str(n) for reason, n in not_run_reasons(certificate).items()}),
        constants=_section("Constants of the reference", certificate.constants),
        provenance=_pairs(certificate.provenance),
        lines=_table(_LINE, (_line(line) for line in certificate.lines), numbers=(1, 6, 7)),
        total=str(len(certificate.lines)),
    )


def _sentence(certificate: Certificate) -> str:
    counts = summary((), certificate.lines).counts
    words = [(Verdict.AGREES, "agree"), (Verdict.TIE, "agree but for a tie"), (Verdict.DIFFERS, "differ")]
    said = [f'<b class="{CLASSES[v]}">{counts[v]}</b> {word}' for v, word in words if counts[v] or v is not Verdict.TIE]
    said.append(f'<b class="none">{counts[Verdict.NOT_RUN]}</b> were not run')
    unseen = f" Not exercised by these runs: {escape(certificate.unseen)}."
    return f"Of {len(certificate.lines)} comparisons, {', '.join(said)}.{unseen} A share is a distance over its bound."


def _capital(text: str) -> str:
    """With a first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]


def _summaries(names: Sequence[str], rows: Sequence[Summary]) -> str:
    body = ([*map(escape, row.name), *_counts(row), *figure_cells(row.worst), _verdict(row.verdict)] for row in rows)
    first = len(names)
    return _table((*names, *_COUNTED, "verdict"), body, numbers=range(first, first + len(_COUNTED)))


def _counts(row: Summary) -> list[str]:
    order = (Verdict.AGREES, Verdict.TIE, Verdict.DIFFERS, Verdict.NOT_RUN)
    return [str(row.counts[verdict]) if row.counts[verdict] else "·" for verdict in order]


def _line(line: Line) -> list[str]:
    run = f"{line.case} {line.precision} {line.mode} {line.backend}"
    texts = [escape(text) for text in (line.stage, line.detail, line.ours, line.reference)]
    return [
        escape(run),
        str(line.epoch),
        *texts,
        *figure_cells(line)[:2],
        escape(line.bound_source),
        _verdict(line.verdict),
    ]


def _verdict(verdict: Verdict) -> str:
    return f'<span class="{CLASSES[verdict]}">{escape(verdict.value)}</span>'


def _traces(traces: Sequence[Traces]) -> str:
    if not traces:
        return ""
    key = (
        '<p class="soft key"><span><i style="background:var(--ours)"></i>this package</span> '
        '<span><i style="background:var(--reference)"></i>reference</span> '
        '<span><i style="background:var(--envelope)"></i>what the bound allows (in double thinner than a line)</span>'
        "</p>"
    )
    plots = "".join(
        f'<p>{escape(trace.case)}, {trace.precision}</p>\n<div class="plots">{"".join(trace_plots(trace))}</div>\n'
        for trace in traces
    )
    return f"<h2>Traces</h2>\n{key}\n{plots}"


def _section(title: str, values: Mapping[str, str]) -> str:
    return f"<h2>{title}</h2>\n{_pairs(values)}" if values else ""


def _pairs(values: Mapping[str, str]) -> str:
    rows = ([escape(name), escape(value)] for name, value in values.items())
    return f'<div class="pairs">{_table((), rows)}</div>'


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    right = set(numbers)

    def cells(tag: str, values: Sequence[str]) -> str:
        kinds = ["n" if i in right else "w" for i in range(len(values))]
        return "".join(f'<{tag} class="{kind}">{value}</{tag}>' for kind, value in zip(kinds, values, strict=True))

    head = f"<thead><tr>{cells('th', names)}</tr></thead>\n" if names else ""
    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table>\n{head}<tbody>\n{body}\n</tbody></table>"
