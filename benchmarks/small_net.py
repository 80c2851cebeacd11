"""Table 7: a net so small that the matrix products are nothing and calling them is all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.effort import Effort
from benchmarks.epochs import Runs
from benchmarks.machine import machine
from benchmarks.octave_process import OctaveProcess, why_no_octave
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import interleave, stopwatch
from benchmarks.workloads import Workload, cpu, cpu_backends
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import conjugate_gradients
from hf_matlab_compat.solvers.conjgrad import conjgrad
from hf_matlab_compat.solvers.damping import damp

MICROSECONDS_A_PASS = 60.0
TIMES_FASTER = 8.0
CG_STEPS = 20
"""CG steps of one timing."""


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Time a CG step, and a whole training run here and in Octave."""
    where, workload = machine(), effort.small
    say("a CG step")
    rows: list[list[Cell]] = [_cg_step(workload, name, effort) for name in cpu_backends()]
    num_layers = len(workload.sizes) - 1
    notes = [
        f"{workload.name}, {workload.num_cases} cases. A CG step: one damped Gauss-Newton product and the updates of "
        f"CG's vectors, {CG_STEPS} in a row with M = (λ + decay)^¾ and λ = 45; all of its time is counted as overhead "
        f"and shared by the {2 * num_layers} layer passes of the product ({num_layers} layers, forward and back).",
    ]
    missing = why_no_octave()
    if missing is None:
        say(f"{effort.small_epochs} epochs here and in Octave")
        found, steps = _training(workload, effort)
        rows += found
        where["Octave"] = steps.pop("Octave")
        notes.append(
            f"The same {effort.small_epochs} epochs with log and checkpoints, at most {Options().max_cg_steps} CG "
            f"steps each: {', '.join(f'{count} {name}' for name, count in steps.items())} "
            "(rounding sends such long runs apart)."
        )
    else:
        notes.append(missing)
    return Table("small", "A small net", ["what", "backend", "ours", "Octave", "figure", *JUDGED], rows, notes, where)


def _cg_step(workload: Workload, name: str, effort: Effort) -> list[Cell]:
    backend = cpu(name=name)
    problem, product = workload.problem(backend), workload.product(backend)
    options = Options(max_cg_steps=CG_STEPS, min_cg_steps=CG_STEPS, backend=name)
    settings = conjugate_gradients(options, backend)
    M = (0 * workload.theta + options.initial_lam + problem.weight_decay) ** 0.75
    B, b, x0 = damp(product, options.initial_lam), problem.gradient(workload.theta, Cases(0)).full, 0 * workload.theta

    def solve() -> None:
        conjgrad(B, b, x0, M, settings)

    with backend.quiet():
        steps = conjgrad(B, b, x0, M, settings).last_step
    watch = stopwatch(solve, effort.spell, backend.quiet)
    taken = interleave({"solve": watch}, effort.repeats)["solve"].median / steps
    passes = 2 * (len(workload.sizes) - 1)
    figure = judged(1e6 * taken / passes, MICROSECONDS_A_PASS, at_most=True)
    return ["µs a layer pass of a CG step", name, f"{1e6 * taken:.0f} µs a CG step", None, *figure]


def _training(workload: Workload, effort: Effort) -> tuple[list[list[Cell]], dict[str, str]]:
    with TemporaryDirectory() as folder, OctaveProcess(Path(folder)) as octave:
        run = Runs(workload, octave, Path(folder), effort.small_epochs, {"maxiters": Options().max_cg_steps})
        found = interleave({**run.ours_by_backend(), "octave": run.octave}, 1, effort.pause)
        steps = {f"with {name}": str(run.cg_steps(name)[0]) for name in cpu_backends()}
        steps |= {"in Octave": str(run.cg_steps("numpy")[1]), "Octave": octave.version()}
    seconds = {name: taken.median for name, taken in found.items()}
    theirs, what = seconds.pop("octave"), f"{effort.small_epochs} epochs, Octave / ours"
    rows: list[list[Cell]] = [
        [what, name, f"{ours:.2f} s", f"{theirs:.2f} s", *judged(theirs / ours, TIMES_FASTER)]
        for name, ours in seconds.items()
    ]
    return rows, steps
