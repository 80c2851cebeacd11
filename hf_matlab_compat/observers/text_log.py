"""Writes the run's text log, `<run name>.txt`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.lines import SCORE_LINE
from hf_matlab_compat.matlab.logs.text_log import closing_lines, epoch_lines, header_lines, on_one_line
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.observers.screen import CAME_THROUGH, closing_sentence
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Outcome, Report, State

_LAST_BYTES = 1 << 16


class TextLog(Observer):
    """Appends to MATLAB's log ``<run name>.txt``, with lines that end in CR LF; a run without a name writes none.

    The file is opened for each epoch, synced to the disk and closed again, so that it holds all finished epochs however
    the process ends. Its path is made absolute at the start. As in MATLAB, a run that was interrupted or failed gets no
    total time; if a signal or convergence ended it, a line says so. If a run was killed between log and checkpoint, its
    last epoch is logged twice; the resumed run says so in a line.

    Raises
    ------
    ArgumentError
        The file cannot be written.
    """

    _path: str = ""
    _options: Options

    def begin(self, run: Run, state: State) -> None:
        """See `Observer.begin`."""
        self._path = os.path.abspath(f"{run.name}.txt") if run.name else ""
        self._options = run.options
        again = _logged_again(self._path, state.epoch) if run.resume_from else []
        header = header_lines(run.description, run.resume_from, run.sizes, run.options, datetime.now())
        self._append([*header, *again])

    def epoch(self, report: Report, state: State) -> None:
        """See `Observer.epoch`."""
        self._append(epoch_lines(report, self._options))

    def stopped(self, reason: str) -> None:
        """Write the reason."""
        self._append([f"Stopped early: {on_one_line(reason)}", ""])

    def end(self, outcome: Outcome, state: State) -> None:
        """See `Observer.end`."""
        if outcome in (Outcome.STALLED, Outcome.TERMINATED, Outcome.HUNG_UP):
            self._append([closing_sentence(outcome, state), ""])
        if outcome in CAME_THROUGH:
            self._append(closing_lines(state))

    def _append(self, lines: Iterable[str]) -> None:
        if not self._path:
            return
        try:
            with open(self._path, "ab") as log:
                # "replace", so that half a surrogate pair in a description cannot end the run
                log.write("".join(f"{line}\r\n" for line in lines).encode(errors="replace"))
                log.flush()
                _sync(log.fileno())
        except OSError as error:
            raise ArgumentError(
                "run_name",
                expected="the stem of files that can be written",
                got=f"{self._path!r} ({error.strerror})",
                advice="Make its directory, change its permissions or free disk space; or choose another name.",
            ) from error


def _sync(descriptor: int) -> None:
    """Write the appended data to the disk; the time stamps may follow later."""
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(descriptor)


def _logged_again(path: str, epoch: int) -> list[str]:
    """Return a line for the log if it already has later epochs than the one that the run continues from."""
    try:
        with open(path, "rb") as log:
            log.seek(max(os.fstat(log.fileno()).st_size - _LAST_BYTES, 0))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    scores = [read for line in lines if (read := SCORE_LINE.read(line))]
    last = int(scores[-1]["epoch"]) if scores else 0
    if last <= epoch:
        return []
    which = f"Epoch {last} is" if last == epoch + 1 else f"Epochs {epoch + 1} to {last} are"
    return [f"{which} logged above already, and run again from the checkpoint of epoch {epoch}.", ""]
