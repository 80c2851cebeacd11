"""One Octave, started to do one job and gone when it is done, whatever happens in between."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave import session
from hf_matlab_compat.matlab.octave.outlived import removed_with_us, wait_and_kill
from hf_matlab_compat.parity.engines.reference import SHIMS

LARGEST_FILE = 8 << 30
"""Bytes that Octave may write to one file: something that prints for ever must not fill the disk."""

LONGEST_OUTPUT = 1 << 20
"""Bytes that a program may print where a short answer is expected."""

_WORDS_OF_STDERR = 300


class TrainerStopped(ParityError):
    """The trainer ran into an error, or ended Octave: what it had finished until then is there."""


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
    reason = session.octave_available()
    if reason is not None:
        raise ParityError(
            f"{reason}. Install GNU Octave 6 or newer, or check against the recorded numbers: --engine recorded."
        )

    def look() -> None:
        if _largest(job / "work") >= LARGEST_FILE:
            raise ParityError(f"Octave was stopped: it wrote a file of {LARGEST_FILE} bytes or more.")
        if stop is not None and stop.is_set():
            raise ParityError("Octave was stopped, since another run failed.")

    names = (_quoted(path) for path in (job, reference, SHIMS))
    code = f"addpath({_quoted(SHIMS / 'drive')}); hf_play({', '.join(names)});"
    with (job / "stderr.txt").open("w+b") as stderr:
        process = subprocess.Popen(
            [session.EXECUTABLE, "--quiet", "--norc", "--no-history", "--eval", code],
            cwd=job,
            env={**os.environ, "TMPDIR": str(job), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        _limit_files(process)
        try:
            exit_code = wait_and_kill(process, timeout, look)
        except TimeoutError:
            raise ParityError(f"Octave was stopped after {timeout:g} seconds. Give it a longer timeout.") from None
        stderr.seek(0, os.SEEK_END)
        stderr.seek(max(0, stderr.tell() - _WORDS_OF_STDERR))
        said = stderr.read().decode(errors="replace")
    _require_done(job, exit_code, said)


def output_of(command: Sequence[str], timeout: float) -> str:
    """What a program prints, up to `LONGEST_OUTPUT` bytes; neither it nor what it has started runs on.

    Raises
    ------
    ParityError
        It does not start, fails, takes too long or prints more.
    """

    def look() -> None:
        if os.fstat(out.fileno()).st_size > LONGEST_OUTPUT:
            raise ParityError(f"{command[0]}: was stopped, since it printed more than {LONGEST_OUTPUT} bytes.")

    with TemporaryFile() as out:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True
            )
            exit_code = wait_and_kill(process, timeout, look)
        except TimeoutError:
            raise ParityError(f"{command[0]}: was stopped, without an answer after {timeout:g} seconds.") from None
        except OSError as error:
            raise ParityError(f"{command[0]}: does not start: {error.strerror or error}") from error
        if exit_code:
            raise ParityError(f"{command[0]}: does not start: it ended with exit code {exit_code}.")
        out.seek(0)
        return out.read(LONGEST_OUTPUT).decode(errors="replace")


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def _require_done(job: Path, exit_code: int, said: str) -> None:
    results = job / "results"
    if (results / "failure.txt").exists():
        raise TrainerStopped(one_line((results / "failure.txt").read_text(errors="replace")))
    if (results / "done.txt").exists():
        return
    ended = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    raise TrainerStopped(one_line(f"Octave {ended} in the middle of its run. {said}"))


def one_line(text: str) -> str:
    """The text without line ends."""
    return " ".join(text.split())


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
