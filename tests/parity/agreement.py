"""Prints how far the port is from the published program's recorded numbers: `python -m tests.parity.agreement`.

The table of docs/agreement.md is this program's output. Distances are ‖port - recorded‖ / ‖recorded‖; the tests hold
them to the same bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tests.cases import MAIN, PRECISIONS, STATES, probe, trace
from tests.parity import test_golden_free_running as free
from tests.parity import test_golden_kernels as kernels
from tests.parity import test_golden_lockstep as lockstep
from tests.parity.golden_bounds import distance, figure_bound, iterate_bound, spread
from tests.parity.refereed_epoch import FIGURES

Figure = tuple[float, float]
"""A distance and its bound."""


def kernel_figures(quantity: str, precision: str) -> Iterator[Figure]:
    """Of one kernel at every recorded state."""
    for name, epoch in STATES:
        ours = kernels.our_kernels(name, precision, epoch)[quantity]
        bound = kernels.bound_at(name, precision, epoch, quantity)
        yield distance(ours, probe(name, precision, epoch)[quantity]), bound


def iterate_figures(early: bool, precision: str) -> Iterator[Figure]:
    """Of the CG iterates up to the fifth step, or beyond it, at every recorded state."""
    for name, epoch in STATES:
        E = spread()[f"probe/{name}/{precision}/{epoch}"]["iterates"]
        far = kernels.distances_to_recorded(name, precision, epoch, distance)
        for step, d in far.items():
            if (int(step) <= 5) == early:
                yield d, iterate_bound(E.get(step, max(E.values())), int(step), precision)


def lockstep_figures(figure: str) -> Iterator[Figure]:
    """Of one figure of an epoch from every recorded state, in double."""
    for name, epoch, which in lockstep.RECORDED_FIGURES:
        if which == figure:
            report, _, _ = lockstep.one_epoch(name, epoch, "double")
            E = lockstep.rounding(name, epoch, "double")[figure.replace("ll_chunk_after", "ll_chunk")]
            recorded = trace(name, "double")[figure][epoch - 1]
            yield distance(FIGURES[figure](report), recorded), figure_bound(figure, E, "double")


def free_figures(figure: str) -> Iterator[Figure]:
    """Of one figure over whole runs, in double, as far as they decide something."""
    for name in free.DECIDING:
        if figure in trace(name, "double"):
            E = spread()[f"free/{name}/double/0"][figure.replace("ll_chunk_after", "ll_chunk")]
            for k, (report, _) in enumerate(free.free_run(name)):
                recorded = trace(name, "double")[figure][k]
                yield distance(FIGURES[figure](report), recorded), figure_bound(figure, E[k], "double")


def rows() -> Iterator[tuple[str, str, str, list[Figure]]]:
    """What is compared, how, in which precision, and the figures."""
    for quantity in kernels.QUANTITIES:
        for precision in PRECISIONS:
            yield quantity, "kernel", precision, list(kernel_figures(quantity, precision))
    for early, label in ((True, "CG iterates, steps ≤ 5"), (False, "CG iterates, later")):
        for precision in PRECISIONS:
            yield label, "kernel", precision, list(iterate_figures(early, precision))
    for figure in FIGURES:
        if lockstep_rows := list(lockstep_figures(figure)):
            yield figure, "one epoch", "double", lockstep_rows
    for figure in FIGURES:
        if free_rows := list(free_figures(figure)):
            yield figure, "whole runs", "double", free_rows


def decisions() -> str:
    """How many epochs took the recorded decisions."""
    reports = [(name, k, report) for name in free.DECIDING for k, (report, _) in enumerate(free.free_run(name))]
    same = 0
    for name, k, report in reports:
        recorded = trace(name, "double")
        ours = (report.cg_steps, report.reductions, report.rate, report.lam)
        theirs = tuple(recorded[key][k] for key in ("cg_steps", "nred", "rate", "lambda_after"))
        same += ours == theirs
    return (
        f"Whole runs in double: CG steps, reductions, rate and lambda equal the recorded ones in {same} of "
        f"{len(reports)} epochs of {len(free.DECIDING)} cases ({', '.join(MAIN)} and units/)."
    )


def main() -> None:
    """Print the table."""
    console = Console()
    table = Table("quantity", "compared", "precision", "figures", "largest distance", "largest share of its bound")
    worst = 0.0
    for quantity, how, precision, figures in rows():
        far = max(d for d, _ in figures)
        share = max(d / bound for d, bound in figures)
        worst = max(worst, share)
        table.add_row(quantity, how, precision, str(len(figures)), f"{far:.1e}", f"{share:.2f}")
    console.print(table)
    console.print(decisions())
    console.print(f"Largest share of a bound: {worst:.2f} (agreement means at most 1).")


if __name__ == "__main__":
    main()
