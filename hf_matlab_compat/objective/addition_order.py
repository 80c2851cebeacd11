"""The order in which a sum over items is added: items to lanes, lanes to partial sums, partial sums to the total.

Floating-point addition is not associative, so the order depends on the items alone, never on threads or processes.
A node is a range of neighbouring lanes whose sum is one operand of the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from hf_matlab_compat.backends.arrays import Array

PARTIAL_SUMS = 8
"""Largest number of partial sums of one process, and so of lanes of the published order."""


class Node(NamedTuple):
    """Lanes ``lo`` … ``hi - 1``."""

    lo: int
    hi: int


class Order(Protocol):
    """How many lanes there are, which items each has, which nodes each process sums, and how nodes are added."""

    @property
    def lanes(self) -> int:
        """Largest number of lanes."""
        ...

    def num_lanes(self, items: int, vectors: int) -> int:
        """Return the number of lanes for this many items when this many vectors are summed at once."""
        ...

    def items_of(self, lane: int, lanes: int, items: int) -> range:
        """Return the numbers of a lane's items, in the order of addition."""
        ...

    def nodes_of(self, rank: int, ranks: int, lanes: int) -> list[Node]:
        """Return the nodes that one of several processes sums. All processes together have every lane once."""
        ...

    def split(self, nodes: Sequence[Node], most: int) -> list[Node]:
        """Return smaller nodes, up to `most` where possible, that threads can sum independently."""
        ...

    def add_up(self, nodes: Sequence[Node], parts: Sequence[Array], scale: float, out: Array, xp: Any) -> None:
        """Compute out = scale · Σ parts; part k is the sum of node k. `parts` may be overwritten."""
        ...

    def fold(self, nodes: Sequence[Node], parts: Sequence[Array], into: Sequence[Node]) -> None:
        """Add parts in place, so that the first part of every node of `into` holds its sum."""
        ...


@dataclass(frozen=True)
class InOrder:
    """The published order: item j belongs to lane j mod (number of lanes); lanes are added one after the other."""

    @property
    def lanes(self) -> int:
        """Largest number of lanes."""
        return PARTIAL_SUMS

    def num_lanes(self, items: int, vectors: int) -> int:
        """See `Order`: fewer lanes where several vectors are summed at once, so that memory stays the same."""
        return min(PARTIAL_SUMS // max(vectors, 1), items)

    def items_of(self, lane: int, lanes: int, items: int) -> range:
        """See `Order`."""
        return range(lane, items, lanes)

    def nodes_of(self, rank: int, ranks: int, lanes: int) -> list[Node]:
        """See `Order`: every ranks-th lane."""
        return [Node(k, k + 1) for k in range(rank, lanes, ranks)]

    def split(self, nodes: Sequence[Node], most: int) -> list[Node]:
        """See `Order`: a node is one lane."""
        return list(nodes)

    def add_up(self, nodes: Sequence[Node], parts: Sequence[Array], scale: float, out: Array, xp: Any) -> None:
        """See `Order`."""
        if len(parts) == 1:
            xp.multiply(parts[0], scale, out=out)
            return
        xp.add(parts[0], parts[1], out=out)
        for part in parts[2:]:
            out += part
        if scale != 1:
            out *= scale

    def fold(self, nodes: Sequence[Node], parts: Sequence[Array], into: Sequence[Node]) -> None:
        """See `Order`: there is nothing to fold."""


@dataclass(frozen=True)
class Tree:
    """Neighbouring items in a lane, lanes added by a binary tree, so that many processes can share a sum.

    A node of several lanes is the sum of its left part, the largest power of two below its length, and the rest. One
    process needs only a partial sum for each level of the tree at a time.

    Attributes
    ----------
    lanes : int
        Largest number of lanes, a power of two.
    """

    lanes: int

    def num_lanes(self, items: int, vectors: int) -> int:
        """See `Order`."""
        return min(self.lanes, items)

    def items_of(self, lane: int, lanes: int, items: int) -> range:
        """See `Order`."""
        return range(items * lane // lanes, items * (lane + 1) // lanes)

    def nodes_of(self, rank: int, ranks: int, lanes: int) -> list[Node]:
        """See `Order`: neighbouring lanes, cut where few nodes result."""
        unit = 1
        while 4 * unit * ranks <= lanes:  # the largest power of two up to lanes / ranks / 2
            unit *= 2
        lo, hi = (min(round(lanes * r / ranks / unit) * unit, lanes) for r in (rank, rank + 1))
        return _largest_within(Node(0, lanes), lo, lanes if rank == ranks - 1 else hi)

    def split(self, nodes: Sequence[Node], most: int) -> list[Node]:
        """See `Order`."""
        found = list(nodes)
        while len(found) < most and (longest := max(found, key=_length, default=None)) and _length(longest) > 1:
            k = found.index(longest)
            found[k : k + 1] = _halves(longest)
        return found

    def add_up(self, nodes: Sequence[Node], parts: Sequence[Array], scale: float, out: Array, xp: Any) -> None:
        """See `Order`."""
        self.fold(nodes, parts, [Node(nodes[0].lo, nodes[-1].hi)])
        xp.multiply(parts[0], scale, out=out)

    def fold(self, nodes: Sequence[Node], parts: Sequence[Array], into: Sequence[Node]) -> None:
        """See `Order`."""
        held = dict(zip(nodes, parts, strict=True))
        for node in into:
            _fold(node, held)


def _fold(node: Node, held: dict[Node, Array]) -> Array:
    if node in held:
        return held[node]
    left, right = (_fold(half, held) for half in _halves(node))
    left += right
    return left


def _halves(node: Node) -> tuple[Node, Node]:
    middle = node.lo + (1 << (_length(node) - 1).bit_length() - 1)
    return Node(node.lo, middle), Node(middle, node.hi)


def _largest_within(node: Node, lo: int, hi: int) -> list[Node]:
    """Return the largest nodes of the tree under `node` that cover its lanes from lo to hi."""
    if node.hi <= lo or hi <= node.lo or lo >= hi:
        return []
    if lo <= node.lo and node.hi <= hi:
        return [node]
    return [found for half in _halves(node) for found in _largest_within(half, lo, hi)]


def _length(node: Node) -> int:
    return node.hi - node.lo


def order_of(lanes: int) -> Order:
    """Return the published order for 8 lanes, and a tree over any other power of two."""
    return InOrder() if lanes == PARTIAL_SUMS else Tree(lanes)
