"""Runs over seeds whose test figure has to fall below marks at certain epochs: course, table, verdict and picture."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.observers.observer import Answer
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.state import Report, Score, State
from hf_matlab_compat.studies.courses import Course, Recorder, Tell, courses_of, headings, train_course


class Mark(NamedTuple):
    """A bound on the test figure after an epoch.

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
class MarkedCourse(Course):
    """A run whose test figure is compared with marks.

    Attributes
    ----------
    test, train : list of float
        The figure on test sequences, and on the training sequences of the epoch.
    shown : str
        What the trained model does, in words.
    """

    test: list[float] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    shown: str = ""

    def figures(self) -> tuple[float, float]:
        """See `Course.figures`."""
        return self.test[-1], self.train[-1]

    def reaches(self, mark: Mark) -> bool:
        """Return whether the figure after the mark's epoch is at most the mark."""
        return len(self.test) >= mark.epoch and self.test[mark.epoch - 1] <= mark.most


class _Recorder(Recorder):
    """Notes the figure of a study too."""

    course: MarkedCourse

    def __init__(self, course: MarkedCourse, figure: Figure, tell: Tell) -> None:
        super().__init__(course, tell)
        self._figure = figure

    def epoch(self, report: Report, state: State) -> Answer:
        assert report.test is not None  # there is always a test problem
        self.course.test.append(self._figure.of(report.test))
        self.course.train.append(self._figure.of(report.train))
        return super().epoch(report, state)


def run_course(seed: int, figure: Figure, tell: Tell, **given: Any) -> tuple[MarkedCourse, Any]:
    """Train, and return the course and the trained parameters; see `courses.train_course`.

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
    """
    course = MarkedCourse(seed)
    return course, train_course(_Recorder(course, figure, tell), seed=seed, **given)


@dataclass(frozen=True)
class MarkedStudy:
    """Runs of a study.

    Attributes
    ----------
    title : str
    figure : Figure
    marks : sequence of Mark
        Those within the epochs of the runs.
    courses : sequence of MarkedCourse
        In the order of the seeds.
    """

    title: str
    figure: Figure
    marks: Sequence[Mark]
    courses: Sequence[MarkedCourse]

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

    def _cell(self, course: MarkedCourse, epoch: int) -> str:
        return f"{course.test[epoch - 1]:{self.figure.form}}" if len(course.test) >= epoch else "-"


def marks_within(marks: Sequence[Mark], epochs: int) -> list[Mark]:
    """Return the marks that lie within this number of epochs.

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


def runs_of_seeds(
    settings: Mapping[str, Any],
    seeds: Sequence[int],
    run: Callable[[int, Tell], MarkedCourse],
    journal: str | os.PathLike[str] | None,
    talk: tuple[Tell, Tell],
) -> list[MarkedCourse]:
    """Run every seed, or take its course from the journal; see `courses.courses_of`."""

    def of_seed(asked: Mapping[str, Any], tell: Tell) -> MarkedCourse:
        talk[0](f"{settings['study']}, seed {asked['seed']}\n{headings('test', 'train')}")
        return run(asked["seed"], tell)

    return courses_of([{**settings, "seed": seed} for seed in seeds], of_seed, MarkedCourse, journal, talk)
