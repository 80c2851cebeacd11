"""An unbiased estimate of the diagonal of the Gauss-Newton matrix, from one backward pass for each case.

Notation
--------
K Kᵀ = H_L : Hessian of the negative log-likelihood in the output layer's input;  z : random signs, for each case
diag(G) = E[mean over cases of (Jᵀ K z)²], squared case by case, which varies far less than the square of the sum
(Chapelle & Erhan 2011, "Improved preconditioner for Hessian free optimization")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block

Signs = Callable[[int, int, int], NDArray[Any]]
"""(number of the first case, cases, outputs) → signs (outputs, cases)."""


def unbiased_diagonal(on: CasePasses, theta: Vector, chunks: Sequence[int], signs: Signs) -> Vector:
    """Return the estimate over the cases of these chunks, a mean, without weight decay, (P,)."""
    network, xp, passes = on.network, on.backend.xp, on.passes
    weights, unit = passes.weights(theta), network.units[-1]

    def add(block: Block, slot: int, sums: Sequence[ParameterSums]) -> Any:
        memory = on.memory(slot)
        buffers = memory.load(block).buffers
        passes.forward(weights, buffers)
        y = unit.activate(xp, buffers.x, out=buffers.y[-1])
        z = on.backend.asarray(signs(block.first, len(block), len(y)))
        e = network.loss.root_product(xp, unit.slope(xp, buffers.x, y), y, z)
        passes.gradient_back(weights, buffers, e, sums, memory.spare, block.weights)

    blocks = [block for c in chunks for block in on.blocks(c)]
    found = on.sums.total(blocks, add, vectors=2, scale=1 / (len(chunks) * on.cases.cases_per_chunk))
    return found.vectors[1]
