"""Gradient of the log-likelihood and the sum of squared per-case gradients, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import backward, forward, parameter_sums
from hf_matlab_compat.objective.cases import Block, Cases


@dataclass(frozen=True)
class GradientSums:
    """Means over cases, without weight decay.

    Attributes
    ----------
    full, full_squared : (P,) arrays
        Gradient and mean of squared per-case gradients over all cases.
    chunk, chunk_squared : (P,) arrays
        The same over the cases of the target chunk.
    chunk_log_likelihoods : list of scalars
        Sum of the log-likelihood over each chunk, in working precision.
    """

    full: Array
    full_squared: Array
    chunk: Array
    chunk_squared: Array
    chunk_log_likelihoods: list[Any]


def gradient_sums(network: Network, theta: Array, cases: Cases, target_chunk: int, xp: Any) -> GradientSums:
    """One pass over all chunks.

    Parameters
    ----------
    network : Network
    theta : (P,) array
    cases : Cases
    target_chunk : int
        Counted from 0.
    xp : module
        Array namespace.
    """
    full, squared = xp.zeros_like(theta), xp.zeros_like(theta)
    chunk, chunk_squared = full, squared
    log_likelihoods: list[Any] = []
    for c in cases.chunks():
        g, g2 = xp.zeros_like(theta), xp.zeros_like(theta)
        ll = theta.dtype.type(0)
        for block in cases.chunk(c):
            block_g, block_g2, block_ll = _block(network, theta, block, xp)
            g += block_g
            g2 += block_g2
            ll = ll + block_ll
        full += g
        squared += g2
        log_likelihoods.append(ll)
        if c == target_chunk:
            chunk, chunk_squared = g, g2
    n, N = cases.cases_per_chunk, len(cases)
    return GradientSums(full / N, squared / N, chunk / n, chunk_squared / n, log_likelihoods)


def _block(network: Network, theta: Array, block: Block, xp: Any) -> tuple[Array, Array, Array]:
    layers = network.layers(theta)
    out = forward(network, layers, block.inputs, xp)
    e_L = network.loss.gradient(xp, out.y[-1], block.targets)
    e = backward(network, layers, out.y, e_L, xp)
    gradient = parameter_sums(e, out.y, xp)
    # (e∘e)(y∘y)ᵀ: the squares of a case's gradient e yᵀ, summed over cases without forming any of them
    squared = parameter_sums([e_i * e_i for e_i in e], [y_i * y_i for y_i in out.y[:-1]], xp)
    return gradient, squared, network.loss.log_likelihood(xp, out.x, out.y[-1], block.targets)
