"""The cost model: bytes as they are counted in a run, shares and times as they can be worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.cost_model import Network, Rank, Work, epoch, largest_share, most_sent, sent_bytes
from benchmarks.ranks import child
from benchmarks.workloads import Workload
from hf_matlab_compat.objective.addition_order import Tree, order_of
from hf_matlab_compat.objective.cases import ChunkedCases
from tests.ranks.mpi import NEEDS_MPI

P = 1000


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_powers_of_two_send_as_little_as_a_ring(ranks: int) -> None:
    assert most_sent(P, ranks, Tree(64), 64, 1) == 4 * 2 * P * (ranks - 1) // ranks


@pytest.mark.parametrize(
    ("ranks", "lanes", "slowest"), [(3, 16, 1.13), (10, 64, 1.25), (100, 512, 1.18), (1000, 4096, 1.47)]
)
def test_other_numbers_of_ranks_send_three_vectors_at_most(ranks: int, lanes: int, slowest: float) -> None:
    assert most_sent(10**6, ranks, Tree(lanes), lanes, 1) <= 4 * 3 * 10**6 * (ranks - 1) / ranks + 4 * ranks
    assert largest_share(Tree(lanes), lanes, ranks) * ranks <= slowest


def test_one_rank_sends_nothing_and_an_exchange_takes_latency_messages_and_bytes() -> None:
    network = Network("", latency=1.0, message=0.25, bandwidth=100.0)
    assert most_sent(P, 1, order_of(8), 4, 1) == 0
    assert network.exchange(500.0, 1) == 0
    assert network.exchange(500.0, 2) == 1 + 5
    assert network.exchange(500.0, 4) == 2 + 4 * 0.25 + 5


def test_an_epoch_is_passes_shared_and_vectors_not() -> None:
    work = Work(parameters=10, cases=8, chunk=4, products=3, likelihoods=2, order=order_of(8), blocks=4)
    rank = Rank(gradient=1.0, product=2.0, likelihood=0.5, vectors=0.125)
    free = Network("", 0.0, 0.0, float("inf"))
    alone, two = (epoch(work, rank, free, ranks) for ranks in (1, 2))
    assert alone.passes == 10 * (8 + 2 * 3 * 4 + 0.5 * 2 * 8) == 2 * two.passes
    assert alone.vectors == two.vectors == 0.125 * 3 * 10
    assert epoch(work, rank, Network("", 0.5, 0.0, float("inf")), 2).exchange == 0.5 * (2 + 3 + 2)
    assert epoch(work, rank.sharing(4, 2), free, 4).passes == two.passes


@NEEDS_MPI
def test_a_run_sends_the_bytes_of_the_formula() -> None:
    workload, ranks = Workload("", (64, 200, 100, 6, 100, 200, 64), 1000), 3
    sizes, order, length = "-".join(map(str, workload.sizes)), order_of(8), workload.network.num_parameters
    found = child(ranks, "run", sizes, str(workload.num_cases), "2", "3", "1", "mpi")
    expected, cases = 0, ChunkedCases(workload.inputs, workload.inputs, 1)
    for vectors, calls, kept in ((2, found["calls"]["gradient"], False), (1, found["calls"]["product"], True)):
        lanes = order.num_lanes(cases.num_blocks(length, kept=kept), vectors)
        expected += calls * sent_bytes(length, ranks, 0, order, lanes, vectors)
    assert found["sent"] == expected > 0
