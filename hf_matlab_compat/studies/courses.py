"""Runs of a study, epoch by epoch: the figures that are noted, told in lines, and kept in a journal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.observers.observer import Answer, Observer, Run
from hf_matlab_compat.state import Report, State
from hf_matlab_compat.studies.journal import Journal
from hf_matlab_compat.training import train

Tell = Callable[[str], None]
"""Called with a line or a sentence for the user."""


def silent(line: str) -> None:
    """Tell nobody."""


def headings(first: str, second: str) -> str:
    """Return the headings of the lines that tell of epochs, with the names of the two figures of the study."""
    return f"{'epoch':>5}{first:>11}{second:>11}{'rho':>9}{'lambda':>10}{'CG':>6}{'CPU s':>9}"


@dataclass
class Course:
    """A run, epoch by epoch; entry k belongs to epoch k + 1. A study adds the figures that it looks at.

    Attributes
    ----------
    seed : int
    rho, lam : list of float
    cg_steps : list of int
    seconds : list of float
        CPU time of the process since the start of the run.
    failed : str
        Why the run ended before its time; empty if it did not.
    """

    seed: int
    rho: list[float] = field(default_factory=list)
    lam: list[float] = field(default_factory=list)
    cg_steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failed: str = ""

    def note(self, report: Report, seconds: float) -> None:
        """Add an epoch."""
        self.rho.append(float(report.rho))
        self.lam.append(float(report.lam))
        self.cg_steps.append(int(report.cg_steps))
        self.seconds.append(seconds)

    def figures(self) -> tuple[float, float]:
        """Return the two figures of the last epoch that the study looks at."""
        raise NotImplementedError

    def line(self) -> str:
        """Return the last epoch in a line under `headings`."""
        first, second = self.figures()
        spent = f"{self.cg_steps[-1]:6}{self.seconds[-1]:9.1f}"
        return f"{len(self.rho):5}{first:11.4g}{second:11.4g}{self.rho[-1]:9.3g}{self.lam[-1]:10.2g}{spent}"


class Recorder(Observer):
    """Notes the course of a run, or of one that goes on, and tells of it."""

    def __init__(self, course: Course, tell: Tell) -> None:
        self.course, self._tell = course, tell

    def begin(self, run: Run, state: State) -> None:
        """See `Observer.begin`."""
        before = self.course.seconds[-1] if self.course.seconds else 0.0
        self._started = time.process_time() - before

    def epoch(self, report: Report, state: State) -> Answer:
        """See `Observer.epoch`."""
        self.course.note(report, time.process_time() - self._started)
        self._tell(self.course.line())
        return None


def train_course(recorder: Recorder, **given: Any) -> Any:
    """Train on one thread, and return the trained parameters, None of a run that failed, which its course says.

    Parameters
    ----------
    recorder : Recorder
        Has the course.
    **given
        Keywords of `train`; a test problem is among them.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; there is no course of a run that was broken off.
    """
    try:
        result = train(**{"num_threads": 1, "observers": [recorder], **given})
    except NonFiniteError:
        recorder.course.failed = f"not finite in epoch {len(recorder.course.rho) + 1}"
        return None
    if result.interrupted:
        raise KeyboardInterrupt
    return result.theta


Kind = TypeVar("Kind", bound=Course)


def courses_of(
    settings: Sequence[Mapping[str, Any]],
    run: Callable[[Mapping[str, Any], Tell], Kind],
    kind: type[Kind],
    journal: str | os.PathLike[str] | None,
    talk: tuple[Tell, Tell],
) -> list[Kind]:
    """Run a study for all settings, or take a course from the journal.

    Parameters
    ----------
    settings : sequence of mapping
        All that a run depends on, its seed included.
    run : callable
        (one of the settings, tell) → course; it tells of every epoch.
    kind : type
        Of the courses.
    journal : path or None
        Finished runs are kept there, and are not run again.
    talk : tuple of callables
        Called with a sentence before and after every run, and with a line after every epoch.

    Raises
    ------
    OptionError
        There is no seed.
    ArgumentError
        The journal cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C; the journal has the finished runs.
    """
    if not settings:
        raise OptionError("seeds", expected="a whole number of at least 1", got=0)
    kept, found, (tell, watch) = Journal(journal), list[Kind](), talk
    for asked in settings:
        known = kept.found(asked)
        if known:
            tell(f"seed {asked['seed']}: from the journal")
            found.append(kind(**known))
            continue
        found.append(run(asked, watch))
        kept.add(asked, asdict(found[-1]))
    return found
