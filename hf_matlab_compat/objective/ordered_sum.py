"""Sums over items, shared among threads, with the same bits for any number of threads.

Floating-point addition is not associative, so the order of additions must not depend on the threads. Item j belongs to
lane j mod (number of lanes), which depends only on the items. One thread at a time works on a lane and adds its items
in order; then the sums of the lanes are added in order. Scalars are returned item by item, in the order of the items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.pieces import pieces
from hf_matlab_compat.backends.workers import Workers

PARTIAL_SUMS = 8
"""Largest number of partial sums, and so of lanes: no more threads can share a curvature product."""

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
    """Sums of vectors and scalars over items. A sum that spans processes has the same methods.

    Parameters
    ----------
    new_vector : callable
        Makes a (P,) vector of undefined content.
    accumulators : Accumulators
    workers : Workers
        Threads that share the items.
    xp : module
        The array namespace.
    """

    def __init__(
        self, new_vector: Callable[[], Vector], accumulators: Accumulators, workers: Workers, xp: ModuleType = np
    ) -> None:
        self._new_vector, self._accumulators, self._workers, self._xp = new_vector, accumulators, workers, xp
        self._pieces = pieces(new_vector())
        self._sums: list[Vector] = []
        self._views: list[tuple[Any, Any]] = []

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
        lanes = range(min(PARTIAL_SUMS // vectors, len(items)))
        self._grow(len(lanes) * vectors)
        scalars: list[Any] = [None] * len(items)

        def run(lane: int, slot: int) -> None:
            mine = self._views[lane * vectors : (lane + 1) * vectors]
            for j in range(lane, len(items), len(lanes)):  # in order, whichever thread runs this lane
                scalars[j] = add(items[j], slot, [first if j == lane else later for first, later in mine])

        self._workers.run(run, lanes)
        totals = [self._new_vector() for _ in range(vectors)]
        parts = [self._sums[j : len(lanes) * vectors : vectors] for j in range(vectors)]

        # a piece is added, scaled and finished while it is in the caches; pieces are independent of each other
        def add_up(piece: slice, slot: int) -> None:
            views = [total[piece] for total in totals]
            for view, sums in zip(views, parts, strict=True):
                _add_up([s[piece] for s in sums], scale, view, self._xp)
            if finish is not None:
                finish(views, piece)

        self._workers.run(add_up, self._pieces)
        return Totals(totals, scalars)

    def each(self, items: Sequence[Any], task: Callable[[Any, int], Any]) -> list[Any]:
        """Return what `task` (item, slot) returns for every item, in the order of the items."""
        done: list[Any] = [None] * len(items)

        def run(j: int, slot: int) -> None:
            done[j] = task(items[j], slot)

        self._workers.run(run, range(len(items)))
        return done

    def prepare(self, items: Sequence[Any], make: Callable[[Any, int], Any]) -> list[Any]:
        """Return what `make` (item, slot) returns for items that this process adds up in `total`, None for others."""
        return self.each(items, make)

    def let_go(self, count: int) -> None:
        """Free all vectors but the first `count`, and the scratch memory of their products."""
        for first, _ in self._views:
            first.let_go()
        del self._sums[count:], self._views[count:]

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
            packed = self._new_vector()
            self._sums.append(packed)
            self._views.append(self._accumulators(packed))


def _add_up(parts: Sequence[Array], scale: float, out: Array, xp: Any) -> None:
    """Compute out = scale · Σ parts, in order."""
    if len(parts) == 1:
        xp.multiply(parts[0], scale, out=out)
        return
    xp.add(parts[0], parts[1], out=out)
    for part in parts[2:]:
        out += part
    if scale != 1:
        out *= scale
