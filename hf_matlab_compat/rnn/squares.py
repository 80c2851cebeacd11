"""Squared gradients of whole sequences, summed: what a diagonal preconditioner of a recurrent net needs.

Weights are shared in time, so Σ_n (Σ_t g_tn)² is wanted, and Σ_n Σ_t g_tn², which is cheap, is another quantity. The
gradients of a block's sequences are one batched product; a few sequences at a time bound its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_matlab_compat.backends.arrays import Array, Vector

if TYPE_CHECKING:
    from hf_matlab_compat.rnn.passes import AtSequences

_NUMBERS = 1 << 20
"""Numbers in the gradients of the sequences that are formed at a time."""


def add_squares(at: AtSequences, p: list[Array], squares: Vector) -> None:
    """Add Σ_n g_n² to `squares`, g_n the gradient of sequence n, from p of every layer."""
    net = at.net
    for i, layer in enumerate(at.layers):
        (W, _), (total, init) = net.layer(at.theta, i), net.layer(squares, i)
        add_squared_sums(total, layer.Z, p[i], at.xp)
        if init is not None:
            first = p[i][0] @ W[layer.states].T if layer.learned else p[i][0]
            init += (first * first).sum(axis=0, keepdims=True)
    add_squared_sums(net.output_layer(squares), at.Y, at.e.T.reshape(*at.shape, -1), at.xp)


def add_squared_sums(out: Array, below: Array, above: Array, xp: Any) -> None:
    """Add Σ_n (Σ_t below_tn above_tn')² to `out`; the arrays are (T, n, …)."""
    at_a_time = max(1, _NUMBERS // out.size)
    for start in range(0, below.shape[1], at_a_time):
        some = slice(start, start + at_a_time)
        g = xp.matmul(below[:, some].transpose(1, 2, 0), above[:, some].transpose(1, 0, 2))
        g *= g
        out += g.sum(axis=0)
