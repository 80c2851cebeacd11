"""One Octave, started to do one job and gone when it is done, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity import octave
from hf_matlab_compat.parity.engines.reference import SHIMS
from hf_matlab_compat.parity.outlived import killed_with_us, removed_with_us

LARGEST_FILE = 8 << 30
"""Bytes that Octave may write to one file: something that prints for ever must not fill the disk."""

_POLL = 0.02
_WORDS_OF_STDERR = 300


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, and when this process is.

    Raises
    ------
    ParityError
        It cannot be made, or there is no room left in it.
    """
    try:
        with (
            TemporaryDirectory(prefix="hf_parity_", ignore_cleanup_errors=True) as name,
            removed_with_us(Path(name)),
        ):
            yield Path(name)
    except OSError as error:
        raise ParityError(
            f"temporary files: {error.strerror or error} ({error.filename or 'no place named'}). "
            "Free some space, or set TMPDIR to a folder that has some."
        ) from error


def run_octave_driver(
    job: Path,
    reference: Path,
    *,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    stop: Event | None = None,
) -> None:
    """Do the job in a folder, with an Octave of its own.

    Parameters
    ----------
    job : Path
        With its request.mat; the results go there.
    reference : Path
        A copy of the trainer's folder.
    timeout : float
        Seconds on the wall clock, after which Octave and what it started are killed.
    environment : mapping, optional
        Variables to start Octave with, beside the present ones.
    stop : Event, optional
        Kills Octave as well, once it is set.

    Raises
    ------
    ParityError
        Octave is missing, ran into an error, died, or took too long.
    """
    reason = octave.octave_available()
    if reason is not None:
        raise ParityError(f"{reason}. Install GNU Octave 6 or newer, or check against the recorded numbers.")
    names = (_quoted(path) for path in (job, reference, SHIMS))
    code = f"addpath({_quoted(SHIMS / 'drive')}); hf_play({', '.join(names)});"
    with (job / "stderr.txt").open("w+b") as stderr:
        process = subprocess.Popen(
            [octave.EXECUTABLE, "--quiet", "--norc", "--no-history", "--eval", code],
            cwd=job,
            env={**os.environ, "TMPDIR": str(job), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        exit_code = _wait(process, job, timeout, stop)
        stderr.seek(0, os.SEEK_END)
        stderr.seek(max(0, stderr.tell() - _WORDS_OF_STDERR))
        said = stderr.read().decode(errors="replace")
    _require_done(job, exit_code, said)


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wait(process: subprocess.Popen[bytes], job: Path, timeout: float, stop: Event | None) -> int:
    """Its exit code; whatever keeps us from waiting for it kills it."""
    deadline = time.monotonic() + timeout
    try:
        with killed_with_us(process):
            _limit_files(process)
            while not _ended(process):
                if time.monotonic() > deadline:
                    raise ParityError(f"Octave was stopped after {timeout:g} seconds. Give it a longer timeout.")
                if _largest(job / "work") >= LARGEST_FILE:
                    raise ParityError(f"Octave was stopped: it wrote a file of {LARGEST_FILE} bytes or more.")
                if stop is not None and stop.is_set():
                    raise ParityError("Octave was stopped, since another run failed.")
                time.sleep(_POLL)
    finally:
        _kill_group(process)
    return process.returncode


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has; where the system can tell without giving its number back, that stays its own."""
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    return process.poll() is not None


def _limit_files(process: subprocess.Popen[bytes]) -> None:
    """Where the system can; elsewhere the look at the sizes has to do."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # not on every system

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))


def _largest(folder: Path) -> int:
    """Bytes of the largest file in a folder, which may be changing."""
    try:
        with os.scandir(folder) as entries:
            return max((entry.stat().st_size for entry in entries), default=0)
    except OSError:
        return 0


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill Octave, and what it has started and left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _require_done(job: Path, exit_code: int, said: str) -> None:
    results = job / "results"
    if (results / "failure.txt").exists():
        raise ParityError(one_line((results / "failure.txt").read_text(errors="replace")))
    if (results / "done.txt").exists():
        return
    ended = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    raise ParityError(one_line(f"Octave {ended} in the middle of its run. {said}"))


def one_line(text: str) -> str:
    """The text without line ends."""
    return " ".join(text.split())


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
