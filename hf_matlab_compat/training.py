"""train: the modern call. It checks everything, runs the epochs and returns the result."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from numpy.typing import ArrayLike

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.initial import memory_to_begin_with
from hf_matlab_compat.matlab.files.npz_file import check_keepable
from hf_matlab_compat.method import checked_start
from hf_matlab_compat.observers.checkpoints import CheckpointWriter
from hf_matlab_compat.observers.dispensable import Dispensable
from hf_matlab_compat.observers.observer import Observer, Run, checked_observers
from hf_matlab_compat.observers.selection import Average, Best
from hf_matlab_compat.observers.stopping import Patience
from hf_matlab_compat.observers.text_log import TextLog
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.description import warn_of_another_lam, warn_of_changes, warn_of_lost_memory
from hf_matlab_compat.preflight.destination import check_destination
from hf_matlab_compat.preflight.keywords import by_name_only
from hf_matlab_compat.preflight.run_lock import run_lock
from hf_matlab_compat.preflight.weights import Weights
from hf_matlab_compat.presets import preset_options
from hf_matlab_compat.problem import Problem
from hf_matlab_compat.ranks.ranks import OneProcess, facts_of_a_start, failing_together, ranks_of, with_a_shared_seed
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.result import Result
from hf_matlab_compat.result_file import is_result, saved_settings, saved_states
from hf_matlab_compat.running import Setup, run_epochs
from hf_matlab_compat.state import State
from hf_matlab_compat.subject import (
    OF_A_NETWORK,
    NetworkData,
    Subject,
    draws_start,
    network_subject,
    own_subject,
    refuse_beside_problem,
    refuse_lacking,
    refuse_without_problem,
)

DISPLAYS = {"none": "observer.Observer", "legacy": "screen.Screen", "rich": "live.LiveView"}
"""Screen displays: nothing, MATLAB's lines, or a live view; each is imported when needed."""


