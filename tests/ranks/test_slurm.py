"""A Slurm cluster of two hosts starts ranks by `srun`: the same bits, and threads as they are allotted."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import Hosts, wait_for
from tests.ranks.mpi import NEEDS_MPI, PROGRAM, environment, written
from tests.ranks.test_across_hosts import RANK, SPEC, Shared, alone

PROGRAMS = ("slurmctld", "slurmd", "srun", "sinfo")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
pytestmark = [
    NEEDS_MPI,
    pytest.mark.hosts,
    pytest.mark.study,
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found (Debian: slurm-wlm)"),
]

CONFIGURATION = """
ClusterName=shown
SlurmctldHost=alpha
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SwitchType=switch/none
MpiDefault=pmi2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=2
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/%n
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
NodeName=alpha,beta CPUs={processors} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
THREADS = """
from hf_matlab_compat.ranks.mpi import MPIRanks, world
ranks = MPIRanks(world())
print(*(ranks.comm.gather(ranks.threads(None)) or []), end="")
"""


class Slurm:
    """The cluster: its controller on the first host, a node on each."""

    def __init__(self, hosts: Hosts, folder: Path) -> None:
        self._hosts = hosts
        # the addresses of MPICH's other network module, UCX, were sometimes too long for Slurm's protocol
        self._env = environment(SLURM_CONF=str(folder / "slurm.conf"), MPIR_CVAR_CH4_NETMOD="ofi")
        for name in ("state", *(host.name for host in hosts.hosts)):
            (folder / name).mkdir(parents=True)
        text = CONFIGURATION.format(folder=folder, processors=os.cpu_count())
        (folder / "slurm.conf").write_text(text)
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # asked for by slurmd, used by nothing here
        start, silent = hosts.start, {"stdout": None, "stderr": None}
        start(hosts.hosts[0], ["slurmctld", "-D"], self._env, **silent)
        for host in hosts.hosts:
            node = f"mount -t tmpfs none /sys/fs/cgroup && exec slurmd -D -N {host.name}"
            start(host, ["sh", "-c", node], self._env, **silent)
        until = time.monotonic() + 30
        while self.run("sinfo", "-h", "-o", "%n %t").split() != ["alpha", "idle", "beta", "idle"]:
            assert time.monotonic() < until, (folder / "controller.log").read_text()
            time.sleep(0.2)

    def run(self, *argv: str) -> str:
        """Run a command on the first host; return what it prints."""
        done = self._hosts.run(self._hosts.hosts[0], argv, 60, self._env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *argv: str):
        """Start a command on the first host."""
        return self._hosts.start(self._hosts.hosts[0], argv, self._env)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with Hosts(tmp_path_factory.mktemp("hosts")) as made:
        yield made


@pytest.fixture(scope="module")
def slurm(hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Slurm:
    return Slurm(hosts, tmp_path_factory.mktemp("slurm"))


def program(shared: Shared, spec: dict[str, object]) -> list[str]:
    return [sys.executable, "-m", "mpi4py", PROGRAM, str(shared.write(spec)), str(shared.folder / "out")]


def test_ranks_that_slurm_starts_have_the_bits_of_one_process(
    slurm: Slurm, hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Shared(hosts, tmp_path / "shared")
    slurm.run("srun", "--mpi=pmi2", "-N2", "-n2", *program(shared, SPEC))
    assert written(shared.folder / "out") == alone(SPEC, tmp_path / "alone", monkeypatch)


@pytest.mark.parametrize(
    ("asked", "threads"),
    [
        (["-N2", "-n2", "--cpus-per-task=2"], "2 2"),
        (["-N2", "-n2", "--cpus-per-task=1"], "1 1"),
        (["-N1", "-n2", "--cpu-bind=none"], "1 1"),  # nothing allotted: two ranks share the two processors of a host
    ],
)
def test_a_rank_has_the_threads_that_slurm_allots(slurm: Slurm, asked: list[str], threads: str) -> None:
    if os.cpu_count() != 2:
        pytest.skip("the numbers are those of a host with two processors")
    assert slurm.run("srun", "--mpi=pmi2", *asked, sys.executable, "-m", "mpi4py", "-c", THREADS) == threads


def test_a_killed_rank_ends_the_job(slurm: Slurm, hosts: Hosts, tmp_path: Path) -> None:
    beta, shared = hosts.hosts[1], Shared(hosts, tmp_path / "shared")
    job = slurm.start(
        "srun", "--mpi=pmi2", "--kill-on-bad-exit", "-N2", "-n2", *program(shared, {**SPEC, "max_epochs": 100_000})
    )
    wait_for(shared.file("epoch3"))
    hosts.signal(beta, hosts.processes(beta, RANK)[0])
    hosts.finish(job, 30)
    assert job.returncode != 0
    assert not any(hosts.processes(host, RANK) for host in hosts.hosts)
