"""Tables of the agreement with the reference: by epoch, by stage, and every comparison in a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict
from hf_matlab_compat.parity.rendering import STYLES, in_terminal
from hf_matlab_compat.parity.report import by_stage, figure_cells, not_run_reasons, summaries, summary

WORDS = {
    "forward": "outputs of each layer",
    "ll": "log-likelihood before",
    "err": "error before",
    "grad": "gradient",
    "grad2": "squared gradient",
    "Bv": "curvature, damped",
    "Bv_undamped": "curvature, undamped",
    "precon": "preconditioner",
    "cg_iterates": "CG iterates",
    "cg_steps": "number of CG steps",
    "chose_iters": "CG step chosen",
    "rho": "rho",
    "reductions": "step reductions",
    "rate": "step length",
    "lambda": "lambda",
    "params": "results of the epoch",
    "log": "lines of the log file",
    "checkpoint": "checkpoint file",
    "entry": "call of nnet_train_2",
}
"""The stages of an epoch in their order, and their names in print."""

_LL, _STEPS, _CHOSEN = ("params", "ll after the step"), ("cg_steps", ""), ("chose_iters", "")


def epochs_table(certificate: Certificate) -> Table:
    """Return a table by epoch: log-likelihoods, decisions, and the largest distance as a share of its bound."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for heading in ("epoch", "ll, reference", "ll, Python", "CG steps", "chosen", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for epoch in sorted({line.epoch for line in certificate.lines}):
        lines = [line for line in certificate.lines if line.epoch == epoch]
        row = summary((str(epoch),), lines)
        ll, steps, chosen = (_values(lines, place) for place in (_LL, _STEPS, _CHOSEN))
        verdict = Text(row.verdict.value, STYLES[row.verdict])
        table.add_row(str(epoch), *ll, " ".join(steps), " ".join(chosen), figure_cells(row.worst)[2] or "-", verdict)
    return table


def stages_table(certificate: Certificate) -> RenderableType:
    """Return a table with a line per stage: its verdicts, and the comparison that comes nearest to its bound."""
    rows = {WORDS[row.name[0]]: row for row in by_stage(certificate)}
    return in_terminal(summaries("", "compared", {"": rows}))


def counts(certificate: Certificate) -> str:
    """Return how many comparisons agree, how many of them as a tie, and how many were not made and why."""
    of = Counter(line.verdict for line in certificate.lines)
    agree = of[Verdict.AGREES] + of[Verdict.TIE]
    parts = [f"{agree} of {agree + of[Verdict.DIFFERS]} compared figures agree"]
    parts += [f"{of[Verdict.TIE]} of them as a tie"] if of[Verdict.TIE] else []
    parts += [f"{count} not run: {reason}" for reason, count in not_run_reasons(certificate).items()]
    return "; ".join(parts) + "."


def write_csv(path: Path, certificate: Certificate) -> None:
    """Write every comparison of every epoch, at full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "compared", "detail", "reference", "python", "difference", "bound", "why", "verdict"])
        for line in certificate.lines:
            figures = ("" if value is None else repr(value) for value in (line.distance, line.bound))
            words = (WORDS[line.stage], line.detail, line.reference, line.ours)
            writer.writerow([line.epoch, *words, *figures, line.bound_source, line.verdict.value])


def _values(lines: Sequence[Line], place: tuple[str, str]) -> tuple[str, str]:
    """Return the reference's figure and ours."""
    line = next((line for line in lines if (line.stage, line.detail) == place), None)
    texts = (line.reference, line.ours) if line else ("", "")
    first, second = (f"{float(text):.12g}" if text else "-" for text in texts)
    return first, second
