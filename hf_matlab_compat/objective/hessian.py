"""Hessian products H v for one block of cases, by differentiating the gradient pass along v.

Notation
--------
e_i : gradient of the *negative* log-likelihood at the input of layer i
R{·} : derivative along v (Pearlmutter 1994, "Fast exact multiplication by the Hessian")
"""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import BackwardInputs, backward, forward, parameter_sums, r_backward, r_forward
from hf_matlab_compat.objective.cases import Block


class Hessian:
    """H v summed over a block, at a fixed θ whose forward and backward passes are kept.

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
        e_L = -network.loss.gradient(xp, self._y[-1], block.targets)
        self._e = backward(network, self._layers, self._y, e_L, xp)
        self._targets = block.targets
        self._xp = xp

    def __call__(self, v: Array) -> Array:
        """Sum over the block's cases of the Hessian of -ll times v, (P,)."""
        network, layers, y, e, xp = self._network, self._layers, self._y, self._e, self._xp
        directions = network.layers(v)
        R = r_forward(network, layers, directions, y, xp).R
        Re_L = network.loss.hessian_product(xp, y[-1], self._targets, R[-1])
        Re = r_backward(network, layers, directions, BackwardInputs(y, e, R), Re_L, xp)
        # R{e_i y_{i-1}ᵀ} = R{e_i} y_{i-1}ᵀ + e_i R_{i-1}ᵀ, where R_0 = 0 and biases meet no y
        product = parameter_sums(Re, y, xp)
        for layer, e_i, R_below in zip(network.layers(product)[1:], e[1:], R[1:], strict=False):
            layer.W.T[...] += R_below @ e_i.T
        return product
