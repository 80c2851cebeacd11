"""Gauss-Newton products G v for one block of cases.

Notation
--------
J : Jacobian of the output layer's input with respect to θ
H_L : Hessian of the negative log-likelihood there
G = Jᵀ H_L J : positive semidefinite for every loss that matches its unit
(Schraudolph 2002, "Fast curvature matrix-vector products"; Martens 2010, section 4.2)
"""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import backward, forward, parameter_sums, r_forward
from hf_matlab_compat.objective.cases import Block


class GaussNewton:
    """G v summed over a block, at a fixed θ whose forward pass is kept.

    Parameters
    ----------
    network : Network
    theta : (P,) array
    block : Block
    xp : module
        Array namespace.
    """

    def __init__(self, network: Network, theta: Array, block: Block, xp: Any) -> None:
        self._network = network
        self._layers = network.layers(theta)
        self._y = forward(network, self._layers, block.inputs, xp).y
        self._xp = xp

    def __call__(self, v: Array) -> Array:
        """Sum over the block's cases of Jᵀ H_L J v, (P,)."""
        network, layers, y, xp = self._network, self._layers, self._y, self._xp
        Jv = r_forward(network, layers, network.layers(v), y, xp).R[-1]  # v → Jv
        HJv = network.loss.gauss_newton_product(xp, y[-1], Jv)  # Jv → H_L Jv
        return parameter_sums(backward(network, layers, y, HJv, xp), y, xp)  # H_L Jv → Jᵀ H_L Jv
