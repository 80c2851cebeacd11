"""Gradient of the log-likelihood and the sum of squared per-case gradients, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.passes import ParameterSums, forward_into
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
    weights = sharing.network.with_biases(theta)

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


def _block(
    sharing: Sharing, weights: Sequence[Array], block: Block, memory: BlockMemory, sums: Sequence[ParameterSums]
) -> Any:
    """Enter a block's gradient and squared gradient; its log-likelihood. All buffers are used up."""
    network, xp = sharing.network, sharing.backend.xp
    gradient, squared = sums
    loaded = memory.load(block)
    buffers = loaded.buffers
    forward_into(network, weights, buffers, xp)
    x, y_L, t = buffers.x, buffers.y[-1], loaded.targets
    ll = network.loss.log_likelihood(xp, x, y_L, t, memory.spare(0, *x.shape))
    e = network.loss.gradient(xp, y_L, t, out=x)
    for i in range(len(weights), 1, -1):
        unit, y = network.units[i - 2], buffers.y[i - 1]
        d = xp.matmul(weights[i - 1][:-1], e, out=memory.spare(i % 2, *y.shape))
        unit.jacobian_product(xp, unit.slope(xp, y, out=memory.spare(2, *y.shape)), d, out=d)
        _take(i, buffers.y1[i - 1], e, gradient, squared)
        e = d
    _take(1, buffers.y1[0], e, gradient, squared)
    return ll


def _take(i: int, below: Array, e: Array, gradient: ParameterSums, squared: ParameterSums) -> None:
    gradient.take(i, below, e)
    # (y∘y)(e∘e)ᵀ: the squares of a case's gradient y eᵀ, summed over cases without forming any of them
    below *= below
    e *= e
    squared.take(i, below, e)
