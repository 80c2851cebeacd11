"""Two ways to ask Octave, behind one small interface: a function's name and its arguments in, its values out.

`OctaveSession` keeps one Octave alive (through oct2py) for many small calls. `run_octave` starts a fresh
``octave-cli`` for one long call: fresh random streams, fresh path, a hard limit on the wall clock. In both,
arguments and values travel as `octave_values` says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave import values as octave_values
from hf_matlab_compat.matlab.octave.outlived import removed_with_us, wait_and_kill

EXECUTABLE = "octave-cli"


def octave_available() -> str | None:
    """Why Octave cannot be used here, or None where it can."""
    if shutil.which(EXECUTABLE) is None:
        return f"{EXECUTABLE} is not on the PATH"
    return None


def run_octave(
    function: str,
    args: Sequence[Any] = (),
    nargout: int = 1,
    *,
    path: Sequence[str | Path] = (),
    workdir: str | Path | None = None,
    timeout: float = 600.0,
) -> list[Any]:
    """Call `function` in an Octave of its own.

    Parameters
    ----------
    function : str
        Name of an Octave function.
    args : sequence
        Its arguments; see `octave_values` for how they travel.
    nargout : int
        How many values to ask for.
    path : sequence of str or Path
        Folders to put on Octave's path, the first in front.
    workdir : str or Path, optional
        Octave's working folder; a temporary one by default.
    timeout : float
        Seconds on the wall clock, after which Octave and what it started are killed.

    Returns
    -------
    list
        The `nargout` values.

    Raises
    ------
    ParityError
        Octave is missing, ran into an error, died, or took longer than `timeout`.
    """
    _require_octave()
    with TemporaryDirectory(prefix="hf_octave_") as name, removed_with_us(Path(name)):
        folder = Path(name)
        octave_values.write_request(folder, function, args, nargout, path)
        code = octave_values.code(folder)
        with (folder / "stderr.txt").open("w+b") as stderr:
            process = subprocess.Popen(
                [EXECUTABLE, "--quiet", "--norc", "--no-history", "--eval", code],
                cwd=workdir or folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
            try:
                code_at_exit = wait_and_kill(process, timeout)
            except TimeoutError:
                raise ParityError(f"{function}: Octave was stopped after {timeout:g} seconds.") from None
            stderr.seek(0)
            said = stderr.read().decode(errors="replace").strip()[-500:]
        if not (folder / "answer.mat").exists():
            raise ParityError(f"{function}: Octave ended (exit code {code_at_exit}) without an answer. {said}")
        return octave_values.read_answer(folder, function)


class OctaveSession:
    """One Octave, kept alive by oct2py, for many small calls.

    Parameters
    ----------
    path : sequence of str or Path
        Folders to put on Octave's path, the first in front.
    timeout : float
        Seconds a call may take.

    Raises
    ------
    ParityError
        Octave or oct2py is missing, or Octave does not start.
    """

    def __init__(self, *, path: Sequence[str | Path] = (), timeout: float = 60.0) -> None:
        _require_octave()
        # oct2py starts an Octave while it is imported, so it has to know which one before that.
        os.environ.setdefault("OCTAVE_EXECUTABLE", EXECUTABLE)
        try:
            # Here because it takes one to two seconds, which only those who open a session should pay.
            from oct2py import Oct2Py
        except Exception as error:
            raise ParityError(f"oct2py cannot be imported: {error}") from error
        self._path = path
        self._folder: TemporaryDirectory[str] = TemporaryDirectory(prefix="hf_octave_")
        self._octave: Any = None
        try:
            self._octave = Oct2Py(
                executable=EXECUTABLE,
                load_octaverc=False,
                backend="disable",
                temp_dir=self._folder.name,
                keep_matlab_shapes=True,
                timeout=timeout,
            )
        except Exception as error:
            self.close()
            raise ParityError(f"Octave did not start: {error}") from error

    def call(self, function: str, *args: Any, nout: int = 1) -> Any:
        """Call `function`; what it prints is dropped.

        Parameters
        ----------
        function : str
            Name of an Octave function.
        *args
            Its arguments; see `octave_values` for how they travel.
        nout : int
            How many values to ask for.

        Returns
        -------
        object
            The value where `nout` is 1, else the list of values.

        Raises
        ------
        ParityError
            The function ran into an error (the session lives on), or Octave died or took too long (it is closed).
        """
        if self._octave is None:
            raise ParityError(f"{function}: the Octave session is closed. Open a new one.")
        folder = Path(self._folder.name)
        (folder / "answer.mat").unlink(missing_ok=True)
        octave_values.write_request(folder, function, args, nout, self._path)
        try:
            self._octave.eval(octave_values.code(folder, silent=True), verbose=False)
            if not (folder / "answer.mat").exists():
                raise ParityError("no answer was written")
        except Exception as error:
            # oct2py would go on with a new, empty Octave: other path, other variables, other random streams.
            self.close()
            said = str(error).partition("\n")[0]
            raise ParityError(f"{function}: the Octave session died and is closed: {said}") from error
        values = octave_values.read_answer(folder, function)
        return values[0] if nout == 1 else values

    def close(self) -> None:
        """End this Octave (and no other one). Closing twice is harmless."""
        octave, self._octave = self._octave, None
        if octave is not None:
            octave.exit()
        self._folder.cleanup()

    def __enter__(self) -> OctaveSession:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def _require_octave() -> None:
    reason = octave_available()
    if reason is not None:
        raise ParityError(f"{reason}. Install GNU Octave 6 or newer.")
