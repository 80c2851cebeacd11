"""Runs a method on a problem: epoch after epoch, with observers and signals, and never loses a finished epoch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from traceback import clear_frames
from typing import Any

import numpy as np

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import MemoryFullError, NonFiniteError, StuckWarning, Terminated
from hf_matlab_compat.method import Method, epochs
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.observers.interrupt import InterruptGuard, say_how_to_leave_a_loop
from hf_matlab_compat.observers.observer import KEEP, Kept, Observer, Run, Stop, checked_answer
from hf_matlab_compat.problem import Cases, Problem, checked_score_of
from hf_matlab_compat.ranks.ranks import OneProcess, facts_of_an_epoch
from hf_matlab_compat.result import Result, make_result
from hf_matlab_compat.solvers.convergence import REJECTED, exhausted, rejected_in_a_row
from hf_matlab_compat.state import Outcome, Report, Score, State


@dataclass(frozen=True)
class Setup:
    """A run that has passed its checks.

    Attributes
    ----------
    problem : Problem
    held_out : Problem or None
        Only evaluated.
    network : Network or None
        The network of this package that the problem trains, if there is one.
    backend : Backend
    method : Method
    run : Run
    ranks : OneProcess
        The processes that share the run; only the first has observers.
    """

    problem: Problem
    held_out: Problem | None
    network: Network | None
    backend: Backend
    method: Method
    run: Run
    ranks: OneProcess = field(default_factory=OneProcess)

    def evaluate(self, theta: Any) -> Score | None:
        """Return the held-out figures at θ."""
        return None if self.held_out is None else checked_score_of(self.held_out, theta, Cases())


def run_epochs(setup: Setup, state: State, observers: Sequence[Observer]) -> Result:
    """Run the epochs, tell the observers, and stop if an observer, a signal or convergence asks for it.

    `state` is where it starts, on the backend; observers get vectors on the host.

    Raises
    ------
    KeyboardInterrupt
        After a Ctrl-C that followed that of an earlier run at once; its `result` holds the finished epochs.
    Terminated
        After SIGTERM or SIGHUP.
    """
    run = _Running(setup, state, observers)
    with _closing(run.observers), setup.ranks.guard() as guard, _keeping(run):
        run.go(guard)
        guard.settle()
    result = replace(run.result(), interrupted=guard.received is not None)
    if guard.terminated:
        raise Terminated(128 + (guard.received or 0), result)
    if guard.leaving:
        left = KeyboardInterrupt()
        left.result = result  # type: ignore[attr-defined]
        raise left
    if result.interrupted and setup.ranks.is_first:
        say_how_to_leave_a_loop()
    return result


class _Running:
    """A run in progress: its state, its reports, and its outcome."""

    def __init__(self, setup: Setup, state: State, observers: Sequence[Observer]) -> None:
        self.setup, self.state = setup, state
        self.observers = observers if setup.ranks.is_first else ()
        self.reports: list[Report] = []
        self.kept: dict[str, State] = {}
        self.outcome = Outcome.NOTHING_TO_DO
        self.reason = ""

    def go(self, guard: InterruptGuard) -> None:
        """Run all epochs."""
        options = self.setup.run.options
        if self.state.epoch < options.max_epochs:
            self.outcome = Outcome.FINISHED
        self._tell("begin", lambda observer: observer.begin(self.setup.run, self._on_host()))
        steps = epochs(
            self.setup.problem, self.setup.method, self.state, options.max_epochs, self.setup.evaluate, self._progress
        )
        while self.state.epoch < options.max_epochs and self.outcome is Outcome.FINISHED:
            if exhausted(self.state, options):
                self.outcome = Outcome.STALLED
                break
            try:
                # `quiet` is the outer context, so that Ctrl-C can interrupt neither its entry nor its exit
                with self.setup.backend.quiet(), guard.abandonable():
                    done = self._scored_clean(*next(steps))
            except KeyboardInterrupt:
                self.outcome = guard.outcome
                break
            self._take(*_likely(done))  # Ctrl-C waits here: an epoch that is kept in memory reaches the disk too
        self.kept = self.setup.ranks.on_first(self._end)

    def _end(self) -> dict[str, State]:
        if self.outcome is Outcome.STOPPED:
            for observer in self.observers:
                observer.stopped(self.reason)
        for observer in self.observers:
            observer.end(self.outcome, self._on_host())
        return self.kept

    def result(self) -> Result:
        """Return the result of the finished epochs."""
        setup = self.setup
        made = make_result(setup.network, (setup.run.options, setup.backend), self.state, self.reports, self.outcome)
        trained = getattr(setup.problem, "trained", None)
        return replace(
            made, sequences=trained, reason=self.reason, best=self.kept.get("best"), average=self.kept.get("average")
        )

    def _take(self, report: Report, state: State) -> None:
        self.setup.ranks.compare(lambda: facts_of_an_epoch(state), f"after epoch {report.epoch}")
        self.state = state
        self.reports.append(report)
        if state.theta.dtype == np.float32 and rejected_in_a_row(self.reports[-REJECTED - 1 :]) == REJECTED:
            self.setup.ranks.on_first(partial(_warn_of_a_stuck_run, report.epoch))
        self._tell("epoch", lambda observer: observer.epoch(report, self._on_host()))

    def _tell(self, asked: str, tell: Callable[[Observer], Any]) -> None:
        """Tell the observers of the first rank; all ranks learn what they answered."""

        def heeded() -> tuple[Outcome, str]:
            for observer in self.observers:
                self._heed(observer, asked, tell(observer))
            return self.outcome, self.reason

        self.outcome, self.reason = self.setup.ranks.on_first(heeded)

    def _scored_clean(self, report: Report, state: State) -> tuple[Report, State]:
        if not self.setup.run.options.clean_train:
            return report, state
        problem = self.setup.problem
        noisy = getattr(problem, "is_random", True)
        clean = checked_score_of(problem, state.theta, Cases()) if noisy else report.train
        return report.having(clean_train_error=clean.error), state

    def _heed(self, observer: Observer, asked: str, answer: Any) -> None:
        answer = checked_answer(f"{type(observer).__name__}.{asked}", answer)
        if answer is KEEP:
            self.kept["best"] = self._on_host()
        elif isinstance(answer, Kept):
            self.kept[answer.name] = answer.state
        elif isinstance(answer, Stop) and self.outcome is not Outcome.NOTHING_TO_DO:
            self.outcome = Outcome.STOPPED
            name = type(observer).__name__
            self.reason = f"{name}: {answer.reason}" if answer.reason else f"{name} asked for it"

    def _progress(self, stage: str, step: int, of: int) -> None:
        for observer in self.observers:
            observer.progress(stage, step, of)

    def _on_host(self) -> State:
        return self.state.mapped(self.setup.backend.to_host)


def _warn_of_a_stuck_run(epoch: int) -> None:
    warnings.warn(
        f"No step has improved the log-likelihood in single precision for {REJECTED} epochs up to epoch {epoch}, and λ "
        "rises with each. Resume with precision='double', or stop the run.",
        StuckWarning,
        stacklevel=8,
    )


def _likely(done: tuple[Report, State]) -> tuple[Report, State]:
    # return the epoch if its log-likelihood is finite; no later epoch recovers from NaN
    if not math.isfinite(done[0].train.log_likelihood):
        raise NonFiniteError(done[0].epoch, "log-likelihood")
    return done


@contextmanager
def _closing(observers: Sequence[Observer]) -> Iterator[None]:
    try:
        yield
    finally:
        for observer in observers:
            observer.close()


@contextmanager
def _keeping(run: _Running) -> Iterator[None]:
    """Attach the finished epochs to an error in the middle of a run."""
    try:
        yield
    except MemoryError as error:
        clear_frames(error.__traceback__)  # free the memory of the epoch: the result needs some
        full = MemoryFullError(
            f"epoch {run.state.epoch + 1}: expected free memory, got none ({error or 'no figure is known'}). The "
            "finished epochs are kept. Close other programs, map the data from a file, or choose a smaller network."
        )
        full.result = replace(run.result(), outcome=Outcome.FAILED)
        raise full from error
    except Exception as error:  # of this package, or of a user's object
        with suppress(AttributeError):  # a few classes of exceptions take no attributes
            error.result = replace(run.result(), outcome=Outcome.FAILED)  # type: ignore[attr-defined]
        raise
