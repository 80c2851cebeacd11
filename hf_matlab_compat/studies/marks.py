"""Runs over seeds whose test figure has to fall below marks at certain epochs: course, table, verdict and picture."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.state import Report, Score, State
from hf_matlab_compat.studies.journal import Journal
from hf_matlab_compat.training import train

Tell = Callable[[str], None]


class Mark(NamedTuple):
    """What the test figure has to be after an epoch.

    Attributes
    ----------
    epoch : int
    most : float
        The largest figure that reaches the mark.
    why : str
        Where it comes from, in words.
    """

    epoch: int
    most: float
    why: str


class Figure(NamedTuple):
    """The figure that a study looks at.

    Attributes
    ----------
    name : str
        In words, with its unit.
    of : callable
        `Score` → the figure.
    form : str
        How it is written.
    """

    name: str
    of: Callable[[Score], float]
    form: str = ".3f"


@dataclass
class Course:
    """A run, epoch by epoch; entry k belongs to epoch k + 1.

    Attributes
    ----------
    seed : int
    test, train : list of float
        The figure on test sequences, and on the training sequences of the epoch.
    rho, lam : list of float
    cg_steps : list of int
    seconds : list of float
        CPU time of the process since the start of the run.
    failed : str
        Why the run ended before its time; empty if it did not.
    shown : str
        What the trained model does, in words.
    """

    seed: int
    test: list[float] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    rho: list[float] = field(default_factory=list)
    lam: list[float] = field(default_factory=list)
    cg_steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failed: str = ""
    shown: str = ""

    def reaches(self, mark: Mark) -> bool:
        """Return whether the figure after the mark's epoch is at most the mark."""
        return len(self.test) >= mark.epoch and self.test[mark.epoch - 1] <= mark.most


HEADINGS = f"{'epoch':>5}{'test':>10}{'train':>10}{'rho':>9}{'lambda':>10}{'CG':>6}{'CPU s':>9}"
"""Of the lines that tell of epochs."""


class _Recorder(Observer):
    """Notes the course of a run and tells of it."""

    def __init__(self, course: Course, figure: Figure, tell: Tell) -> None:
        self._course, self._figure, self._tell = course, figure, tell

    def begin(self, run: Run, state: State) -> None:
        self._started = time.process_time()

    def epoch(self, report: Report, state: State) -> None:
        course, of = self._course, self._figure.of
        assert report.test is not None  # there is always a test problem
        course.test.append(of(report.test))
        course.train.append(of(report.train))
        course.rho.append(float(report.rho))
        course.lam.append(float(report.lam))
        course.cg_steps.append(int(report.cg_steps))
        course.seconds.append(time.process_time() - self._started)
        test, train_, rho, lam = (figures[-1] for figures in (course.test, course.train, course.rho, course.lam))
        cost = f"{course.cg_steps[-1]:6}{course.seconds[-1]:9.1f}"
        self._tell(f"{len(course.test):5}{test:10.4g}{train_:10.4g}{rho:9.3g}{lam:10.2g}{cost}")


def run_course(seed: int, figure: Figure, tell: Tell, **given: Any) -> tuple[Course, Any]:
    """Train, and return the course and the trained parameters, None of a run that failed.

    Parameters
    ----------
    seed : int
        Of the initial parameters.
    figure : Figure
        What is noted.
    tell : callable
        Called with a line after every epoch.
    **given
        Keywords of `train`; a test problem is among them.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; there is no course of a run that was broken off.
    """
    course = Course(seed)
    try:
        result = train(**{"seed": seed, "num_threads": 1, "observers": [_Recorder(course, figure, tell)], **given})
    except NonFiniteError:
        course.failed = f"not finite in epoch {len(course.test) + 1}"
        return course, None
    if result.interrupted:
        raise KeyboardInterrupt
    return course, result.theta


