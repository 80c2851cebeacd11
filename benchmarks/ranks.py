"""Table 11: a run shared by 1, 2 and 4 processes over MPI, beside the cost model, and beside threads of one process."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cost_model import Network, Rank, Work, epoch, most_sent
from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.workloads import Workload, cpu
from hf_matlab_compat.backends.workers import default_threads
from hf_matlab_compat.objective.addition_order import order_of
from hf_matlab_compat.objective.cases import ChunkedCases

TARGETS = {"A": 0.9}
"""One process with two threads over two ranks with one thread."""
LONG = 842_340
"""Length of the vectors whose exchange is timed: the parameters of A."""
SHORT = 16


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Interleave runs with and without MPI; compare what they take with what the model says."""
    where, workload = machine(), effort.workloads[0]
    columns = [
        "run",
        "s an epoch",
        "spread",
        "passes s",
        "exchange s",
        "MB sent",
        "model s",
        "threads / ranks",
        *JUDGED,
    ]
    name = "Processes over MPI"
    if missing := why_no_mpi():
        return Table("ranks", name, columns, [], [f"Not measured: {missing}."], where)
    runs = {"1 process, 1 thread": (0, 1), "1 process, 2 threads": (0, 2)}
    runs |= {"2 ranks, 1 thread each": (2, 1), "4 ranks, 1 thread each": (4, 1)}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in runs}
    for k in range(effort.epoch_repeats + 2):
        for run in runs if k % 2 == 0 else reversed(runs):
            if k < 2 or runs[run] in ((0, 2), (2, 1)):  # the two that are compared with each other run most often
                say(f"round {k + 1}: {run}")
                found[run].append(child_run(workload, effort.cg_steps, *runs[run]))
    network, rank = measured_network(), rank_of(found["1 process, 1 thread"], workload)
    rows: list[list[Cell]] = []
    for run, (ranks, threads) in runs.items():
        work = work_of(found[run], workload)
        at_once = max(ranks, 1)
        model = epoch(work, rank.sharing(at_once, default_threads()), network, at_once).total if threads == 1 else None
        ratio = _median(found["1 process, 2 threads"]) / _median(found[run]) if ranks == 2 else None
        target = [None] * 3 if ratio is None else judged(ratio, TARGETS.get(workload.name))
        rows.append([run, *_figures(found[run]), model, *target])
    notes = [
        f"{workload.name}, {workload.num_cases} cases, one chunk, {effort.cg_steps} CG steps an epoch; the second and "
        "third epoch of each run, runs of all kinds in turn. All have the same bits.",
        "Exchange: in the calls that send vectors, with waiting for the slower rank. Sent: by the first rank.",
        f"Model: passes, vectors and products of the run with one thread, divided by the ranks, and what was measured "
        f"of MPI on its own: a sum of {SHORT} numbers over two ranks takes {1e6 * network.latency:.0f} µs, a message "
        f"{1e6 * network.message:.1f} µs, and {network.bandwidth / 1e9:.2f} GB/s are sent.",
        f"{default_threads()} processors: where ranks outnumber them, they take turns.",
    ]
    return Table("ranks", name, columns, rows, notes, where)


def why_no_mpi() -> str | None:
    """Why ranks cannot be started, or None."""
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed"
    return None if mpiexec() else "mpiexec was not found"


def mpiexec() -> str | None:
    """The program that starts ranks."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


def child(ranks: int, *words: str) -> dict[str, Any]:
    """Run `ranks_child` and return what it prints; with 0 ranks it is started without MPI."""
    command = [sys.executable, *(["-m", "mpi4py"] if ranks else []), "-m", "benchmarks.ranks_child", *words]
    command = [str(mpiexec()), "-n", str(ranks), *command] if ranks else command
    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, env=environ, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child_run(workload: Workload, cg_steps: int, ranks: int, threads: int) -> dict[str, Any]:
    """Train for three epochs."""
    sizes = "-".join(map(str, workload.sizes))
    return child(
        ranks, "run", sizes, str(workload.num_cases), "3", str(cg_steps), str(threads), "mpi" if ranks else "none"
    )


def measured_network() -> Network:
    """Measure the exchange between two ranks on this machine."""
    found = child(2, "exchange", str(SHORT), str(LONG))
    sums = {int(P): seconds for P, seconds in found["sums"].items()}
    sent = most_sent(LONG, 2, order_of(8), 2, 1)
    return Network("this machine", sums[SHORT], found["message"], sent / sums[LONG])


def work_of(found: list[dict[str, Any]], workload: Workload) -> Work:
    """Return the work of an epoch of these runs."""
    calls = {name: count / len(found[0]["epochs"]) for name, count in found[0]["calls"].items()}
    P, N, backend = len(workload.theta), workload.num_cases, cpu(2)
    blocks = ChunkedCases(workload.inputs, workload.inputs, 1).num_blocks(P, backend.on_host, kept=True)
    return Work(P, N, N, calls["product"], calls["likelihood"], order_of(8), blocks)


def rank_of(found: list[dict[str, Any]], workload: Workload) -> Rank:
    """Seconds of each pass for each case and parameter, in runs without MPI."""
    P, N = len(workload.theta), workload.num_cases

    def each(*stages: str) -> float:
        seconds = [sum(run["seconds"][stage] for stage in stages) / run["calls"][stages[0]] for run in found]
        return statistics.median(seconds) / (P * N)

    outside = [(sum(run["epochs"]) - sum(run["seconds"].values())) / run["calls"]["product"] for run in found]
    return Rank(each("gradient"), each("product", "prepare"), each("likelihood"), statistics.median(outside) / P)


def _median(found: list[dict[str, Any]]) -> float:
    return statistics.median(seconds for run in found for seconds in run["epochs"][1:])


def _figures(found: list[dict[str, Any]]) -> list[Cell]:
    epochs = [seconds for run in found for seconds in run["epochs"][1:]]
    low, _, high = statistics.quantiles(epochs, n=4, method="inclusive")
    middle = partial(_middle, found)
    exchange = middle("pieces") + middle("totals")
    passes = middle("gradient") + middle("product") + middle("prepare") + middle("likelihood") - exchange
    sent = found[0]["sent"] / len(found[0]["epochs"]) / 1e6
    return [_median(found), (high - low) / _median(found), passes, exchange, sent]


def _middle(found: list[dict[str, Any]], stage: str) -> float:
    return statistics.median(run["seconds"][stage] / len(run["epochs"]) for run in found)
