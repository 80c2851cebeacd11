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
        buffers = new_buffers(network.sizes, len(block), backend.xp, backend.dtype, tangents=True)
        backend.fill(buffers.y[0], block.inputs)
        self._kept = self._passes.keep(theta, buffers)
        self._targets = backend.filled(block.targets)
        e_L = -network.loss.gradient(backend.xp, buffers.y[-1], self._targets)
        self._errors = self._passes.keep_errors(theta, self._kept, e_L)

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Enter Σ over the block's cases of the Hessian of -ll times v."""
        network, kept, xp = self._network, self._kept, self._xp
        Rx = self._passes.tangents(directions, kept)
        R_L = network.units[-1].jacobian_product(xp, kept.slopes[-1], Rx, out=Rx)
        Re = network.loss.hessian_product(xp, kept.buffers.y[-1], self._targets, R_L)
        self._passes.hessian_back(directions, kept, self._errors, Re, sums, memory.spare)
