"""The one door to the Octave program: start it, limit its time and output, and end it with all that it started.

Programs run in a process group of their own. A shell of a few lines waits at the end of a pipe that this process
holds: when this process ends, even by SIGKILL, the system closes the pipe, and the shell kills the group or removes
the temporary folder. On systems without ``/bin/sh`` only an orderly end of this process cleans up.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, NamedTuple

from hf_matlab_compat.errors import ParityError

EXECUTABLE = "octave-cli"

LARGEST_FILE = 8 << 30
"""Bytes that a program may write to one file, so that endless output does not fill the disk."""

LONGEST_OUTPUT = 1 << 20
"""Bytes that a program may print, where its output is kept."""

_LONGEST_WORDS = 500  # bytes kept of the end of stderr
_POLL = 0.02  # seconds between two looks at a running program

_SHELL = "/bin/sh"
_KILL = 'kill -KILL "-$1"'  # some shells do not take -- before the number of a group
# repeated, since a program that is being killed may still write to the folder
_REMOVE = 'for again in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$1"; sleep 0.2; [ -e "$1" ] || break; done'


def octave_available() -> str | None:
    """Return why Octave cannot be used here, or None if it can."""
    return None if shutil.which(EXECUTABLE) else f"{EXECUTABLE} is not on the PATH"


def require_octave(otherwise: str = "") -> None:
    """Raise an error if there is no Octave; `otherwise` is added to its advice.

    Raises
    ------
    ParityError
        Octave is not on the PATH.
    """
    if reason := octave_available():
        raise ParityError(f"{reason}. Install GNU Octave 6 or newer{otherwise}.")


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a temporary folder, which is removed with its content on exit, or when this process is killed.

    Raises
    ------
    ParityError
        The folder cannot be made, or the disk is full.
    """
    try:
        with (
            TemporaryDirectory(prefix="hf_octave_", ignore_cleanup_errors=True) as name,
            _after_our_end(_REMOVE, name),
        ):
            yield Path(name)
    except OSError as error:
        raise ParityError(
            f"temporary files: {error.strerror or error} ({error.filename or 'no place named'}). "
            "Free some space, or set TMPDIR to a folder that has some."
        ) from error


class Ended(NamedTuple):
    """How a program ended: its exit code (negative: a signal), its output if kept, and the end of its stderr."""

    name: str
    exit_code: int
    output: str
    words: str

    def checked(self) -> str:
        """Return the output.

        Raises
        ------
        ParityError
            The program failed.
        """
        if self.exit_code:
            raise ParityError(f"{self.name} {self.in_words()}. {self.words}")
        return self.output

    def in_words(self) -> str:
        """Return "ended with exit code 1" or "was killed by signal 9"."""
        code = self.exit_code
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def run_code(code: str, folder: str | Path, *, timeout: float, **limits: Any) -> Ended:
    """Run statements in an Octave of its own, with the keywords of `run_program`."""
    require_octave()
    return run_program(octave_command(code), folder, timeout=timeout, **limits)


def octave_command(code: str) -> list[str]:
    """Return the program and arguments that run code in Octave, without the user's start-up files."""
    return [EXECUTABLE, "--quiet", "--norc", "--no-history", "--eval", code]


def quoted(path: str | Path) -> str:
    """Return a path as a string of Octave's language."""
    return "'" + str(path).replace("'", "''") + "'"


def run_program(
    command: Sequence[str],
    folder: str | Path,
    *,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[], None] = lambda: None,
    keep_output: bool = True,
) -> Ended:
    """Run a program; when this returns or raises, neither it nor anything that it started still runs.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    folder : path-like
        Its working folder.
    timeout : float
        Seconds of wall-clock time, after which it is killed.
    environment : mapping, optional
        All of its environment variables; this process's by default.
    watch : callable
        Called repeatedly while it runs; may raise to stop it.
    keep_output : bool
        Whether to return what it prints, at most `LONGEST_OUTPUT` bytes, or to drop it.

    Returns
    -------
    Ended

    Raises
    ------
    ParityError
        It does not start, takes too long or prints too much.
    """
    name = _name(command)
    deadline = time.monotonic() + timeout
    with TemporaryFile() as errors, TemporaryFile() as out:
        with started(command, folder, environment, stdout=out if keep_output else None, stderr=errors) as process:
            while not has_ended(process):
                if time.monotonic() > deadline:
                    raise ParityError(f"{name} was stopped after {timeout:g} seconds. Give it a longer timeout.")
                if os.fstat(out.fileno()).st_size > LONGEST_OUTPUT:
                    raise ParityError(f"{name} was stopped, since it printed more than {LONGEST_OUTPUT} bytes.")
                watch()
                time.sleep(_POLL)
        out.seek(0)
        output = out.read(LONGEST_OUTPUT).decode(errors="replace")
        return Ended(name, process.returncode, output, end_of(errors))


@contextmanager
def started(
    command: Sequence[str],
    folder: str | Path,
    environment: Mapping[str, str] | None = None,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that leads a process group; on exit, or when this process ends, the whole group is killed.

    It cannot write files larger than `LARGEST_FILE`.

    Raises
    ------
    ParityError
        It does not start.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=stdout or subprocess.DEVNULL,
            stderr=stderr or subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ParityError(f"{_name(command)} does not start: {error.strerror or error} ({command[0]}).") from error
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # not on every system

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    try:
        with _after_our_end(_KILL, str(process.pid)):
            yield process
    finally:
        _kill_group(process)
        if process.stdin is not None:
            process.stdin.close()


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether it has ended, without freeing its number where the system allows that."""
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    return process.poll() is not None


def end_of(errors: IO[bytes]) -> str:
    """Return the last words of a file with a program's stderr."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LONGEST_WORDS))
    return errors.read().decode(errors="replace").strip()


def require_small_files(folder: Path) -> None:
    """Raise if a program wrote a file of `LARGEST_FILE` bytes, also on systems that cannot limit the size of files.

    Raises
    ------
    ParityError
        There is such a file.
    """
    try:
        with os.scandir(folder) as entries:
            largest = max((entry.stat().st_size for entry in entries), default=0)
    except OSError:  # the program is changing the folder
        return
    if largest >= LARGEST_FILE:
        raise ParityError(f"Octave was stopped: it wrote a file of {LARGEST_FILE} bytes or more.")


def one_line(text: str) -> str:
    """Return the text with single spaces for line ends and all other white space."""
    return " ".join(text.split())


def _name(command: Sequence[str]) -> str:
    return "Octave" if command[0] == EXECUTABLE else Path(command[0]).stem


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that leads a group, its group, and its descendants in other groups.

    A process that has left the group and whose parents have ended is no longer a descendant, and is not found.
    """
    # The leader is not waited for yet, so its number cannot belong to another process.
    strangers = _descendants(process.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in strangers:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _descendants(pid: int) -> list[int]:
    """Return the processes that it has started, directly or not, where the system lists them in /proc."""
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
def _after_our_end(what: str, about: str) -> Iterator[None]:
    """Within this context, the end of this process makes a shell run a command with one argument."""
    if not os.access(_SHELL, os.X_OK):
        yield
        return
    # in a session of its own, so that a signal to this process or its terminal does not end it first
    waiting = subprocess.Popen(
        [_SHELL, "-c", f"read -r nothing; {what}", "sh", about],
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
