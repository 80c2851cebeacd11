"""Gradient of the log-likelihood and the sum of squared per-case gradients, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.sharing import Sharing


@dataclass(frozen=True)
class GradientSums:
    """Means over cases.

    Attributes
    ----------
    full, full_squared : (P,) arrays
        Gradient, weight decay included, and mean of squared per-case gradients, over all cases.
    chunk, chunk_squared : (P,) arrays
        The same over the cases of the target chunk; with one chunk, the same arrays.
    chunk_log_likelihoods : list of scalars
        Sum of the log-likelihood over each chunk, in working precision.
    """

    full: Array
    full_squared: Array
    chunk: Array
    chunk_squared: Array
    chunk_log_likelihoods: list[Any]


def gradient_sums(sharing: Sharing, theta: Array, target_chunk: int, decay: Callable[[slice], Array]) -> GradientSums:
    """One pass over all chunks, the target chunk first.

    Parameters
    ----------
    sharing : Sharing
    theta : (P,) array
    target_chunk : int
        Counted from 0.
    decay : callable
        A piece of what weight decay takes off the gradient.
    """
    cases = sharing.cases
    n, N = cases.cases_per_chunk, len(cases)
    log_likelihoods: dict[int, list[Any]] = {c: [None] * sharing.num_blocks() for c in cases.chunks()}
    weights = sharing.passes.weights(theta)

    def add(entry: tuple[int, int, Block], memory: BlockMemory, sums: Sequence[ParameterSums]) -> None:
        c, k, block = entry
        log_likelihoods[c][k] = _block(sharing, weights, block, memory, sums)

    def blocks(chunks: Iterable[int]) -> list[tuple[int, int, Block]]:
        return [(c, k, block) for c in chunks for k, block in enumerate(sharing.blocks(c))]

    def means(views: Sequence[Array], count: int, piece: slice) -> None:
        for view in views:
            view /= count
        views[0][...] -= decay(piece)

    def add_chunk(views: Sequence[Array], piece: slice) -> None:
        for view, part in zip(views, chunk, strict=True):
            view += part[piece]
        means(views, N, piece)
        means([part[piece] for part in chunk], n, piece)

    others = [c for c in cases.chunks() if c != target_chunk]
    alone = None if others else lambda views, piece: means(views, N, piece)
    chunk = sharing.lanes.total(blocks([target_chunk]), add, vectors=2, finish=alone)
    full = sharing.lanes.total(blocks(others), add, vectors=2, finish=add_chunk) if others else chunk
    by_chunk = [sum(log_likelihoods[c], start=theta.dtype.type(0)) for c in cases.chunks()]
    return GradientSums(full[0], full[1], chunk[0], chunk[1], by_chunk)


def _block(sharing: Sharing, weights: Any, block: Block, memory: BlockMemory, sums: Sequence[ParameterSums]) -> Any:
    """Enter a block's gradient and squared gradient; its log-likelihood. All buffers are used up."""
    passes = sharing.passes
    loaded = memory.load(block)
    buffers, t = loaded.buffers, loaded.targets
    passes.forward(weights, buffers)
    ll = passes.score(buffers, t, memory.spare(0, *t.shape))
    e = sharing.network.loss.gradient(sharing.backend.xp, buffers.y[-1], t, out=buffers.x)
    passes.gradient_back(weights, buffers, e, sums, memory.spare)
    return ll
