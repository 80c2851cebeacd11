"""train: the modern call. Checks everything, builds the problem, runs the epochs, tells the observers."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from traceback import clear_frames
from typing import Any

from numpy.typing import ArrayLike

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import HessianFreeError, MemoryFullError, NonFiniteError, OptionError, Terminated
from hf_matlab_compat.initial import initial_state
from hf_matlab_compat.method import Method, epochs
from hf_matlab_compat.model.network import Network, build_network
from hf_matlab_compat.objective.cases import ChunkedCases, same_memory
from hf_matlab_compat.objective.feedforward import FeedforwardProblem, feedforward_problem
from hf_matlab_compat.observers.checkpoints import CheckpointWriter
from hf_matlab_compat.observers.dispensable import Dispensable
from hf_matlab_compat.observers.interrupt import InterruptGuard
from hf_matlab_compat.observers.observer import Observer, Run, checked_observers
from hf_matlab_compat.observers.text_log import TextLog
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.data import check_test_data, check_training_data
from hf_matlab_compat.preflight.description import describe, warn_of_changes
from hf_matlab_compat.preflight.destination import check_destination
from hf_matlab_compat.preflight.keywords import by_name_only
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.preflight.memory import check_memory
from hf_matlab_compat.preflight.orientation import check_orientation, clues_of, warn_of_wide_cases
from hf_matlab_compat.preflight.run_lock import run_lock
from hf_matlab_compat.presets import preset_options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.result import Result, make_result
from hf_matlab_compat.solvers.convergence import exhausted
from hf_matlab_compat.state import Outcome, Report, Score, State

DISPLAYS = {"none": "observer.Observer", "legacy": "screen.Screen", "rich": "live.LiveView"}
"""What a run may show while it goes: nothing, MATLAB's lines, or a live view; where each is found when asked for."""


