"""Worker, keeper and server are killed under load: no update is lost, versions count up, and the record replays."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.distributed import open_state, replay
from hf_matlab_compat.distributed.shared_state import StoredState
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from tests.distributed.redis_server import RedisServer

WORKERS = ("1/2", "2/2")


class Load:
    """A keeper and two workers that do nothing but push."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address, self._folder = address, folder
        self._processes: dict[str, subprocess.Popen[str]] = {}
        for name in ("keeper", *WORKERS):
            self.start(name)

    def start(self, name: str) -> None:
        """Start one of them."""
        words = ["hf_matlab_compat", "share", "keep", self._address, "--merge", "delta", "--record", "0"]
        words += ["--no-durable", "--run-name", str(self._folder / "run")]
        if name != "keeper":
            acknowledged = self._folder / f"acknowledged_{name[0]}"
            words = ["tests.distributed.loading_worker", self._address, name, str(acknowledged), str(self._stop)]
        errors = (self._folder / f"errors_{name[0]}").open("a")
        call = [sys.executable, "-m", *words]
        self._processes[name] = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=errors, text=True)
        errors.close()

    def kill(self, name: str) -> None:
        """End one of them at once."""
        process = self._processes[name]
        assert process.poll() is None, (self._folder / f"errors_{name[0]}").read_text()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        """Let the workers end, then the keeper."""
        self._stop.touch()
        for name in WORKERS:
            assert self._processes[name].wait(60) == 0, (self._folder / f"errors_{name[0]}").read_text()
        self._processes["keeper"].send_signal(signal.SIGINT)
        assert self._processes["keeper"].wait(30) == 130, (self._folder / "errors_k").read_text()

    def clean(self) -> None:
        """End what is left, however the test ended."""
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()

    @property
    def acknowledged(self) -> list[list[int]]:
        """For each worker, versions that had its updates in them; a kill may leave half a line."""
        files = [self._folder / f"acknowledged_{name[0]}" for name in WORKERS]
        return [
            [int(line) for line in file.read_text().splitlines(keepends=True) if line[-1] == "\n"] for file in files
        ]

    @property
    def _stop(self) -> Path:
        return self._folder / "stop"


def go_on(state: StoredState, versions: int) -> None:
    """Wait until this number of further versions is there."""
    assert state.wait(state.version() + versions, 60), "the run does not go on"


def check_whole(state: StoredState, load: Load, folder: Path, killed: int) -> None:
    """Check that every acknowledged update is in the parameters once, and of killed workers at most one more."""
    made, kept = replay(state), state.kept()
    assert kept is not None
    assert (made.start, made.equal) == (0, True)
    assert np.array_equal(kept.theta, np.full(500, kept.version, np.float32))
    acknowledged = load.acknowledged
    assert all(sorted(set(versions)) == versions for versions in acknowledged)
    count = sum(map(len, acknowledged))
    assert count <= kept.version <= count + killed
    assert sum(worker["updates"] for worker in kept.workers.values()) == kept.version
    logged = [int(number) for number in re.findall(r"epoch: (\d+),", (folder / "run.txt").read_text())]
    assert sorted(set(logged)) == list(range(1, kept.version + 1))
    checkpoint = read_checkpoint(folder / "run_nnet_running.mat")
    assert np.array_equal(checkpoint.theta, np.full(500, checkpoint.epoch, np.float32))
    assert checkpoint.records.lam.shape == (checkpoint.epoch,)


def killed_under_load(address: str, folder: Path, server: RedisServer | None, rounds: int) -> None:
    """Kill a worker, the keeper and the server, each in its turn and at a random moment, and start it again."""
    moment = random.Random(rounds)
    load = Load(address, folder)
    try:
        state = open_state(address, durable=False, patience=20)
        go_on(state, 5)
        for _ in range(rounds):
            for victim in ("1/2", "keeper", *(["server"] if server else [])):
                go_on(state, 5)
                time.sleep(0.1 * moment.random())
                if victim == "server" and server is not None:
                    server.kill()
                    server.start()
                else:
                    load.kill(victim)
                    load.start(victim)
        go_on(state, 10)
        load.end()
        check_whole(state, load, folder, killed=rounds)
        state.close()
    finally:
        load.clean()


def test_nothing_is_lost_in_a_folder(tmp_path: Path) -> None:
    killed_under_load(str(tmp_path / "shared"), tmp_path, None, rounds=1)


def test_nothing_is_lost_in_redis(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    try:
        killed_under_load(server.url(), tmp_path, server, rounds=1)
    finally:
        server.kill()


@pytest.mark.torture
@pytest.mark.parametrize("store", ["folder", "redis"])
def test_nothing_is_lost_however_often_something_is_killed(tmp_path: Path, store: str) -> None:
    server = RedisServer(tmp_path) if store == "redis" else None
    try:
        killed_under_load(server.url() if server else str(tmp_path / "shared"), tmp_path, server, rounds=10)
    finally:
        if server:
            server.kill()
