"""Table 9: how the time of a gradient and a Gauss-Newton product grows with cases, width and depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.table import Cell, Table
from benchmarks.timing import interleave, stopwatch
from benchmarks.workloads import B, Workload, cpu
from hf_matlab_compat.problem import Cases

CASES = 2000
"""Cases where width and depth grow."""
WIDTH = 128
"""Units of a layer where depth grows."""


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure along each axis, one workload after the other: the larger ones need the memory."""
    where, rows, notes = machine(), [], []
    for axis, workloads in _axes(effort).items():
        points: list[tuple[float, float]] = []
        for workload in workloads:
            if not _fits(workload):
                notes.append(
                    f"{axis}: {workload.num_cases} cases would take more than half of the free memory: left out"
                )
                continue
            say(f"{axis}: {workload.num_cases} cases, {len(workload.theta)} parameters")
            milliseconds, spread = _measure(workload, effort)
            size = workload.num_cases if axis == "cases" else len(workload.theta)
            points.append((size, milliseconds))
            rows.append([axis, size, workload.num_cases, len(workload.theta), milliseconds, spread])
        notes.append(_fit(axis, points))
    notes.append(
        f"A gradient with its squares and a Gauss-Newton product. Cases: B's net; width: 5 layers of equal width, "
        f"{CASES} cases; depth: layers of {WIDTH} units, {CASES} cases. Medians of {effort.repeats} repeats."
    )
    columns = ["axis", "size", "cases", "parameters", "ms", "spread"]
    return Table("growth", "Growth", columns, rows, notes, where)


def _axes(effort: Effort) -> dict[str, list[Workload]]:
    return {
        "cases": [Workload("B", B.sizes, n) for n in effort.growth_cases],
        "width": [Workload("width", (width,) * 5, CASES) for width in effort.growth_widths],
        "depth": [Workload("depth", (WIDTH,) * (depth + 1), CASES) for depth in effort.growth_depths],
    }


def _measure(workload: Workload, effort: Effort) -> tuple[float, float]:
    backend = cpu()
    problem, product = workload.problem(backend), workload.product(backend)

    def both() -> None:
        problem.gradient(workload.theta, Cases(0))
        product(workload.direction)

    taken = interleave({"both": stopwatch(both, effort.spell, backend.quiet)}, effort.repeats)["both"]
    return 1e3 * taken.median, taken.spread


def _fits(workload: Workload) -> bool:
    free = cpu().free_memory()
    return free is None or 4 * 5 * sum(workload.sizes) * workload.num_cases < free / 2


def _fit(axis: str, points: Sequence[tuple[float, float]]) -> str:
    grows = "cases" if axis == "cases" else "parameters"
    last = f", {exponent(points[-3:]):.2f} over the last three" if len(points) > 3 else ""
    return f"{axis}: time ∝ {grows}^{exponent(points):.2f}{last}"


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of log time against log size, by least squares."""
    sizes, times = np.log(np.array(points, float).T)
    return float(np.polyfit(sizes, times, 1)[0])


def cells_of(table: Table, axis: str) -> list[tuple[float, float]]:
    """(size, ms) of the rows of an axis."""
    return [(_number(row[1]), _number(row[4])) for row in table.rows if row[0] == axis]


def _number(cell: Cell) -> float:
    return float(cell) if cell is not None else float("nan")
