"""θ and a direction v, laid out for products that need both at once."""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network


class Directions:
    """Weights and directions of all layers in one piece of memory.

    Attributes
    ----------
    room : 1-D array
        All stacks, one after the other.
    forward : list of L arrays
        The stacks: [W V c]ᵀ of layers 2 … L, which meet [R; y; 1]; of layer 1, whose R_0 is 0, [V c]ᵀ.
    W, V : lists of L (s_{i-1}, s_i) arrays
        Wᵀ of θ and Vᵀ of v.

    Parameters
    ----------
    network : Network
    theta : (P,) array
    xp : module
    """

    def __init__(self, network: Network, theta: Array, xp: Any) -> None:
        weights = network.with_biases(theta)
        heights = [len(w) if i == 0 else 2 * len(w) - 1 for i, w in enumerate(weights)]
        widths = network.sizes[1:]
        self._network = network
        self.room = xp.empty(sum(h * w for h, w in zip(heights, widths, strict=True)), dtype=theta.dtype)
        self.forward: list[Array] = []
        self._v: list[Array] = []
        start = 0
        for height, w in zip(heights, weights, strict=True):
            stop = start + height * w.shape[1]
            stack = self.room[start:stop].reshape(height, w.shape[1])
            of_theta = height - len(w)
            stack[:of_theta] = w[:of_theta]
            self.forward.append(stack)
            self._v.append(stack[of_theta:])
            start = stop
        self.W = [w[:-1] for w in weights]
        self.V = [v[:-1] for v in self._v]

    def point(self, v: Array) -> None:
        """Take a new direction."""
        for own, given in zip(self._v, self._network.with_biases(v), strict=True):
            own[...] = given
