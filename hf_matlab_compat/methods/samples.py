"""Samples of the cases: which ones an update sees, and Hessian-free's view of a sample as its whole problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.model.corruption import words
from hf_matlab_compat.problem import Cases, Curvature, Gradient, Problem
from hf_matlab_compat.state import Memory, Score

SAMPLE = 102
"""The purpose of the drawn cases, in their key."""


class Sampled:
    """The problem of one update: score and gradient on one sample, curvature on another, usually a part of it.

    Parameters
    ----------
    batch : Problem
        With one chunk.
    curved : Problem
        The same; its curvature gets the gradient of `batch`, and with it the squares of a diagonal preconditioner.
    """

    def __init__(self, batch: Problem, curved: Problem) -> None:
        self.batch, self.curved = batch, curved
        self.num_parameters, self.num_chunks = batch.num_parameters, 1

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`."""
        return self.batch.score(theta, on)

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`."""
        self.found = self.batch.gradient(theta, on)
        return self.found

    def variance(self, theta: Vector) -> tuple[float, float]:
        """Return the sum of the variances of the cases' gradients, and |g|², of the last gradient, formed at θ."""
        g = self.found
        return cast(Any, self.batch).gradient_variance(theta, g), float(g.full @ g.full)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient) -> Curvature:
        """See `Problem.curvature`."""
        return self.curved.curvature(theta, on, gradient)


def sampled(problem: Any, cases: NDArray[np.int64], curved: NDArray[np.int64]) -> Sampled:
    """Return a `Divisible` problem restricted to samples, given as increasing numbers of cases."""
    batch = problem.part(cases)
    return Sampled(batch, batch if len(curved) == len(cases) else problem.part(curved))


def slice_of(cases: NDArray[np.int64], n: int, slices: int) -> NDArray[np.int64]:
    """Return a slice of a minibatch, another in every epoch n (from 1); no slice has less than one case."""
    slices = min(slices, len(cases))
    s = (n - 1) % slices
    return cases[len(cases) * s // slices : len(cases) * (s + 1) // slices]


def drawn_cases(num_cases: int, seed: int, epoch: int, update: int = 0) -> NDArray[np.int64]:
    """Return all cases in random order, the same for the same seed, epoch and update within the epoch."""
    stride = 4 * -(-num_cases // 4)
    return np.argsort(words((seed, SAMPLE), update * stride, num_cases, epoch), kind="stable")


def figures_of(updates: Sequence[Mapping[str, Any]], memory: Memory) -> dict[str, Any]:
    """Return the figures of an epoch from those of its updates: sums, means, and the last ρ and λ."""
    rates = [figures["rate"] for figures in updates]
    return {
        "cg_steps": sum(figures["cg_steps"] for figures in updates),
        "total_cg_steps": memory["total_cg_steps"],
        "rho": updates[-1]["rho"],
        "lam": memory["lam"],
        "rate": float(np.mean(rates)),
        "rejected": rates.count(0.0),
    }
