"""Table 3: the published program's inner Gauss-Newton computation in Octave against ours, on the same cases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
from scipy.io import loadmat, savemat

from benchmarks.beside_octave import beside_octave
from benchmarks.effort import Effort
from benchmarks.octave_process import OctaveProcess
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import Stopwatch, Timing, interleave, pooled, stopwatch
from benchmarks.workloads import WEIGHT_DECAY, Vector, Workload, cpu, cpu_backends

TARGETS = {"A": 2.2, "B": 3.5, "C": 1.75}
PROCESSES = 3


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure every workload, our product and Octave's in turn."""
    notes = [
        "Octave computes what the published program does inside CG: outputs of the target chunk kept, f' from them at "
        "every use, a zero R_0 multiplied by W_1, errors carried down to the inputs (`matlab/bench_gv.m`).",
        f"Medians of {PROCESSES * _rounds(effort)} interleaved repeats, {_rounds(effort)} in each of {PROCESSES} "
        f"Octaves; in each repeat products follow one another for {effort.octave_spell:g} s, as in CG (after a rest "
        "Octave is faster for a while). Difference: ‖ours - Octave's‖ / ‖Octave's‖.",
    ]
    columns = ["backend", "ours ms", "spread", "Octave ms", "spread", "Octave / ours", *JUDGED, "difference"]
    empty = Table("octave", "Gauss-Newton product against the original's in Octave", columns, [], notes, {})
    return beside_octave(empty, _compare, effort, say)


def _compare(workload: Workload, effort: Effort, octave: OctaveProcess, folder: Path) -> list[list[Cell]]:
    backends = {name: cpu(name=name) for name in cpu_backends()}
    products = {name: workload.product(backend) for name, backend in backends.items()}
    watches: dict[str, Stopwatch] = {}
    for name, product in products.items():
        call = partial(product, workload.direction)
        watches[name] = stopwatch(call, effort.octave_spell, backends[name].quiet)

    def beside(one: OctaveProcess) -> dict[str, Timing]:
        theirs = octave_stopwatch(workload, effort, one, folder)
        return interleave({"octave": theirs, **watches}, _rounds(effort), effort.pause)

    rounds = [beside(octave)]
    for _ in range(PROCESSES - 1):
        with OctaveProcess(folder) as another:
            rounds.append(beside(another))
    found = pooled(rounds)
    theirs, expected = found.pop("octave"), -_octave_product(octave, folder)
    rows: list[list[Cell]] = []
    for name, ours in found.items():
        ratio = judged(theirs.median / ours.median, TARGETS.get(workload.name))
        with backends[name].quiet():
            difference = relative_difference(products[name](workload.direction), expected)
        rows.append([name, 1e3 * ours.median, ours.spread, 1e3 * theirs.median, theirs.spread, *ratio, difference])
    return rows


def _rounds(effort: Effort) -> int:
    return ceil(effort.repeats / PROCESSES)


def octave_stopwatch(workload: Workload, effort: Effort, octave: OctaveProcess, folder: Path) -> Stopwatch:
    """Seconds of one product in Octave; it computes the outputs that it keeps outside of the time taken."""
    given = {"theta": workload.theta[:, None], "v": workload.direction[:, None], "y0": workload.inputs}
    savemat(folder / "given.mat", {**given, "sizes": np.array([workload.sizes], float)})
    octave.run("g = load('given.mat');")
    types = "{" + ", ".join(f"'{unit}'" for unit in workload.unit_types) + "}"

    def measure(count: int) -> float:
        call = f"bench_gv(g.theta, g.v, g.y0, g.sizes, {types}, {WEIGHT_DECAY!r}, 0, {count})"
        octave.run(f"[answer, GV] = {call};")
        return octave.number("answer")

    measure(1)
    count = max(1, round(effort.octave_spell / measure(1)))
    return lambda: measure(count)


def _octave_product(octave: OctaveProcess, folder: Path) -> Vector:
    octave.run("save('-v7', 'product.mat', 'GV');")
    return loadmat(folder / "product.mat")["GV"].ravel()


def relative_difference(ours: Vector, theirs: Vector) -> float:
    """‖ours - theirs‖ / ‖theirs‖."""
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
