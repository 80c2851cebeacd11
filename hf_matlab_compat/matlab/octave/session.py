"""Call Octave's functions from Python, in a fresh Octave for one long call or in a warm one for many small calls.

Arguments and values travel in one .mat file of version 7 each way; `values` says how they are converted.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat, write_mat
from hf_matlab_compat.matlab.octave import process
from hf_matlab_compat.matlab.octave.process import octave_available
from hf_matlab_compat.matlab.octave.values import from_octave, to_octave

__all__ = ["OctaveSession", "octave_available", "run_octave"]

_POLL = 0.0005


def run_octave(
    function: str,
    args: Sequence[Any] = (),
    nargout: int = 1,
    *,
    path: Sequence[str | Path] = (),
    workdir: str | Path | None = None,
    timeout: float = 600.0,
) -> list[Any]:
    """Call a function in an Octave of its own.

    Parameters
    ----------
    function : str
        Name of an Octave function.
    args : sequence
        Its arguments; see `values` for how they travel.
    nargout : int
        Number of values to ask for.
    path : sequence of str or Path
        Folders to put on Octave's path, the first in front.
    workdir : str or Path, optional
        Octave's working folder; a temporary one by default.
    timeout : float
        Seconds of wall-clock time, after which Octave and what it started are killed.

    Returns
    -------
    list
        The `nargout` values.

    Raises
    ------
    ParityError
        Octave is missing, ran into an error, died, or took longer than `timeout`.
    """
    process.require_octave()
    with process.scratch() as folder:
        _write_request(folder, function, args, nargout, path)
        code = _serve(folder, many=False)
        try:
            ended = process.run_code(code, workdir or folder, timeout=timeout, keep_output=False)
        except ParityError as error:
            raise ParityError(f"{function}: {error}") from None
        if not (folder / "answer.mat").exists():
            raise ParityError(f"{function}: Octave {ended.in_words()} without an answer. {ended.words}".strip())
        return _read_answer(folder, function)


class OctaveSession:
    """One Octave that is kept alive for many small calls.

    It is started by the first call. If it dies or exceeds the time limit, it is killed with all that it started, and
    the next call starts a new one: its variables, path and random streams are then those of a fresh Octave.

    Parameters
    ----------
    path : sequence of str or Path
        Folders to put on Octave's path, the first in front.
    folder : str or Path, optional
        Octave's working folder; a temporary one by default.
    timeout : float
        Seconds of wall-clock time that a call may take.
    environment : mapping, optional
        All environment variables of Octave; this process's by default.
    """

    def __init__(
        self,
        *,
        path: Sequence[str | Path] = (),
        folder: str | Path | None = None,
        timeout: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._workdir = path, folder
        self._timeout, self._environment = timeout, environment
        self._folder = Path()
        self._octave: subprocess.Popen[bytes] | None = None
        self._open = ExitStack()

    def call(self, function: str, *args: Any, nout: int = 1) -> Any:
        """Call a function; what it prints is dropped.

        Parameters
        ----------
        function : str
            Name of an Octave function.
        *args
            Its arguments; see `values` for how they travel.
        nout : int
            Number of values to ask for.

        Returns
        -------
        object
            The value if `nout` is 1, else the list of values.

        Raises
        ------
        ParityError
            Octave is missing; or the function ran into an error, killed Octave or took too long.
        """
        octave = self._octave or self._start()
        (self._folder / "answer.mat").unlink(missing_ok=True)
        _write_request(self._folder, function, args, nout, self._path)
        try:
            self._ask(octave, function)
        except (
            BaseException
        ):  # also KeyboardInterrupt: the answer to this question must not be taken for the next one's
            self.close()
            raise
        values = _read_answer(self._folder, function)
        return values[0] if nout == 1 else values

    def run(self, code: str, folder: str | Path | None = None) -> str:
        """Run statements in Octave's base workspace.

        Parameters
        ----------
        code : str
            Statements of Octave's language.
        folder : str or Path, optional
            Change Octave's working folder to this one first.

        Returns
        -------
        str
            What they print.

        Raises
        ------
        ParityError
            As in `call`.
        """
        if folder is not None:
            code = f"cd('{_quoted(folder)}');\n{code}"
        return self.call("hf_run", np.frombuffer(code.encode(), np.uint8)[None, :])

    def close(self) -> None:
        """End this Octave with all that it started, and remove its temporary folder. A later call starts a new one."""
        self._octave = None
        self._open.close()

    def __enter__(self) -> OctaveSession:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        process.require_octave()
        with ExitStack() as opened:
            self._folder = opened.enter_context(process.scratch())
            command = process.octave_command(_serve(self._folder, many=True))
            workdir = self._workdir or self._folder
            octave = process.start(command, workdir, environment=self._environment, stdin=subprocess.PIPE)
            opened.callback(cast(IO[bytes], octave.stdin).close)
            opened.callback(process.kill_group, octave)
            opened.enter_context(process.killed_with_us(octave))
            self._open = opened.pop_all()
        self._octave = octave
        return octave

    def _ask(self, octave: subprocess.Popen[bytes], function: str) -> None:
        """Wait until the answer to the written request is there."""
        deadline = time.monotonic() + self._timeout
        with suppress(OSError):  # a dead Octave is reported below
            os.write(cast(IO[bytes], octave.stdin).fileno(), b"answer\n\n")
        while not (self._folder / "answer.mat").exists():
            if process.has_ended(octave):
                raise ParityError(f"{function}: Octave died before it answered.")
            if time.monotonic() > deadline:
                raise ParityError(f"{function}: Octave was stopped after {self._timeout:g} seconds.")
            time.sleep(_POLL)


def _serve(folder: Path, *, many: bool) -> str:
    """Return code that calls hf_serve.m, which is in this module's folder."""
    return f"addpath('{_quoted(Path(__file__).parent)}'); hf_serve('{_quoted(folder)}', {many:d});"


def _quoted(path: str | Path) -> str:
    return str(path).replace("'", "''")


def _write_request(folder: Path, function: str, args: Sequence[Any], nargout: int, path: Sequence[str | Path]) -> None:
    request = {
        "function": function,
        "args": to_octave(list(args)),
        "nargout": float(nargout),
        "path": to_octave([str(Path(entry).resolve()) for entry in path]),
    }
    write_mat(folder / "request.mat", request, long_field_names=True)


def _read_answer(folder: Path, function: str) -> list[Any]:
    """Return the values of the call, or raise a `ParityError` with Octave's own words."""
    try:
        content = load_mat(folder / "answer.mat")
        failure = from_octave(content["failure"])
    except (CheckpointError, KeyError) as error:
        raise ParityError(f"{function}: expected Octave's answer, got a file without it ({error}).") from error
    if failure:
        raise ParityError(f"{function}: {failure}")
    return from_octave(content["answer"])
