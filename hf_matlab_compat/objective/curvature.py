"""Curvature products v → Σ over cases of B v, at a fixed θ whose passes are kept block by block.

Notation
--------
v = (V_i, c_i) : a direction in parameter space, packed like θ
R_i : R{y_i}, the derivative along v; R_0 = 0 (Pearlmutter 1994, "Fast exact multiplication by the Hessian")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import ParameterSums
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.sharing import Finish, Sharing


class Directions:
    """θ and a direction v, laid out for products that need both at once.

    Attributes
    ----------
    forward : list of L arrays
        [W V c]ᵀ of layers 2 … L, which meet [R; y; 1]; of layer 1, whose R_0 is 0, [V c]ᵀ.
    W, V : lists of L (s_{i-1}, s_i) arrays
        Wᵀ of θ and Vᵀ of v.
    """

    def __init__(self, network: Network, theta: Array, xp: Any) -> None:
        weights = network.with_biases(theta)
        self._network = network
        self.forward: list[Array] = [xp.empty_like(weights[0])]
        self._v = [self.forward[0]]
        for w in weights[1:]:
            below = w.shape[0] - 1
            stack = xp.empty((2 * below + 1, w.shape[1]), dtype=w.dtype)
            stack[:below] = w[:-1]
            self.forward.append(stack)
            self._v.append(stack[below:])
        self.W = [w[:-1] for w in weights]
        self.V = [v[:-1] for v in self._v]

    def point(self, v: Array) -> None:
        """Take a new direction."""
        for own, given in zip(self._v, self._network.with_biases(v), strict=True):
            own[...] = given


class BlockProduct(Protocol):
    """The products of one block."""

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Enter Σ over the block's cases of B v into the sums."""
        ...


class CurvatureSum:
    """v → scale · Σ over blocks of B v.

    Parameters
    ----------
    sharing : Sharing
    theta : (P,) array
    blocks : iterable of Block
    make : callable
        Block → BlockProduct at θ.
    """

    def __init__(
        self,
        sharing: Sharing,
        theta: Array,
        blocks: Iterable[Block],
        make: Callable[[Block], BlockProduct],
    ) -> None:
        self._directions = Directions(sharing.network, theta, sharing.backend.xp)
        found: dict[int, BlockProduct] = {}
        numbered = list(enumerate(blocks))

        def prepare(entry: tuple[int, Block], memory: BlockMemory) -> None:
            k, block = entry
            found[k] = make(block)

        sharing.for_each(numbered, prepare)
        self._lanes, self._parts = sharing.lanes, [found[k] for k, _ in numbered]

    def __call__(self, v: Array, scale: float = 1.0, finish: Finish | None = None) -> Array:
        """The product, a new (P,) vector."""
        self._directions.point(v)
        (product,) = self._lanes.total(self._parts, self._add, scale=scale, finish=finish)
        return product

    def _add(self, part: BlockProduct, memory: BlockMemory, sums: Sequence[ParameterSums]) -> None:
        part.add(self._directions, sums[0], memory)


def forward_tangents(
    network: Network, directions: Directions, buffers: BlockBuffers, slopes: Sequence[Array], xp: Any
) -> Array:
    """v → Jv: R of the hidden layers into their buffers; the result is R{x_L} = W R + V y + c, (s_L, n)."""
    for i, unit in enumerate(network.units[:-1], start=1):
        Rx = xp.dot(directions.forward[i - 1].T, buffers.Ry1[i - 1], out=buffers.R[i])
        unit.jacobian_product(xp, slopes[i], Rx, out=Rx)
    return xp.dot(directions.forward[-1].T, buffers.Ry1[-1], out=buffers.R[-1])
