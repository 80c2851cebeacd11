"""Cost of an epoch on R ranks: shared passes, exchanged sums, and vectors that every rank keeps whole.

Notation
--------
P : parameters;  N : cases;  n : cases of a chunk;  R : ranks;  v : partial sums that a rank sends of a vector
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hf_matlab_compat.objective.addition_order import Order, Tree

SINGLE = 4
"""Bytes of a number."""


@dataclass(frozen=True)
class Work:
    """The work of an epoch.

    Attributes
    ----------
    parameters, cases, chunk : int
        P, N, n.
    products, likelihoods : float
        Curvature products on a chunk; likelihoods on all cases.
    order : Order
        Of addition.
    blocks : int
        Blocks of a chunk: no more ranks can share a product.
    """

    parameters: int
    cases: int
    chunk: int
    products: float
    likelihoods: float
    order: Order
    blocks: int


@dataclass(frozen=True)
class Rank:
    """How fast a rank is, in seconds.

    Attributes
    ----------
    gradient, product, likelihood : float
        Of a pass, for each case and parameter.
    vectors : float
        Of all that CG does outside products, for each step and parameter.
    """

    gradient: float
    product: float
    likelihood: float
    vectors: float

    def sharing(self, ranks: int, processors: int) -> Rank:
        """The same where ranks of one thread outnumber the processors of a machine."""
        slower = max(1.0, ranks / processors)
        return replace(self, **{name: slower * seconds for name, seconds in vars(self).items()})


@dataclass(frozen=True)
class Network:
    """How fast ranks exchange.

    Attributes
    ----------
    name : str
    latency : float
        Seconds of a sum over two ranks of a vector that has no length.
    message : float
        Seconds that a rank needs for one more message.
    bandwidth : float
        Bytes that a rank sends in a second.
    """

    name: str
    latency: float
    message: float
    bandwidth: float

    def exchange(self, sent: float, ranks: int) -> float:
        """Return the seconds of a sum, from the bytes that a rank sends: pieces to their rank, then totals to all."""
        if ranks == 1:
            return 0.0
        rounds = self.latency * math.log2(ranks) + 2 * (ranks - 2) * self.message
        return rounds + sent / self.bandwidth


@dataclass(frozen=True)
class Cost:
    """Seconds of an epoch."""

    passes: float
    exchange: float
    vectors: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.passes + self.exchange + self.vectors


def sent_bytes(parameters: int, ranks: int, rank: int, order: Order, lanes: int, vectors: int = 1) -> int:
    """Bytes of vectors that a rank sends in a sum over this many lanes: (v + 1) P (R - 1)/R numbers of each vector."""
    if ranks == 1 or lanes == 1:
        return 0
    cuts = [parameters * q // ranks for q in range(ranks + 1)]
    own = cuts[rank + 1] - cuts[rank]
    nodes = len(order.nodes_of(rank, ranks, lanes))
    return SINGLE * vectors * (nodes * (parameters - own) + (ranks - 1) * own)


def most_sent(parameters: int, ranks: int, order: Order, blocks: int, vectors: int) -> int:
    """Bytes that the rank sends that sends most."""
    lanes = order.num_lanes(blocks, vectors)
    return max(sent_bytes(parameters, ranks, rank, order, lanes, vectors) for rank in range(ranks))


def largest_share(order: Order, blocks: int, ranks: int) -> float:
    """The share of a pass that the slowest rank has."""
    lanes = order.num_lanes(blocks, 1)
    lanes_of = ([k for node in order.nodes_of(r, ranks, lanes) for k in range(*node)] for r in range(ranks))
    return max(sum(len(order.items_of(k, lanes, blocks)) for k in own) for own in lanes_of) / blocks


def epoch(work: Work, rank: Rank, network: Network, ranks: int) -> Cost:
    """Seconds of an epoch; a gradient sums two vectors, a product one, a likelihood two numbers for each block."""
    P = work.parameters
    passes = P * (
        rank.gradient * work.cases + rank.product * work.products * work.chunk
        + rank.likelihood * work.likelihoods * work.cases
    )  # fmt: skip
    share = largest_share(work.order, work.blocks, ranks)
    gradients = work.cases // work.chunk * network.exchange(most_sent(P, ranks, work.order, work.blocks, 2), ranks)
    products = work.products * network.exchange(most_sent(P, ranks, work.order, work.blocks, 1), ranks)
    likelihoods = work.likelihoods * network.exchange(16 * work.blocks, ranks)
    return Cost(share * passes, gradients + products + likelihoods, rank.vectors * work.products * P)


def large_work(parameters: int, cases: int, chunk: int, ranks: int) -> Work:
    """Return the work of 100 CG steps and 12 likelihoods, with sums over a tree of at least four lanes a rank."""
    lanes = 1 << max(3, math.ceil(math.log2(4 * ranks)))
    blocks = lanes * math.ceil(chunk / 640 / lanes)
    return Work(parameters, cases, chunk, 100, 12, Tree(lanes), blocks)
