"""A case as this package trains it: its problem, its options, and what the judge asks of a feed-forward one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.legacy.arguments import refuse_new_units, to_field_terms
from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.recording import Case, Vector
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.state import State, hessian_free_state
from hf_matlab_compat.subject import NetworkData, network_subject

_NOT_THE_CASE = ("runName", "runDesc", "resumeFile", "maxepoch", "jacket", "Win", "bin", "paramsp")
_DATA = tuple(name for name in NetworkData._fields if name != "weights")
_WHOLE = ("max_cg_steps", "min_cg_steps")

OtherUnit = Callable[[Any], Any]
"""Unit → the same unit with other last bits."""


@dataclass(frozen=True)
class PortCase:
    """A case as this package trains it; this one is feed-forward.

    Attributes
    ----------
    problem, held_out : Problem, Problem or None
        On the training cases, and on the test cases, which are only evaluated.
    options : Options
    """

    problem: Any
    held_out: Any
    options: Options

    @property
    def backend(self) -> Backend:
        """The backend on which it runs."""
        return self.problem.backend

    @property
    def method(self) -> Any:
        """The method with the rules that the options name."""
        return method_of(self.options, self.backend)

    def evaluate(self, theta: Any) -> Any:
        """Return the score of θ on the test cases, or None without any."""
        return None if self.held_out is None else self.held_out.score(theta, Cases())

    def state(self, theta: Vector, d: Vector, lam: float, epoch: int, total_cg_steps: int = 0) -> State:
        """Return the state after `epoch`, on the backend; both vectors are copied."""
        theta, d = (self.backend.xp.array(self.backend.asarray(vector)) for vector in (theta, d))
        return hessian_free_state(theta, d, lam, epoch, total_cg_steps)

    def forward(self, theta: Any, chunk: int) -> list[Any]:
        """Return the outputs of layers 1 … L on a chunk, (s_i, n) each."""
        problem = self.problem
        layers, xp = problem.network.layers(theta), self.backend.xp
        blocks = [activations(problem.network, layers, block.inputs, xp).y[1:] for block in problem.cases.chunk(chunk)]
        return [xp.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]

    def squares(self, gradient: Gradient, curvature: Curvature) -> Any:
        """Return the squared gradient, as the preconditioner takes it."""
        del curvature
        return gradient.full_squared

    def parts(self, vector: Vector) -> Iterator[tuple[str, Vector]]:
        """Yield the weights and biases in a vector of parameters, with their names."""
        for i, layer in enumerate(self.problem.network.layers(vector), start=1):
            yield from ((f"W{i}", layer.W), (f"b{i}", layer.b))

    def in_other_rounding(self, seed: int, other: OtherUnit) -> PortCase:
        """Return the case, which is on the CPU, with its cases permuted within chunks and with other units."""
        network, cases = self.problem.network, self.problem.cases
        columns = np.arange(len(cases)).reshape(cases.num_chunks, -1)
        order = np.random.default_rng(seed).permuted(columns, axis=1).ravel()
        inputs, targets = (np.asfortranarray(part[:, order]) for part in (cases.inputs, cases.targets))
        moved = ChunkedCases(inputs, targets, cases.num_chunks)
        network = replace(network, units=tuple(map(other, network.units)))
        return replace(self, problem=replace(self.problem, network=network, cases=moved))


def feedforward_case(case: Case, precision: str, backend: str) -> PortCase:
    """Prepare a feed-forward case to be run on a backend, with the checks of a user's call.

    Raises
    ------
    OptionError
        An option does not fit, or there is no such backend.
    DataError
        The data do not fit.
    """
    given = {name: value for name, value in case.arguments.items() if name not in _NOT_THE_CASE}
    terms = {**to_field_terms({**given, **case.constants}), "precision": precision, "backend": backend}
    whole = {name: int(np.ceil(terms[name])) for name in _WHOLE if name in terms}  # as MATLAB rounds them
    options = Options.from_keywords(**{name: terms[name] for name in terms if name not in _DATA} | whole)
    refuse_new_units(terms["unit_types"], options.faithful)
    parts: dict[str, Any] = {name: terms.get(name) for name in _DATA}
    subject = network_subject(NetworkData(**parts), (case.arguments["paramsp"], None, None), None, options, options)
    return PortCase(subject.problem, subject.held_out, options)
