"""Ordered sums that span ranks: each rank adds its own lanes, and the ranks exchange pieces of the partial sums.

Notation
--------
R : number of ranks;  P : length of a vector, cut into R pieces
Rank q receives piece q of every partial sum, adds the partial sums in the fixed order, and sends the result to all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.pieces import PIECE
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.objective.addition_order import Node, Order
from hf_matlab_compat.objective.ordered_sum import Accumulators, Add, Finish, OrderedSum, Totals

if TYPE_CHECKING:
    from hf_matlab_compat.ranks.mpi import MPIRanks


class RankedSum(OrderedSum):
    """An `OrderedSum` over items of which each rank works on its own share. All ranks must make the same calls.

    Parameters
    ----------
    new_vector, accumulators, workers, xp, order
        See `OrderedSum`.
    ranks : MPIRanks
    """

    def __init__(
        self,
        new_vector: Callable[[], Vector],
        accumulators: Accumulators,
        workers: Workers,
        xp: ModuleType = np,
        *,
        order: Order,
        ranks: MPIRanks,
    ) -> None:
        super().__init__(new_vector, accumulators, workers, xp, order)
        self._ranks, self.rank, self.num_ranks = ranks, ranks.rank, ranks.size
        P = len(new_vector())
        self._cuts = [P * q // ranks.size for q in range(ranks.size + 1)]
        self._received: list[Vector] = []

    def total(
        self, items: Sequence[Any], add: Add, vectors: int = 1, scale: float = 1.0, finish: Finish | None = None
    ) -> Totals:
        """See `OrderedSum.total`. A sum of one item is formed by every rank alone."""
        found = super().total(items, add, vectors, scale, finish)
        if not vectors:
            return found
        if len(items) == 1:
            self._ranks.check()
            return found
        return Totals(found.vectors, self._ranks.gathered(found.scalars))

    def each(self, items: Sequence[Any], task: Callable[[Any, int], Any]) -> list[Any]:
        """See `OrderedSum.each`."""
        found = super().each(items, task)
        if len(items) > 1:
            return self._ranks.gathered(found)
        self._ranks.check()
        return found

    def _added(
        self,
        lanes: int,
        nodes: Sequence[Node],
        parts: Sequence[Sequence[Vector]],
        scale: float,
        finish: Finish | None,
    ) -> list[Vector]:
        if lanes == 1 or self.num_ranks == 1:
            return super()._added(lanes, nodes, parts, scale, finish)
        own = self._nodes(lanes)
        self._fold(nodes, parts, own)
        roots = [k for k, node in enumerate(nodes) if node.lo in {each.lo for each in own}]
        sums = [[vectors[k] for k in roots] for vectors in parts]
        totals = [self._new_vector() for _ in parts]
        self._add_own_piece(lanes, self._exchanged(lanes, sums), scale, totals)
        self._send_to_all(totals)
        if finish is not None:
            self._workers.run(lambda piece, slot: finish([total[piece] for total in totals], piece), self._pieces)
        return totals

    def _fold(self, nodes: Sequence[Node], parts: Sequence[Sequence[Vector]], into: Sequence[Node]) -> None:
        """Add the parts that threads summed, so that few partial sums have to be sent."""
        if len(nodes) == len(into):
            return

        def fold(piece: slice, slot: int) -> None:
            for sums in parts:
                self.order.fold(nodes, [s[piece] for s in sums], into)

        self._workers.run(fold, self._pieces)

    def _exchanged(self, lanes: int, sums: Sequence[Sequence[Vector]]) -> list[tuple[Node, list[Array]]]:
        """Send each rank its piece of this rank's sums; return all nodes with this rank's piece of their sums."""
        comm, own = self._ranks.comm, self._piece(self.rank)
        found: list[tuple[Node, list[Array]]] = []
        waiting: list[Any] = []
        buffers = iter(self._buffers(lanes, len(sums)))
        for source in range(self.num_ranks):
            for k, node in enumerate(self.order.nodes_of(source, self.num_ranks, lanes)):
                if source == self.rank:
                    found.append((node, [vectors[k][own] for vectors in sums]))
                    continue
                views = [next(buffers) for _ in sums]
                waiting += [comm.Irecv(view, source=source) for view in views]
                found.append((node, views))
        for k in range(len(sums[0])):
            for vectors in sums:
                waiting += [
                    comm.Isend(vectors[k][self._piece(q)], dest=q) for q in range(self.num_ranks) if q != self.rank
                ]
                self._ranks.count(vectors[k].nbytes - vectors[k][own].nbytes)
        self._wait(waiting)
        return sorted(found, key=lambda each: each[0])

    def _add_own_piece(
        self, lanes: int, found: list[tuple[Node, list[Array]]], scale: float, totals: Sequence[Vector]
    ) -> None:
        nodes, start = [node for node, _ in found], self._cuts[self.rank]

        def add_up(piece: slice, slot: int) -> None:
            for j, total in enumerate(totals):
                out = total[start + piece.start : start + piece.stop]
                self.order.add_up(nodes, [views[j][piece] for _, views in found], scale, out, self._xp)

        length = self._cuts[self.rank + 1] - start
        self._workers.run(add_up, [slice(k, min(k + PIECE, length)) for k in range(0, length, PIECE)])

    def _send_to_all(self, totals: Sequence[Vector]) -> None:
        counts = [hi - lo for lo, hi in zip(self._cuts, self._cuts[1:], strict=False)]
        for total in totals:
            self._ranks.comm.Allgatherv(*self._ranks.in_place(total, counts, self._cuts[:-1]))
            self._ranks.count(total[self._piece(self.rank)].nbytes * (self.num_ranks - 1))

    def _buffers(self, lanes: int, vectors: int) -> list[Array]:
        """Return memory for the pieces that other ranks send; it is kept, since new memory costs more than to send."""
        nodes = [len(self.order.nodes_of(q, self.num_ranks, lanes)) for q in range(self.num_ranks)]
        count, length = vectors * (sum(nodes) - nodes[self.rank]), self._cuts[self.rank + 1] - self._cuts[self.rank]
        while len(self._received) < count:
            self._received.append(np.empty(length, dtype=self._new_vector().dtype))
        return self._received[:count]

    def _piece(self, q: int) -> slice:
        return slice(self._cuts[q], self._cuts[q + 1])

    def _wait(self, requests: list[Any]) -> None:
        if requests:
            type(requests[0]).Waitall(requests)
