"""Table 8: peak resident memory of a training run against what it cannot do without, for 1, 4, 16 chunks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.workloads import A
from hf_matlab_compat.model.packing import num_parameters

TARGET = 1.3
VECTORS = 6


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Train A for an epoch in a process of its own, on chunks of one size."""
    where, rows = machine(), []
    for chunks in effort.memory_chunks if Path("/proc/self/status").exists() else ():
        say(f"{chunks} chunks")
        rows.append(_measure(chunks, effort.memory_cases))
    notes = [
        f"A, {effort.memory_cases} cases a chunk, one epoch. Peak: most that was resident (VmHWM). Python: what was "
        "before the data was made, with a tiny training run done. Figure: (peak - Python) / needed.",
        "Needed: data + outputs y, slopes f' and tangents R of the target chunk, inputs not among them + "
        f"{VECTORS} parameter vectors + recorded iterates.",
    ]
    if not rows:
        notes = ["/proc/self/status is not there: not measured on this system"]
    columns = ["chunks", "data MB", "chunk MB", "vectors MB", "iterates MB", "Python MB", "peak MB", "figure", *JUDGED]
    return Table("memory", "Peak memory", columns, rows, notes, where)


def _measure(chunks: int, cases: int) -> list[Cell]:
    command = [sys.executable, "-m", "benchmarks.memory_child", str(chunks), str(cases)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    vector = 4 * num_parameters(A.sizes)
    parts = [
        4 * A.sizes[0] * cases * chunks,
        4 * 3 * sum(A.sizes[1:]) * cases,
        VECTORS * vector,
        found["iterates"] * vector,
    ]
    figure = judged((found["peak"] - found["before"]) / sum(parts), TARGET, at_most=True)
    return [chunks, *(part / 1e6 for part in parts), found["before"] / 1e6, found["peak"] / 1e6, *figure]
