"""Hessian products H v for one block of cases, by differentiating the gradient pass along v.

Notation
--------
e_i : gradient of the *negative* log-likelihood at the input of layer i;  d_i = W_{i+1}ᵀ e_{i+1}, so e_i = f'_i ∘ d_i
R{·} : derivative along v (Pearlmutter 1994, "Fast exact multiplication by the Hessian")
Rd_i = V_{i+1}ᵀ e_{i+1} + W_{i+1}ᵀ R{e_{i+1}};  R{e_i} = f'_i ∘ Rd_i + d_i f''_i / f'_i ∘ R_i
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


class Hessian:
    """H v summed over a block, at a fixed θ whose forward and backward passes are kept.

    Parameters
    ----------
    on : CasePasses
    theta : (P,) vector
    block : Block
    """

    def __init__(self, on: CasePasses, theta: Array, block: Block) -> None:
        network, backend = on.network, on.backend
        self._network, self._passes, self._xp = network, on.passes, backend.xp
        with_x = network.with_x
        buffers = new_buffers(network.sizes, len(block), backend.xp, backend.dtype, tangents=True, with_x=with_x)
        on.fill(buffers, block)
        self._kept = self._passes.keep(theta, buffers)
        # `tangents` overwrites x, which the derivatives of some units need
        self._keeps_x, y, self._case_weights = network.units[-1].keeps_x, buffers.y[-1], block.weights
        self._at = AtOutput(buffers.x.copy() if self._keeps_x else y, y, backend.filled(block.targets))
        e_L = -network.loss.gradient(backend.xp, self._at.x, y, self._at.t)
        self._errors = self._passes.keep_errors(theta, self._kept, self._weighted(e_L))

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Add Σ over the block's cases of the Hessian of -ll times v to the sums."""
        network, kept, xp = self._network, self._kept, self._xp
        Rx = self._passes.tangents(directions, kept)
        R_L = network.units[-1].jacobian_product(xp, kept.slopes[-1], Rx, out=None if self._keeps_x else Rx)
        Re = self._weighted(network.loss.hessian_product(xp, self._at, R_L, Rx))
        self._passes.hessian_back(directions, kept, self._errors, Re, sums, memory.spare)

    def _weighted(self, e: Array) -> Array:
        return e if self._case_weights is None else e * self._case_weights
