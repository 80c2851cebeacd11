"""The workloads: autoencoders of logistic units with a linear code layer, on random cases, in single precision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends import Backend, get_backend
from hf_matlab_compat.model.network import Network, build_network
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.problem import Cases

Vector = NDArray[np.float32]
WEIGHT_DECAY = 2e-5


@dataclass(frozen=True)
class Workload:
    """An autoencoder and a number of cases.

    Attributes
    ----------
    name : str
        Targets are looked up by it.
    sizes : tuple of int
        s_0 … s_L.
    num_cases : int
    """

    name: str
    sizes: tuple[int, ...]
    num_cases: int

    @property
    def unit_types(self) -> list[str]:
        """Of layers 1 … L: logistic, but the code layer linear."""
        num_layers = len(self.sizes) - 1
        return ["linear" if i == num_layers // 2 else "logistic" for i in range(1, num_layers + 1)]

    @property
    def is_small(self) -> bool:
        """A pass takes milliseconds on whatever BLAS."""
        return self.num_cases * self.network.num_parameters < 1e8

    @cached_property
    def network(self) -> Network:
        """Its layout; the loss is the cross-entropy that matches the output."""
        return build_network(self.sizes, self.unit_types, "matching", "squared")

    @cached_property
    def inputs(self) -> Vector:
        """(s_0, N) cases, which are the targets too."""
        return np.random.default_rng(0).random((self.num_cases, self.sizes[0]), dtype=np.float32).T

    @cached_property
    def theta(self) -> Vector:
        """(P,) parameters: weights with standard deviation 1/√s_{i-1}, so that no unit is saturated."""
        random = np.random.default_rng(1)
        theta = np.empty(self.network.num_parameters, np.float32)
        for layer in self.network.with_biases(theta):
            layer[...] = random.standard_normal(layer.shape, dtype=np.float32) / np.sqrt(len(layer))
        return theta

    @cached_property
    def direction(self) -> Vector:
        """(P,) vector that curvature is multiplied by."""
        return np.random.default_rng(2).standard_normal(self.network.num_parameters, dtype=np.float32)

    def problem(self, backend: Backend, curvature: str = "gauss_newton") -> FeedforwardProblem:
        """The problem with all its cases in one chunk."""
        return FeedforwardProblem(
            network=self.network,
            cases=ChunkedCases(self.inputs, self.inputs, 1),
            backend=backend,
            weight_decay=WEIGHT_DECAY,
            curvature_kind=curvature,
        )

    def product(self, backend: Backend, curvature: str = "gauss_newton") -> Any:
        """v → B v at θ, everything that does not depend on v done."""
        problem = self.problem(backend, curvature)
        with backend.quiet():
            gradient = problem.gradient(self.theta, Cases(0))
            return problem.curvature(self.theta, Cases(0), gradient)


def cpu(threads: int | None = None, name: str = "numpy") -> Backend:
    """A backend of the package for all workloads; by default with a thread for every processor."""
    return get_backend(name, "single", threads)


def cpu_backends() -> tuple[str, ...]:
    """Names of those that can be had here."""
    return ("numpy", "numba") if find_spec("numba") else ("numpy",)


A = Workload("A", (784, 400, 200, 100, 50, 25, 6, 25, 50, 100, 200, 400, 784), 5000)
B = Workload("B", (50, 20, 5, 20, 50), 500)
C = Workload("C", (784, 1000, 500, 250, 30, 250, 500, 1000, 784), 7500)
SMALL = Workload("20-12-5-12-20", (20, 12, 5, 12, 20), 30)
DERIVED = Workload("64-30-8-30-64", (64, 30, 8, 30, 64), 400)
