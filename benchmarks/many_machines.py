"""Table 12: the cost model up to 1,000 machines like this one; passes, vectors and messages are measured here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchmarks.cost_model import Network, Rank, epoch, large_work
from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.ranks import child_run, measured_network, rank_of, why_no_mpi
from benchmarks.table import Cell, Table
from hf_matlab_compat.backends.workers import default_threads

RANKS = (1, 2, 4, 8, 16, 64, 256, 1000)
NETS = {
    "A; 20,000 cases; chunk 5,000 (published)": (842_340, 20_000, 5_000),
    "A; 20 million; chunk 5 million": (842_340, 20_000_000, 5_000_000),
    "100 million parameters; 20 million; chunk 1 million": (100_000_000, 20_000_000, 1_000_000),
}
"""Parameters, cases, cases of a chunk."""
CARDS = {"10 GbE": (1.1e9, 60e-6), "100 Gb/s": (11e9, 10e-6)}
"""Bytes a second of a card, and seconds of a short sum over two machines: assumed, since there is one machine."""


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure the constants here, and compute seconds of an epoch."""
    where, workload, threads = machine(), effort.workloads[0], default_threads()
    columns = ["net", "network", *(f"{ranks}" for ranks in RANKS), "times faster"]
    title = "Seconds of an epoch on many machines, by the cost model"
    if missing := why_no_mpi():
        return Table("machines", title, columns, [], [f"Not computed: {missing}."], where)
    say("passes")
    rank = rank_of([child_run(workload, effort.cg_steps, 0, threads)], workload)
    say("exchange")
    here = measured_network()
    rows: list[list[Cell]] = []
    for net, (parameters, cases, chunk) in NETS.items():
        for network in networks(here):
            seconds = [total(parameters, cases, chunk, rank, network, ranks) for ranks in RANKS]
            known = [each for each in seconds if each is not None]
            rows.append([net, network.name, *seconds, known[0] / min(known)])
    product, gradient, likelihood = 8 / rank.product / 1e12, 8 / rank.gradient / 1e12, 2 / rank.likelihood / 1e12
    notes = [
        f"A machine is this one with {threads} threads: measured {product:.3f} Tflop/s in curvature products (8 "
        f"operations a case and parameter), {gradient:.3f} in gradients, {likelihood:.3f} in "
        f"likelihoods (2 operations), {1e9 * rank.vectors:.2f} ns a parameter for the vectors of a CG step, and "
        f"{1e6 * here.message:.1f} µs a message.",
        "Cards: " + "; ".join(f"{n}: {w / 1e9:g} GB/s, {1e6 * t:g} µs a short sum" for n, (w, t) in CARDS.items())
        + " (assumed).",
        "100 CG steps and 12 likelihoods an epoch; sums over a tree with 4 to 8 lanes a machine; –: a chunk has fewer "
        "cases than lanes.",
        "Not in the model: blocks of few cases, which are slower to compute a case (the published chunk on hundreds of "
        "machines); machines slower than others; switches that do not carry all cards at full rate.",
    ]  # fmt: skip
    return Table("machines", title, columns, rows, notes, where)


def networks(here: Network) -> list[Network]:
    """Cards, with the time that this machine needs for a message."""
    return [
        replace(here, name=name, bandwidth=bandwidth, latency=latency) for name, (bandwidth, latency) in CARDS.items()
    ]


def total(parameters: int, cases: int, chunk: int, rank: Rank, network: Network, ranks: int) -> float | None:
    """Return the seconds of an epoch, or None if a chunk has too few cases for these ranks."""
    work = large_work(parameters, cases, chunk, ranks)
    return epoch(work, rank, network, ranks).total if work.order.lanes <= chunk else None
