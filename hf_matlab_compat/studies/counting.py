"""The cost of a method in passes over all training cases, comparable between methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Score
from hf_matlab_compat.subject import OF_A_NETWORK, Subject
from hf_matlab_compat.training import train

GRADIENT, PRODUCT, SCORE = 1.0, 1.0, 0.25
"""Cost of each on all cases, in gradient passes: a gradient and a curvature product take about 8P operations a case,
a likelihood 2P."""


class Counted:
    """A problem that counts what is asked of it.

    Parameters
    ----------
    problem : FeedforwardProblem or CorruptedProblem
        Asked in its place.
    whole : Counted, optional
        The problem of which it is a part, whose counters then count.
    part_of_all : float
        The share of its cases.

    Attributes
    ----------
    passes : float
        Gradient passes over all training cases that the work so far amounts to.
    products : float
        Curvature products on all training cases.
    option_defaults : mapping of str to object
        Options of `train` for the run. A study gives them to all methods, so that some may not use them.
    """

    def __init__(self, problem: Any, whole: Counted | None = None, part_of_all: float = 1.0) -> None:
        self._problem, self._whole, self._part = problem, whole or self, part_of_all
        self.passes = self.products = 0.0
        self.num_parameters, self.num_chunks = problem.num_parameters, problem.num_chunks
        self.is_random = getattr(problem, "is_random", True)
        self.option_defaults: Mapping[str, Any] = {}

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`."""
        self.count(SCORE * self._share(on))
        return self._problem.score(theta, on)

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`."""
        self.count(GRADIENT)
        return self._problem.gradient(theta, on)

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `problem.ChunkGradient`."""
        self.count(GRADIENT * self._share(on))
        return self._problem.chunk_gradient(theta, on)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient) -> Any:
        """See `Problem.curvature`."""
        clean: FeedforwardProblem = getattr(self._problem, "clean", self._problem)
        on_all = clean.curvature_cases == "all"
        return _CountedCurvature(self._problem.curvature(theta, on, gradient), self, 1.0 if on_all else self._share(on))

    @property
    def num_cases(self) -> int:
        """See `problem.Divisible`."""
        return self._problem.num_cases

    def part(self, cases: NDArray[np.int64]) -> Counted:
        """See `problem.Divisible`."""
        return Counted(self._problem.part(cases), self._whole, self._part * len(cases) / self.num_cases)

    def gradient_variance(self, theta: Vector, gradient: Gradient) -> float:
        """See `FeedforwardProblem.gradient_variance`; it costs no pass."""
        return self._problem.gradient_variance(theta, gradient)

    def count(self, passes: float, products: float = 0.0) -> None:
        """Count work on all cases of this problem."""
        self._whole.passes += passes * self._part
        self._whole.products += products * self._part

    def _share(self, on: Cases) -> float:
        return 1.0 if on.chunk is None else 1.0 / self.num_chunks


class _CountedCurvature:
    def __init__(self, curvature: Any, counted: Counted, share: float) -> None:
        self._curvature, self._counted, self._share = curvature, counted, share

    def __getattr__(self, name: str) -> Any:
        return getattr(self._curvature, name)

    def __call__(self, v: Vector) -> Vector:
        self._counted.count(PRODUCT * self._share, self._share)
        return self._curvature(v)


def train_counted(counted: Counted, subject: Subject, settings: Options, observer: Observer) -> Result:
    """Train a counted problem from the start of its subject, with settings of which the method may ignore some.

    Parameters
    ----------
    counted : Counted
        The problem of `subject`.
    subject : Subject
        What is trained and tested, and where it starts.
    settings : Options
        Of the method and the run.
    observer : Observer
        Records the run.
    """
    counted.option_defaults = {each: value for each, value in vars(settings).items() if each not in OF_A_NETWORK}
    return train(
        problem=counted,
        test_problem=subject.held_out,
        initial_theta=subject.backend.to_host(subject.state.theta),
        observers=[observer],
    )
