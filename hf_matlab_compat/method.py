"""An outer method changes the parameters from epoch to epoch. Hessian-free is one; this module runs any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, cast

from hf_matlab_compat.answers import Refuse, checked_score, checked_vector, shown
from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import NonFiniteError, NotFinite, OptionError
from hf_matlab_compat.problem import CheckedProblem, Problem
from hf_matlab_compat.state import Memory, Report, Score, State, Watch

Evaluate = Callable[[Vector], Score | None]
"""θ → Score on held-out cases, or None if there are none."""


class Epoch(NamedTuple):
    """The result of one epoch.

    Attributes
    ----------
    theta : (P,) vector
    memory : mapping
        For the next epoch.
    score : Score
        At θ, on all training cases.
    figures : mapping
        What the method reports of the epoch.
    """

    theta: Vector
    memory: Memory
    score: Score
    figures: Mapping[str, Any]


class Method(Protocol):
    """Trains a problem, epoch by epoch. Its settings are fixed; what changes from epoch to epoch is its memory."""

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """Return the memory before the first epoch."""
        ...

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """Run epoch n, counted from 1. θ and the memory are not changed in place."""
        ...


def silent(stage: str, step: int, of: int) -> None:
    """Report nothing: the default watch."""


def checked_epoch(done: Any, theta: Vector, method: Any) -> Epoch:
    """Return what a method returned for an epoch, with θ in the run's precision.

    Raises
    ------
    OptionError
        It is no `Epoch` of a vector like `theta`, a memory, a score and figures.
    """
    refuse = _refusing(method, "epoch")
    if not isinstance(done, Epoch):
        raise refuse("an Epoch", shown(done))
    memory = checked_mapping(done.memory, "a mapping of names to values as memory", refuse)
    figures = checked_mapping(done.figures, "a mapping of names to values as figures", refuse)
    for taken in ("epoch", "train", "test", "seconds"):
        if taken in figures:
            raise refuse("figures of other names than those of a Report", repr(taken))
    return Epoch(checked_vector(done.theta, theta, "theta", refuse), memory, checked_score(done.score, refuse), figures)


def checked_start(method: Any, problem: Problem, theta: Vector) -> Memory:
    """Return the memory before the first epoch.

    Raises
    ------
    OptionError
        It is no mapping of names to values.
    """
    return checked_mapping(method.start(problem, theta), "a mapping of names to values", _refusing(method, "start"))


def _refusing(method: Any, called: str) -> Refuse:
    name = f"{type(method).__name__}.{called}"
    return lambda expected, got: OptionError("method", expected=f"{expected} from {name}", got=got)


def checked_mapping(value: Any, what: str, refuse: Refuse) -> Mapping[str, Any]:
    """Return the value if it maps names to values; otherwise raise the error that `refuse` makes."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):  # pyright: ignore
        raise refuse(what, shown(value))
    return cast("Mapping[str, Any]", value)


def epochs(
    problem: Problem,
    method: Method,
    state: State,
    max_epochs: int,
    evaluate: Evaluate = lambda theta: None,
    watch: Watch = silent,
) -> Iterator[tuple[Report, State]]:
    """Run epochs from `state` up to `max_epochs`, yielding each as it ends.

    Parameters
    ----------
    problem : Problem
        What is trained.
    method : Method
        How it is trained.
    state : State
        Where to continue.
    max_epochs : int
        Number of the last epoch.
    evaluate : callable
        Held-out figures, only reported.
    watch : callable
        Told of progress inside an epoch.

    Yields
    ------
    report : Report
        What happened in the epoch.
    state : State
        The state after it.

    Raises
    ------
    NonFiniteError
        A gradient or curvature product is NaN or infinite.
    DataError, OptionError
        A user's problem, rule or method returned a wrong value.
    """
    checked = CheckedProblem(problem, watch)
    while state.epoch < max_epochs:
        started, n = time.perf_counter(), state.epoch + 1
        try:
            done = method.epoch(checked, state.theta, state.memory, n, watch)
            theta, memory, score, figures = checked_epoch(done, state.theta, method)
        except NotFinite as error:
            raise NonFiniteError(n, str(error)) from error
        test = evaluate(theta)
        seconds = time.perf_counter() - started
        report = Report(epoch=n, train=score, test=test, seconds=seconds, figures=figures)
        state = state.after(report, theta, memory)
        yield report, state
