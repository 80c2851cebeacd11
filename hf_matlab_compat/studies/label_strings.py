"""The study of labels: strings heard in two parts, with noise, are read by a recurrent net with the loss of CTC.

A label is a pair (a, b) of bits, 2a + b. It is heard as 1-3 frames of channel a, 1-3 frames of channel 2 + b, and 1-3
silent frames; normal noise is added to everything. A label is known only when b is heard, so a must be remembered.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn import ctc
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.studies.courses import Tell, silent
from hf_matlab_compat.studies.marks import (
    Figure,
    Mark,
    MarkedCourse,
    MarkedStudy,
    marks_within,
    run_course,
    runs_of_seeds,
)

NUM_LABELS, NUM_CHANNELS, NOISE = 4, 4, 0.2
TRAINING, JUDGED = 221, 222
"""Purposes of a draw: strings to train on, and to judge on."""


class Heard(NamedTuple):
    """Strings and how they are heard.

    Attributes
    ----------
    frames : list of (4, T_n) arrays
    labels : list of lists of int
        2 to 4 labels each.
    """

    frames: list[NDArray[Any]]
    labels: list[list[int]]


def heard_strings(count: int, seed: int, purpose: int = TRAINING) -> Heard:
    """Draw strings; the same arguments draw the same ones."""
    random = np.random.default_rng((seed, purpose))
    frames, strings = list[NDArray[Any]](), list[list[int]]()
    for _ in range(count):
        labels = random.integers(0, NUM_LABELS, random.integers(2, 5)).tolist()
        # the channel of every frame; -1 for silence
        channels = [part for label in labels for part in (label // 2, 2 + label % 2, -1)]
        heard = np.repeat(channels, random.integers(1, 4, len(channels)))
        clean = np.arange(NUM_CHANNELS)[:, None] == heard
        frames.append(clean + NOISE * random.standard_normal(clean.shape))
        strings.append(labels)
    return Heard(frames, strings)


LABEL_ERROR = Figure("label error in percent", lambda score: 100 * score.error, ".2f")
MARKS = [Mark(30, 5.0, "edit distances by labels, on 300 fresh strings")]
TRAINING_STRINGS, JUDGED_STRINGS, CHUNKS = 400, 300, 4


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All that a run depends on, beside its seed.

    Attributes
    ----------
    hidden : int
        tanh units.
    epochs : int
    structural_damping : float
    cg_steps : int
        Most CG steps of an epoch.
    precision : {'single', 'double'}
    """

    hidden: int = 30
    epochs: int = 30
    structural_damping: float = 0.03
    cg_steps: int = 60
    precision: str = "double"


def problem_of(setting: Setting, heard: Heard, num_chunks: int = 1) -> SequenceProblem:
    """Return the problem of reading these strings."""
    return ctc(*heard, hidden_sizes=[setting.hidden], num_classes=NUM_LABELS + 1, num_chunks=num_chunks)


def run(setting: Setting, seed: int, tell: Tell = silent) -> MarkedCourse:
    """Train one net.

    Parameters
    ----------
    setting : Setting
        The net and how it is trained.
    seed : int
        Of the initial weights and of the strings.
    tell : callable
        Called with a line after every epoch.
    """
    problem = problem_of(setting, heard_strings(TRAINING_STRINGS, seed), CHUNKS)
    judged = problem.on(*heard_strings(JUDGED_STRINGS, seed, JUDGED))
    untrained = LABEL_ERROR.of(judged.score(problem.initial_theta(seed), Cases()))
    course, _ = run_course(
        seed,
        LABEL_ERROR,
        tell,
        problem=problem,
        test_problem=judged,
        structural_damping=setting.structural_damping,
        preconditioner="none",
        initial_lam=0.1,
        max_cg_steps=setting.cg_steps,
        max_epochs=setting.epochs,
        precision=setting.precision,
    )
    course.shown = f"label error before training {untrained:.0f} %"
    return course


def study(
    setting: Setting,
    seeds: Sequence[int],
    *,
    journal: str | os.PathLike[str] | None = None,
    talk: tuple[Tell, Tell] = (lambda line: None, lambda line: None),
) -> MarkedStudy:
    """Train a net for every seed; see `courses.courses_of`."""
    marks = marks_within(MARKS, setting.epochs)
    problem_of(setting, heard_strings(1, 0))  # refuses wrong sizes before anything is told
    settings = {"study": "ctc", **asdict(setting)}
    courses = runs_of_seeds(settings, seeds, lambda seed, tell: run(setting, seed, tell), journal, talk)
    return MarkedStudy(f"strings of labels, {setting.hidden} hidden units", LABEL_ERROR, marks, courses)
