"""Gradient of the log-likelihood and sum of squared per-case gradients, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.ordered_sum import Totals


class GradientSums(NamedTuple):
    """Means over cases.

    Attributes
    ----------
    full, full_squared : (P,) arrays
        Over all cases: gradient, weight decay included, and mean of squared per-case gradients, without it.
    chunk, chunk_squared : (P,) arrays
        The same over the cases of the target chunk; with one chunk, the same arrays.
    chunk_log_likelihoods : list of scalars
        Sum of the log-likelihood over each chunk, without weight decay, in working precision.
    """

    full: Array
    full_squared: Array
    chunk: Array
    chunk_squared: Array
    chunk_log_likelihoods: list[Any]


def gradient_sums(on: CasePasses, theta: Vector, target_chunk: int, decay: Callable[[slice], Array]) -> GradientSums:
    """Run one pass over all chunks, the target chunk (counted from 0) first.

    The target chunk's sums are needed alone and as part of the sums over all cases, so they are formed once and added
    to those of the other chunks. `decay` gives a piece of the gradient of the weight decay, which is subtracted.
    """
    cases = on.cases
    n, N = cases.cases_per_chunk, len(cases)
    weights = on.passes.weights(theta)

    def add(block: Block, slot: int, sums: Sequence[ParameterSums]) -> Any:
        return _block(on, weights, block, on.memory(slot), sums)

    def means(views: Sequence[Array], piece: slice, count: int = N) -> None:
        for view in views:
            view /= count
        gradient = views[0]
        gradient -= decay(piece)

    def add_chunk(views: Sequence[Array], piece: slice) -> None:
        for view, part in zip(views, chunk.vectors, strict=True):
            view += part[piece]
        means(views, piece)
        means([part[piece] for part in chunk.vectors], piece, n)

    others = [c for c in cases.chunks() if c != target_chunk]
    alone = None if others else means
    chunk = full = on.sums.total(on.blocks(target_chunk), add, vectors=2, finish=alone)
    scalars = {target_chunk: chunk.scalars}
    if others:
        blocks = [block for c in others for block in on.blocks(c)]
        full = on.sums.total(blocks, add, vectors=2, finish=add_chunk)
        scalars |= {c: full.scalars[j * on.num_blocks() :][: on.num_blocks()] for j, c in enumerate(others)}
    by_chunk = [sum(scalars[c], start=theta.dtype.type(0)) for c in cases.chunks()]
    return GradientSums(full.vectors[0], full.vectors[1], chunk.vectors[0], chunk.vectors[1], by_chunk)


def chunk_sums(on: CasePasses, theta: Vector, chunk: int, decay: Callable[[slice], Array]) -> Totals:
    """One pass over one chunk: the mean gradient, decay taken off, the mean of its squares, and blocks' likelihoods."""
    weights, n = on.passes.weights(theta), on.cases.cases_per_chunk

    def add(block: Block, slot: int, sums: Sequence[ParameterSums]) -> Any:
        return _block(on, weights, block, on.memory(slot), sums)

    def means(views: Sequence[Array], piece: slice) -> None:
        for view in views:
            view /= n
        views[0][...] -= decay(piece)

    return on.sums.total(on.blocks(chunk), add, vectors=2, finish=means)


def _block(on: CasePasses, weights: Any, block: Block, memory: BlockMemory, sums: Sequence[ParameterSums]) -> Any:
    """Add a block's gradient and squared gradient to `sums` and return its log-likelihood. Overwrites all buffers."""
    passes = on.passes
    loaded = memory.load(block)
    buffers, t = loaded.buffers, loaded.targets
    passes.forward(weights, buffers)
    ll = passes.score(buffers, t, memory.spare(0, *t.shape), block.weights)
    e = on.network.loss.gradient(on.backend.xp, buffers.x, buffers.y[-1], t, out=buffers.x)
    passes.gradient_back(weights, buffers, e, sums, memory.spare, block.weights)
    return ll


def sample_variance(mean: Vector, squares: Vector, n: int) -> float:
    """Return the sum over parameters of the sample variance of n gradients, of which the means are given, (P,)."""
    return max(float(squares.sum()) - float(mean @ mean), 0.0) * n / max(n - 1, 1)
