"""Curvature products v → Σ over cases of B v, at a fixed θ whose passes are kept block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.sharing import Finish, Sharing


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
        self._passes, self._lanes = sharing.passes, sharing.lanes
        self._parts = [found[k] for k, _ in numbered]

    def __call__(self, v: Array, scale: float = 1.0, finish: Finish | None = None) -> Array:
        """The product, a new (P,) vector."""
        self._passes.point(self._directions, v)
        (product,) = self._lanes.total(self._parts, self._add, scale=scale, finish=finish)
        return product

    def _add(self, part: BlockProduct, memory: BlockMemory, sums: Sequence[ParameterSums]) -> None:
        part.add(self._directions, sums[0], memory)
