"""Studies of ranks, for minutes: every combination has the bits of one process; kills at any moment cost one epoch."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.matlab.files.mat_formats import load_mat
from tests.ranks.many_runs import run
from tests.ranks.mpi import NEEDS_MPI, PROGRAM, command, environment, start, written

pytestmark = [NEEDS_MPI, pytest.mark.study]

CHOICES = {
    "num_threads": (1, 2),
    "curvature": ("gauss_newton", "hessian", "empirical_fisher"),
    "precision": ("single", "double"),
    "num_chunks": (1, 4),
}
EVERY = [dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())]
SPECS: list[dict[str, Any]] = [{"name": "_".join(map(str, spec.values())), **spec} for spec in EVERY]
KILLS = 20


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        for spec in SPECS:
            run(spec, folder, patch.setattr)
    return written(folder)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
def test_every_combination_has_the_bits_of_a_run_without_mpi(ranks: int, alone: Any, tmp_path: Path) -> None:
    file = tmp_path / "specs.json"
    file.write_text(json.dumps([{**spec, "ranks": "mpi"} for spec in SPECS]))
    done = start(ranks, PROGRAM, str(file), str(tmp_path / "out"), timeout=500)
    assert done.returncode == 0, done.stderr
    found = written(tmp_path / "out")
    assert [name for name in alone if found.get(name) != alone[name]] == []
    assert len(found) == len(alone) == len(SPECS) * 7  # log; running and two kept checkpoints, each with its sidecar


class Killed:
    """A run whose ranks are killed, and that goes on from its checkpoint."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = folder / "out" / "run"

    def start(self, ranks: int, last: int) -> subprocess.Popen[str]:
        """Start it, from its checkpoint if there is one."""
        spec: dict[str, Any] = {"name": "run", "ranks": "mpi", "precision": "double", "max_epochs": last}
        spec |= {"num_threads": 1, "num_cases": 192, "checkpoint_period": 1000}
        checkpoint = self.files / "run_nnet_running.mat"
        file = self._folder / "specs.json"
        file.write_text(json.dumps([spec | ({"resume_from": str(checkpoint)} if checkpoint.exists() else {})]))
        words = command(ranks, PROGRAM, str(file), str(self._folder / "out"))
        return subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def epochs(self) -> int:
        """Finished epochs by the checkpoint, which can be read at any moment."""
        checkpoint = self.files / "run_nnet_running.mat"
        return int(load_mat(checkpoint)["epoch"].item()) if checkpoint.exists() else 0

    def logged(self) -> int:
        """The last epoch that the log begins."""
        log = self.files / "run.txt"
        return max(map(int, re.findall(r"(?m)^epoch: (\d+)", log.read_text())), default=0) if log.exists() else 0

    def processes(self) -> list[int]:
        """The ranks."""
        found: list[int] = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_text().split("\0")
            except OSError:  # it ended meanwhile
                continue
            if words[0] == sys.executable and str(self._folder / "specs.json") in words:
                found.append(int(path.parent.name))
        return found


def test_twenty_kills_cost_at_most_the_running_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, killed = random.Random(0), Killed(tmp_path)
    for _ in range(KILLS):
        before = killed.epochs()
        started = killed.start(draw.choice([2, 3, 4]), 1_000_000)
        until = time.monotonic() + 60
        while killed.epochs() <= before:
            assert started.poll() is None, started.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(draw.random() / 2)
        os.kill(draw.choice(killed.processes()), signal.SIGKILL)
        began = time.monotonic()
        started.communicate(timeout=30)
        assert started.returncode != 0
        assert killed.processes() == []
        print(f"epoch {killed.epochs()}, logged {killed.logged()}: ended after {time.monotonic() - began:.2f} s")
        assert killed.logged() - 1 <= killed.epochs()
    last = killed.epochs() + 2
    resumed = killed.start(3, last)
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, said
    spec = {"name": "run", "precision": "double", "max_epochs": last, "num_cases": 192, "checkpoint_period": 1000}
    run(spec, tmp_path / "alone", monkeypatch.setattr)
    found, expected = (
        load_mat(folder / "run_nnet_running.mat") for folder in (killed.files, tmp_path / "alone" / "run")
    )
    assert found.keys() == expected.keys()
    assert [n for n in found if "time" not in n and found[n].tobytes() != expected[n].tobytes()] == []
