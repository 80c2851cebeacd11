"""Shared parameters on hosts of their own: the server and the keeper on one, a worker on each of two others."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.matlab.files.mat_formats import write_mat
from tests.hosts import Host, Hosts, wait_for
from tests.small_run import legacy_arguments

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.study,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]
PASSWORD = {"REDISCLI_AUTH": "between hosts"}
ADDRESS = "redis://alpha:6379/run"


class Cluster:
    """What runs on the hosts."""

    def __init__(self, hosts: Hosts, folder: Path) -> None:
        self.hosts, self.folder = hosts, folder
        write_mat(folder / "case.mat", {**legacy_arguments(), "maxepoch": 2})
        server = ["redis-server", "--bind", "alpha", "--save", "", "--requirepass", PASSWORD["REDISCLI_AUTH"]]
        silent: dict[str, Any] = {"stdout": None, "stderr": None}
        hosts.start(hosts.hosts[0], [*server, "--dir", str(folder), "--logfile", "server.log"], **silent)
        wait_for(folder / "server.log")

    def share(self, host: Host, *words: str) -> Any:
        """Start a command of `hf-compat share`."""
        program = [sys.executable, "-m", "hf_matlab_compat", "share", *words]
        return self.hosts.start(host, program, PASSWORD)

    def keep(self, updates: int) -> Any:
        """Start the keeper on the first host."""
        words = ["--merge", "delta", "--record", "0", "--versions", str(updates)]
        return self.share(self.hosts.hosts[0], "keep", ADDRESS, *words, "--out", str(self.folder))

    def work(self, host: Host, shard: str, updates: int) -> Any:
        """Start a worker."""
        words = ["--state", ADDRESS, "--shard", shard, "--maxepoch", str(updates), "--display", "none"]
        return self.share(host, "work", str(self.folder / "case.mat"), *words, "--out", str(self.folder))

    def check(self, started: Sequence[Any], updates: int) -> None:
        """All end well; every update has been applied, and the record gives the same bits."""
        for each in started:
            said = self.hosts.finish(each, 60)
            assert each.returncode == 0, said
        replayed = self.share(self.hosts.hosts[0], "replay", ADDRESS)
        out, err = self.hosts.finish(replayed, 30)
        assert replayed.returncode == 0, out + err
        assert str(updates) in out


def test_workers_on_other_hosts_share_parameters_through_a_server(tmp_path: Path) -> None:
    with Hosts(tmp_path, 3) as hosts:
        cluster = Cluster(hosts, tmp_path)
        _, beta, gamma = hosts.hosts
        keeper = cluster.keep(6)
        cluster.check([keeper, cluster.work(beta, "1/2", 3), cluster.work(gamma, "2/2", 3)], 6)


def test_a_worker_whose_cable_is_out_for_a_while_loses_no_update(tmp_path: Path) -> None:
    with Hosts(tmp_path, 2) as hosts:
        cluster = Cluster(hosts, tmp_path)
        beta = hosts.hosts[1]
        keeper, worker = cluster.keep(150), cluster.work(beta, "1/1", 150)
        wait_for(tmp_path / "shared_nnet_running.mat")
        hosts.unplug(beta)
        time.sleep(5)
        assert worker.poll() is None
        hosts.plug(beta)
        cluster.check([keeper, worker], 150)
