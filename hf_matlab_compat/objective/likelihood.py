"""Log-likelihood and error measure, summed over chunks."""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.sharing import Sharing
from hf_matlab_compat.state import Score


def likelihood(sharing: Sharing, theta: Array, only: int | None = None) -> Score:
    """Mean log-likelihood, without weight decay, and mean error.

    Parameters
    ----------
    sharing : Sharing
    theta : (P,) array
    only : int, optional
        One chunk, counted from 0; both means are then over its cases. By default all chunks.
    """
    network, cases, xp = sharing.network, sharing.cases, sharing.backend.xp
    weights, passes = sharing.passes.weights(theta), sharing.passes
    found: dict[tuple[int, int], tuple[Any, float]] = {}

    def measure(entry: tuple[int, int, Block], memory: BlockMemory) -> None:
        c, k, block = entry
        loaded = memory.load(block)
        buffers, t = loaded.buffers, loaded.targets
        passes.forward(weights, buffers)
        room = memory.spare(0, *t.shape)
        found[c, k] = passes.score(buffers, t, room), network.error_measure(xp, buffers.y[-1], t, room)

    items = [(c, k, block) for c in cases.chunks(only) for k, block in enumerate(sharing.blocks(c))]
    sharing.for_each(items, measure)
    total, error = 0.0, 0.0
    for c in cases.chunks(only):
        blocks = [found[c, k] for k in range(sharing.num_blocks())]
        # a chunk's sum in working precision, chunks added in double
        total += float(sum((ll for ll, _ in blocks), start=theta.dtype.type(0)))
        error += sum(e for _, e in blocks) / len(cases)  # divided chunk by chunk: the last digit shows in the log
    scale = 1 if only is None else cases.num_chunks
    return Score(log_likelihood=total / len(cases) * scale, error=error * scale)
