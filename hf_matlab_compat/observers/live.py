"""A live view of a run: its latest epochs, the progress of the current one, and the time left."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.observers.screen import closing_sentence, printable
from hf_matlab_compat.state import Outcome, Report, State

_LATEST = 8  # epochs shown during the run
_SUMMARY = 12  # epochs shown at the end


class LiveView(Observer):
    """Shows the progress of a run in a terminal, and at the end a table of its epochs.

    If the output is no terminal that can be redrawn (a file, a pipe, a notebook, TERM=dumb), each epoch is one plain
    line.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to show it; standard output by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Console()
        self._redraws = self._console.is_terminal and self._console.file.isatty() and not self._console.is_dumb_terminal
        self._live: Live | None = None
        self._reports: list[Report] = []

    def begin(self, run: Run, state: State) -> None:
        """See `Observer.begin`."""
        self._reports = []
        self._progress = _Progress(run, state)
        self._title = printable(_title(run, state), self._console.encoding)
        if self._redraws:
            self._live = live = Live(console=self._console, get_renderable=self._view, transient=True)
            live.start()
        else:
            self._say(self._title)

    def progress(self, stage: str, step: int, of: int) -> None:
        """See `Observer.progress`."""
        self._progress.at(stage, step, of)

    def epoch(self, report: Report, state: State) -> None:
        """See `Observer.epoch`."""
        self._reports.append(report)
        self._progress.finished(report)
        if not self._live:
            self._say(self._progress.sentence(report))

    def end(self, outcome: Outcome, state: State) -> None:
        """See `Observer.end`."""
        self.close()
        self._say(f"{closing_sentence(outcome, state)} {_clock(float(np.sum(state.records.seconds)))} in all.")

    def close(self) -> None:
        """Give the terminal back and print the table."""
        if not self._live:
            return
        live, self._live = self._live, None
        live.stop()
        self._console.print(Text(self._title, style="bold"))
        shown = _spread(self._reports, _SUMMARY)
        if shown:
            self._console.print(_table(shown, self._console.width))
        if len(shown) < len(self._reports):
            self._say(f"({len(shown)} of {len(self._reports)} epochs are shown.)")

    def _view(self) -> RenderableType:
        title = Text(self._title, style="bold", no_wrap=True, overflow="ellipsis")
        room = min(_LATEST, max(self._console.height - 7, 1))  # 7: title, headings, bars and two empty lines
        rows = [_table(self._reports[-room:], self._console.width)] if self._reports else []
        bars = self._progress.bars(bar_width=20 if self._console.width >= 72 else 8)
        return Group(title, *rows, bars, Text())  # the terminal echoes ^C on the empty line

    def _say(self, sentence: str) -> None:
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=not self._redraws)


