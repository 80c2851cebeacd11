"""The recurrent workloads, and the limit: the matrix products of a Gauss-Newton product alone, with nothing between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.workloads import Vector, cpu
from hf_matlab_compat import recurrent
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.passes import AtSequences
from hf_matlab_compat.rnn.problem import SequenceProblem


@dataclass(frozen=True)
class RecurrentWorkload:
    """tanh units, logistic outputs with cross-entropy at every step, h_0 learned, in single precision.

    Attributes
    ----------
    name : str
    hidden_size, num_steps, num_sequences : int
        H, T, N.
    num_inputs, num_outputs : int
        D, O.
    """

    name: str
    hidden_size: int
    num_steps: int
    num_sequences: int
    num_inputs: int = 10
    num_outputs: int = 10

    @cached_property
    def inputs(self) -> Vector:
        """(D, T, N)."""
        shape = (self.num_inputs, self.num_steps, self.num_sequences)
        return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)

    @cached_property
    def problem(self) -> SequenceProblem:
        """All sequences in one chunk. Their targets, which no Gauss-Newton product depends on, are 0."""
        targets = np.zeros((self.num_outputs, *self.inputs.shape[1:]), np.float32)
        given = {"hidden_sizes": [self.hidden_size], "unit_types": ["tanh", "logistic"]}
        return recurrent(self.inputs, targets, **given)

    @cached_property
    def theta(self) -> Vector:
        """(P,) parameters, as a run starts."""
        return np.asarray(self.problem.initial_theta(1), np.float32)

    @cached_property
    def direction(self) -> Vector:
        """(P,) vector that curvature is multiplied by."""
        return np.random.default_rng(2).standard_normal(len(self.theta), dtype=np.float32)

    @property
    def steps(self) -> int:
        """Z, by which the sum over all steps is divided."""
        return self.num_steps * self.num_sequences

    def product(self, name: str) -> tuple[Any, Any]:
        """v → G v at θ on one thread of a backend, with the forward pass at θ done; and the backend."""
        backend = cpu(1, name)
        with backend.quiet():
            return self.problem.placed(backend).curvature(self.theta, Cases(0), None), backend

    def limit(self) -> Callable[[], None]:
        """Return a call that does the products of all blocks."""
        backend, data = cpu(1), self.problem.data
        blocks = data.blocks(0, data.num_blocks(self.problem.num_parameters))
        parts = [_Products(self.problem.placed(backend), self.theta, block) for block in blocks]
        return lambda: [part.run() for part in parts].clear()


class _Products:
    """Arrays of a block, of the shapes and layouts that `passes` has, and the products over them."""

    def __init__(self, problem: SequenceProblem, theta: Vector, block: Any) -> None:
        at: Any = problem.model.at(theta, block, problem._workspace(0))
        assert isinstance(at, AtSequences)
        (layer,), (T, n) = at.layers, at.shape
        (self.W, _), W_o = at.net.layer(theta, 0), at.net.output_layer(theta)
        self.W_hh, self.W_oh, self.W_o = self.W[layer.states], W_o[: layer.size], W_o
        self.Z, self.Y = (np.array(part.reshape(T * n, -1)) for part in (layer.Z, at.Y))
        self.R, self.p = (np.array(layer.h) for _ in range(2))
        self.step, self.sums = np.empty_like(self.R[0]), [np.empty_like(each) for each in (self.W, W_o)]
        self.Jv, self.room = np.empty_like(at.x), np.empty_like(at.x)

    def run(self) -> None:
        """Forward over all steps, the output, and back."""
        R, p = (part.reshape(len(self.Z), -1) for part in (self.R, self.p))
        np.matmul(self.Z, self.W, out=R)
        for before in self.R[:-1]:
            np.matmul(before, self.W_hh, out=self.step)
        np.matmul(self.W_o.T, self.Y.T, out=self.Jv)
        np.matmul(self.W_oh.T, R.T, out=self.room)
        np.matmul(self.Y.T, self.Jv.T, out=self.sums[1])
        np.matmul(self.Jv.T, self.W_oh.T, out=p)
        for after in self.p[:0:-1]:
            np.matmul(after, self.W_hh.T, out=self.step)
        np.matmul(self.Z.T, p, out=self.sums[0])


LONG = RecurrentWorkload("H 100, T 200, N 250", 100, 200, 250)
SHORT = RecurrentWorkload("H 50, T 30, N 100", 50, 30, 100)
