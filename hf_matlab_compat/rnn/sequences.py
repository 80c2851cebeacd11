"""Sequences: inputs, targets, lengths and loss weights, divided into chunks of whole sequences, and chunks into blocks.

Arrays are (features, time, sequences). A sequence shorter than the arrays is padded on the right, and what stands in
the padding never matters. Sums run over blocks in an order that depends on data and model alone, not on threads.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEQUENCES_PER_BLOCK = 256
"""Largest number of sequences of a block: the products of one step are then large enough to be fast."""
STEPS_PER_BLOCK = 1 << 15
"""A block of long sequences has fewer of them, so that about this number of steps, times units, fits into memory."""
FEWEST_SEQUENCES = 32
"""A block of very long sequences still has as many, if the chunk has them."""
STEPS_PER_DEVICE_BLOCK = 1 << 20
"""The number of steps on a GPU, where only its memory limits a block."""
SHARED_BLOCKS = 4
"""A chunk that threads share has a multiple of this number of blocks, since threads usually come in twos and fours."""
WORTH_SHARING = 1 << 25
"""Steps times parameters of a chunk from which threads save more time than it takes to start them."""


@dataclass(frozen=True, eq=False)
class SequenceBlock:
    """Some consecutive sequences, as views of the host's arrays, cut at the longest of them.

    Attributes
    ----------
    inputs : (D, T, n) array
    targets : array
        Its last axis counts the sequences; (O, T, n) if there is a target for every step.
    lengths : (n,) int array
        Steps of each sequence.
    loss_weights : (T, n) array or None
        m, the weight of each step in loss and curvature; None for 1 at every step of a sequence.
    first : int
        Number of the first of them among all sequences, from 0.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    lengths: NDArray[np.int64]
    loss_weights: NDArray[Any] | None = None
    first: int = 0

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def num_steps(self) -> int:
        """T, the length of the longest sequence."""
        return int(self.lengths.max())

    @cached_property
    def exists(self) -> NDArray[np.bool_] | None:
        """e, (T, n): True at the steps of each sequence; None if all have the same length."""
        if (self.lengths == self.num_steps).all():
            return None
        return np.arange(self.num_steps)[:, None] < self.lengths

    @cached_property
    def counted(self) -> NDArray[Any] | None:
        """m, (T, n), zeros behind the ends included; None if it is 1 everywhere."""
        if self.loss_weights is None:
            return self.exists
        return self.loss_weights if (self.loss_weights != 1).any() else None

    @cached_property
    def symbols(self) -> NDArray[np.intp] | None:
        """Where the 1 of each input column is, (T, n), if all columns are one-hot; else None."""
        is_one = self.inputs == 1
        one_hot = len(self.inputs) > 1 and (is_one.sum(axis=0) == 1).all()
        return is_one.argmax(axis=0) if one_hot and np.count_nonzero(self.inputs) == is_one[0].size else None

    def existing(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (features, T, n) with 0 behind the ends, where anything may stand."""
        if self.exists is None:
            return values
        cut = values.copy()
        cut[:, ~self.exists] = 0
        return cut


@dataclass(frozen=True, eq=False)
class SequenceData:
    """All sequences of a data set, in chunks.

    Attributes
    ----------
    inputs : (D, T, N) array
    targets : array
        Its last axis counts the sequences; (O, T, N) if there is a target for every step.
    lengths : (N,) int array
        Steps of each sequence.
    loss_weights : (T, N) array or None
        Weight of each step, 0 where there is no loss; None for 1 at every step of a sequence.
    num_chunks : int
        Must divide N.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    lengths: NDArray[np.int64]
    loss_weights: NDArray[Any] | None = None
    num_chunks: int = 1

    def __len__(self) -> int:
        return len(self.lengths)

    def part(self, cases: NDArray[np.int64]) -> SequenceData:
        """Return these sequences as one chunk."""
        return replace(self, num_chunks=1, **{name: array[..., cases] for name, array in self.arrays().items()})

    @property
    def sequences_per_chunk(self) -> int:
        """N / C."""
        return len(self) // self.num_chunks

    def chunks(self, only: int | None = None) -> range:
        """Return the numbers of all chunks, or of one."""
        return range(self.num_chunks) if only is None else range(only, only + 1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name; their last axis counts the sequences."""
        found = {"inputs": self.inputs, "targets": self.targets, "lengths": self.lengths}
        return found if self.loss_weights is None else {**found, "loss_weights": self.loss_weights}

    def total_weight(self, only: int | None, per: str) -> float:
        """Return Z, by which sums are divided: Σ m (``per='step'``) or the number of sequences, of all or one chunk."""
        if per == "sequence":
            return float(self.total_count(only, per))
        here = self._columns(only)
        return float(self.lengths[here].sum() if self.loss_weights is None else self.loss_weights[:, here].sum())

    def total_count(self, only: int | None, per: str) -> int:
        """Return the number of sequences, or of steps with a loss (``per='step'``), of all or of one chunk."""
        here = self._columns(only)
        if per == "sequence":
            return len(self.lengths[here])
        return int(self.lengths[here].sum() if self.loss_weights is None else (self.loss_weights[:, here] > 0).sum())

    def _columns(self, only: int | None) -> slice:
        n = self.sequences_per_chunk
        return slice(None) if only is None else slice(only * n, (only + 1) * n)

    def worth_sharing(self, num_parameters: int) -> bool:
        """Return whether a chunk is enough work for several threads."""
        return self.sequences_per_chunk * self.inputs.shape[1] * num_parameters >= WORTH_SHARING

    def num_blocks(self, num_parameters: int, on_host: bool = True, shared_blocks: int = SHARED_BLOCKS) -> int:
        """Return the number of blocks of a chunk, for a model of this size; a multiple of `shared_blocks` if shared."""
        n, T = self.sequences_per_chunk, self.inputs.shape[1]
        most = max(FEWEST_SEQUENCES, (STEPS_PER_BLOCK if on_host else STEPS_PER_DEVICE_BLOCK) // T)
        count = math.ceil(n / (min(most, SEQUENCES_PER_BLOCK) if on_host else most))
        if on_host and self.worth_sharing(num_parameters):
            count = min(shared_blocks * math.ceil(count / shared_blocks), n)
        return count

    def blocks(self, chunk: int, count: int) -> tuple[SequenceBlock, ...]:
        """Return a chunk, counted from 0, in `count` blocks; their sizes differ by at most one sequence."""
        n = self.sequences_per_chunk
        edges = [chunk * n + n * k // count for k in range(count + 1)]
        return tuple(self._block(start, stop) for start, stop in itertools.pairwise(edges))

    def _block(self, start: int, stop: int) -> SequenceBlock:
        lengths = self.lengths[start:stop]
        T = int(lengths.max())
        targets, weights = self.targets[..., start:stop], self.loss_weights
        if targets.ndim == 3 and targets.shape[1] == self.inputs.shape[1]:
            targets = targets[:, :T]
        cut = None if weights is None else weights[:T, start:stop]
        return SequenceBlock(self.inputs[:, :T, start:stop], targets, lengths, cut, start)
