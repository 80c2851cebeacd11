"""θ and a direction v, stacked so that one matrix product uses both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.network import Network


class Directions:
    """Weights and directions of all layers in one piece of memory.

    Attributes
    ----------
    room : 1-D array
        All stacks, one after the other.
    forward : list of L arrays
        The stacks: [W V c]ᵀ of layers 2 … L, to be multiplied with [R; y; 1]; for layer 1, where R_0 = 0, [V c]ᵀ.
    W, V : lists of L (s_{i-1}, s_i) arrays
        Wᵀ of θ and Vᵀ of v.

    Parameters
    ----------
    network : Network
    theta : (P,) array
    xp : module
    """

    def __init__(self, network: Network, theta: Array, xp: Any) -> None:
        weights, heights = network.with_biases(theta), _heights(network.sizes)
        self._network = network
        starts = stack_starts(network.sizes)
        self.room = xp.empty(starts[-1] + heights[-1] * network.sizes[-1], dtype=theta.dtype)
        # W is copied next to V: the product with [R; y; 1] needs [W V c] as one contiguous matrix
        self.forward: list[Array] = []
        self._v: list[Array] = []
        for start, height, w in zip(starts, heights, weights, strict=True):
            stack = self.room[start : start + height * w.shape[1]].reshape(height, w.shape[1])
            of_theta = height - len(w)
            stack[:of_theta] = w[:of_theta]
            self.forward.append(stack)
            self._v.append(stack[of_theta:])
        self.W = [w[:-1] for w in weights]
        self.V = [v[:-1] for v in self._v]

    def point(self, v: Array) -> None:
        """Write a new direction v into the stacks."""
        for own, given in zip(self._v, self._network.with_biases(v), strict=True):
            own[...] = given


def stack_starts(sizes: Sequence[int]) -> list[int]:
    """Return the offset of each of the L layers' stacks in the room of `Directions`."""
    lengths = [height * width for height, width in zip(_heights(sizes), sizes[1:], strict=True)]
    return list(accumulate(lengths, initial=0))[:-1]


def _heights(sizes: Sequence[int]) -> list[int]:
    """Return the number of rows of [W V c]ᵀ, for layer 1 of [V c]ᵀ."""
    return [below + 1 if i == 0 else 2 * below + 1 for i, below in enumerate(sizes[:-1])]
