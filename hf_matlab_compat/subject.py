"""The subject of a run: a network on cases, or a user's problem; checked, and with the state it starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.initial import Given, initial_state, own_state
from hf_matlab_compat.model.network import Network, build_network
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.objective.cases import ChunkedCases, same_memory
from hf_matlab_compat.objective.corrupted import Corrupt, CorruptedProblem, Resample, check_hooks, corruption_of
from hf_matlab_compat.objective.feedforward import FeedforwardProblem, feedforward_problem
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.data import check_test_data, check_training_data
from hf_matlab_compat.preflight.description import describe, describe_own
from hf_matlab_compat.preflight.keywords import refuse_absent
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.preflight.memory import check_memory
from hf_matlab_compat.preflight.orientation import check_orientation, clues_of, warn_of_wide_cases
from hf_matlab_compat.preflight.own_parts import check_own_parts, warn_of_numpy_passes, warn_of_numpy_passes_of_masks
from hf_matlab_compat.preflight.weights import NO_WEIGHTS, Weights, weighted
from hf_matlab_compat.problem import Problem, check_problem, without_squares
from hf_matlab_compat.state import State


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Problem, start and sizes of a run.

    Attributes
    ----------
    problem : Problem
    held_out : Problem or None
        Only evaluated.
    network : Network or None
        None for a user's problem.
    backend : Backend
    state : State
        On the backend; its memory is empty if nothing is resumed.
    sizes : tuple of int
        Units of every layer; for a user's problem the number of parameters alone.
    num_cases : int
        Training cases; 0 if unknown.
    described : callable
        Makes the description of the run for the sidecar of a checkpoint; it reads all data once.
    """

    problem: Problem
    held_out: Problem | None
    network: Network | None
    backend: Backend
    state: State
    sizes: tuple[int, ...]
    num_cases: int
    described: Callable[[], dict[str, Any]]


class NetworkData(NamedTuple):
    """Arguments of `train` for a network and its cases."""

    inputs: ArrayLike | None
    targets: ArrayLike | None
    test_inputs: ArrayLike | None
    test_targets: ArrayLike | None
    hidden_sizes: Sequence[int] | None
    unit_types: Sequence[Any] | None
    weights: Weights = NO_WEIGHTS
    corrupt: Corrupt | None = None
    resample: Resample | None = None


def network_subject(
    given: NetworkData,
    start: Given,
    resume_from: Any,
    asked: Options,
    settings: Options,
    make_sum: Callable[..., OrderedSum] | None = None,
) -> Subject:
    """Check a feed-forward network on cases in memory or mapped from files, and make its problem.

    `start` and `resume_from` are the caller's arguments; `asked` and `settings` the options as given and as used;
    `make_sum` makes the sums over blocks of cases.

    Raises
    ------
    OptionError, DataError, CheckpointError
        Something does not fit; nothing was written.
    """
    needed = {name: getattr(given, name) for name in ("inputs", "targets", "hidden_sizes", "unit_types")}
    if any(value is None for name, value in needed.items() if name != "hidden_sizes"):  # `check_layout` says more of it
        refuse_absent(**needed)
    sizes, choices = check_layout(given.hidden_sizes, given.unit_types, settings)
    units = [name_of(choice) for choice in choices]
    clues = clues_of(sizes, start[0], given.test_inputs, given.test_targets)
    data = check_training_data(given.inputs, given.targets, units[-1], settings, clues, given.weights)
    all_sizes = [data.inputs.shape[0], *sizes, data.targets.shape[0]]
    check_orientation(clues, all_sizes, data.inputs.shape[1])
    held_out = check_test_data(given.test_inputs, given.test_targets, data, units[-1], settings, clues)
    if held_out is not None:
        held_out = weighted(held_out, Weights(classes=given.weights.classes), len(held_out), settings.precision)
    if start[0] is None and start[1] is None and resume_from is None:
        warn_of_wide_cases(*data.inputs.shape)
    backend = get_backend(settings.backend, asked.precision, settings.num_threads)
    num_test_cases = 0 if held_out is None else held_out.inputs.shape[1]
    resident = not backend.on_host and backend.keeps(_numbers(data) + _numbers(held_out))
    # cases that are sent block by block need no memory on the device
    counted = backend if resident else replace(backend, on_host=True)
    network = build_network(all_sizes, choices, settings.loss, settings.error_measure)
    check_memory(all_sizes, data.inputs.shape[1], settings, counted, num_test_cases, network.with_x)
    check_own_parts(network, data.targets, of_hessian=settings.curvature == "hessian")
    warn_of_numpy_passes(network, backend)
    check_hooks(given.corrupt, given.resample)

    def problem_of(part: ChunkedCases) -> FeedforwardProblem:
        made = feedforward_problem(network, part, settings, backend, resident=resident)
        return made if make_sum is None else replace(made, make_sum=make_sum)

    problem, tested = problem_of(data), None if held_out is None else problem_of(held_out)
    corruption = corruption_of(settings, len(sizes))

    def check(inputs: Any, targets: Any) -> ChunkedCases:
        return check_training_data(inputs, targets, units[-1], settings, weights=given.weights)

    if corruption.is_on or given.corrupt is not None or given.resample is not None:
        warn_of_numpy_passes_of_masks(corruption, backend)
        problem = CorruptedProblem(problem, corruption, given.corrupt, given.resample, check)
    return Subject(
        problem=problem,
        held_out=tested,
        network=network,
        backend=backend,
        state=initial_state(network, units, settings, backend, start, resume_from),
        sizes=network.sizes,
        num_cases=data.inputs.shape[1],
        described=lambda: describe(network.sizes, units, asked, data),
    )


