"""The study of controllers: a recurrent network learns to steer a point mass or an arm, judged on fresh cases."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.recurrent.control import ControlProblem, Run, controller
from hf_matlab_compat.recurrent.plants import PointMass, TwoLinkArm
from hf_matlab_compat.result import Result
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


def problem_of(plant: str, cases: Cases) -> ControlProblem:
    """Return the problem of a plant's study on these cases.

    Raises
    ------
    OptionError
        There is no such plant.
    """
    if plant not in SETTINGS:
        raise OptionError("plant", expected="one of " + ", ".join(map(repr, SETTINGS)), got=quoted(plant))
    of = SETTINGS[plant]
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
        """Whether it was reached."""
        return self.distance <= self.bar

    def text(self) -> str:
        """Return the figures in lines, and the criterion."""
        said = "reached" if self.passed else "not reached"
        return (
            f"{self.plant}, seed {self.seed}: {self.result.state.epoch} epochs, {self.seconds:.1f} s CPU\n"
            f"mean distance from the goal {self.distance:.4f} (left alone {self.idle:.2f}), "
            f"mean final speed {self.speed:.4f}, {JUDGED_CASES} fresh cases\n"
            f"criterion: distance at most {self.bar:g} - {said}"
        )

    def json(self) -> str:
        """Return the figures as a JSON object, with the curve of the distance over epochs."""
        figures: dict[str, Any] = {name: getattr(self, name) for name in ("plant", "seed", "distance", "speed", "idle")}
        figures |= {
            "bar": self.bar,
            "passed": self.passed,
            "seconds": self.seconds,
            "outcome": self.result.outcome.value,
        }
        curves = {"epochs": self.result.state.epoch, "distances": self.result.records.error[:, 1].tolist()}
        return json.dumps(figures | curves, indent=2)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the trajectories of some fresh cases (.png, .svg or .pdf)."""
        from hf_matlab_compat.plots.trajectories import draw_arm, draw_point

        if self.plant == "point":
            draw_point(path, self.run.states, self.goals, PointMass().time_step)
        else:
            draw_arm(path, self.run.states, self.goals, TwoLinkArm())


def control(plant: str, seed: int, epochs: int | None = None, observers: Sequence[Observer] = ()) -> ControlStudy:
    """Train a controller and judge it on fresh cases.

    Parameters
    ----------
    plant : {'point', 'arm'}
        What is steered.
    seed : int
        Of the cases and of the initial parameters.
    epochs : int, optional
        By default those of the study.
    observers : sequence of Observer
        As in `train`.

    Raises
    ------
    OptionError
        There is no such plant, or the number of epochs does not fit.
    """
    of = SETTINGS.get(plant)
    problem = problem_of(plant, draw_cases(plant, of.cases if of else 1, seed, TRAINING))
    judged = problem.with_cases(*draw_cases(plant, JUDGED_CASES, seed, JUDGED))
    began = time.process_time()
    result = train(
        problem=problem,
        test_problem=judged,
        seed=seed,
        max_epochs=epochs or SETTINGS[plant].epochs,
        observers=observers,
        **OPTIONS,
    )
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
