"""Each rank works on its own items only and sends no more than the formula says; the sums have the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.objective.addition_order import InOrder, Tree
from hf_matlab_compat.ranks.ranked_sum import RankedSum
from tests.ranks.mpi import NEEDS_MPI, start

VOLUMES = str(Path(__file__).parent / "volumes.py")


def sums_of(ranks: int, order: Any) -> list[RankedSum]:
    def new_vector() -> Any:
        return np.empty(10)

    return [
        RankedSum(
            new_vector,
            lambda packed: (packed, packed),
            Workers(),
            order=order,
            ranks=SimpleNamespace(rank=r, size=ranks),
        )  # type: ignore[arg-type]
        for r in range(ranks)
    ]


@pytest.mark.parametrize("order", [InOrder(), Tree(64)], ids=str)
@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_an_item_is_prepared_by_one_rank(order: Any, ranks: int) -> None:
    items = list(range(64))
    made = [each.prepare(items, lambda item, slot: item) for each in sums_of(ranks, order)]
    assert [sum(kept[j] is not None for kept in made) for j in items] == [1] * 64
    most = max(sum(item is not None for item in kept) for kept in made)
    assert most <= 64 / ranks * 1.25 + 8  # the lanes that 8 sums leave to the busiest of 3 ranks


def test_every_rank_prepares_a_single_item() -> None:
    assert [each.prepare(["only"], lambda item, slot: item) for each in sums_of(3, InOrder())] == [["only"]] * 3


@NEEDS_MPI
@pytest.mark.parametrize("ranks", [2, 4])
def test_a_rank_sends_the_vectors_of_the_formula(ranks: int) -> None:
    done = start(ranks, VOLUMES)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    own = {"8": 8 // ranks, "64": 1}  # partial sums that a rank contributes: its lanes, or the root of its subtree
    assert found == {lanes: [(v + 1) * 960 * (ranks - 1) // ranks * 4] * ranks for lanes, v in own.items()}
