"""Table 1: curvature products and gradients against their own matrix products alone."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.effort import Effort
from benchmarks.limits import limit
from benchmarks.machine import machine
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import interleave, stopwatch
from benchmarks.workloads import Workload, cpu
from hf_matlab_compat.backends import Backend

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
            rows.append([workload.name, title, *_compare(workload, kernel, effort)])
    columns = ["workload", "kernel", "ms", "spread", "its products ms", "spread", "limit / ours", *JUDGED]
    notes = [
        "Its products: the same matrix products, blocks and threads with nothing between them.",
        f"Medians of {effort.repeats} interleaved repeats; spread: interquartile range over the median.",
    ]
    return Table("kernels", "Kernels against their own matrix products", columns, rows, notes, where)


def _compare(workload: Workload, kernel: str, effort: Effort) -> list[Cell]:
    backend = cpu()
    contenders = {"ours": _kernel(workload, backend, kernel), "limit": limit(workload, backend, kernel)}
    watches = {name: stopwatch(call, effort.spell, backend.quiet) for name, call in contenders.items()}
    found = interleave(watches, effort.repeats)
    ours, alone = found["ours"], found["limit"]
    ratio = judged(alone.median / ours.median, TARGETS[kernel].get(workload.name))
    return [1e3 * ours.median, ours.spread, 1e3 * alone.median, alone.spread, *ratio]


def _kernel(workload: Workload, backend: Backend, kernel: str) -> Callable[[], object]:
    if kernel == "gradient":
        problem = workload.problem(backend)
        return lambda: problem.gradient(workload.theta, 0)
    product = workload.product(backend, kernel)
    return lambda: product(workload.direction)
