"""Hessian products H v for one block of cases, by differentiating the gradient pass along v.

Notation
--------
e_i : gradient of the *negative* log-likelihood at the input of layer i;  d_i = W_{i+1}ᵀ e_{i+1}, so e_i = f'_i ∘ d_i
R{·} : derivative along v (Pearlmutter 1994, "Fast exact multiplication by the Hessian")
Rd_i = V_{i+1}ᵀ e_{i+1} + W_{i+1}ᵀ R{e_{i+1}};  R{e_i} = f'_i ∘ Rd_i + d_i f''_i / f'_i ∘ R_i
"""

from __future__ import annotations

from typing import Any, cast

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.passes import ParameterSums, forward_into
from hf_matlab_compat.model.units import Pointwise
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.curvature import Directions, forward_tangents
from hf_matlab_compat.objective.sharing import Sharing


class Hessian:
    """H v summed over a block, at a fixed θ whose forward and backward passes are kept.

    Parameters
    ----------
    sharing : Sharing
    theta : (P,) array
    block : Block
    """

    def __init__(self, sharing: Sharing, theta: Array, block: Block) -> None:
        network, backend = sharing.network, sharing.backend
        xp: Any = backend.xp
        self._network, self._xp = network, xp
        self._buffers = BlockBuffers(network.sizes, len(block), xp, backend.dtype, tangents=True)
        backend.fill(self._buffers.y[0], block.inputs)
        weights = network.with_biases(theta)
        forward_into(network, weights, self._buffers, xp)
        self._targets = backend.filled(block.targets)
        y = self._buffers.y
        self._slopes = [None, *(unit.slope(xp, y_i) for unit, y_i in zip(network.units, y[1:], strict=True))]
        self._e: list[Array] = [-network.loss.gradient(xp, y[-1], self._targets)]
        self._bends: list[Array] = []
        for i in range(len(network.units) - 1, 0, -1):
            d = xp.dot(weights[i][:-1], self._e[0])
            self._bends.insert(0, cast(Pointwise, network.units[i - 1]).bend(xp, y[i], d))
            self._e.insert(0, network.units[i - 1].jacobian_product(xp, self._slopes[i], d, out=d))

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Enter Σ over the block's cases of the Hessian of -ll times v."""
        network, buffers, xp, e = self._network, self._buffers, self._xp, self._e
        L, y = len(network.units), buffers.y
        Rx = forward_tangents(network, directions, buffers, self._slopes, xp)
        R_L = network.units[-1].jacobian_product(xp, self._slopes[-1], Rx, out=Rx)
        Re = network.loss.hessian_product(xp, y[-1], self._targets, R_L)
        for i in range(L, 1, -1):
            # R{e_i y_{i-1}ᵀ} = R{e_i} y_{i-1}ᵀ + e_i R_{i-1}ᵀ, where R_0 = 0 and biases meet no y
            R, spare = buffers.R[i - 1], (memory.spare(j, *buffers.R[i - 1].shape) for j in (i % 2, 2))
            sums.take(i, buffers.y1[i - 1], Re)
            sums.also(i, R, e[i - 1])
            Rd = xp.dot(directions.W[i - 1], Re, out=next(spare))
            Rd += xp.dot(directions.V[i - 1], e[i - 1], out=next(spare))
            Re = network.units[i - 2].jacobian_product(xp, self._slopes[i - 1], Rd, out=Rd)
            R *= self._bends[i - 2]
            Re += R
        sums.take(1, buffers.y1[0], Re)
