"""How the agreement with the reference is shown: an epoch a line, a figure a line, and every number in a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.parity.lockstep import Agreement

WORDS = {
    "gradient": "gradient",
    "cg_steps": "CG steps",
    "d": "last CG iterate",
    "chosen_step": "CG iterate chosen",
    "step": "change of parameters",
    "predicted_change": "predicted change",
    "rho": "rho",
    "reductions": "step reductions",
    "lam": "lambda",
    "train_log_likelihood": "train log-likelihood",
    "train_error": "train error",
    "test_log_likelihood": "test log-likelihood",
    "test_error": "test error",
}
"""The figures in the order of an epoch, and what they are called in print."""


def epochs_table(lines: Sequence[Agreement]) -> Table:
    """A line an epoch: both log-likelihoods, both choices, the largest distance in terms of its bound."""
    table = _table("epoch", "ll, reference", "ll, Python", "CG steps", "chosen", "of bound")
    for epoch, group in groupby(lines, key=lambda line: line.epoch):
        of = {line.figure: line for line in group}
        ll, steps, chosen = (of[name] for name in ("train_log_likelihood", "cg_steps", "chosen_step"))
        worst = max(line.ratio for line in of.values())
        pairs = (f"{pair.theirs:.0f} {pair.ours:.0f}" for pair in (steps, chosen))
        values = (f"{value:.12g}" for value in (ll.theirs, ll.ours))
        table.add_row(str(epoch), *values, *pairs, share(worst), verdict(of.values()))
    return table


def figures_table(lines: Sequence[Agreement]) -> Table:
    """A line a figure: the epoch in which it comes nearest to its bound, or exceeds it most."""
    table = _table("figure", "difference", "bound", "of bound", "epoch")
    table.columns[0].justify = "left"
    for figure, words in WORDS.items():
        group = [line for line in lines if line.figure == figure]
        worst = max(group, key=lambda line: line.ratio)
        bound = f"{worst.bound:.1e}" if worst.bound else "equal"
        if figure == "chosen_step":
            bound = "equal or tie"
        distance = f"{worst.distance:.1e}" if worst.distance else "0"
        where = str(worst.epoch) if worst.distance else "all"
        table.add_row(words, distance, bound, share(worst.ratio), where, verdict(group))
    return table


def differing(lines: Iterable[Agreement]) -> list[str]:
    """A sentence for each figure that is beyond its bound."""
    return [
        f"epoch {line.epoch}, {WORDS[line.figure]}: reference {line.theirs:.10g}, Python {line.ours:.10g}, "
        f"difference {line.distance:.1e}, bound {line.bound:.1e}"
        for line in lines
        if not line.agrees
    ]


def share(ratio: float) -> str:
    """A ratio to a bound as a percentage, as short as it can be read."""
    return f"{100 * ratio:.2g} %" if ratio < 0.995 else f"{100 * ratio:.0f} %" if ratio < 100 else f"{ratio:.1e} x"


def verdict(lines: Iterable[Agreement]) -> Text:
    """agrees, where every line does."""
    return Text("agrees", style="green") if all(line.agrees for line in lines) else Text("differs", style="bold red")


def write_csv(path: Path, lines: Iterable[Agreement]) -> None:
    """Every figure of every epoch, at full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "figure", "reference", "python", "difference", "bound", "verdict"])
        for line in lines:
            figures = (line.theirs, line.ours, line.distance, line.bound)
            writer.writerow([line.epoch, WORDS[line.figure], *map(repr, figures), verdict([line]).plain])


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    return table
