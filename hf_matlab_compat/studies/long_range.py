"""A recurrent net trained on a long-range task until its criterion is met: one run, and its course."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.observers.observer import Answer, Stop
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn import recurrent
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.rnn.workspace import Workspace
from hf_matlab_compat.state import Report, Score, State
from hf_matlab_compat.studies.courses import Course, Recorder, Tell, silent, train_course
from hf_matlab_compat.studies.long_range_setting import Setting
from hf_matlab_compat.studies.sequence_tasks import JUDGED, TRAINING, WATCHED, Sequences, Task, task

MOST_WRONG = 0.01
"""The criterion: less than this share of fresh sequences is wrong."""

FRESH_SEQUENCES = 1000
"""Number of sequences on which the criterion is judged."""


@dataclass
class TaskCourse(Course):
    """A run on a task.

    Attributes
    ----------
    structural_damping : float
        μ.
    loss, wrong : list of float
        Negative log-likelihood on the training sequences, and share of the watched fresh sequences that is wrong.
    met : bool
        The criterion holds, on sequences that were not looked at before.
    """

    structural_damping: float = 0.0
    loss: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    met: bool = False

    def figures(self) -> tuple[float, float]:
        """See `Course.figures`: the loss, and the wrong sequences in percent."""
        return self.loss[-1], 100 * self.wrong[-1]

    def sentence(self) -> str:
        """Return how the run ended."""
        wrong = f"{100 * self.wrong[-1]:.3g} % wrong" if self.wrong else "no epoch"
        cost = f"{len(self.loss)} epochs, {self.seconds[-1] if self.seconds else 0:.1f} s CPU"
        ended = "solved" if self.met else self.failed or "not solved"
        return f"seed {self.seed}, mu {self.structural_damping:.4g}: {ended}, {cost}, {wrong}"


class Examination:
    """A test problem: the log-likelihood on fresh sequences, and as error the share of sequences that is wrong.

    Parameters
    ----------
    trained : SequenceProblem
        Its model and its precision are taken.
    of_task : Task
    asked : Sequences
    """

    def __init__(self, trained: SequenceProblem, of_task: Task, asked: Sequences) -> None:
        self._problem, self._task, self._asked = trained, of_task, asked

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`; the log-likelihood is the mean over steps with a target."""
        problem, data = self._problem, SequenceData(*self._asked)
        memory, outputs, ll = Workspace(problem.backend), np.zeros(data.targets.shape, np.float32), 0.0
        for block in data.blocks(0, data.num_blocks(problem.num_parameters)):
            at: Any = problem.model.at(theta, block, memory)
            ll += float(at.log_likelihood)
            shape = len(outputs), block.num_steps, len(block)
            outputs[:, : block.num_steps, block.first : block.first + len(block)] = at.y.reshape(shape)
        wrong = self._task.wrong(outputs, self._asked)
        return Score(log_likelihood=ll / data.total_weight(None, "step"), error=float(wrong.mean()))


class _Recorder(Recorder):
    """Stops a run where the criterion is met on sequences never seen."""

    course: TaskCourse

    def __init__(self, course: TaskCourse, judged: Callable[[Vector, int], float], tell: Tell) -> None:
        super().__init__(course, tell)
        self._judged = judged

    def epoch(self, report: Report, state: State) -> Answer:
        course, test = self.course, report.test
        assert test is not None  # there is always an examination
        course.loss.append(-report.train.log_likelihood)
        course.wrong.append(test.error)
        super().epoch(report, state)
        if test.error >= MOST_WRONG or self._judged(state.theta, report.epoch) >= MOST_WRONG:
            return None
        course.met = True
        return Stop("the criterion is met")


def run(setting: Setting, seed: int, structural_damping: float, tell: Tell = silent) -> TaskCourse:
    """Train one net until the criterion is met, or to the last epoch.

    Parameters
    ----------
    setting : Setting
        What to train on, and how.
    seed : int
        Of the initial weights and of all sequences.
    structural_damping : float
        μ.
    tell : callable
        Called with a line after every epoch.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; there is no course of a run that was broken off.
    """
    of_task, course, theta = task(setting.task), TaskCourse(seed, structural_damping=structural_damping), None
    for length in (*setting.shorter, setting.length):
        course.met = False
        stage = replace(setting, length=length, epochs=setting.epochs - len(course.loss))
        problem = _problem(stage, seed)

        def examination(
            purpose: int, epoch: int, problem: SequenceProblem = problem, length: int = length
        ) -> Examination:
            asked = of_task.sequences(length, FRESH_SEQUENCES, seed, purpose=purpose, epoch=epoch)
            return Examination(problem, of_task, asked)

        start = problem.initial_theta(seed) if theta is None else theta
        theta = train_until_met(stage, problem, start, examination, (course, tell))
        if not course.met:
            break
    return course


def train_until_met(
    setting: Setting,
    problem: SequenceProblem,
    start: Any,
    examination: Callable[[int, int], Any],
    of_run: tuple[TaskCourse, Tell],
) -> Any:
    """Train from given parameters on given sequences, and return the last ones, None if the run failed; see `run`.

    Parameters
    ----------
    setting : Setting
        Its options of training are used.
    problem : SequenceProblem
        On the backend of the settings.
    start : (P,) array
        Initial parameters.
    examination : callable
        (purpose, epoch) → `Examination` to look at in every epoch, or to judge by after an epoch.
    of_run : tuple
        The course to write to, and whom to tell of every epoch.

    Raises
    ------
    KeyboardInterrupt
        As `run`.
    """
    course, tell = of_run

    def judged(theta: Vector, epoch: int) -> float:
        return examination(JUDGED, epoch).score(theta, Cases()).error

    return train_course(
        _Recorder(course, judged, tell),
        problem=problem,
        test_problem=examination(WATCHED, 0),
        initial_theta=start,
        structural_damping=course.structural_damping,
        preconditioner_exponent=None,
        initial_lam=setting.initial_lam,
        max_cg_steps=setting.cg_steps,
        max_epochs=setting.epochs,
        precision=setting.precision,
        backend=setting.backend,
    )


def _problem(setting: Setting, seed: int) -> SequenceProblem:
    of_task = task(setting.task)

    def drawn(epoch: int) -> Sequences:
        return of_task.sequences(setting.length, setting.sequences, seed, purpose=TRAINING, epoch=epoch)

    first = drawn(0)
    return recurrent(
        **first._asdict(),
        hidden_sizes=[setting.hidden] * setting.layers,
        unit_types=[*["tanh"] * setting.layers, of_task.output_unit],
        num_chunks=setting.chunks,
        resample=drawn if setting.data == "fresh" else None,
        spectral_radius=setting.spectral_radius,
    ).placed(get_backend(setting.backend, setting.precision, 1))
