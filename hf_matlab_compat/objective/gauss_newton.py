"""Gauss-Newton products G v for one block of cases.

Notation
--------
J : Jacobian of the output layer's input with respect to θ
H_L : Hessian of the negative log-likelihood with respect to that input
G = Jᵀ H_L J : positive semidefinite for every loss that matches its unit
(Schraudolph 2002, "Fast curvature matrix-vector products"; Martens 2010, section 4.2)
"""

from __future__ import annotations

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.buffers import new_buffers
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.losses import AtOutput
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block


class GaussNewton:
    """G v summed over a block, at a fixed θ whose forward pass is kept.

    Parameters
    ----------
    on : CasePasses
    theta : (P,) vector
    block : Block
    """

    def __init__(self, on: CasePasses, theta: Array, block: Block) -> None:
        network, backend = on.network, on.backend
        self._network, self._passes, self._backend, self._xp = network, on.passes, backend, backend.xp
        with_x = network.with_x
        buffers = new_buffers(network.sizes, len(block), backend.xp, backend.dtype, tangents=True, with_x=with_x)
        on.fill(buffers, block)
        self._kept = self._passes.keep(theta, buffers)
        self._case_weights = block.weights
        self._look_at_output(buffers.x, buffers.drop_output(), block)

    def _look_at_output(self, x: Array, y: Array, block: Block) -> None:
        """Keep what the products need of the output layer; for most losses only its slope, so y and t are freed."""
        keeps = self._network.loss.keeps_output
        self._at = AtOutput(y, y, self._backend.filled(block.targets)) if keeps else None

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Add Σ over the block's cases of Jᵀ H_L J v to the sums."""
        Rx_L = self._passes.tangents(directions, self._kept)  # v → Jv
        e = self._at_output(Rx_L)
        if self._case_weights is not None:
            e *= self._case_weights
        self._passes.back(directions, self._kept, e, sums)  # H_L Jv → Jᵀ H_L Jv

    def _at_output(self, Rx: Array) -> Array:
        """Return H_L Jv for Rx = Jv."""
        slope, xp = self._kept.slopes[-1], self._xp
        R = self._network.units[-1].jacobian_product(xp, slope, Rx, out=Rx)
        return self._network.loss.gauss_newton_product(xp, slope, R, self._at)
