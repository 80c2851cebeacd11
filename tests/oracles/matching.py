"""The dense oracle of a problem of the package, and the package's products as dense matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from tests.oracles.dense import DenseNetwork, DenseSums


def dense_sums(
    problem: FeedforwardProblem, theta: NDArray[Any], loss: Any = "matching", chunk: int | None = None
) -> DenseSums:
    """Sums over all cases of a problem, or over one chunk."""
    cases = problem.cases
    n = cases.inputs.shape[1] // cases.num_chunks
    columns = slice(None) if chunk is None else slice(chunk * n, (chunk + 1) * n)
    network = DenseNetwork(problem.network.sizes, [unit.name for unit in problem.network.units], loss)
    weights = None if cases.weights is None else tuple(cases.weights[0, columns])
    return DenseSums(network, theta, cases.inputs[:, columns], cases.targets[:, columns], weights)


def matrix(product: Callable[[Any], Any], size: int) -> NDArray[np.float64]:
    """The matrix of a linear map, column by column."""
    return np.array([product(column) for column in np.eye(size)]).T
