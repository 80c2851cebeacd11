"""A lock per run name: two runs under one name would write the same files and damage them."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.files.atomic_file import TEMPORARY_SUFFIX

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_LEFTOVER = re.compile(
    rf"_nnet_(running|epoch\d+)\.(mat|sidecar\.npz|double\.npz)(\.[0-9a-f]{{8}})?{re.escape(TEMPORARY_SUFFIX)}"
)
_MOST_BYTES = 4096


@contextmanager
def run_lock(run_name: str) -> Iterator[None]:
    """Hold ``<run_name>.lock``, which names this host and process, for the duration of the block.

    The system releases the lock when the process ends, however it ends, so the lock of a dead run can be taken.
    Temporary files that such a run left are removed. A run without a name holds no lock; nor does a run on a system or
    file system without locks.

    Parameters
    ----------
    run_name : str
        Stem of the run's files, or empty.

    Raises
    ------
    OptionError
        Another run of this name is in progress.
    """
    if not run_name or fcntl is None:
        yield
        return
    path = os.path.abspath(f"{run_name}.lock")
    descriptor = _locked(path, run_name)
    try:
        _write_owner(path)
        _remove_leftovers(Path(os.path.abspath(run_name)))
        yield
    finally:
        with suppress(OSError):
            os.unlink(path)  # while the lock is held, so that a process that opened the file earlier sees it is gone
        os.close(descriptor)


def _locked(path: str, run_name: str) -> int:
    while True:
        descriptor = _opened(path, os.O_RDONLY)
        try:
            descriptor = _lock(descriptor, path)
        except BlockingIOError:
            owner = _owner(descriptor)
            os.close(descriptor)
            advice = "Wait until it has ended, or choose another name."
            got = f"{run_name!r}, which {owner} uses"
            raise OptionError("run_name", expected="a name of no other run", got=got, advice=advice) from None
        if _is_still(path, descriptor):
            return descriptor
        os.close(descriptor)  # the previous run removed the file after it was opened here


def _opened(path: str, access: int) -> int:
    try:
        return os.open(path, access | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise OptionError(
            "run_name",
            expected="the stem of files that can be written",
            got=f"{path!r} ({error.strerror})",
            advice="Move it away, or choose another name.",
        ) from error


def _lock(descriptor: int, path: str) -> int:
    # lock an open file. NFS locks no file that is open only for reading; other file systems may have no locks
    assert fcntl is not None  # `run_lock` has checked it
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno == errno.EBADF and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            os.close(descriptor)
            return _lock(_opened(path, os.O_RDWR), path)
    return descriptor


def _is_still(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write_owner(path: str) -> None:
    owner = {"host": socket.gethostname(), "process": os.getpid(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
    with suppress(OSError), open(_opened(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        json.dump(owner, file)  # on a full disk the lock is held without it


def _owner(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
        return f"process {int(found['process'])} on {found['host']!s} (since {found['since']!s})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _remove_leftovers(stem: Path) -> None:
    """Remove temporary files that a run left when it was killed while it wrote a checkpoint."""
    for path in stem.parent.glob(f"*{TEMPORARY_SUFFIX}"):
        if path.name.startswith(stem.name) and _LEFTOVER.fullmatch(path.name[len(stem.name) :]):
            with suppress(OSError):
                path.unlink()
