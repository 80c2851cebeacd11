"""The start of a run: a checkpoint, given parameters, given weights and biases, or a sparse random draw."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import CheckpointError, DataError, OptionError, quoted
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.random.streams import stream_from_seed
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.packing import Layer, num_parameters, pack
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import real_array
from hf_matlab_compat.problem import Problem
from hf_matlab_compat.state import Memory, State

Given = tuple[Any, Any, Any]
"""initial_theta, initial_weights, initial_biases, as the user gave them."""


def initial_state(
    network: Network, unit_types: Sequence[str], options: Options, backend: Backend, given: Given, resume_from: Any
) -> State:
    """Return the state before the first epoch, on the backend; its memory is empty if nothing is resumed.

    `given` and `resume_from` are the caller's arguments; without them a sparse initialisation is drawn.

    Raises
    ------
    DataError
        Given parameters do not fit the network.
    CheckpointError
        The checkpoint cannot be read or is of another network.
    """
    if resume_from is not None:
        layers = f"as the layers {' '.join(map(str, network.sizes))} have"
        return _resumed(network.num_parameters, layers, options, backend, resume_from)
    theta = _given_theta(network, given, options.precision)
    if theta is None:
        theta = sparse_init(network.sizes, unit_types, stream_from_seed(options.seed), options)
    vector = backend.xp.array(backend.asarray(theta))  # a copy, so that the user's array is never changed
    return State(theta=vector)


def own_state(problem: Problem, options: Options, backend: Backend, theta: Any, resume_from: Any) -> State:
    """Return the state before the first epoch of a user's problem: from `theta`, or resumed.

    Raises
    ------
    OptionError
        There is no start.
    DataError
        `theta` does not fit the problem.
    CheckpointError
        The state to resume from does not fit the problem.
    """
    count = int(problem.num_parameters)
    if resume_from is not None:
        return _resumed(count, "as the problem has", options, backend, resume_from)
    if theta is None:
        raise OptionError("initial_theta", expected=f"{count} numbers, the start of {{problem}}", got="none")
    array = real_array("initial_theta", theta, options.precision)
    if array.size != count or max(array.shape, default=0) != count:
        got = f"shape {array.shape}"
        raise DataError("initial_theta", expected=f"{count} numbers, as the problem has parameters", got=got)
    return State(theta=backend.xp.array(backend.asarray(array.ravel())))


def _resumed(count: int, as_what: str, options: Options, backend: Backend, source: Any) -> State:
    source = getattr(source, "state", source)  # a Result holds its state
    if isinstance(source, State):
        state = source
        if state.theta.size != count:
            raise CheckpointError(
                f"The state to resume from: expected {count} parameters, {as_what}, got {state.theta.size}. It belongs "
                "to another network."
            )
    elif isinstance(source, str | os.PathLike):
        state = read_checkpoint(source, num_parameters=count, precision=options.precision)
    else:
        raise OptionError("resume_from", expected="the path of a checkpoint", got=quoted(source))
    kind = state.theta.dtype
    # arrays of another class than θ's keep it: counts, or sums in double
    return state.mapped(lambda array: backend.asarray(array) if array.dtype == kind else backend.xp.asarray(array))


def memory_to_begin_with(started: Memory, resumed: Memory) -> Memory:
    """Return the memory before the next epoch: resumed entries in the method's dtypes, and its own for the rest."""

    def alike(name: str, value: Any) -> Any:
        kind = getattr(started.get(name), "dtype", None)
        return value if kind is None or getattr(value, "dtype", kind) == kind else value.astype(kind)

    return {**started, **{name: alike(name, value) for name, value in resumed.items()}}


def _given_theta(network: Network, given: Given, precision: str) -> NDArray[Any] | None:
    theta, weights, biases = given
    if theta is not None:
        return _checked_theta(theta, network.sizes, precision)
    if weights is None and biases is None:
        return None
    if weights is None or biases is None:
        missing = "initial_weights" if weights is None else "initial_biases"
        raise DataError(missing, expected="both {initial_weights} and {initial_biases}, or neither", got="nothing")
    W, b = _parts("initial_weights", weights, precision), _parts("initial_biases", biases, precision)
    return _packed(W, b, network.sizes)


def _checked_theta(theta: Any, sizes: Sequence[int], precision: str) -> NDArray[Any]:
    array = real_array("initial_theta", theta, precision)
    expected = num_parameters(sizes)
    if array.size != expected or max(array.shape, default=0) != expected:
        transposed = array.size == expected
        raise DataError(
            "initial_theta",
            expected=f"{expected} numbers in one column, as the layers {' '.join(map(str, sizes))} have",
            got=f"shape {array.shape}" if transposed else f"{array.size}",
            advice="Check {hidden_sizes}, and that cases are in columns.",
        )
    return array.ravel()


def _parts(name: str, given: Any, precision: str) -> list[NDArray[Any]]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise DataError(name, expected="a list with one array for each layer", got=type(given).__name__)
    return [_part(name, i, values, precision) for i, values in enumerate(given)]


def _part(name: str, i: int, values: Any, precision: str) -> NDArray[Any]:
    try:
        return real_array(name, values, precision)
    except DataError as error:
        raise DataError(
            name, expected=f"{error.expected} for layer {i + 1}", got=error.got, advice=error.advice
        ) from error


def _packed(W: list[NDArray[Any]], b: list[NDArray[Any]], sizes: Sequence[int]) -> NDArray[Any]:
    layers = len(sizes) - 1
    for name, parts in (("initial_weights", W), ("initial_biases", b)):
        if len(parts) != layers:
            raise DataError(name, expected=f"{layers} arrays, one for each layer", got=len(parts))
    for i in range(layers):
        shape = (sizes[i + 1], sizes[i])
        if W[i].shape != shape:
            raise DataError("initial_weights", expected=f"shape {shape} in layer {i + 1}", got=W[i].shape)
        if b[i].size != sizes[i + 1]:
            raise DataError("initial_biases", expected=f"{sizes[i + 1]} numbers in layer {i + 1}", got=b[i].size)
    return pack(np, [Layer(w, part.reshape(-1, 1)) for w, part in zip(W, b, strict=True)])
