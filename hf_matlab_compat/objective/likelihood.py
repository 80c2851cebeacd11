"""Log-likelihood and error measure, summed over chunks."""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import forward
from hf_matlab_compat.objective.cases import Cases
from hf_matlab_compat.state import Score


def likelihood(network: Network, theta: Array, cases: Cases, xp: Any, only: int | None = None) -> Score:
    """Mean log-likelihood, without weight decay, and mean error.

    Parameters
    ----------
    network : Network
    theta : (P,) array
    cases : Cases
    xp : module
        Array namespace.
    only : int, optional
        One chunk, counted from 0; both means are then over its cases. By default all chunks.
    """
    layers = network.layers(theta)
    total, error = 0.0, 0.0
    scale = 1 if only is None else cases.num_chunks
    for c in cases.chunks(only):
        chunk_total = theta.dtype.type(0)
        chunk_error = 0.0
        for block in cases.chunk(c):
            out = forward(network, layers, block.inputs, xp)
            # a chunk's sum in working precision, chunks added in double
            chunk_total = chunk_total + network.loss.log_likelihood(xp, out.x, out.y[-1], block.targets)
            chunk_error += network.error_measure(xp, out.y[-1], block.targets)
        total += float(chunk_total)
        error += chunk_error / len(cases)  # divided chunk by chunk: the last digit shows in the log
    return Score(log_likelihood=total / len(cases) * scale, error=error * scale)
