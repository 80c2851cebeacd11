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

_POLL = 0.0005  # seconds between two looks for the answer


class OctaveSession:
    """One Octave that is kept alive for many small calls.

    It is started by the first call. If it dies or exceeds the time limit, it is killed with all that it started, and
    the next call starts a new one: its variables, path and random streams are then those of a fresh Octave.

    Parameters
    ----------
    path : sequence of str or Path
        Folders to put on Octave's path, the first in front.
    workdir : str or Path, optional
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
        workdir: str | Path | None = None,
        timeout: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._workdir = path, workdir
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
        request = {
            "function": function,
            "args": to_octave(list(args)),
            "nargout": float(nout),
            "path": to_octave([str(Path(entry).resolve()) for entry in self._path]),
        }
        octave = self._octave or self._start()
        try:
            values = self._answer(octave, request)
        except BaseException as error:  # also KeyboardInterrupt: a late answer must not be taken for the next one's
            self.close()
            raise (ParityError(f"{function}: {error}") if isinstance(error, ParityError) else error) from None
        if isinstance(values, str):
            raise ParityError(f"{function}: {values}")
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
        """
        if folder is not None:
            code = f"cd({process.quoted(folder)});\n{code}"
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
            # hf_serve.m is in this module's folder
            code = f"addpath({process.quoted(Path(__file__).parent)}); hf_serve({process.quoted(self._folder)});"
            self._errors = opened.enter_context((self._folder / "stderr.txt").open("w+b"))
            self._octave = opened.enter_context(
                process.started(
                    process.octave_command(code),
                    self._workdir or self._folder,
                    self._environment,
                    stdin=subprocess.PIPE,
                    stderr=self._errors,
                )
            )
            self._open = opened.pop_all()
        return self._octave

    def _answer(self, octave: subprocess.Popen[bytes], request: Mapping[str, Any]) -> list[Any] | str:
        """Return the values that answer a request, or Octave's words if it ran into an error.

        Raises
        ------
        ParityError
            Octave died, took too long or wrote another answer.
        """
        answer = self._folder / "answer.mat"
        answer.unlink(missing_ok=True)
        write_mat(self._folder / "request.mat", request, long_field_names=True)
        deadline = time.monotonic() + self._timeout
        with suppress(OSError):  # a dead Octave is reported below
            os.write(cast(IO[bytes], octave.stdin).fileno(), b"answer\n\n")
        while not answer.exists():
            if process.has_ended(octave):
                raise ParityError(f"Octave died without an answer. {process.end_of(self._errors)}".strip())
            if time.monotonic() > deadline:
                raise ParityError(f"Octave was stopped after {self._timeout:g} seconds. Give it a longer timeout.")
            time.sleep(_POLL)
        try:
            content = load_mat(answer)
            return from_octave(content["failure"]) or from_octave(content["answer"])
        except (CheckpointError, KeyError) as error:
            raise ParityError(f"expected Octave's answer, got a file without it ({error}).") from error


def run_octave(
    function: str,
    args: Sequence[Any] = (),
    nargout: int = 1,
    *,
    path: Sequence[str | Path] = (),
    workdir: str | Path | None = None,
    timeout: float = 600.0,
) -> list[Any]:
    """Call a function in an Octave of its own, and return its `nargout` values; arguments as in `OctaveSession`."""
    with OctaveSession(path=path, workdir=workdir, timeout=timeout) as session:
        values = session.call(function, *args, nout=nargout)
    return [values] if nargout == 1 else values
