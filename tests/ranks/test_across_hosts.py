"""Ranks on several hosts: a slow, lossy or broken line changes when a run ends, never its bits."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.matlab.files.mat_formats import load_mat
from tests.hosts import Hosts, wait_for
from tests.ranks.many_runs import run
from tests.ranks.mpi import NEEDS_MPI, PROGRAM, environment, written

pytestmark = [NEEDS_MPI, pytest.mark.hosts]

SPEC: dict[str, Any] = {"name": "run", "num_threads": 1}
DELAY = 0.003
RANK = f"^{sys.executable} -m mpi4py"
"""What the command line of a rank starts with."""


class Shared:
    """A run on ranks of several hosts, in a folder that all see."""

    def __init__(self, hosts: Hosts, folder: Path) -> None:
        self.hosts, self.folder = hosts, folder

    def write(self, spec: dict[str, Any]) -> Path:
        """Write what to run; return its file."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "specs.json"
        file.write_text(json.dumps([{**spec, "ranks": "mpi"}]))
        return file

    def start(self, spec: dict[str, Any], ranks: list[int], **env: str) -> Any:
        """Start the run of `many_runs.py`."""
        program = [sys.executable, "-m", "mpi4py", PROGRAM, str(self.write(spec)), str(self.folder / "out")]
        return self.hosts.start(self.hosts.hosts[0], self.hosts.mpiexec(ranks, program), environment(**env))

    def run(self, spec: dict[str, Any], ranks: list[int], **env: str) -> dict[str, Any]:
        """Run to the end; return what it wrote."""
        started = self.start(spec, ranks, **env)
        _, err = self.hosts.finish(started, 60)
        assert started.returncode == 0, err
        return written(self.folder / "out")

    def file(self, name: str) -> Path:
        """A file of the run: `running`, `epoch7`."""
        return self.folder / "out" / "run" / f"run_nnet_{name}.mat"


def alone(spec: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a run without MPI writes."""
    run(spec, folder, monkeypatch.setattr)
    return written(folder)


def entry(file: Path, name: str) -> int:
    """A number of a checkpoint."""
    return int(load_mat(file)[name].item())


def test_a_slow_and_lossy_line_changes_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = alone(SPEC, tmp_path / "alone", monkeypatch)
    with Hosts(tmp_path) as hosts:
        quick, slow = Shared(hosts, tmp_path / "quick"), Shared(hosts, tmp_path / "slow")
        assert quick.run(SPEC, [1, 1]) == expected
        hosts.slow(DELAY, loss=0.02)
        assert slow.run(SPEC, [1, 2]) == expected
        assert hosts.lost.stat().st_size > 0


def check_that_it_goes_on(shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resume a run that broke off, on three ranks; it is then as if it had never broken off."""
    last = entry(shared.file("running"), "epoch") + 2
    shared.run({**SPEC, "max_epochs": last, "resume_from": str(shared.file("running"))}, [2, 1])
    alone({**SPEC, "max_epochs": last}, tmp_path / "alone", monkeypatch)
    found, expected = (
        load_mat(folder / "run" / "run_nnet_running.mat") for folder in (shared.folder / "out", tmp_path / "alone")
    )
    assert found.keys() == expected.keys()
    assert all(found[name].tobytes() == expected[name].tobytes() for name in found if "time" not in name)


def test_a_rank_killed_on_another_host_costs_one_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hosts(tmp_path) as hosts:
        alpha, beta = hosts.hosts
        shared = Shared(hosts, tmp_path / "shared")
        started = shared.start({**SPEC, "max_epochs": 100_000}, [1, 1])
        wait_for(shared.file("epoch3"))
        hosts.signal(beta, hosts.processes(beta, RANK)[0])
        hosts.finish(started, 30)
        assert started.returncode != 0
        assert not hosts.processes(alpha, RANK)
        check_that_it_goes_on(shared, tmp_path, monkeypatch)


@pytest.mark.study
def test_a_cable_pulled_out_for_a_while_changes_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {**SPEC, "max_epochs": 100}
    expected = alone(spec, tmp_path / "alone", monkeypatch)
    with Hosts(tmp_path) as hosts:
        shared = Shared(hosts, tmp_path / "shared")
        started = shared.start(spec, [1, 1])
        wait_for(shared.file("epoch3"))
        hosts.unplug(hosts.hosts[1])
        time.sleep(5)
        assert started.poll() is None
        assert not shared.file("epoch100").exists()
        hosts.plug(hosts.hosts[1])
        hosts.finish(started, 60)
    assert started.returncode == 0
    assert written(shared.folder / "out") == expected


@pytest.mark.study
def test_a_cut_cable_ends_the_run_where_mpich_has_a_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hosts(tmp_path) as hosts:
        shared = Shared(hosts, tmp_path / "shared")
        started = shared.start({**SPEC, "max_epochs": 100_000}, [1, 1], MPIR_CVAR_PROGRESS_TIMEOUT="5")
        wait_for(shared.file("epoch3"))
        hosts.unplug(hosts.hosts[1])
        hosts.finish(started, 30)
        assert started.returncode != 0
        assert not hosts.processes(hosts.hosts[0], RANK)
        hosts.plug(hosts.hosts[1])  # until then the rank there sleeps and waits to tell mpiexec that it failed
        until = time.monotonic() + 60
        while hosts.processes(hosts.hosts[1], RANK):
            assert time.monotonic() < until
            time.sleep(0.5)
        check_that_it_goes_on(shared, tmp_path, monkeypatch)
