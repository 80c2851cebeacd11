"""Table 1: curvature products and gradients against their own matrix products alone."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.effort import Effort
from benchmarks.limits import limit
from benchmarks.machine import machine
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import interleave, stopwatch
from benchmarks.workloads import Workload, cpu, cpu_backends
from hf_matlab_compat.backends import Backend
from hf_matlab_compat.problem import Cases

TITLES = {
    "gauss_newton": "Gauss-Newton product",
    "gradient": "gradient and squared gradient",
    "hessian": "Hessian product",
    "empirical_fisher": "empirical Fisher product",
}
TARGETS = {
    "gauss_newton": {"A": 0.97, "B": 0.95, "C": 0.97},
    "gradient": {"A": 0.94, "B": 0.85, "C": 0.94},
    "hessian": {"A": 0.90, "B": 0.85, "C": 0.90},
    "empirical_fisher": {"A": 0.90, "B": 0.85, "C": 0.90},
}


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure every kernel on every workload."""
    where, rows = machine(), []
    for workload in effort.workloads:
        for kernel, title in TITLES.items():
            say(f"{workload.name}: {title}")
            rows += [[workload.name, title, *cells] for cells in _compare(workload, kernel, effort)]
    columns = ["workload", "kernel", "backend", "ms", "spread", "its products ms", "spread", "limit / ours", *JUDGED]
    notes = [
        "Its products: the same matrix products by numpy's calls, blocks and threads with nothing between them.",
        f"Medians of {effort.repeats} interleaved repeats; spread: interquartile range over the median.",
    ]
    return Table("kernels", "Kernels against their own matrix products", columns, rows, notes, where)


def _compare(workload: Workload, kernel: str, effort: Effort) -> list[list[Cell]]:
    backends = {name: cpu(name=name) for name in cpu_backends()}
    contenders = {name: _kernel(workload, backend, kernel) for name, backend in backends.items()}
    contenders["limit"] = limit(workload, backends["numpy"], kernel)
    watches = {name: stopwatch(call, effort.spell, backends["numpy"].quiet) for name, call in contenders.items()}
    found = interleave(watches, effort.repeats)
    alone = found.pop("limit")
    rows: list[list[Cell]] = []
    for name, ours in found.items():
        ratio = judged(alone.median / ours.median, TARGETS[kernel].get(workload.name))
        rows.append([name, 1e3 * ours.median, ours.spread, 1e3 * alone.median, alone.spread, *ratio])
    return rows


def _kernel(workload: Workload, backend: Backend, kernel: str) -> Callable[[], object]:
    if kernel == "gradient":
        problem = workload.problem(backend)
        return lambda: problem.gradient(workload.theta, Cases(0))
    product = workload.product(backend, kernel)
    return lambda: product(workload.direction)
