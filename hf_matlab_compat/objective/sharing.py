"""Sums over blocks, shared among threads in a way that gives the same bits for any number of them.

Blocks are dealt to a fixed number of lanes; a lane adds up its blocks in order, one thread at a time works on it, and
the lanes' sums are added in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from hf_matlab_compat.backends.backend import Array, Backend
from hf_matlab_compat.backends.fused import fused_for
from hf_matlab_compat.backends.pieces import pieces
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.model.compiled_passes import passes_of
from hf_matlab_compat.model.fused_units import with_fused_units
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.sums import ParameterSums, SpareProducts
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block, Cases

PARTIAL_SUMS = 8
"""Most vectors of partial sums, and so most lanes: so many threads can share a curvature product."""

_WHOLE = slice(None)

Add = Callable[[Any, BlockMemory, Sequence[ParameterSums]], None]
"""(item, memory, sums): enter what an item contributes into the sums."""
Finish = Callable[[Sequence[Array], slice], None]
"""(views, piece): change a piece of every sum in place."""


class Sharing:
    """A network, its cases, and the threads and memory with which sums over them are formed.

    Parameters
    ----------
    network : Network
    cases : Cases
    backend : Backend
    """

    def __init__(self, network: Network, cases: Cases, backend: Backend) -> None:
        self.network, self.cases, self.backend = network, cases, backend
        self.fused = fused_for(self.new_vector())
        if self.fused is not None:
            self.network = with_fused_units(network, self.fused)
        shared = backend.on_host and cases.worth_sharing(network.num_parameters)
        self.workers = backend.workers if shared else Workers()
        self.lanes = Lanes(self)
        self.passes = passes_of(self.network, backend)
        self._pieces = pieces(self.new_vector())
        self.in_one_piece = len(self._pieces) == 1
        self._memories: dict[int, BlockMemory] = {}

    def num_blocks(self, kept: bool = False) -> int:
        """Blocks of a chunk; `kept` for curvature products."""
        return self.cases.num_blocks(self.network.num_parameters, self.backend.on_host, kept)

    def blocks(self, c: int, kept: bool = False) -> Iterator[Block]:
        """The blocks of chunk `c`."""
        return self.cases.chunk(c, self.num_blocks(kept))

    def for_each(self, items: Sequence[Any], task: Callable[[Any, BlockMemory], None]) -> None:
        """Do `task` for every item, in any order, with memory for a block that passes."""
        self.workers.run(lambda item, slot: task(item, self.memory(slot)), items)

    def let_go(self) -> None:
        """Give back what a pass over all cases worked in, and vectors that curvature products do not need."""
        self._memories.clear()
        self.lanes.keep(self.num_blocks(kept=True))

    def in_pieces(self, task: Callable[[slice], None]) -> None:
        """Do `task` for slices that cover a (P,) vector."""
        self.workers.run(lambda piece, slot: task(piece), self._pieces)

    def new_vector(self) -> Array:
        """A (P,) vector; what it holds means nothing."""
        return self.backend.xp.empty(self.network.num_parameters, dtype=self.backend.dtype)

    def memory(self, slot: int) -> BlockMemory:
        """What the thread that works in this slot passes a block through."""
        if slot not in self._memories:
            most = -(-self.cases.cases_per_chunk // self.num_blocks())
            self._memories[slot] = BlockMemory(self.network.sizes, most, self.backend)
        return self._memories[slot]


class _Views(NamedTuple):
    """One vector as a lane's first item takes it, and as the later ones do, which add to it."""

    first: ParameterSums
    later: ParameterSums


class Lanes:
    """The vectors in which lanes add up what their items contribute, kept from call to call.

    Parameters
    ----------
    sharing : Sharing
    """

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing
        self._sums: list[Array] = []
        self._views: list[_Views] = []

    def total(
        self, items: Sequence[Any], add: Add, vectors: int = 1, scale: float = 1.0, finish: Finish | None = None
    ) -> list[Array]:
        """`scale` times sums over all items, as new vectors; `finish` may change them piece by piece.

        Parameters
        ----------
        items : sequence
        add : callable
            (item, memory, sums): enter what an item contributes into `vectors` sums.
        vectors : int
            How many (P,) vectors are summed, at most `PARTIAL_SUMS`.
        scale : float
        finish : callable, optional
        """
        sharing = self._sharing
        if len(items) == 1 and sharing.in_one_piece:
            return self._of_one(items[0], add, vectors, scale, finish)
        lanes = [items[k :: PARTIAL_SUMS // vectors] for k in range(min(PARTIAL_SUMS // vectors, len(items)))]
        self._grow(len(lanes) * vectors)

        def run(k: int, memory: BlockMemory) -> None:
            mine = self._views[k * vectors : (k + 1) * vectors]
            for j, item in enumerate(lanes[k]):
                add(item, memory, [views.later if j else views.first for views in mine])

        sharing.for_each(range(len(lanes)), run)
        totals = [sharing.new_vector() for _ in range(vectors)]
        parts = [self._sums[j : len(lanes) * vectors : vectors] for j in range(vectors)]

        def add_up(piece: slice) -> None:
            views = [total[piece] for total in totals]
            for view, sums in zip(views, parts, strict=True):
                _add_up([s[piece] for s in sums], scale, view, sharing.backend.xp)
            if finish is not None:
                finish(views, piece)

        sharing.in_pieces(add_up)
        return totals

    def _of_one(self, item: Any, add: Add, vectors: int, scale: float, finish: Finish | None) -> list[Array]:
        """The same for one item, where small nets would feel what dealing it to a lane takes."""
        self._grow(vectors)
        add(item, self._sharing.memory(0), [views.first for views in self._views[:vectors]])
        totals = [self._sharing.backend.xp.multiply(own, scale) for own in self._sums[:vectors]]
        if finish is not None:
            finish(totals, _WHOLE)
        return totals

    def keep(self, count: int) -> None:
        """Give back all vectors but so many, and what their products went through."""
        for views in self._views:
            views.first.spare.let_go()
        del self._sums[count:], self._views[count:]

    def _grow(self, count: int) -> None:
        sharing, xp = self._sharing, self._sharing.backend.xp
        while len(self._sums) < count:
            packed = sharing.new_vector()
            spare = SpareProducts(sharing.network, packed, xp)
            first, later = (ParameterSums(sharing.network, packed, spare, xp, replaces) for replaces in (True, False))
            self._sums.append(packed)
            self._views.append(_Views(first, later))


def _add_up(parts: Sequence[Array], scale: float, out: Array, xp: Any) -> None:
    """out = scale · Σ parts, in order."""
    if len(parts) == 1:
        xp.multiply(parts[0], scale, out=out)
        return
    xp.add(parts[0], parts[1], out=out)
    for part in parts[2:]:
        out += part
    if scale != 1:
        out *= scale
