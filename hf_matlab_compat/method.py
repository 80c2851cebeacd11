"""An outer method: how parameters change from epoch to epoch. Hessian-free is one; this is what all have in common."""

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
"""θ → Score on held-out cases, or None without any."""


class Epoch(NamedTuple):
    """What one epoch leaves.

    Attributes
    ----------
    theta : (P,) vector
    memory : mapping
        For the next epoch.
    score : Score
        At θ, on all training cases.
    figures : mapping
        What the method tells of the epoch.
    """

    theta: Vector
    memory: Memory
    score: Score
    figures: Mapping[str, Any]


class Method(Protocol):
    """Trains a problem, epoch by epoch. Its settings are its own; what changes from epoch to epoch is its memory."""

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """The memory before the first epoch."""
        ...

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """Epoch n, counted from 1. Neither θ nor the memory is changed."""
        ...


def silent(stage: str, step: int, of: int) -> None:
    """A watch that says nothing."""


def checked_epoch(done: Any, theta: Vector, method: Any) -> Epoch:
    """What a method says that an epoch leaves, with θ in the run's precision.

    Raises
    ------
    OptionError
        It is no `Epoch` of a vector like `theta`, a memory, a score and figures.
    """
    name = f"{type(method).__name__}.epoch"

    def refuse(expected: str, got: str) -> OptionError:
        return OptionError("method", expected=f"{expected} from {name}", got=got)

    if not isinstance(done, Epoch):
        raise refuse("an Epoch", shown(done))
    memory = checked_mapping(done.memory, "a mapping of names to values as memory", refuse)
    figures = checked_mapping(done.figures, "a mapping of names to values as figures", refuse)
    for taken in ("epoch", "train", "test", "seconds"):
        if taken in figures:
            raise refuse("figures of other names than those of a Report", repr(taken))
    return Epoch(checked_vector(done.theta, theta, "theta", refuse), memory, checked_score(done.score, refuse), figures)


def checked_start(method: Any, problem: Problem, theta: Vector) -> Memory:
    """The memory before the first epoch.

    Raises
    ------
    OptionError
        It is no mapping of names to values.
    """
    name = f"{type(method).__name__}.start"
    return checked_mapping(
        method.start(problem, theta),
        "a mapping of names to values",
        lambda expected, got: OptionError("method", expected=f"{expected} from {name}", got=got),
    )


def checked_mapping(value: Any, what: str, refuse: Refuse) -> Mapping[str, Any]:
    """The value, if it maps names to values."""
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
    state : State
        Where to go on from.
    max_epochs : int
        Number of the last epoch.
    evaluate : callable
        Held-out figures, only reported.
    watch : callable
        Told of progress inside an epoch.

    Yields
    ------
    report : Report
        What the epoch did.
    state : State
        What it left.

    Raises
    ------
    NonFiniteError
        A gradient or curvature product is NaN or infinite.
    DataError, OptionError
        A problem, a rule or a method of the caller's own answered wrongly.
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
