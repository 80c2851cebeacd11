"""Table 2: the Gauss-Newton product with one thread, two, four, … of the machine's."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import Stopwatch, interleave, stopwatch
from benchmarks.workloads import Workload, cpu, cpu_backends
from hf_matlab_compat.backends import Backend
from hf_matlab_compat.backends.workers import default_threads

TARGETS = {"A": 1.9, "C": 1.9}
"""One thread's time over that of two."""


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure every workload with 1, 2, 4, … threads."""
    where, rows = machine(), []
    for workload in effort.workloads:
        say(f"{workload.name}: Gauss-Newton product")
        rows += [row for name in cpu_backends() for row in _workload(workload, name, effort)]
    notes = [f"Medians of {effort.repeats} interleaved repeats; B is too little work to share and runs on one thread."]
    columns = ["workload", "backend", "threads", "ms", "spread", "one thread / ours", *JUDGED]
    return Table("threads", "Threads", columns, rows, notes, where)


def _workload(workload: Workload, backend: str, effort: Effort) -> list[list[Cell]]:
    counts = thread_counts(max(2, default_threads()))
    found = interleave({str(n): _stopwatch(workload, cpu(n, backend), effort) for n in counts}, effort.repeats)
    rows: list[list[Cell]] = []
    for n in counts:
        taken = found[str(n)]
        target = TARGETS.get(workload.name) if n == 2 else None
        ratio = judged(found["1"].median / taken.median, target)
        rows.append([workload.name, backend, n, 1e3 * taken.median, taken.spread, *ratio])
    return rows


def _stopwatch(workload: Workload, backend: Backend, effort: Effort) -> Stopwatch:
    product = workload.product(backend)
    return stopwatch(lambda: product(workload.direction), effort.spell, backend.quiet)


def thread_counts(most: int) -> list[int]:
    """1, 2, 4, … and `most`."""
    powers = [1 << k for k in range(most.bit_length()) if 1 << k <= most]
    return powers if powers[-1] == most else [*powers, most]