@by_name_only
def train(
    *,
    inputs: ArrayLike,
    targets: ArrayLike,
    hidden_sizes: Sequence[int],
    unit_types: Sequence[str],
    test_inputs: ArrayLike | None = None,
    test_targets: ArrayLike | None = None,
    initial_theta: ArrayLike | None = None,
    initial_weights: Sequence[ArrayLike] | None = None,
    initial_biases: Sequence[ArrayLike] | None = None,
    resume_from: str | os.PathLike[str] | State | None = None,
    run_name: str | os.PathLike[str] = "",
    description: str | None = "",
    display: str = "none",
    observers: Sequence[Observer] | None = (),
    preset: str | None = None,
    **options: Any,
) -> Result:
    """Train a feed-forward network by Hessian-free optimisation (Martens 2010).

    Parameters
    ----------
    inputs : (s_0, N) array_like
        Training cases, one in each column, in the order in which chunks take them: permute them first.
    targets : (s_L, N) array_like
        What the output should be.
    hidden_sizes : sequence of int
        Units of the hidden layers; those of input and output come from the data.
    unit_types : sequence of str
        'logistic', 'tanh', 'linear' or (at the output) 'softmax', for each hidden layer and the output.
    test_inputs, test_targets : array_like, optional
        Held-out cases, evaluated after every epoch and never trained on.
    initial_theta : (P,) or (P, 1) array_like, optional
        Packed initial parameters. By default those of `initial_weights` and `initial_biases`, or else a
        sparse random initialisation.
    initial_weights, initial_biases : sequences of array_like, optional
        W_i (s_i, s_{i-1}) and b_i (s_i,) of every layer.
    resume_from : path or State, optional
        Checkpoint (of MATLAB, Octave or this package), or `Result.state`, to go on from.
    run_name : path, optional
        Stem of the files: ``<run_name>.txt``, ``<run_name>_nnet_running.mat``, ``<run_name>_nnet_epoch<k>.mat``.
        Without it nothing is written.
    description : str
        A line for the log.
    display : {'none', 'legacy', 'rich'}
        What is shown while it runs.
    observers : sequence of Observer
        More that should be told of every epoch.
    preset : str, optional
        A published set of options by name (`presets.PRESETS`); those given here come before it.
    **options
        Fields of `Options`: ``max_epochs``, ``num_chunks``, ``weight_decay``, ``curvature``, …

    Returns
    -------
    Result
        After Ctrl-C, that of the last finished epoch; ``Result.outcome`` says so, and ``Result.interrupted`` also
        where Ctrl-C came too late to break anything off. A loop of runs looks at it: ``if result.interrupted: break``.

    Raises
    ------
    OptionError, DataError
        Something does not fit; nothing was written.
    CheckpointError
        A checkpoint cannot be read or written.
    NonFiniteError
        A gradient, curvature product or log-likelihood is NaN or infinite. What was finished by then is in the
        exception's ``result``.
    MemoryFullError
        The memory was full in the middle of the run. Likewise.
    Terminated
        A SystemExit, after SIGTERM (code 143) or SIGHUP (129), with the finished epochs in its ``result``.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).random((8, 60))
    >>> r = train(inputs=X, targets=X, hidden_sizes=[3], unit_types=["logistic", "logistic"], max_epochs=2, seed=0)
    >>> r.outcome.value
    'all epochs were run'
    """
    asked = Options.from_keywords(**{**(preset_options(preset) if preset else {}), **options})
    settings = replace(asked, precision="single") if asked.precision == "tf32" else asked  # TF32 is stored as single
    shown, others = Dispensable(_display(display)), checked_observers(observers)
    sizes, units = check_layout(hidden_sizes, unit_types, settings)
    clues = clues_of(sizes, initial_theta, test_inputs, test_targets)
    data = check_training_data(inputs, targets, units[-1], settings, clues)
    all_sizes = [data.inputs.shape[0], *sizes, data.targets.shape[0]]
    check_orientation(clues, all_sizes, data.inputs.shape[1])
    held_out = check_test_data(test_inputs, test_targets, data, units[-1], settings, clues)
    if initial_theta is None and initial_weights is None and resume_from is None:
        warn_of_wide_cases(*data.inputs.shape)
    name = check_destination(run_name)
    backend = get_backend(settings.backend, asked.precision, settings.num_threads)
    num_test_cases = 0 if held_out is None else held_out.inputs.shape[1]
    resident = not backend.on_host and backend.keeps(_numbers(data) + _numbers(held_out))
    # cases that are streamed take no room on the device, just as on the host
    counted = backend if resident else replace(backend, on_host=True)
    check_memory(all_sizes, data.inputs.shape[1], settings, counted, num_test_cases)
    network = build_network(all_sizes, units, settings.loss, settings.error_measure)
    method = method_of(settings, backend)
    state = initial_state(
        network, units, settings, backend, (initial_theta, initial_weights, initial_biases), resume_from
    )
    # an epoch is on the disk before anybody else hears of it
    files: list[Observer] = [TextLog(), CheckpointWriter()] if name else []
    source = resume_from if isinstance(resume_from, str | os.PathLike) else ""
    said = "" if description is None else str(description)
    described = describe(network.sizes, units, asked, data) if name or source else {}
    if source:
        warn_of_changes(source, described)
    run = Run(
        name=name,
        description=said,
        resume_from=os.fspath(source),
        sizes=network.sizes,
        options=asked,
        num_cases=data.inputs.shape[1],
        described=described,
    )
    problem = feedforward_problem(network, data, settings, backend, resident=resident)
    state = replace(state, memory={**method.start(problem, state.theta), **state.memory})
    setup = Setup(network, backend, problem, None, method, run)
    if held_out is not None:
        setup = replace(setup, held_out=feedforward_problem(network, held_out, settings, backend, resident=resident))
    with run_lock(name):
        return run_epochs(setup, state, [*files, shown, *others])


