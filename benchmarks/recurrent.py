"""Table 7: the Gauss-Newton product of a recurrent net on one thread, against its own products and other libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.recurrent_child import LIMIT
from benchmarks.recurrent_net import LONG, SHORT, RecurrentWorkload
from benchmarks.recurrent_peers import PEERS
from benchmarks.table import JUDGED, Cell, Table, judged

TARGETS = {LONG.name: 0.9, SHORT.name: 0.75}
"""Least time of the products alone over ours."""
PEER_TARGET = 1.1
ONE_THREAD = {
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure every workload in a process of its own, with all contenders in turn."""
    rows: list[list[Cell]] = []
    missing: dict[str, str] = {}
    for workload in effort.recurrent:
        say(f"{workload.name}: Gauss-Newton product")
        found = _measured(workload, effort)
        missing |= found["failed"]
        rows += _rows(workload, found["timings"])
    notes = [
        f"Processor time of one thread on one processor, medians of {effort.repeats} interleaved repeats. Single "
        "precision, tanh units, D = O = 10, logistic outputs at every step. Difference: ‖ours - theirs‖ / ‖theirs‖.",
        "Its products: the same matrix products by numpy's calls, shapes and blocks, with nothing between them.",
        "Ours and JAX's linearized product keep the forward pass of θ; the other rows compute it for every product.",
    ]
    notes += [f"{name}: {reason}" for name, reason in missing.items()]
    columns = ["workload", "product", "ms", "spread", "theirs / ours (numpy)", *JUDGED, "theirs / ours (numba)"]
    where = machine() | {peer.library: peer.version() for peer in PEERS if peer.name not in missing}
    return Table("recurrent", "Recurrent Gauss-Newton product", [*columns, "difference"], rows, notes, where)


def _measured(workload: RecurrentWorkload, effort: Effort) -> dict[str, Any]:
    settings = {"workload": asdict(workload), "repeats": effort.repeats, "spell": effort.spell, "pause": effort.pause}
    command = [sys.executable, "-m", "benchmarks.recurrent_child", json.dumps(settings)]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command, cwd=root, env={**os.environ, **ONE_THREAD}, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _rows(workload: RecurrentWorkload, timings: dict[str, list[Any]]) -> list[list[Cell]]:
    targets = {LIMIT: TARGETS.get(workload.name), **{peer.name: PEER_TARGET for peer in PEERS}}
    numpy, numba = (timings.get(f"ours, {name}", [None])[0] for name in ("numpy", "numba"))
    rows: list[list[Cell]] = []
    for name, (median, spread, difference) in timings.items():
        ratio = judged(median / numpy, targets.get(name))
        to_numba = median / numba if numba else None
        rows.append([workload.name, name, 1e3 * median, spread, *ratio, to_numba, difference])
    return rows
