"""Table 4: whole epochs against the same epochs of the reference in Octave, with the same files written."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat

from benchmarks.beside_octave import beside_octave
from benchmarks.effort import Effort
from benchmarks.octave_process import OctaveProcess
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import Stopwatch, interleave
from benchmarks.workloads import WEIGHT_DECAY, Workload, cpu_backends
from hf_matlab_compat import nnet_train
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.vocabulary import to_matlab_value

TARGETS = {"A": 2.0, "B": 5.0, "C": 1.7}
HELD_OUT = 100
"""Test cases: the first of the training cases, in this number."""


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Run the first epoch of every workload in both, in turn."""
    notes = [
        f"The first epoch, one chunk, {effort.cg_steps} CG steps on both sides (maxiters = miniters): the whole call "
        "with its checks, log and checkpoint, from the same parameters.",
        f"Medians of {effort.epoch_repeats} interleaved repeats, Octave alive in between. The reference computes the "
        "forward pass again in every product; the published program keeps it.",
    ]
    seconds = ["ours s", "spread", "Octave s", "spread"]
    columns = ["backend", *seconds, "Octave / ours", *JUDGED, "CG steps, both", "the same files"]
    empty = Table("epochs", "One epoch against the reference in Octave", columns, [], notes, {})
    return beside_octave(empty, _compare, effort, say)


def _compare(workload: Workload, effort: Effort, octave: OctaveProcess, folder: Path) -> list[list[Cell]]:
    limits = {"maxiters": effort.cg_steps, "miniters": effort.cg_steps}
    run = Runs(workload, octave, folder, 1, limits)
    found = interleave({**run.ours_by_backend(), "octave": run.octave}, effort.epoch_repeats, effort.pause)
    theirs = found.pop("octave")
    rows: list[list[Cell]] = []
    for name, ours in found.items():
        ratio = judged(theirs.median / ours.median, TARGETS.get(workload.name))
        steps = " and ".join(str(count) for count in run.cg_steps(name))
        same = "yes" if run.same_files(name) else "no"
        rows.append([name, ours.median, ours.spread, theirs.median, theirs.spread, *ratio, steps, same])
    return rows


class Runs:
    """The same training run, here and in Octave.

    Parameters
    ----------
    workload : Workload
    octave : OctaveProcess
        Its working directory is `folder`.
    folder : Path
    epochs : int
    constants : dict of str to int
        Constants of the method under MATLAB's names.
    """

    def __init__(
        self, workload: Workload, octave: OctaveProcess, folder: Path, epochs: int, constants: dict[str, int]
    ) -> None:
        self._workload, self._octave, self._folder = workload, octave, folder
        self._epochs, self._constants = epochs, constants
        savemat(folder / "given.mat", {"theta": workload.theta[:, None], "x": workload.inputs})
        octave.run("g = load('given.mat');")
        for name in (*cpu_backends(), "octave"):
            (folder / name).mkdir()

    def ours_by_backend(self) -> dict[str, Stopwatch]:
        """Our call on every backend that can be had, which has compiled what it compiles."""
        for name in cpu_backends():
            self.ours(name)
        return {name: partial(self.ours, name) for name in cpu_backends()}

    def ours(self, backend: str) -> float:
        """Seconds of our call on a backend."""
        self._clear(backend)
        x, workload = self._workload.inputs, self._workload
        arguments: dict[str, Any] = {"indata": x, "outdata": x, "intest": x[:, :HELD_OUT], "outtest": x[:, :HELD_OUT]}
        arguments.update(self._constants)
        started = time.perf_counter()
        nnet_train(
            **arguments,
            runName=str(self._folder / backend / "run"),
            jacket=to_matlab_value("backend", backend),
            paramsp=workload.theta,
            maxepoch=self._epochs,
            layersizes=list(workload.sizes[1:-1]),
            layertypes=workload.unit_types,
            weightcost=WEIGHT_DECAY,
            display="none",
        )
        return time.perf_counter() - started

    def octave(self) -> float:
        """Seconds of the reference's call, by Octave's clock."""
        self._clear("octave")
        held_out = f"g.x(:, 1:min(end, {HELD_OUT}))"
        units = ", ".join(f"'{unit}'" for unit in self._workload.unit_types)
        hidden = " ".join(str(size) for size in self._workload.sizes[1:-1])
        constants = ", ".join(f"'{name}', {value}" for name, value in self._constants.items())
        call = (
            f"nnet_train_2('octave/run', '', g.theta, [], [], [], {self._epochs}, g.x, g.x, 1, {held_out}, {held_out}, "
            f"1, [{hidden}], {{{units}}}, 'gn', 0, 'L2', 1, {WEIGHT_DECAY!r}, 0.95, 0, struct({constants}))"
        )
        self._octave.run(f"started = tic; p = {call}; answer = toc(started);")
        return self._octave.number("answer")

    def cg_steps(self, backend: str) -> tuple[int, int]:
        """CG steps of our last run on a backend and of Octave's."""
        ours = read_checkpoint(self._folder / backend / "run_nnet_running.mat").total_cg_steps
        theirs = loadmat(self._folder / "octave" / "run_nnet_running.mat")["totalpasses"]
        return int(ours), int(np.ravel(theirs)[0])

    def same_files(self, backend: str) -> bool:
        """True if both programs wrote files of the same names. Our sidecars are not counted."""
        ours, theirs = ({file.name for file in (self._folder / name).iterdir()} for name in (backend, "octave"))
        return {name for name in ours if not name.endswith(".sidecar.npz")} == theirs

    def _clear(self, name: str) -> None:
        for file in (self._folder / name).iterdir():
            file.unlink()