@dataclass(frozen=True)
class Setup:
    """A run that has passed its checks.

    Attributes
    ----------
    network : Network
    backend : Backend
    problem : FeedforwardProblem
    held_out : FeedforwardProblem or None
        Evaluated only.
    method : Method
    run : Run
    """

    network: Network
    backend: Backend
    problem: FeedforwardProblem
    held_out: FeedforwardProblem | None
    method: Method
    run: Run

    def evaluate(self, theta: Any) -> Score | None:
        """Held-out figures at θ."""
        return None if self.held_out is None else self.held_out.score(theta, Cases())


def run_epochs(setup: Setup, state: State, observers: Sequence[Observer]) -> Result:
    """Run the epochs, tell the observers, stop at Ctrl-C.

    Parameters
    ----------
    setup : Setup
    state : State
        Vectors on the backend.
    observers : sequence of Observer
        Told of every event, with vectors on the host.
    """
    options, backend = setup.run.options, setup.backend
    reports: list[Report] = []
    outcome = Outcome.FINISHED if state.epoch < options.max_epochs else Outcome.NOTHING_TO_DO

    def tell_progress(stage: str, step: int, of: int) -> None:
        for observer in observers:
            observer.progress(stage, step, of)

    steps = epochs(setup.problem, setup.method, state, options.max_epochs, setup.evaluate, tell_progress)
    with _closing(observers), InterruptGuard() as guard, _keeping(setup, lambda: (state, reports)):
        for observer in observers:
            observer.begin(setup.run, state.mapped(backend.to_host))
        while state.epoch < options.max_epochs:
            if exhausted(state, options):
                outcome = Outcome.STALLED
                break
            try:
                with backend.quiet(), guard.abandonable():  # so that Ctrl-C finds it entered whole, and leaves it whole
                    done = next(steps)
            except KeyboardInterrupt:
                outcome = guard.outcome
                break
            report, state = _likely(done)  # out of reach of Ctrl-C: what is kept in memory will be on the disk too
            reports.append(report)
            for observer in observers:
                observer.epoch(report, state.mapped(backend.to_host))
        for observer in observers:
            observer.end(outcome, state.mapped(backend.to_host))
    result = replace(
        make_result(setup.network, backend, state, reports, outcome), interrupted=guard.received is not None
    )
    if guard.terminated:
        raise Terminated(128 + (guard.received or 0), result)
    return result


def _likely(done: tuple[Report, State]) -> tuple[Report, State]:
    """The epoch, whose log-likelihood must be a number: from NaN and -Inf no later epoch finds back."""
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
def _keeping(setup: Setup, so_far: Any) -> Iterator[None]:
    """An error in the middle of a run carries what was finished by then."""
    try:
        yield
    except HessianFreeError as error:
        state, reports = so_far()
        error.result = make_result(setup.network, setup.backend, state, reports, Outcome.FAILED)
        raise
    except MemoryError as error:
        clear_frames(error.__traceback__)  # what the epoch worked in: the result needs some of it
        state, reports = so_far()
        full = MemoryFullError(
            f"epoch {state.epoch + 1}: expected room in memory, got none ({error or 'no figure is known'}). What was "
            "finished is kept. Close other programs, map the data from a file, or choose a smaller network."
        )
        full.result = make_result(setup.network, setup.backend, state, reports, Outcome.FAILED)
        raise full from error


def _display(name: str) -> Observer:
    if name not in DISPLAYS:
        raise OptionError("display", expected="one of " + ", ".join(map(repr, DISPLAYS)), got=repr(name))
    module, kind = DISPLAYS[name].split(".")
    return getattr(import_module(f"hf_matlab_compat.observers.{module}"), kind)()


def _numbers(data: ChunkedCases | None) -> int:
    """Numbers that the cases are, those of an autoencoder counted once."""
    if data is None:
        return 0
    return data.inputs.size + (0 if same_memory(data.inputs, data.targets) else data.targets.size)
