"""Cases: inputs and targets, cut into the caller's chunks and those into blocks of a fixed size.

Sums over cases run over blocks in order, so a figure depends on the chunks that were asked for and on
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hf_matlab_compat.backends.backend import Array

CASES_PER_BLOCK = 2048
"""Cases that pass through the network together: enough to keep the matrix products busy, few enough to hold."""


@dataclass(frozen=True)
class Block:
    """Some neighbouring cases.

    Attributes
    ----------
    inputs : (s_0, n) array
    targets : (s_L, n) array
    """

    inputs: Array
    targets: Array


@dataclass(frozen=True)
class Cases:
    """All cases of a data set, in chunks.

    Attributes
    ----------
    inputs : (s_0, N) array
    targets : (s_L, N) array
    num_chunks : int
        Must divide N.
    """

    inputs: Array
    targets: Array
    num_chunks: int

    def __len__(self) -> int:
        return int(self.inputs.shape[1])

    @property
    def cases_per_chunk(self) -> int:
        """n = N / C."""
        return len(self) // self.num_chunks

    def chunk(self, c: int) -> Iterator[Block]:
        """The blocks of chunk `c`, counted from 0."""
        first = c * self.cases_per_chunk
        last = first + self.cases_per_chunk
        for start in range(first, last, CASES_PER_BLOCK):
            columns = slice(start, min(start + CASES_PER_BLOCK, last))
            yield Block(self.inputs[:, columns], self.targets[:, columns])

    def chunks(self, only: int | None = None) -> range:
        """The numbers of all chunks, or of one."""
        return range(self.num_chunks) if only is None else range(only, only + 1)
