"""Hosts made of namespaces: they are apart, joined by a line that can be slow, lossy or cut, and always removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hosts import Hosts, wait_for

pytestmark = pytest.mark.hosts

EXCHANGE = """
import sys, time
from mpi4py import MPI
import numpy as np
comm = MPI.COMM_WORLD
mine, sums = np.full(50_000, comm.rank + 1.0), np.empty(50_000)
comm.Allreduce(mine, sums)  # connects
seconds = []
for _ in range(int(sys.argv[1])):
    began = time.perf_counter()
    comm.Allreduce(mine, sums)
    seconds.append(time.perf_counter() - began)
mine = (MPI.Get_processor_name(), comm.Split_type(MPI.COMM_TYPE_SHARED).size, sums.sum(), min(seconds))
for line in comm.gather(mine) or []:
    print(*line)
"""
BYTES = 8 * 50_000


def exchange(hosts: Hosts, ranks: list[int], times: int) -> list[list[str]]:
    """Sum vectors over the ranks; return, for each rank, host, ranks on it, sum, least seconds."""
    done = hosts.run(hosts.hosts[0], hosts.mpiexec(ranks, [sys.executable, "-c", EXCHANGE, str(times)]), 60)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_ranks_on_hosts_share_no_memory_and_exchange_over_the_cards(tmp_path: Path) -> None:
    with Hosts(tmp_path, 3) as hosts:
        before = [hosts.sent(host) for host in hosts.hosts]
        said = exchange(hosts, [1, 1, 1], 10)
        sent = [hosts.sent(host) - was for host, was in zip(hosts.hosts, before, strict=True)]
    assert [line[:3] for line in said] == [[name, "1", "300000.0"] for name in Hosts.NAMES[:3]]
    assert all(count > 10 * BYTES for count in sent)  # an Allreduce sends 4/3 of a vector from each of three ranks


def test_a_slow_line_delays_and_loses_frames_and_no_sum_changes(tmp_path: Path) -> None:
    with Hosts(tmp_path) as hosts:
        quick = exchange(hosts, [1, 1], 10)
        hosts.slow(delay=0.005, loss=0.02)
        slow = exchange(hosts, [1, 1], 10)
        assert hosts.lost.stat().st_size > 0
    assert [line[2] for line in quick] == [line[2] for line in slow] == ["150000.0"] * 2
    assert all(float(line[3]) > 0.01 for line in slow)  # a rank waits for the other and for its answer: two delays


MAKE = """
import sys, time
from pathlib import Path
from tests.hosts import Hosts
with Hosts(Path(sys.argv[1])) as hosts:
    Path(sys.argv[1], "made").touch()
    started = hosts.start(hosts.hosts[1], ["tail", "-f", sys.argv[1] + "/made"])
    hosts.slow(0.001)
    Path(sys.argv[1], "made").write_text("made")
    time.sleep(60)
"""


def test_a_killed_test_leaves_no_process_of_its_hosts(tmp_path: Path) -> None:
    maker = subprocess.Popen([sys.executable, "-c", MAKE, str(tmp_path)], env={**os.environ, "PYTHONPATH": "."})
    wait_for(tmp_path / "made")
    assert processes(tmp_path)
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    until = time.monotonic() + 10
    while processes(tmp_path):
        assert time.monotonic() < until, processes(tmp_path)
        time.sleep(0.05)


def processes(folder: Path) -> list[str]:
    """The command lines that name the folder."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text()
        except OSError:  # it ended meanwhile
            continue
        if int(path.parent.name) != os.getpid() and str(folder) in line:
            found.append(line.replace("\0", " "))
    return found