class _Console(Console):
    """Standard output. A closed pipe raises an error instead of ending the program, as rich would."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class _Progress:
    """The progress of a run: epochs, the step inside the current one, the time left."""

    def __init__(self, run: Run, state: State) -> None:
        self._last_epoch = run.options.max_epochs
        self._epoch = state.epoch
        self._seconds = list(state.records.seconds[-5:])
        self._began = self._epoch_began = time.monotonic()
        self._stage, self._step, self._of = "", 0, 0

    def at(self, stage: str, step: int, of: int) -> None:
        self._stage, self._step, self._of = stage, step, of

    def finished(self, report: Report) -> None:
        self._epoch = report.epoch
        self._seconds = [*self._seconds, report.seconds][-5:]
        self._epoch_began = time.monotonic()
        self._stage, self._step, self._of = "", 0, 0

    def seconds_left(self) -> float | None:
        """Return the seconds until the last epoch ends, from the mean of the latest five; None before the first."""
        if not self._seconds:
            return None
        remaining = (self._last_epoch - self._epoch) * float(np.mean(self._seconds))
        return max(remaining - (time.monotonic() - self._epoch_began), 0.0)

    def sentence(self, report: Report) -> str:
        figures = _figures(report)
        epoch, seconds, steps = figures.pop("epoch"), figures.pop("time"), figures.pop("CG")
        told = ", ".join(f"{heading} {figure}" for heading, figure in figures.items() if figure)
        steps = f"{steps} CG steps, " if steps else ""
        left = self.seconds_left()
        eta = f", {_clock(round(left))} left" if left else ""
        return f"epoch {epoch} of {self._last_epoch}: {told}, {steps}{seconds}{eta}"

    def bars(self, bar_width: int) -> Table:
        grid = Table.grid(padding=(0, 1))
        for width in (12, 12, bar_width):
            grid.add_column(width=width, no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_row("epochs done", *_bar(self._epoch, self._last_epoch), self._clocks())
        stage = "CG steps" if self._stage == "cg" else self._stage
        grid.add_row(stage, *_bar(self._step, self._of if self._step else 0))
        return grid

    def _clocks(self) -> str:
        left = self.seconds_left()
        elapsed = _clock(round(time.monotonic() - self._began))
        return elapsed if left is None else f"{elapsed}, {_clock(round(left))} left"


def _title(run: Run, state: State) -> str:
    resumed = f", resumed after epoch {state.epoch}" if state.epoch else ""
    cases = f", {run.cases}" if run.cases else ""
    return f"{run.name or 'unnamed run'}: {'-'.join(map(str, run.sizes))}{cases}{resumed}"


def _bar(done: int, of: int) -> tuple[RenderableType, RenderableType]:
    """Return `done of of` as words and as a bar; empty if nothing is to be done."""
    return (f"{done} of {of}", ProgressBar(total=of, completed=min(done, of))) if of else ("", "")


def _figures(report: Report) -> dict[str, str]:
    """Return the figures shown of an epoch, by heading."""
    test = {} if report.test is None else {"test error": _decimals(report.test.error)}
    own = {heading: shown(report.figures.get(name)) for heading, (name, shown) in _OF_FIGURES.items()}
    return {
        "epoch": str(report.epoch),
        "CG": own.pop("CG"),
        "ll": _decimals(report.train.log_likelihood),
        "error": _decimals(report.train.error),
        **test,
        **own,
        "time": _clock(report.seconds),
    }


def _shown(form: str) -> Callable[[Any], str]:
    return lambda figure: format(figure, form) if isinstance(figure, int | float | np.number) else ""


_OF_FIGURES: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "CG": ("cg_steps", _shown("")),
    "lambda": ("lam", _shown(".4g")),
    "rho": ("rho", _shown(".3f")),
    "rate": ("rate", _shown(".3g")),
}
"""Figures of a method that are shown if it reports them: heading, name, and format."""


_WIDTHS = {"epoch": 5, "CG": 3, "ll": 9, "error": 8, "test error": 10, "lambda": 7, "rho": 6, "rate": 5, "time": 7}
_DISPENSABLE = ("rate", "time", "CG", "rho", "lambda")  # left out in this order if the terminal is narrow
_GAP = 2


def _table(reports: list[Report], width: int) -> Table:
    told = [_figures(report) for report in reports]
    headings = [heading for heading in told[0] if any(figures[heading] for figures in told)]
    for heading in _DISPENSABLE:
        if heading in headings and sum(_WIDTHS[h] + _GAP for h in headings) > width:
            headings.remove(heading)
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True, min_width=_WIDTHS[heading])
    for figures in told:
        table.add_row(*(figures[heading] for heading in headings))
    return table


def _decimals(figure: float) -> str:
    return f"{figure:.4f}" if figure == 0 or 1e-2 <= abs(figure) < 1e5 else f"{figure:.4g}"


def _spread(reports: list[Report], most: int) -> list[Report]:
    """Return at most `most` of the reports, evenly spaced, with the first and the last."""
    if len(reports) <= most:
        return reports
    return [reports[i] for i in np.linspace(0, len(reports) - 1, most).round().astype(int)]


def _clock(seconds: float) -> str:
    """Return a duration in short form: 0.3 s, 12.4 s, 3:05, 2:07:30; an int is shown without decimals."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if isinstance(seconds, float) else f"{seconds} s"
    text = str(timedelta(seconds=round(seconds)))
    return text.removeprefix("0:").removeprefix("0")