@by_name_only
def train(
    *,
    inputs: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    hidden_sizes: Sequence[int] | None = None,
    unit_types: Sequence[Any] | None = None,
    test_inputs: ArrayLike | None = None,
    test_targets: ArrayLike | None = None,
    case_weights: ArrayLike | None = None,
    corrupt: Callable[..., Any] | None = None,
    resample: Callable[[int], Any] | None = None,
    class_weights: ArrayLike | None = None,
    problem: Problem | None = None,
    test_problem: Problem | None = None,
    initial_theta: ArrayLike | None = None,
    initial_weights: Sequence[ArrayLike] | None = None,
    initial_biases: Sequence[ArrayLike] | None = None,
    resume_from: str | os.PathLike[str] | State | Result | None = None,
    run_name: str | os.PathLike[str] = "",
    description: str | None = "",
    display: str = "none",
    observers: Sequence[Observer] | None = (),
    preset: str | None = None,
    **options: Any,
) -> Result:
    """Train a feed-forward network, or your own problem, by Hessian-free optimisation (Martens 2010).

    Parameters
    ----------
    inputs : (s_0, N) array_like
        Training cases, one in each column. Chunks take them in this order: permute them first.
    targets : (s_L, N) array_like
        The desired outputs, one case in each column.
    hidden_sizes : sequence of int
        Units of the hidden layers; the sizes of input and output come from the data.
    unit_types : sequence of str or OwnFunction
        Units of each hidden layer and of the output. Names: 'logistic', 'tanh', 'linear', 'relu', 'softplus', 'elu',
        'gelu' or (at the output) 'softmax'; or your own object, as `model.units.OwnFunction` describes.
    test_inputs : (s_0, K) array_like, optional
        Held-out cases, evaluated after every epoch and never trained on.
    test_targets : (s_L, K) array_like, optional
        Their desired outputs.
    case_weights : (N,) array_like, optional
        Weight of each training case in likelihood, gradient and curvature, at least 0; by default 1. Means are still
        over N, and the error measure counts each case once.
    class_weights : (s_L,) array_like, optional
        Weight of each class, for one-of-k targets or for targets 0 and 1 of a single output; test cases too.
    corrupt : callable, optional
        ``corrupt(inputs, cases, epoch)`` → inputs of the same shape, (s_0, n): changes the inputs of the cases with
        these numbers in this epoch (from 1), and gives the same for the same call. See also the options of
        corruption; targets stay clean.
    resample : callable, optional
        ``resample(epoch)`` → inputs and targets of all cases of this epoch, of the same shapes, and the same for the
        same epoch.
    problem : Problem, optional
        Your own problem in place of a network: any object with the methods of `problem.Problem`. The four arguments
        above are then left out, and `initial_theta` is given. Its vectors are those of the backend.
    test_problem : Problem, optional
        A problem whose score is evaluated after every epoch; only together with `problem`.
    initial_theta : (P,) or (P, 1) array_like, optional
        Packed initial parameters. By default those of `initial_weights` and `initial_biases`, or else a
        sparse random initialisation.
    initial_weights : sequence of array_like, optional
        Initial weights W_i (s_i, s_{i-1}) of every layer.
    initial_biases : sequence of array_like, optional
        Initial biases b_i (s_i,) of every layer.
    resume_from : path, Result or State, optional
        Where to continue: a checkpoint (of MATLAB, Octave or this package), a saved result, a Result, or its state.
    run_name : path, optional
        Stem of the files that the run writes; without it nothing is written. The files are ``<run_name>.txt``,
        ``<run_name>_nnet_running.mat`` and ``<run_name>_nnet_epoch<k>.mat``.
    description : str
        A line for the log.
    display : {'none', 'legacy', 'rich'}
        What the screen shows: nothing, MATLAB's lines, or a live view.
    observers : sequence of Observer
        More observers, which are told of every epoch.
    preset : str, optional
        A published set of options by name (`presets.PRESETS`); options given in the call replace those of the preset.
    **options
        Fields of `Options`: ``max_epochs``, ``num_chunks``, ``weight_decay``, ``curvature``, …

    Returns
    -------
    Result
        After Ctrl-C, the result of the finished epochs. ``Result.interrupted`` is True even if Ctrl-C came too late
        to stop anything, so that a loop of runs can test it: ``if result.interrupted: break``.

    Raises
    ------
    OptionError, DataError
        Something does not fit; nothing was written.
    CheckpointError
        A checkpoint cannot be read or written.
    NonFiniteError
        A gradient, curvature product or log-likelihood is NaN or infinite. Its ``result`` holds the finished epochs.
    MemoryFullError
        The memory was full in the middle of the run. Its ``result`` holds the finished epochs.
    KeyboardInterrupt
        After a second Ctrl-C within 2 seconds, also if the first ended an earlier run: it leaves a loop of runs.
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
    with failing_together(options.get("ranks")):
        defaults: dict[str, Any] = getattr(problem, "option_defaults", {})
        asked = Options.from_keywords(**{**defaults, **(preset_options(preset) if preset else {}), **options})
        asked = with_a_shared_seed(asked, ranks := ranks_of(asked))
        settings = _as_used(asked, ranks)
        shown, others = Dispensable(_display(display)), checked_observers(observers)
        refuse_lacking(problem, settings)
        start = (initial_theta, initial_weights, initial_biases)
        make_sum = ranks.make_sum(settings.sum_lanes)
        with ranks.preflight():
            resume_from, kept = _continued(resume_from, asked)
            if problem is None:
                refuse_without_problem(test_problem)
                weights = Weights(case_weights, class_weights)
                given = NetworkData(
                    inputs, targets, test_inputs, test_targets, hidden_sizes, unit_types, weights, corrupt, resample
                )
                subject = network_subject(given, start, resume_from, asked, settings, make_sum)
            else:
                own_seed = draws_start(problem)
                of_a_network = {n: options[n] for n in OF_A_NETWORK if n in options and not (own_seed and n == "seed")}
                refuse_beside_problem(
                    inputs=inputs,
                    targets=targets,
                    hidden_sizes=hidden_sizes,
                    unit_types=unit_types,
                    test_inputs=test_inputs,
                    test_targets=test_targets,
                    case_weights=case_weights,
                    class_weights=class_weights,
                    corrupt=corrupt,
                    resample=resample,
                    initial_weights=initial_weights,
                    initial_biases=initial_biases,
                    **of_a_network,
                )
                subject = own_subject(problem, test_problem, initial_theta, resume_from, settings, make_sum)
            described = subject.described() if run_name or ranks.size > 1 else {}
        name = ranks.on_first(lambda: check_destination(run_name))
        source = resume_from if isinstance(resume_from, str | os.PathLike) else ""
        if source and ranks.is_first:
            warn_of_changes(source, described or subject.described())
        run = Run(
            name=name,
            description="" if description is None else str(description),
            resume_from=os.fspath(source),
            sizes=subject.sizes,
            options=replace(asked, num_chunks=subject.problem.num_chunks),
            num_cases=subject.num_cases,
            described=described if name else {},
            kept=kept,
        )
        method = method_of(settings, subject.backend, options)
        started = checked_start(method, subject.problem, subject.state.theta)
        if source and ranks.is_first:
            warn_of_lost_memory(source, started, subject.state.memory)
        memory = memory_to_begin_with(started, subject.state.memory)
        for each, value in memory.items() if name else ():
            check_keepable(f"memory[{each!r}]", value)
        ranks.compare(lambda: facts_of_a_start(described, subject.state.theta, memory), "before the first epoch")
        setup = Setup(subject.problem, subject.held_out, subject.network, subject.backend, method, run, ranks)
        rules = _rules(asked)
        _refuse_without_figures([*rules, *others], subject, settings.error_measure)
        # files first: an epoch is on the disk before other observers are told of it
        files: list[Observer] = [TextLog(), CheckpointWriter()] if name else []
        with ranks.held_by_first(run_lock(name)):
            return run_epochs(setup, replace(subject.state, memory=memory), [*files, *rules, shown, *others])


def _as_used(asked: Options, ranks: OneProcess) -> Options:
    """Return the options with this process's number of threads; TF32 is stored as single."""
    precision = "single" if asked.precision == "tf32" else asked.precision
    return replace(asked, precision=precision, num_threads=ranks.threads(asked.num_threads))


