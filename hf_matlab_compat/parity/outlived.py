"""What must not outlive this process, however it ends: a program that was started, and a folder of temporary files.

A shell of a few lines waits at the end of a pipe that this process holds, and does nothing else: whether Python
returns, is told to end (``kill``, ``timeout``) or is shot, the system closes the pipe, and the shell does what is left
to do. Where there is no such shell, this is nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
