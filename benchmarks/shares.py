"""Table 5: the share of a training run's time that is spent outside the passes through the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.workloads import Workload, cpu_backends
from hf_matlab_compat import train
from hf_matlab_compat.objective.curvature import NetworkCurvature
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Report, State

TARGETS = {"A": 0.03, "B": 0.25, "C": 0.03}
MORE_OF_SMALL = 20
TOO_SMALL_TO_SHOW = Workload("tiny", (4, 3, 3, 4), 6)
STAGES: tuple[str, ...] = ("gradient", "curvature", "score")


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Train every workload for a few epochs with a clock at each of the problem's methods."""
    where, rows = machine(), []
    for workload in effort.workloads:
        say(f"{workload.name}: whole epochs")
        rows += [[workload.name, name, *_share(workload, name, effort)] for name in cpu_backends()]
    columns = [
        "workload",
        "backend",
        "epochs",
        "CG steps",
        "s an epoch",
        "gradients",
        "products",
        "likelihoods",
        "files",
        "outside",
    ]
    notes = [
        "Shares of the epochs' time, log and checkpoint included; products with what is prepared for them. Outside: "
        "all but gradients, products and likelihoods, which is CG's vectors and the like, and the files.",
        f"At most {Options().max_cg_steps} CG steps an epoch, stopped by the published rule; B runs {MORE_OF_SMALL} "
        "times as many epochs as the others.",
    ]
    return Table("shares", "Time outside the passes", [*columns, *JUDGED], rows, notes, where)


def _share(workload: Workload, backend: str, effort: Effort) -> list[Cell]:
    epochs = effort.share_epochs * (MORE_OF_SMALL if workload.is_small else 1)
    clock = _EpochClock()
    spent: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    _train(TOO_SMALL_TO_SHOW, backend, 1)  # compiles what is compiled
    with _clocks(spent):
        _train(workload, backend, epochs, clock)
    total = clock.ended - clock.started
    shares: list[Cell] = [*(spent[stage] / total for stage in STAGES), 1 - clock.computing / total]
    outside = judged(1 - sum(spent.values()) / total, TARGETS.get(workload.name), at_most=True)
    return [epochs, clock.cg_steps, total / epochs, *shares, *outside]


def _train(workload: Workload, backend: str, epochs: int, *observers: Observer) -> None:
    with TemporaryDirectory() as folder:
        train(
            inputs=workload.inputs,
            targets=workload.inputs,
            hidden_sizes=workload.sizes[1:-1],
            unit_types=workload.unit_types,
            initial_theta=workload.theta,
            run_name=Path(folder) / "run",
            max_epochs=epochs,
            backend=backend,
            observers=observers,
        )


class _EpochClock(Observer):
    """From before the first epoch to after the last one's files: observers of one's own are told last."""

    def begin(self, run: Any, state: State) -> None:
        self.started = self.ended = time.perf_counter()
        self.computing, self.cg_steps = 0.0, 0

    def epoch(self, report: Report, state: State) -> None:
        self.ended, self.cg_steps = time.perf_counter(), report.total_cg_steps
        self.computing += report.seconds  # ends before the files are written


@contextmanager
def _clocks(spent: dict[str, float]) -> Iterator[None]:
    """Inside, the seconds of every gradient, likelihood and product are added to `spent`."""

    def clocked(stage: str, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments)
            spent[stage] += time.perf_counter() - started
            return result

        return call

    methods = {stage: clocked(stage, getattr(FeedforwardProblem, stage)) for stage in STAGES}
    products = clocked("curvature", NetworkCurvature.__call__)
    with patch.multiple(FeedforwardProblem, **methods), patch.object(NetworkCurvature, "__call__", products):
        yield
