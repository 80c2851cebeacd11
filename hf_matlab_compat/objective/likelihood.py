"""Mean log-likelihood and mean error over all chunks or one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.state import Score


def likelihood(on: CasePasses, theta: Vector, only: int | None = None) -> Score:
    """Return the mean log-likelihood, without weight decay, and the mean error, without case weights.

    Both are over all cases, or over chunk `only`, counted from 0.
    """
    network, cases, xp = on.network, on.cases, on.backend.xp
    weights, passes = on.passes.weights(theta), on.passes

    def measure(block: Block, slot: int, _: Sequence[Any]) -> tuple[Any, float]:
        memory = on.memory(slot)
        loaded = memory.load(block)
        buffers, t = loaded.buffers, loaded.targets
        passes.forward(weights, buffers)
        room = memory.spare(0, *t.shape)
        return passes.score(buffers, t, room, block.weights), network.error_measure(xp, buffers.y[-1], t, room)

    chunks, count = cases.chunks(only), on.num_blocks()
    found = on.sums.total([block for c in chunks for block in on.blocks(c)], measure, vectors=0).scalars
    total, error = 0.0, 0.0
    for j in range(len(chunks)):
        blocks = found[j * count : (j + 1) * count]
        # as in MATLAB: the sum of a chunk in working precision, chunks added in double
        total += float(sum((ll for ll, _ in blocks), start=theta.dtype.type(0)))
        error += sum(e for _, e in blocks) / len(cases)  # divided chunk by chunk as in MATLAB, for the log's last digit
    scale = 1 if only is None else cases.num_chunks
    return Score(log_likelihood=total / len(cases) * scale, error=error * scale)
