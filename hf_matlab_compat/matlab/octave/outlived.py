"""What must not outlive its use: a program that was started, with all that it started, and a folder of temporary files.

A shell of a few lines waits at the end of a pipe that this process holds, and does nothing else: whether Python
returns, is told to end (``kill``, ``timeout``) or is shot, the system closes the pipe, and the shell does what is left
to do. Where there is no such shell, this is nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL = 0.02
_SHELL = "/bin/sh"
_WAIT = "read -r nothing; "
_KILL = 'kill -KILL "-$1"'  # not every shell takes -- before the number of a group
# something that is about to be killed may write to it yet
_REMOVE = 'for again in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$1"; sleep 0.2; [ -e "$1" ] || break; done'


@contextmanager
def killed_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Inside, the end of this process is that of another one, which leads its group, and of all in there."""
    with _afterwards(_KILL, str(process.pid)):
        yield


def wait_and_kill(process: subprocess.Popen[bytes], timeout: float, look: Callable[[], None] = lambda: None) -> int:
    """Wait for a program that leads a group; when this returns, or raises, nothing that it started is left.

    Parameters
    ----------
    process : Popen
        Started with ``start_new_session=True``.
    timeout : float
        Seconds on the wall clock.
    look : callable
        Called again and again while it runs; may raise.

    Returns
    -------
    int
        Its exit code.

    Raises
    ------
    TimeoutError
        It took longer, and was killed.
    """
    deadline = time.monotonic() + timeout
    try:
        with killed_with_us(process):
            while not _ended(process):
                if time.monotonic() > deadline:
                    raise TimeoutError
                look()
                time.sleep(_POLL)
    finally:
        kill_group(process)
    return process.returncode


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that leads a group, its group, and what of its descendants has a group of its own.

    A process that has left the group and whose parents have ended is nobody's descendant any more, and is not found.
    """
    # The leader is not waited for yet, so its number cannot belong to anyone else.
    strangers = _descendants(process.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in strangers:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has; where the system can tell without giving its number back, that stays its own."""
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    return process.poll() is not None


def _descendants(pid: int) -> list[int]:
    """Processes that it has started, directly or not; none where the system does not list them in /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # the name in the second field may have blanks and parentheses
            parent = int(entry.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        waiting = [child for parent in waiting for child in children.get(parent, ())]
        found += waiting
    return found


@contextmanager
def removed_with_us(folder: Path) -> Iterator[None]:
    """Inside, a folder goes with this process."""
    with _afterwards(_REMOVE, str(folder)):
        yield


@contextmanager
def _afterwards(what: str, about: str) -> Iterator[None]:
    if not os.access(_SHELL, os.X_OK):
        yield
        return
    # in a session of its own, so that what ends us, or our terminal, does not end it first
    waiting = subprocess.Popen(
        [_SHELL, "-c", _WAIT + what, "sh", about],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        waiting.kill()
        waiting.wait()
        if waiting.stdin is not None:
            with suppress(OSError):
                waiting.stdin.close()
