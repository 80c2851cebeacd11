"""The limit: the matrix products of a pass alone, as the package forms them and nothing between them.

The same shapes and memory layouts, the same numpy calls, the same blocks of cases dealt to the same Python threads.
Only what a pass does to the results of its products (f', errors, sums over blocks) is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Workload
from hf_matlab_compat.backends import Backend
from hf_matlab_compat.model.buffers import new_buffers
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import ChunkedCases

BlockProducts = Callable[["_Block"], None]


class _Block:
    """Buffers of a block, and a packed vector for its sums."""

    def __init__(self, workload: Workload, n: int, directions: Directions) -> None:
        network = workload.network
        self.directions = directions
        self.weights = network.with_biases(workload.theta)
        self.sums = network.with_biases(np.empty_like(workload.theta))
        self.buffers = new_buffers(network.sizes, n, np, np.float32, tangents=True)
        self.spares = [[np.empty((s, n), np.float32) for s in network.sizes] for _ in range(2)]
        self.e = [np.ones((s, n), np.float32) for s in network.sizes]
        random = np.random.default_rng(3)
        for y in self.buffers.y:
            y[...] = random.random(y.shape, dtype=np.float32)


def limit(workload: Workload, backend: Backend, kernel: str) -> Callable[[], None]:
    """A call that does the matrix products of `kernel`, a key of `PRODUCTS`, over all cases."""
    on = CasePasses(workload.network, ChunkedCases(workload.inputs, workload.inputs, 1), backend)
    directions = Directions(workload.network, workload.theta, np)
    directions.point(workload.direction)
    blocks = [_Block(workload, len(block), directions) for block in on.blocks(0, kept=kernel != "gradient")]
    products = PRODUCTS[kernel]
    return lambda: on.workers.run(lambda block, slot: products(block), blocks)


def _tangents(block: _Block) -> Any:
    """R_i from [W V c] [R; y; 1] of all layers; of the first, [V c] [y; 1]."""
    buffers = block.buffers
    for i, stack in enumerate(block.directions.forward, start=1):
        np.dot(stack.T, buffers.Ry1[i - 1], out=buffers.R[i])
    return buffers.R[-1]


def _gauss_newton(block: _Block) -> None:
    """Forward, then e_i [y_{i-1}; 1]ᵀ of all layers and Wᵀ e_i of all but the first."""
    buffers, e = block.buffers, _tangents(block)
    for i in range(len(block.sums), 1, -1):
        np.dot(buffers.y1[i - 1], e.T, out=block.sums[i - 1])
        e = np.dot(block.directions.W[i - 1], e, out=buffers.R[i - 1])
    np.dot(buffers.y1[0], e.T, out=block.sums[0])


def _hessian(block: _Block) -> None:
    """The same, and e_i R_{i-1}ᵀ and Vᵀ e_i of all layers but the first."""
    buffers, Re = block.buffers, _tangents(block)
    for i in range(len(block.sums), 1, -1):
        np.dot(buffers.y1[i - 1], Re.T, out=block.sums[i - 1])
        np.dot(buffers.R[i - 1], block.e[i].T, out=block.sums[i - 1][:-1])
        Re = np.dot(block.directions.W[i - 1], Re, out=block.spares[0][i - 1])
        np.dot(block.directions.V[i - 1], block.e[i], out=block.spares[1][i - 1])
    np.dot(buffers.y1[0], Re.T, out=block.sums[0])


def _gradient(block: _Block) -> None:
    """Forward, then the sums of the gradient and of its squares, and Wᵀ e_i of all layers but the first."""
    buffers = block.buffers
    for i, weights in enumerate(block.weights[:-1], start=1):
        np.matmul(weights.T, buffers.y1[i - 1], out=block.spares[0][i])
    e = np.matmul(block.weights[-1].T, buffers.y1[-1], out=buffers.x)
    for i in range(len(block.sums), 1, -1):
        for _ in ("gradient", "squares"):
            np.dot(buffers.y1[i - 1], e.T, out=block.sums[i - 1])
        e = np.matmul(block.weights[i - 1][:-1], e, out=block.spares[i % 2][i - 1])
    for _ in ("gradient", "squares"):
        np.dot(buffers.y1[0], e.T, out=block.sums[0])


PRODUCTS: dict[str, BlockProducts] = {
    "gauss_newton": _gauss_newton,
    "gradient": _gradient,
    "hessian": _hessian,
    "empirical_fisher": _gauss_newton,
}
"""The matrix products of a block by kernel; the empirical Fisher's are Gauss-Newton's."""
