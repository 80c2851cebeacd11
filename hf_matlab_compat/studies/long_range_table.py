"""Runs of a long-range task over seeds and strengths of structural damping: table and picture."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.plots.learning_curves import draw_panels, lambda_panel, likelihood_panel, rho_panel
from hf_matlab_compat.studies.courses import Tell, courses_of, headings, silent
from hf_matlab_compat.studies.long_range import FRESH_SEQUENCES, MOST_WRONG, TaskCourse, run
from hf_matlab_compat.studies.long_range_setting import Setting
from hf_matlab_compat.studies.tables import median_and_range, text_table


@dataclass(frozen=True)
class Study:
    """Runs of a task.

    Attributes
    ----------
    setting : Setting
    courses : sequence of TaskCourse
        In the order asked for: strength by strength, seed by seed.
    """

    setting: Setting
    courses: Sequence[TaskCourse]

    def by_strength(self) -> dict[float, list[TaskCourse]]:
        """Return the runs by μ."""
        found: dict[float, list[TaskCourse]] = {}
        for course in self.courses:
            found.setdefault(course.structural_damping, []).append(course)
        return found

    @property
    def is_met(self) -> bool:
        """True if every run with the first strength meets the criterion."""
        return all(course.met for course in next(iter(self.by_strength().values())))

    def verdict(self) -> str:
        """Return the criterion, and how many runs with the first strength meet it."""
        strength, courses = next(iter(self.by_strength().items()))
        all_of_them = "none of the 32 strings wrong"  # there are no others
        fresh = f"less than {100 * MOST_WRONG:g} % of {FRESH_SEQUENCES} fresh sequences wrong"
        criterion = all_of_them if self.setting.task == "memory_5" else fresh
        met = sum(course.met for course in courses)
        return f"Criterion: {criterion}.\nMet by {met} of {len(courses)} runs with mu {strength:.4g}."

    def table(self) -> str:
        """Return a row for each strength: runs that meet the criterion, and median [least, largest] of their cost.

        Epochs and seconds are those of the runs that meet it; the share of wrong sequences is that of all runs.
        """
        rows = {}
        for strength, courses in self.by_strength().items():
            solved = [course for course in courses if course.met]
            rows[f"mu {strength:.3g}: {len(solved)} of {len(courses)}"] = [
                median_and_range([len(course.loss) for course in solved]),
                median_and_range([course.seconds[-1] for course in solved], ".1f"),
                median_and_range([100 * course.wrong[-1] for course in courses if course.wrong], ".1f"),
            ]
        title = f"{_name(self.setting)}: runs that meet the criterion, median [range]"
        return f"{title}\n{text_table('', ['epochs', 'CPU s', 'wrong %, all runs'], rows, (18, 16, 23, 23))}"

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw loss, share of wrong sequences, ρ and λ over epochs.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        shown = [course for course in self.courses if course.loss]
        curves = {f"seed {each.seed}, μ = {each.structural_damping:.3g}": _Curves(_figures(each)) for each in shown}
        places = {label: np.arange(1, len(curve.epochs["rho"]) + 1) for label, curve in curves.items()}
        panels = (likelihood_panel, _wrong_panel, rho_panel, lambda_panel)
        draw_panels(path, curves, (places, "epoch"), panels, size=(11, 6.5))


@dataclass(frozen=True)
class _Curves:
    epochs: Mapping[str, Any]


def _figures(course: TaskCourse) -> Mapping[str, Any]:
    nothing = np.full(len(course.loss), np.nan)
    known = {"log_likelihood": -np.array(course.loss), "test_log_likelihood": nothing, "wrong": np.array(course.wrong)}
    return {**known, "rho": np.array(course.rho), "lam": np.array(course.lam)}


def _wrong_panel(axes: Any, x: Any, curves: Any, style: dict[str, Any]) -> None:
    axes.plot(x, curves.epochs["wrong"], "--", **style)
    if len(axes.lines) == 1:
        axes.axhline(MOST_WRONG, color="0.6", linewidth=0.8, linestyle=":")
    axes.set_ylim(-0.02, 1.02)
    axes.set_title(f"share of fresh sequences wrong (dotted: {MOST_WRONG:g})", loc="left")


def _name(setting: Setting) -> str:
    first = f" after {', '.join(map(str, setting.shorter))}" if setting.shorter else ""
    return f"{setting.task}, T = {setting.length}{first}"


def study(
    setting: Setting,
    seeds: Sequence[int],
    strengths: Sequence[float],
    *,
    journal: str | os.PathLike[str] | None = None,
    talk: tuple[Tell, Tell] = (silent, silent),
) -> Study:
    """Run a task for every strength of structural damping and every seed.

    Parameters
    ----------
    setting : Setting
        What to train on, and how.
    seeds : sequence of int
        A run for each.
    strengths : sequence of float
        μ; 0 is Hessian-free without structural damping.
    journal : path, optional
        Finished runs are kept there, and are not run again.
    talk : tuple of callables
        Called with a sentence before and after every run, and with a line after every epoch.

    Raises
    ------
    OptionError
        There is no seed, or a strength does not fit.
    ArgumentError
        The journal cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C; the journal has the finished runs.
    """
    for strength in strengths:
        if not 0 <= strength < math.inf:
            raise OptionError("structural_damping", expected="finite numbers of at least 0", got=strength)

    def of_seed(asked: Mapping[str, Any], watch: Tell) -> TaskCourse:
        seed, strength = asked["seed"], asked["structural_damping"]
        talk[0](f"{_name(setting)}, seed {seed}, mu {strength:.4g}\n{headings('loss', 'wrong %')}")
        course = run(setting, seed, strength, watch)
        talk[0](course.sentence())
        return course

    runs = [
        {**asdict(setting), "seed": seed, "structural_damping": strength} for strength in strengths for seed in seeds
    ]
    return Study(setting, courses_of(runs, of_seed, TaskCourse, journal, talk))
