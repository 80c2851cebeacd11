"""The study of controllers: a recurrent network learns to steer a point mass or an arm, judged on fresh cases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn.control import controller
from hf_matlab_compat.rnn.control_problem import ControlProblem, Run
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm
from hf_matlab_compat.state import Report, State
from hf_matlab_compat.training import train

TRAINING, JUDGED = 1, 2
"""Purposes of a draw: cases to train on, and 256 to judge the controller on, which the run never sees."""
JUDGED_CASES = 256

Cases = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Starts and goals, (n_s, N) each."""


class Setting(NamedTuple):
    """A plant, the size of its study, and the mean distance from the goal to be reached."""

    plant: Any
    hidden_size: int
    steps: int
    cases: int
    chunks: int
    epochs: int
    end_weights: Sequence[float]
    bar: float


SETTINGS = {
    "point": Setting(PointMass(), 16, 15, 64, 1, 25, (1.0, 0.5), 0.02),
    "arm": Setting(TwoLinkArm(), 32, 25, 512, 4, 30, (1.0, 1.0, 0.3, 0.3), 0.04),
}
OPTIONS = {
    "precision": "double",
    "structural_damping": 0.03,
    "max_cg_steps": 50,
}
"""Options of `train` of all runs."""


def draw_cases(plant: str, count: int, seed: int, purpose: int) -> Cases:
    """Return random cases: places and goals uniform in (-1, 1), the goal's speeds 0.

    The point mass starts with a speed in (-½, ½), the arm at rest.
    """
    random = np.random.default_rng([seed, purpose])
    joints = 1 if plant == "point" else 2
    places, goals = random.uniform(-1, 1, (2, joints, count))
    speeds = random.uniform(-0.5, 0.5, (joints, count)) if plant == "point" else np.zeros((joints, count))
    return np.vstack([places, speeds]), np.vstack([goals, np.zeros((joints, count))])


def setting_of(plant: str) -> Setting:
    """Return the setting of a plant's study.

    Raises
    ------
    OptionError
        There is no such plant.
    """
    if plant not in SETTINGS:
        raise OptionError("plant", expected="one of " + ", ".join(map(repr, SETTINGS)), got=quoted(plant))
    return SETTINGS[plant]


def problem_of(plant: str, cases: Cases) -> ControlProblem:
    """Return the problem of a plant's study on these cases."""
    of = setting_of(plant)
    return controller(
        of.plant,
        *cases,
        steps=of.steps,
        hidden_size=of.hidden_size,
        end_weights=of.end_weights,
        shown_goal=range(of.plant.state_size // 2),
        num_chunks=of.chunks,
    )


@dataclass(frozen=True)
class ControlStudy:
    """A trained controller, and figures of 256 fresh cases.

    Attributes
    ----------
    plant : str
    seed : int
    result : Result
    distance, speed : float
        At the end: mean distance from the goal, and mean absolute speed of a joint.
    idle : float
        The mean distance of a plant that is left alone.
    seconds : float
        CPU time of the training.
    run : Run
        States and controls of the fresh cases.
    goals : (n_s, 256) array
    """

    plant: str
    seed: int
    result: Result
    distance: float
    speed: float
    idle: float
    seconds: float
    run: Run
    goals: NDArray[np.float64]

    @property
    def bar(self) -> float:
        """The mean distance to be reached."""
        return SETTINGS[self.plant].bar

    @property
    def passed(self) -> bool:
        """True if it was reached."""
        return self.distance <= self.bar

    def text(self) -> str:
        """Return the figures in two lines of at most 80 columns."""
        return (
            f"{self.plant}, seed {self.seed}: {self.result.state.epoch} epochs, {self.seconds:.1f} s CPU; "
            f"{'met' if self.passed else 'not met'}\n"
            f"  distance from the goal {self.distance:.4f} (left alone {self.idle:.2f}), final speed {self.speed:.3f}"
        )

    def figures(self) -> dict[str, Any]:
        """Return the figures in plain values, with the distance after each epoch."""
        names = ("plant", "seed", "distance", "bar", "passed", "speed", "idle", "seconds")
        curve = {"epochs": self.result.state.epoch, "distances": self.result.records.error[:, 1].tolist()}
        return {name: getattr(self, name) for name in names} | curve

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the trajectories of some fresh cases (.png, .svg or .pdf)."""
        from hf_matlab_compat.plots.trajectories import draw_arm, draw_point

        if self.plant == "point":
            draw_point(path, self.run.states, self.goals, PointMass().time_step)
        else:
            draw_arm(path, self.run.states, self.goals, TwoLinkArm())


HEADINGS = f"{'epoch':>5}{'loss':>12}{'distance':>10}{'rho':>9}{'lambda':>10}{'CG':>6}"
"""Of the lines that tell of epochs."""


class _Telling(Observer):
    """Tells of every epoch in a line."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def epoch(self, report: Report, state: State) -> None:
        loss, distance = -report.train.log_likelihood, report.test.error if report.test else np.nan
        figures = f"{report.rho:9.3g}{report.lam:10.2g}{report.cg_steps:6}"
        self._tell(f"{report.epoch:5}{loss:12.4g}{distance:10.4f}{figures}")


def control(
    plant: str, seed: int = 0, epochs: int | None = None, tell: Callable[[str], None] = lambda line: None
) -> ControlStudy:
    """Train a controller and judge it on fresh cases.

    Parameters
    ----------
    plant : {'point', 'arm'}
        What is steered.
    seed : int
        Of the cases and of the initial parameters.
    epochs : int, optional
        By default those of the study.
    tell : callable
        Called with a line after every epoch; `HEADINGS` names its figures.

    Raises
    ------
    OptionError
        There is no such plant, or a number does not fit.
    KeyboardInterrupt
        After Ctrl-C.
    """
    of = setting_of(plant)
    if seed < 0:
        raise OptionError("seed", expected="a whole number of at least 0", got=seed)
    problem = problem_of(plant, draw_cases(plant, of.cases, seed, TRAINING))
    judged = problem.on(*draw_cases(plant, JUDGED_CASES, seed, JUDGED))
    began = time.process_time()
    options = {**OPTIONS, "seed": seed, "max_epochs": of.epochs if epochs is None else epochs}
    result = train(problem=problem, test_problem=judged, observers=[_Telling(tell)], **options)
    if result.interrupted:
        raise KeyboardInterrupt
    seconds = time.process_time() - began
    run, goals = judged.run(result.theta), judged.data.targets
    joints = len(goals) // 2
    return ControlStudy(
        plant=plant,
        seed=seed,
        result=result,
        distance=_distance(run, goals),
        speed=float(np.abs(run.states[joints:, -1]).mean()),
        idle=_distance(judged.run(np.zeros(problem.num_parameters)), goals),
        seconds=seconds,
        run=run,
        goals=goals,
    )


def _distance(run: Run, goals: NDArray[np.float64]) -> float:
    joints = len(goals) // 2
    missed = run.states[:joints, -1] - goals[:joints]
    return float(np.sqrt((missed**2).sum(axis=0)).mean())
