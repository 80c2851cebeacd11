"""Shows a run as MATLAB does: the lines of the text log, and the few lines that only the screen gets."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime

from hf_matlab_compat.matlab.logs.text_log import (
    NEGATIVE_CURVATURE,
    closing_lines,
    epoch_lines,
    header_lines,
    on_one_line,
)
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.state import Outcome, Report, State

CAME_THROUGH = (Outcome.FINISHED, Outcome.NOTHING_TO_DO, Outcome.STALLED, Outcome.STOPPED)
"""Outcomes of a run that nothing interrupted; its log ends with the total time."""


class Screen(Observer):
    """Prints what MATLAB prints on the screen, line by line, on standard output.

    MATLAB does not print the number of cases; that goes to standard error.
    """

    _options: Options

    def begin(self, run: Run, state: State) -> None:
        """See `Observer.begin`."""
        self._options = run.options
        if run.cases and sys.stderr is not None:
            print(f"Training on {run.cases}.", file=sys.stderr, flush=True)
        _show([f"Starting run named: {on_one_line(run.name)}"])
        if len(run.sizes) > 1:  # a network of this package
            masking = "not masking" if run.options.decay_biases else "masking"
            _show([f"{masking} out the weight-decay for biases"])
        _show(header_lines(run.description, run.resume_from, run.sizes, run.options, datetime.now()))

    def epoch(self, report: Report, state: State) -> None:
        """See `Observer.epoch`."""
        settings, *figures = epoch_lines(report, self._options)
        bailed_out = self._bailed_out(report.figures.get("cg_stop"))
        _show([settings, *(NEGATIVE_CURVATURE if bailed_out else ()), *figures])

    def end(self, outcome: Outcome, state: State) -> None:
        """See `Observer.end`."""
        if outcome not in (Outcome.FINISHED, Outcome.NOTHING_TO_DO):
            _show([closing_sentence(outcome, state)])
        if outcome in CAME_THROUGH:
            _show(closing_lines(state))

    def _bailed_out(self, stop: CGStop | None) -> bool:
        # MATLAB tests p'Ap <= 0, which is also true for p = 0, so an exact solution counts as negative curvature
        return stop is CGStop.NEGATIVE_CURVATURE or (stop is CGStop.EXACT and self._options.faithful)


def closing_sentence(outcome: Outcome, state: State) -> str:
    """Return why the run ended, and which parameters it returns."""
    reason = outcome.value[0].upper() + outcome.value[1:]
    returned = f"those of epoch {state.epoch}" if state.epoch else "the initial ones"
    return f"{reason}. The parameters returned are {returned}."


def printable(text: str, encoding: str) -> str:
    """Return the text with ``?`` for each character that the encoding lacks, so that printing cannot end a run."""
    return text.encode(encoding, errors="replace").decode(encoding)


def spinner_of(encoding: str) -> str:
    """Return the name of a spinner of rich that the encoding can show."""
    return "dots" if encoding.lower().startswith("utf") else "line"


def _show(lines: Iterable[str]) -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(printable("".join(f"{line}\n" for line in lines), encoding), end="", flush=True)