def _continued(resume_from: Any, asked: Options) -> tuple[Any, dict[str, State]]:
    """Return where to continue, for a saved result its state; and the best and the average state of a result."""
    if isinstance(resume_from, Result):
        warn_of_another_lam(resume_from.options.damping, asked.damping)
        found = {"best": resume_from.best, "average": resume_from.average}
        return resume_from, {name: state for name, state in found.items() if state is not None}
    if isinstance(resume_from, str | os.PathLike) and is_result(resume_from):
        warn_of_another_lam(saved_settings(resume_from).get("damping"), asked.damping)
        states = saved_states(resume_from)
        return states.pop("state"), states
    return resume_from, {}


def _rules(options: Options) -> list[Observer]:
    """Return the observers that the options for stopping and averaging stand for."""
    found: list[Observer] = []
    if options.patience is not None:
        found += [Best(options.monitor), Patience(options.patience, options.monitor)]
    return found if options.average_decay is None else [*found, Average(options.average_decay)]


def _refuse_without_figures(observers: Sequence[Observer], subject: Subject, error_measure: str) -> None:
    for observer in observers:
        if subject.held_out is None and getattr(observer, "needs_test_cases", False):
            advice = "Give {test_problem}." if subject.network is None else "Give {test_inputs} and {test_targets}."
            name = "patience" if isinstance(observer, Best | Patience) else type(observer).__name__
            raise OptionError(name, expected="test cases, whose figures it looks at", got="none", advice=advice)
        if subject.network is not None and getattr(observer, "monitor", "") == "error" and error_measure == "none":
            raise OptionError("monitor", expected="'log_likelihood' with {error_measure='none'}", got="'error'")


def _display(name: str) -> Observer:
    if name not in DISPLAYS:
        raise OptionError("display", expected="one of " + ", ".join(map(repr, DISPLAYS)), got=quoted(name))
    module, kind = DISPLAYS[name].split(".")
    return getattr(import_module(f"hf_matlab_compat.observers.{module}"), kind)()
