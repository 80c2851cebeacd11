"""Cases: inputs and targets, divided into the user's chunks, and chunks into blocks.

Sums over cases run over blocks in an order that depends only on the chunk and on the network, not on the number of
threads; so does the rounding of the sums.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.objective.addition_order import PARTIAL_SUMS

CASES_PER_BLOCK = 640
"""Largest number of cases of a block: enough for fast matrix products, few enough for the caches and memory."""
CASES_PER_KEPT_BLOCK = 1280
"""The same for blocks that are kept for curvature products, which gain from larger matrices."""
CASES_PER_DEVICE_BLOCK = 1 << 15
"""The same on a GPU, where only its memory limits a block."""
SHARED_BLOCKS = 4
"""A chunk that threads share has a multiple of this number of blocks, since threads usually come in twos and fours."""
WORTH_SHARING = 1 << 25
"""Cases times parameters of a chunk from which threads save more time than it takes to start them."""


def blocks_for(sum_lanes: int) -> int:
    """Return the `ChunkedCases.shared_blocks` for a sum with this many lanes; 8 are those of the published order."""
    return SHARED_BLOCKS if sum_lanes == PARTIAL_SUMS else sum_lanes


def same_memory(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Return whether two host arrays are the same view of the same memory."""
    return a.__array_interface__ == b.__array_interface__


@dataclass(frozen=True)
class Block:
    """Some consecutive cases.

    Attributes
    ----------
    inputs : (s_0, n) array
    targets : (s_L, n) array
    weights : (1, n) array or None
        Weight of each case, on the backend and in working precision; None for 1.
    first : int
        Number of the first of them among all cases, from 0.
    numbers : (n,) int array or None
        Number of each case among all training cases, from 0, for a part of them; None where they follow `first`.
    """

    inputs: Array
    targets: Array
    weights: Array | None = None
    first: int = 0
    numbers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.inputs.shape[1])


@dataclass(frozen=True)
class ChunkedCases:
    """All cases of a data set, in chunks.

    Attributes
    ----------
    inputs : (s_0, N) array
    targets : (s_L, N) array
    num_chunks : int
        Must divide N.
    weights : (1, N) array or None
        Weight of each case in sums; None for 1. Means are sums divided by N, whatever the weights.
    shared_blocks : int
        A chunk that threads or processes share has a multiple of this number of blocks.
    numbers : (N,) int array or None
        Number of each case among all training cases, for a part of them; None for 0 … N - 1.
    """

    inputs: Array
    targets: Array
    num_chunks: int
    weights: Array | None = None
    shared_blocks: int = SHARED_BLOCKS
    numbers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.inputs.shape[1])

    def part(self, cases: NDArray[np.int64]) -> ChunkedCases:
        """Return some cases as one chunk: a view of neighbours, which reads nothing, otherwise a copy of these alone.

        `cases` are numbers among these cases, increasing.
        """
        neighbours = len(cases) == cases[-1] - cases[0] + 1
        columns = slice(int(cases[0]), int(cases[-1]) + 1) if neighbours else cases
        inputs, weights = self.inputs[:, columns], self.weights
        return replace(
            self,
            inputs=inputs,
            targets=inputs if self.targets is self.inputs else self.targets[:, columns],
            weights=None if weights is None else weights[:, columns],
            numbers=cases if self.numbers is None else self.numbers[cases],
            num_chunks=1,
        )

    @property
    def cases_per_chunk(self) -> int:
        """n = N / C."""
        return len(self) // self.num_chunks

    def num_blocks(self, num_parameters: int = 0, on_host: bool = True, kept: bool = False) -> int:
        """Return the number of blocks of a chunk, for a network of this size; `kept` for curvature products."""
        most = CASES_PER_KEPT_BLOCK if kept else CASES_PER_BLOCK
        count = math.ceil(self.cases_per_chunk / (most if on_host else CASES_PER_DEVICE_BLOCK))
        if on_host and self.worth_sharing(num_parameters):
            count = min(self.shared_blocks * math.ceil(count / self.shared_blocks), self.cases_per_chunk)
        return count

    def worth_sharing(self, num_parameters: int) -> bool:
        """Return whether a chunk is enough work for several threads."""
        return self.cases_per_chunk * num_parameters >= WORTH_SHARING

    def chunk(self, c: int, num_blocks: int | None = None) -> Iterator[Block]:
        """Yield chunk `c`, counted from 0, in `num_blocks` blocks; their sizes differ by at most one case."""
        first, n, count = c * self.cases_per_chunk, self.cases_per_chunk, num_blocks or self.num_blocks()
        edges = [first + n * k // count for k in range(count + 1)]
        for start, stop in itertools.pairwise(edges):
            columns = slice(start, stop)
            inputs, weights = self.inputs[:, columns], self.weights
            targets = inputs if self.targets is self.inputs else self.targets[:, columns]
            numbers = None if self.numbers is None else self.numbers[columns]
            yield Block(inputs, targets, None if weights is None else weights[:, columns], start, numbers)

    def chunks(self, only: int | None = None) -> range:
        """Return the numbers of all chunks, or of one."""
        return range(self.num_chunks) if only is None else range(only, only + 1)
