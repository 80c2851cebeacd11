"""Sum vectors of 960 numbers over all ranks; print, for each number of lanes, the bytes that each rank sent.

mpiexec -n 4 python -m mpi4py tests/ranks/volumes.py
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.objective.addition_order import order_of
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.ranks.mpi import MPIRanks, world

ITEMS = np.random.default_rng(0).standard_normal((64, 960)).astype(np.float32)


class Added:
    """A vector to which items are added; the first replaces its content."""

    def __init__(self, vector: Any, first: bool) -> None:
        self.vector, self.first = vector, first

    def add(self, item: Any) -> None:
        """Add one item."""
        self.vector[:] = item if self.first else self.vector + item


def new_vector() -> Any:
    return np.empty(960, np.float32)


def views(packed: Any) -> tuple[Added, Added]:
    return Added(packed, True), Added(packed, False)


def add(item: Any, slot: int, sums: Any) -> float:
    sums[0].add(item)
    return float(item[0])


if __name__ == "__main__":
    ranks = MPIRanks(world())
    sent = {}
    for lanes in (8, 64):
        alone = OrderedSum(new_vector, views, Workers(1), order=order_of(lanes)).total(ITEMS, add, scale=0.5)
        before = MPIRanks.vector_bytes
        shared = ranks.make_sum(lanes)(new_vector, views, Workers(1)).total(ITEMS, add, scale=0.5)
        assert shared.vectors[0].tobytes() == alone.vectors[0].tobytes()
        assert shared.scalars == alone.scalars
        sent[lanes] = ranks.comm.gather(MPIRanks.vector_bytes - before)
    if ranks.is_first:
        print(json.dumps(sent))
