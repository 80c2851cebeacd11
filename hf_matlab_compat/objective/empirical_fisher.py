"""Empirical Fisher products F v for one block of cases.

Notation
--------
e : gradient of a case's log-likelihood at the output layer's input
F = Σ_cases (Jᵀ e)(Jᵀ e)ᵀ : never formed; F v = Jᵀ e (e · J v) case by case
"""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import backward, forward, parameter_sums, r_forward
from hf_matlab_compat.objective.cases import Block


class EmpiricalFisher:
    """F v summed over a block, at a fixed θ whose forward pass is kept.

    Parameters
    ----------
    network : Network
    theta : (P,) array
    block : Block
    xp : module
        Array namespace.
    faithful : bool
        As in MATLAB e is t - y whatever the loss, and a linear output doubles the product once, so that F
        of linear outputs is half of what the gradient's scale says. False uses the loss's own gradient.
    """

    def __init__(self, network: Network, theta: Array, block: Block, xp: Any, *, faithful: bool = True) -> None:
        self._network = network
        self._layers = network.layers(theta)
        self._y = forward(network, self._layers, block.inputs, xp).y
        y_L, t = self._y[-1], block.targets
        self._e = t - y_L if faithful else network.loss.gradient(xp, y_L, t)
        self._faithful = faithful
        self._xp = xp

    def __call__(self, v: Array) -> Array:
        """Sum over the block's cases of Jᵀ e (e · J v), (P,)."""
        network, layers, y, e, xp = self._network, self._layers, self._y, self._e, self._xp
        Jv = r_forward(network, layers, network.layers(v), y, xp).Rx
        r = e * (Jv * e).sum(axis=0, keepdims=True)
        if self._faithful:
            r = network.loss.gauss_newton_product(xp, y[-1], r)
        return parameter_sums(backward(network, layers, y, r, xp), y, xp)
