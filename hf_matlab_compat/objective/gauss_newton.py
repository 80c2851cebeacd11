"""Gauss-Newton products G v for one block of cases.

Notation
--------
J : Jacobian of the output layer's input with respect to θ
H_L : Hessian of the negative log-likelihood there
G = Jᵀ H_L J : positive semidefinite for every loss that matches its unit
(Schraudolph 2002, "Fast curvature matrix-vector products"; Martens 2010, section 4.2)
"""

from __future__ import annotations

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.passes import ParameterSums, forward_into
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.curvature import Directions, forward_tangents
from hf_matlab_compat.objective.sharing import Sharing


class GaussNewton:
    """G v summed over a block, at a fixed θ whose forward pass is kept.

    Parameters
    ----------
    sharing : Sharing
    theta : (P,) array
    block : Block
    """

    def __init__(self, sharing: Sharing, theta: Array, block: Block) -> None:
        network, backend = sharing.network, sharing.backend
        self._network, self._xp = network, backend.xp
        self._buffers = BlockBuffers(network.sizes, len(block), backend.xp, backend.dtype, tangents=True)
        backend.fill(self._buffers.y[0], block.inputs)
        forward_into(network, network.with_biases(theta), self._buffers, backend.xp)
        y = self._buffers.y
        self._slopes = [None, *(unit.slope(self._xp, y_i) for unit, y_i in zip(network.units, y[1:], strict=True))]
        self._look_at_output(y.pop(), block)

    def _look_at_output(self, y: Array, block: Block) -> None:
        """Take what the products need of the output y, (s_L, n), which is not kept: nothing but its slope."""

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Enter Σ over the block's cases of Jᵀ H_L J v."""
        Rx_L = forward_tangents(self._network, directions, self._buffers, self._slopes, self._xp)  # v → Jv
        self._back(directions, self._at_output(Rx_L), sums)  # H_L Jv → Jᵀ H_L Jv

    def _at_output(self, Rx: Array) -> Array:
        """Jv → H_L Jv."""
        slope, xp = self._slopes[-1], self._xp
        R = self._network.units[-1].jacobian_product(xp, slope, Rx, out=Rx)
        return self._network.loss.gauss_newton_product(xp, slope, R)

    def _back(self, directions: Directions, e: Array, sums: ParameterSums) -> None:
        """e_L → Jᵀ e_L; hidden layers' errors take the place of their tangents."""
        network, buffers, xp = self._network, self._buffers, self._xp
        for i in range(len(network.units), 1, -1):
            sums.take(i, buffers.y1[i - 1], e)
            e = xp.dot(directions.W[i - 1], e, out=buffers.R[i - 1])
            network.units[i - 2].jacobian_product(xp, self._slopes[i - 1], e, out=e)
        sums.take(1, buffers.y1[0], e)