@dataclass(frozen=True)
class MarkedStudy:
    """Runs of a study.

    Attributes
    ----------
    title : str
    figure : Figure
    marks : sequence of Mark
        Those within the epochs of the runs.
    courses : sequence of Course
        In the order of the seeds.
    """

    title: str
    figure: Figure
    marks: Sequence[Mark]
    courses: Sequence[Course]

    @property
    def is_met(self) -> bool:
        """True if every run reaches every mark."""
        return all(course.reaches(mark) for course in self.courses for mark in self.marks)

    def table(self) -> str:
        """Return the figures of every run at the epochs of the marks, and its CPU time."""
        heads = "".join(f"{f'epoch {mark.epoch}':>12}" for mark in self.marks)
        lines = [f"{self.title}: {self.figure.name}", f"{'seed':>6}{heads}{'CPU s':>10}"]
        for course in self.courses:
            cells = (self._cell(course, mark.epoch) for mark in self.marks)
            spent = course.seconds[-1] if course.seconds else 0
            lines.append(f"{course.seed:6}" + "".join(f"{cell:>12}" for cell in cells) + f"{spent:10.1f}")
            lines += [f"       {course.failed}"] if course.failed else []
        return "\n".join(lines)

    def verdict(self) -> str:
        """Return each mark, and how many runs reach it."""
        lines: list[str] = []
        for mark in self.marks:
            reached = sum(course.reaches(mark) for course in self.courses)
            bar = f"at most {mark.most:{self.figure.form}} after epoch {mark.epoch} ({mark.why})"
            lines.append(f"Mark: {bar}: reached by {reached} of {len(self.courses)} runs.")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the test and training figures, ρ and λ over epochs, with the marks.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(11, 4)
        left, middle, right = figure.subplots(1, 3)
        for k, course in enumerate(self.courses):
            epochs = range(1, len(course.test) + 1)
            style: Mapping[str, Any] = {"color": f"C{k % 10}", "label": f"seed {course.seed}"}
            left.plot(epochs, course.test, **style)
            left.plot(epochs, course.train, color=style["color"], linestyle=":")
            middle.plot(epochs, [rho if math.isfinite(rho) else math.nan for rho in course.rho], **style)
            right.plot(epochs, course.lam, **style)
        for mark in self.marks:
            left.plot([mark.epoch], [mark.most], "v", color="0.3")
        left.set(xlabel="epoch (test —, training ···, marks ▾)", title=self.figure.name, yscale="log")
        middle.set(xlabel="epoch", title="rho")
        right.set(xlabel="epoch", title="lambda", yscale="log")
        for axes in (left, middle, right):
            tidy(axes)
        left.legend(frameon=False)
        save(figure, target)

    def _cell(self, course: Course, epoch: int) -> str:
        return f"{course.test[epoch - 1]:{self.figure.form}}" if len(course.test) >= epoch else "-"


def marks_within(marks: Sequence[Mark], epochs: int) -> list[Mark]:
    """Return the marks that runs of so many epochs come to.

    Raises
    ------
    OptionError
        They come to none.
    """
    found = [mark for mark in marks if mark.epoch <= epochs]
    if not found:
        expected = f"at least {min(mark.epoch for mark in marks)}, the epoch of the first mark"
        raise OptionError("epochs", expected=expected, got=epochs)
    return found


def courses_of(
    settings: Mapping[str, Any],
    seeds: Sequence[int],
    run: Callable[[int, Tell], Course],
    journal: str | os.PathLike[str] | None,
    talk: tuple[Tell, Tell],
) -> list[Course]:
    """Run every seed, or take its course from the journal.

    Parameters
    ----------
    settings : mapping
        All that a run depends on beside its seed.
    seeds : sequence of int
        A run for each.
    run : callable
        (seed, tell) → course.
    journal : path or None
        Finished runs are kept there, and are not run again.
    talk : tuple of callables
        Called with a sentence after every run, and with a line after every epoch.

    Raises
    ------
    OptionError
        There is no seed.
    ArgumentError
        The journal cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C; the journal has the finished runs.
    """
    if not seeds:
        raise OptionError("seeds", expected="a whole number of at least 1", got=0)
    kept, found, (tell, watch) = Journal(journal), list[Course](), talk
    for seed in seeds:
        asked = {**settings, "seed": seed}
        known = kept.found(asked)
        if known:
            tell(f"seed {seed}: from the journal")
            found.append(Course(**known))
            continue
        tell(f"{settings['study']}, seed {seed}\n{HEADINGS}")
        found.append(run(seed, watch))
        kept.add(asked, asdict(found[-1]))
    return found
