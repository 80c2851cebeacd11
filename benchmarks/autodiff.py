"""Table 8: derivatives of a small net by hand-written passes, by `autodiff_problem`, and by the engines alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.autodiff_child import OURS
from benchmarks.autodiff_peers import GRADIENT, PEERS, SQUARES
from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.recurrent import ONE_THREAD
from benchmarks.table import Cell, Table


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure all figures in one process, with all contenders in turn."""
    workload = effort.autodiff
    say("gradients and products")
    settings = {"workload": asdict(workload), "repeats": effort.repeats, "spell": effort.spell, "pause": effort.pause}
    command = [sys.executable, "-m", "benchmarks.autodiff_child", json.dumps(settings)]
    root, env = Path(__file__).parent.parent, {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, cwd=root, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    rows: list[list[Cell]] = []
    for key, (median, spread, first, difference) in found["timings"].items():
        figure, name = key.split("|")
        unit = found["timings"][f"{GRADIENT if figure == SQUARES else figure}|{OURS}"][0]
        rows.append([figure, name, 1e3 * median, spread, median / unit, 1e3 * first, difference])
    sizes = "-".join(map(str, workload.sizes))
    notes = [
        f"Processor time of one thread on one processor, medians of {effort.repeats} interleaved repeats. Double "
        f"precision, net {sizes}, logistic with a linear code, {workload.num_cases} cases in one block.",
        "The hand-written gradient computes the mean squared gradients of the cases too, and its time is the unit of "
        "the squares. Products of the hand-written passes, of an engine=... and of autograd's Gauss-Newton keep the "
        "pass at θ; the other rows repeat it.",
        "First: until the first result, compilation and check of the problem included; the import of the library not. "
        "Difference: ‖ours - theirs‖ / ‖ours‖.",
    ]
    notes += [f"{name}: {reason}" for name, reason in found["failed"].items()]
    libraries = {peer.library: peer.version() for peer in PEERS[GRADIENT] if peer.name not in found["failed"]}
    columns = ["figure", "by", "ms", "spread", "theirs / ours", "first, ms", "difference"]
    return Table("autodiff", "Automatic differentiation", columns, rows, notes, machine() | libraries)
