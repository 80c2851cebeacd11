"""Several hosts shown on one machine, for tests: Linux namespaces, joined by a switch that can be slowed and unplugged.

Every host has its own name, network with loopback and one card, and shared memory; all see the same files, as a cluster
does. All of it lives below one process with its own process numbers: when that ends, or the process of the tests does,
by whatever cause, the kernel ends every process of the hosts and removes their networks. The machine's own network is
neither changed nor used.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PROGRAMS = ("ip", "mount", "nsenter", "pgrep", "unshare")
DOMAIN = "192.0.2"
"""Addresses that RFC 5737 sets apart for documentation: they lead nowhere else."""

SWITCH = """
set -e
mount --make-rprivate /
ip link set lo up
ip link add switch type bridge
ip link set switch up
"""
"""Run in the namespaces of the switch; STP is off, so that a plugged port forwards at once."""

HOST = """
unshare --net --uts --ipc --mount sh -c '
set -e
hostname {name}
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /dev/shm
mount --bind {folder}/hosts /etc/hosts
ip link set lo up
echo > {folder}/{name}.up
exec sleep infinity' &
pid=$!
while [ ! -e {folder}/{name}.up ]; do kill -0 $pid; sleep 0.01; done
ip link add {name} type veth peer name card netns $pid
ip link set {name} master switch up
nsenter -t $pid -n ip addr add {address}/24 dev card
nsenter -t $pid -n ip link set card up
echo {name} $pid
"""

LAUNCHER = """#!/bin/sh
# mpiexec calls it in place of ssh: [options] HOST COMMAND
while :; do case $1 in -*) shift;; *) break;; esac; done
case $1 in
{cases}
*) echo "no host $1" >&2; exit 1;;
esac
shift
exec nsenter -t $pid -n -u -i -m sh -c "$*"
"""


@cache
def why_no_hosts() -> str | None:
    """Return why hosts cannot be made here, or None."""
    if not sys.platform.startswith("linux"):
        return "namespaces are Linux's"
    if os.geteuid() != 0:
        return "making namespaces takes root"
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(missing)} not found (Debian: iproute2, procps, util-linux)"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "--ipc", "--pid", "--mount", "--fork", "--mount-proc", "ip", "link"],
        capture_output=True,
        text=True,
    )
    return None if tried.returncode == 0 else f"namespaces cannot be made here: {tried.stderr.strip()}"


@dataclass(frozen=True)
class Host:
    """One of the hosts.

    Attributes
    ----------
    name, address : str
    pid : int
        Of its first process, in the numbers of the hosts.
    """

    name: str
    address: str
    pid: int


class Hosts:
    """Hosts named alpha, beta, gamma, …; use it in a `with` block.

    Parameters
    ----------
    folder : Path
        Where its small files go; the hosts see it too.
    count : int
    """

    NAMES = ("alpha", "beta", "gamma", "delta")

    def __init__(self, folder: Path, count: int = 2) -> None:
        self._folder, self._names = folder / "hosts", self.NAMES[:count]
        self._addresses = {name: f"{DOMAIN}.{k + 1}" for k, name in enumerate(self._names)}
        self.hosts: list[Host] = []
        self._started: list[subprocess.Popen[Any]] = []

    def __enter__(self) -> Hosts:
        self._folder.mkdir(parents=True)
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in self._addresses.items())]
        (self._folder / "hosts").write_text("\n".join(lines) + "\n")
        parts = [
            HOST.format(name=name, folder=self._folder, address=address) for name, address in self._addresses.items()
        ]
        script = "\n".join([SWITCH, *parts, "exec cat >/dev/null"])  # ends when our end of the pipe closes
        self._root = subprocess.Popen(
            ["unshare", "--pid", "--net", "--mount", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._root.stdout is not None
        for name in self._names:
            line = self._root.stdout.readline().split()
            if not line:
                self.__exit__()
                raise RuntimeError("the hosts could not be made; the lines above say why")
            self.hosts.append(Host(name, self._addresses[name], int(line[1])))
        children = Path(f"/proc/{self._root.pid}/task/{self._root.pid}/children").read_text().split()
        self._first = children[0]
        self._write_launcher()
        return self

    def __exit__(self, *error: object) -> None:
        self._root.kill()
        self._root.communicate()
        for started in self._started:
            started.wait()

    def command(self, host: Host, argv: Sequence[str], folder: Path | None = None) -> list[str]:
        """Return the command that runs `argv` on a host, in a folder or in the current one."""
        enter = ["nsenter", "-t", self._first, "-m", "-p", "nsenter", "-t", str(host.pid), "-n", "-u", "-i", "-m"]
        return [*enter, "env", "-C", str(folder or Path.cwd()), *argv]

    def start(self, host: Host, argv: Sequence[str], env: Mapping[str, str] | None = None, **given: Any) -> Any:
        """Start a program on a host; its output is text, and captured."""
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **given}
        started = subprocess.Popen(self.command(host, argv), env={**os.environ, **(env or {})}, **given)
        self._started.append(started)
        return started

    def run(self, host: Host, argv: Sequence[str], seconds: float, env: Mapping[str, str] | None = None) -> Any:
        """Run a program on a host to its end; when the time is up, all hosts are removed and it is an error."""
        started = self.start(host, argv, env)
        out, err = self.finish(started, seconds)
        return subprocess.CompletedProcess(argv, started.returncode, out, err)

    def finish(self, started: Any, seconds: float) -> tuple[str, str]:
        """Return what a started program prints until it ends; when the time is up, remove all hosts and raise."""
        try:
            return started.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            self.__exit__()  # only this ends what runs below nsenter
            out, err = started.communicate()
            raise AssertionError(f"not at its end within {seconds} s:\n{out}\n{err}") from error

    def mpiexec(self, ranks: Sequence[int], argv: Sequence[str]) -> list[str]:
        """Return an mpiexec command that runs `argv` on the given number of ranks of each host."""
        listed = self._folder / "hostfile"
        listed.write_text(
            "".join(f"{host.name}:{count}\n" for host, count in zip(self.hosts, ranks, strict=True) if count)
        )
        where = ["-f", str(listed), "-launcher", "ssh", "-launcher-exec", str(self._folder / "launcher")]
        return [str(Path(sys.executable).with_name("mpiexec")), *where, "-n", str(sum(ranks)), *argv]

    def sent(self, host: Host) -> int:
        """Return how many bytes the host has sent over its card."""
        found = subprocess.run(
            self.command(host, ["cat", "/sys/class/net/card/statistics/tx_bytes"]), capture_output=True, check=True
        )
        return int(found.stdout)

    def slow(self, delay: float, loss: float = 0.0) -> None:
        """Delay every frame by `delay` seconds, and lose each with probability `loss`, until the hosts are removed."""
        for host in self.hosts:
            self._on_switch("ip", "link", "set", host.name, "nomaster")
        line = [sys.executable, "-S", str(Path(__file__).with_name("slow_line.py"))]
        argv = [*line, str(delay), str(loss), str(self.lost), *(host.name for host in self.hosts)]
        self.lost.touch()
        self._started.append(subprocess.Popen(["nsenter", "-t", self._first, "-n", "-p", *argv]))

    @property
    def lost(self) -> Path:
        """The file that has a byte for every lost frame."""
        return self._folder / "lost"

    def unplug(self, host: Host) -> None:
        """Pull the host's cable: its card and the port of the switch lose their carrier."""
        self._on_switch("ip", "link", "set", host.name, "down")

    def plug(self, host: Host) -> None:
        """Put the cable back."""
        self._on_switch("ip", "link", "set", host.name, "up")

    def signal(self, host: Host, pid: int, name: str = "KILL") -> None:
        """Send a signal to a process of a host, numbered as the host numbers it."""
        subprocess.run(self.command(host, ["kill", f"-{name}", str(pid)]), check=True)

    def processes(self, host: Host, pattern: str) -> list[int]:
        """Return the processes of a host whose command line has the pattern, as `pgrep -f` finds them."""
        found = self.run(host, ["pgrep", "--ns", str(host.pid), "--nslist", "net", "-f", pattern], 10)
        return [int(pid) for pid in found.stdout.split()]

    def _on_switch(self, *argv: str) -> None:
        subprocess.run(["nsenter", "-t", self._first, "-n", *argv], check=True)

    def _write_launcher(self) -> None:
        cases = "\n".join(f"{host.name}) pid={host.pid};;" for host in self.hosts)
        launcher = self._folder / "launcher"
        launcher.write_text(LAUNCHER.format(cases=cases))
        launcher.chmod(0o755)


def wait_for(path: Path, seconds: float = 20.0) -> None:
    """Return as soon as a file has content."""
    until = time.monotonic() + seconds
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < until, f"{path} was not written within {seconds} s"
        time.sleep(0.02)
