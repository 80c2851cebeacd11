"""Sums over items, shared among threads, with the same bits for any number of threads.

`addition_order` fixes the order of additions; one thread at a time works on a lane and adds its items in order. Scalars
are returned item by item, in the order of the items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.pieces import pieces
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.objective.addition_order import PARTIAL_SUMS, InOrder, Node, Order

_WHOLE = slice(None)

Finish = Callable[[Sequence[Array], slice], None]
"""(views, piece): change one piece of every sum in place."""
Add = Callable[[Any, int, Sequence[Any]], Any]
"""(item, slot, accumulators): add what an item contributes to the sums; return its scalars, or None.

No two items are worked on in the same slot at the same time, so a slot can own memory.
"""


class Accumulators(Protocol):
    """Makes views of a packed vector that items are added to."""

    def __call__(self, packed: Vector) -> tuple[Any, Any]:
        """Return a view for a lane's first item, which replaces the content, and one for the others, which adds."""
        ...


class Totals(NamedTuple):
    """Sums over all items.

    Attributes
    ----------
    vectors : list of (P,) vectors
        New vectors.
    scalars : list
        What `add` returned for each item, in the order of the items.
    """

    vectors: list[Vector]
    scalars: list[Any]


class OrderedSum:
    """Sums of vectors and scalars over items. A sum that spans processes extends this class.

    Attributes
    ----------
    order : Order

    Parameters
    ----------
    new_vector : callable
        Makes a (P,) vector of undefined content.
    accumulators : Accumulators
    workers : Workers
        Threads that share the items.
    xp : module
        The array namespace.
    order : Order
        The order of additions.
    """

    rank, num_ranks = 0, 1
    """Which of how many processes this one is."""

    def __init__(
        self,
        new_vector: Callable[[], Vector],
        accumulators: Accumulators,
        workers: Workers,
        xp: ModuleType = np,
        order: Order = InOrder(),  # noqa: B008  # it has no state
    ) -> None:
        self._new_vector, self._accumulators, self._workers, self._xp = new_vector, accumulators, workers, xp
        self.order = order
        self._pieces = pieces(new_vector())
        self._sums: list[Vector] = []
        self._views: list[tuple[Any, Any]] = []
        self._levels: dict[tuple[int, int], _Level] = {}

    def total(
        self, items: Sequence[Any], add: Add, vectors: int = 1, scale: float = 1.0, finish: Finish | None = None
    ) -> Totals:
        """Return `scale` times the sums over all items, as new vectors.

        Parameters
        ----------
        items : sequence
            Blocks of cases, or products of blocks.
        add : callable
            (item, slot, accumulators): add what an item contributes to `vectors` sums.
        vectors : int
            Number of (P,) vectors to sum, at most `PARTIAL_SUMS`; with 0 only scalars are collected.
        scale : float
            Factor on the sums.
        finish : callable, optional
            Changes the scaled sums piece by piece, while a piece is in the caches.
        """
        if not vectors:
            return Totals([], self.each(items, lambda item, slot: add(item, slot, ())))
        if len(items) == 1 and len(self._pieces) == 1:
            return self._of_one(items[0], add, vectors, scale, finish)
        lanes = self.order.num_lanes(len(items), vectors)
        nodes = self.order.split(self._nodes(lanes), PARTIAL_SUMS // vectors)
        self._grow(len(nodes) * vectors)
        scalars: list[Any] = [None] * len(items)

        def add_lane(lane: int, slot: int, sums: Sequence[tuple[Any, Any]]) -> None:
            mine = self.order.items_of(lane, lanes, len(items))
            for j in mine:
                scalars[j] = add(items[j], slot, [first if j == mine[0] else later for first, later in sums])

        def run(k: int, slot: int) -> None:
            mine = slice(k * vectors, (k + 1) * vectors)
            self._add_node(nodes[k], slot, _Level(self._sums[mine], self._views[mine]), add_lane)

        self._workers.run(run, range(len(nodes)))
        parts = [self._sums[j : len(nodes) * vectors : vectors] for j in range(vectors)]
        return Totals(self._added(lanes, nodes, parts, scale, finish), scalars)

    def each(self, items: Sequence[Any], task: Callable[[Any, int], Any]) -> list[Any]:
        """Return what `task` (item, slot) returns for every item, in the order of the items."""
        return self.prepare(items, task)

    def prepare(self, items: Sequence[Any], make: Callable[[Any, int], Any]) -> list[Any]:
        """Return what `make` (item, slot) returns for items that this process adds up in `total`, None for others."""
        done: list[Any] = [None] * len(items)

        def run(j: int, slot: int) -> None:
            done[j] = make(items[j], slot)

        self._workers.run(run, self._own(len(items)))
        return done

    def let_go(self, count: int) -> None:
        """Free all vectors but the first `count`, and the scratch memory of their products."""
        for first, _ in self._views + [view for level in self._levels.values() for view in level.views]:
            first.let_go()
        del self._sums[count:], self._views[count:]
        self._levels.clear()

    def _nodes(self, lanes: int) -> list[Node]:
        """Return the nodes that this process sums: a single lane in every process, which is faster than to wait."""
        return [Node(0, 1)] if lanes == 1 else self.order.nodes_of(self.rank, self.num_ranks, lanes)

    def _own(self, items: int) -> Sequence[int]:
        """Return the numbers of the items that this process works on."""
        if self.num_ranks == 1:
            return range(items)
        lanes = self.order.num_lanes(items, 1)
        own = [lane for lo, hi in self._nodes(lanes) for lane in range(lo, hi)] if items else []
        return [j for lane in own for j in self.order.items_of(lane, lanes, items)]

    def _add_node(self, node: Node, slot: int, into: _Level, add_lane: Callable[..., None], depth: int = 0) -> None:
        """Put the sums of a node of several lanes into `into`; each level of the tree has scratch vectors."""
        if node.hi - node.lo == 1:
            add_lane(node.lo, slot, into.views)
            return
        first, *others = self.order.split([node], 2)
        self._add_node(first, slot, into, add_lane, depth + 1)
        for other in others:
            scratch = self._level(slot, depth, len(into.sums))
            self._add_node(other, slot, scratch, add_lane, depth + 1)
            for own, more in zip(into.sums, scratch.sums, strict=True):
                own += more

    def _level(self, slot: int, depth: int, vectors: int) -> _Level:
        level = self._levels.setdefault((slot, depth), _Level([], []))
        while len(level.sums) < vectors:
            _append(level, self._new_vector(), self._accumulators)
        return _Level(level.sums[:vectors], level.views[:vectors])

    def _added(
        self,
        lanes: int,
        nodes: Sequence[Node],
        parts: Sequence[Sequence[Vector]],
        scale: float,
        finish: Finish | None,
    ) -> list[Vector]:
        """Return `scale` times the sums of the nodes: parts[j][k] is the j-th vector of node k."""
        totals = [self._new_vector() for _ in parts]

        # a piece is added, scaled and finished while it is in the caches; pieces are independent of each other
        def add_up(piece: slice, slot: int) -> None:
            views = [total[piece] for total in totals]
            for view, sums in zip(views, parts, strict=True):
                self.order.add_up(nodes, [s[piece] for s in sums], scale, view, self._xp)
            if finish is not None:
                finish(views, piece)

        self._workers.run(add_up, self._pieces)
        return totals

    def _of_one(self, item: Any, add: Add, vectors: int, scale: float, finish: Finish | None) -> Totals:
        """Do the same for one item without lanes, whose cost would slow small networks."""
        self._grow(vectors)
        scalars = add(item, 0, [first for first, _ in self._views[:vectors]])
        totals = [self._xp.multiply(own, scale) for own in self._sums[:vectors]]
        if finish is not None:
            finish(totals, _WHOLE)
        return Totals(totals, [scalars])

    def _grow(self, count: int) -> None:
        while len(self._sums) < count:
            _append(_Level(self._sums, self._views), self._new_vector(), self._accumulators)


class _Level(NamedTuple):
    """Packed vectors, and for each its views for a lane's first item and for the others."""

    sums: list[Vector]
    views: list[tuple[Any, Any]]


def _append(level: _Level, packed: Vector, accumulators: Accumulators) -> None:
    level.sums.append(packed)
    level.views.append(accumulators(packed))
