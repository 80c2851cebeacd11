"""The order of additions depends on the items alone, however many processes and threads share them."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.objective.addition_order import InOrder, Node, Order, Tree, order_of

ORDERS = [InOrder(), Tree(2), Tree(16), Tree(64), Tree(256)]
ITEMS = [2, 3, 7, 8, 13, 64, 100, 500]
RANKS = [1, 2, 3, 4, 5, 8, 10, 64]


def by_hand(order: Order, values: list[np.ndarray]) -> np.ndarray:
    """The sum as the order defines it, one item and one lane at a time."""
    count = order.num_lanes(len(values), 1)
    lanes = [sum_of(values[j] for j in order.items_of(k, count, len(values))) for k in range(count)]
    return sum_of(lanes) if isinstance(order, InOrder) else tree_sum(lanes)


def sum_of(values: object) -> np.ndarray:
    first, *others = values
    total = first.copy()
    for value in others:
        total = total + value
    return total


def tree_sum(lanes: list[np.ndarray]) -> np.ndarray:
    if len(lanes) == 1:
        return lanes[0]
    middle = 1
    while 2 * middle < len(lanes):
        middle *= 2
    return tree_sum(lanes[:middle]) + tree_sum(lanes[middle:])


def shared(order: Order, values: list[np.ndarray], ranks: int) -> np.ndarray:
    """The same sum, formed by ranks that send their nodes to one of them."""
    count = order.num_lanes(len(values), 1)
    found: list[tuple[Node, np.ndarray]] = []
    for rank in range(ranks):
        for node in order.nodes_of(rank, ranks, count):
            small = order.split([node], 4)
            parts = [by_hand_of_node(order, values, count, each) for each in small]
            order.fold(small, parts, [node])
            found.append((node, parts[0]))
    found.sort(key=lambda each: each[0])
    out = np.empty_like(values[0])
    order.add_up([node for node, _ in found], [part for _, part in found], 0.5, out, np)
    return out


def by_hand_of_node(order: Order, values: list[np.ndarray], count: int, node: Node) -> np.ndarray:
    lanes = [sum_of(values[j] for j in order.items_of(k, count, len(values))) for k in range(node.lo, node.hi)]
    return tree_sum(lanes)


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("items", ITEMS)
def test_the_same_bits_for_any_number_of_ranks(order: Order, items: int) -> None:
    rng = np.random.default_rng(items)
    values = [rng.standard_normal(5).astype(np.float32) for _ in range(items)]
    wanted = (by_hand(order, values) * np.float32(0.5)).tobytes()
    assert {shared(order, values, ranks).tobytes() for ranks in RANKS} == {wanted}


def test_the_order_matters() -> None:
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(50).astype(np.float32) for _ in range(500)]
    assert len({by_hand(order, values).tobytes() for order in ORDERS}) == len(ORDERS)


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("items", ITEMS)
@pytest.mark.parametrize("ranks", RANKS)
def test_every_lane_and_every_item_has_one_owner(order: Order, items: int, ranks: int) -> None:
    count = order.num_lanes(items, 1)
    lanes = [k for rank in range(ranks) for node in order.nodes_of(rank, ranks, count) for k in range(*node)]
    assert sorted(lanes) == list(range(count))
    assert sorted(j for k in lanes for j in order.items_of(k, count, items)) == list(range(items))


@pytest.mark.parametrize(("lanes", "ranks", "most"), [(64, 8, 1), (64, 64, 1), (256, 4, 1), (64, 10, 3), (256, 10, 3)])
def test_few_nodes_are_sent(lanes: int, ranks: int, most: int) -> None:
    counts = [len(Tree(lanes).nodes_of(rank, ranks, lanes)) for rank in range(ranks)]
    assert max(counts) <= most


def test_the_slowest_rank_has_at_most_a_quarter_more_than_the_mean() -> None:
    for lanes, ranks in [(64, 10), (256, 10)]:
        sizes = [sum(hi - lo for lo, hi in Tree(lanes).nodes_of(rank, ranks, lanes)) for rank in range(ranks)]
        assert max(sizes) <= 1.25 * lanes / ranks + 1e-9


def test_8_lanes_are_the_published_order_and_others_a_tree() -> None:
    assert isinstance(order_of(8), InOrder)
    assert order_of(16) == Tree(16)
