"""Table 3: the published program's inner Gauss-Newton computation in Octave against ours, on the same cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.io import loadmat, savemat

from benchmarks.beside_octave import beside_octave
from benchmarks.effort import Effort
from benchmarks.octave_process import OctaveProcess
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import Stopwatch, interleave, stopwatch
from benchmarks.workloads import WEIGHT_DECAY, Vector, Workload, cpu

TARGETS = {"A": 2.2, "B": 3.5, "C": 1.75}


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure every workload, our product and Octave's in turn."""
    notes = [
        "Octave computes what the published program does inside CG: outputs of the target chunk kept, f' from them at "
        "every use, a zero R_0 multiplied by W_1, errors carried down to the inputs (`matlab/bench_gv.m`).",
        f"Medians of {effort.repeats} interleaved repeats, Octave alive in between; difference: ‖ours - Octave's‖ / "
        "‖Octave's‖.",
    ]
    columns = ["ours ms", "spread", "Octave ms", "spread", "Octave / ours", *JUDGED, "difference"]
    empty = Table("octave", "Gauss-Newton product against the original's in Octave", columns, [], notes, {})
    return beside_octave(empty, _compare, effort, say)


def _compare(workload: Workload, effort: Effort, octave: OctaveProcess, folder: Path) -> list[Cell]:
    backend = cpu()
    product = workload.product(backend)
    watches = {
        "ours": stopwatch(lambda: product(workload.direction), effort.spell, backend.quiet),
        "octave": octave_stopwatch(workload, effort, octave, folder),
    }
    found = interleave(watches, effort.repeats, effort.pause)
    ours, theirs = found["ours"], found["octave"]
    ratio = judged(theirs.median / ours.median, TARGETS.get(workload.name))
    with backend.quiet():
        difference = relative_difference(product(workload.direction), -_octave_product(octave, folder))
    return [1e3 * ours.median, ours.spread, 1e3 * theirs.median, theirs.spread, *ratio, difference]


def octave_stopwatch(workload: Workload, effort: Effort, octave: OctaveProcess, folder: Path) -> Stopwatch:
    """Seconds of one product in Octave; it computes the outputs that it keeps outside of the time taken."""
    given = {"theta": workload.theta[:, None], "v": workload.direction[:, None], "y0": workload.inputs}
    savemat(folder / "given.mat", {**given, "sizes": np.array([workload.sizes], float)})
    octave.run("g = load('given.mat');")
    types = "{" + ", ".join(f"'{unit}'" for unit in workload.unit_types) + "}"

    def measure(count: int) -> float:
        call = f"bench_gv(g.theta, g.v, g.y0, g.sizes, {types}, {WEIGHT_DECAY!r}, 0, {count})"
        return octave.run(f"[answer, GV] = {call};")[0]

    measure(1)
    count = max(1, round(effort.spell / measure(1)))
    return lambda: measure(count)


def _octave_product(octave: OctaveProcess, folder: Path) -> Vector:
    octave.run("save('-v7', 'product.mat', 'GV');")
    return loadmat(folder / "product.mat")["GV"].ravel()


def relative_difference(ours: Vector, theirs: Vector) -> float:
    """‖ours - theirs‖ / ‖theirs‖."""

    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