def own_subject(
    problem: Any,
    test_problem: Any,
    initial_theta: Any,
    resume_from: Any,
    settings: Options,
    make_sum: Callable[..., OrderedSum] | None = None,
) -> Subject:
    """Check a user's problem; the arguments are those of `network_subject`.

    Raises
    ------
    OptionError
        It lacks a method, or cannot be shared by processes.
    DataError, CheckpointError
        The start does not fit.
    """
    check_problem(problem, "problem", *_OF_PROBLEM)
    if test_problem is not None:
        check_problem(test_problem, "test_problem", "score")
        theirs = getattr(test_problem, "num_parameters", problem.num_parameters)
        if theirs != problem.num_parameters:
            expected = f"a problem of the same {problem.num_parameters} parameters"
            raise OptionError("test_problem", expected=expected, got=f"one of {theirs}")
    if settings.ranks != "none" and not hasattr(problem, "placed"):
        raise OptionError(
            "ranks",
            expected="'none' beside a problem of your own, of which every process would do all the work",
            got=repr(settings.ranks),
        )
    backend = get_backend(settings.backend, settings.precision, settings.num_threads)
    problem, test_problem = (_placed(each, backend, make_sum) for each in (problem, test_problem))
    if initial_theta is None and resume_from is None and draws_start(problem):
        initial_theta = problem.initial_theta(settings.seed)
    return Subject(
        problem=problem,
        held_out=test_problem,
        network=None,
        backend=backend,
        state=own_state(problem, settings, backend, initial_theta, resume_from),
        sizes=(int(problem.num_parameters),),
        num_cases=0,
        described=lambda: describe_own(problem, settings),
    )


_OF_PROBLEM = ("score", "gradient", "num_parameters", "num_chunks")
"""Members of a problem that every method needs."""


def draws_start(problem: Any) -> bool:
    """Return whether a problem can draw its initial parameters, from the option `seed`.

    Raises
    ------
    OptionError
        It is no problem.
    """
    check_problem(problem, "problem", *_OF_PROBLEM)
    return callable(getattr(problem, "initial_theta", None))


def _placed(problem: Any, backend: Backend, make_sum: Callable[..., OrderedSum] | None) -> Any:
    """Return the problem with its data and sums on the backend of the run, if it is one of this package's own."""
    return problem.placed(backend, make_sum or OrderedSum) if callable(getattr(problem, "placed", None)) else problem


def refuse_lacking(problem: Any, settings: Options) -> None:
    """Refuse options that a problem has nothing for; `problem` is None for a feed-forward network.

    Raises
    ------
    OptionError
        There is structural damping without hidden states in time, or beside another damping; or a preconditioner of
        squared gradients for a problem that says it has none.
    """
    if settings.preconditioner == "martens" and not getattr(problem, "has_squares", True):
        error = without_squares("'martens'")
        raise error
    if not settings.structural_damping:
        return
    if not getattr(problem, "damps_structurally", False):
        expected, advice = "0 for a problem without hidden states in time", "A {problem} of recurrent() has them."
    elif settings.damping is not True:
        expected, advice = "0 beside another {damping} than 'levenberg_marquardt'", "It is a part of that rule."
    else:
        return
    raise OptionError("structural_damping", expected=expected, got=settings.structural_damping, advice=advice)


OF_A_NETWORK = (
    *("num_chunks", "num_test_chunks", "trim_cases", "loss", "error_measure", "weight_decay", "decay_biases"),
    *("curvature", "num_connections", "init_scale", "seed"),
    *("input_blankout", "hidden_blankout", "input_noise", "input_dilation", "weight_noise"),
    *("perturbed_weights", "perturbation", "perturb_form", "corruption_seed"),
)
"""Options of the problem of a network, or of its start."""


_TO_THE_CALL = (
    "The problem has its own: an argument of the call that made it, such as recurrent() or autodiff_problem()."
)
_INSTEAD: Mapping[str, str] = dict.fromkeys(("test_inputs", "test_targets"), "{test_problem} takes their place.")
"""Advice where an argument of a network stands next to `problem`."""


def refuse_beside_problem(**given: Any) -> None:
    """Refuse arguments of a network next to `problem`; None means absent.

    Raises
    ------
    OptionError
        One of them was given.
    """
    for name, value in given.items():
        if value is not None:
            advice = _INSTEAD.get(name, _TO_THE_CALL if name in OF_A_NETWORK else "Give one of the two.")
            raise OptionError(name, expected="nothing beside {problem}", got="a value", advice=advice)


def refuse_without_problem(test_problem: Any) -> None:
    """Refuse `test_problem` for a network.

    Raises
    ------
    OptionError
        It was given.
    """
    if test_problem is not None:
        advice = "Give {test_inputs} and {test_targets}."
        raise OptionError("test_problem", expected="nothing without {problem}", got="a value", advice=advice)


def _numbers(data: ChunkedCases | None) -> int:
    """Return how many numbers the cases are; the data of an autoencoder counts once."""
    if data is None:
        return 0
    return data.inputs.size + (0 if same_memory(data.inputs, data.targets) else data.targets.size)
