"""Memory for blocks that pass one after the other, kept from call to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.backend import Array, Backend
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.objective.cases import Block


@dataclass(frozen=True)
class LoadedBlock:
    """A block in working precision, on the device, in buffers.

    Attributes
    ----------
    buffers : BlockBuffers
        y_0 holds the inputs.
    targets : (s_L, n) array
    """

    buffers: BlockBuffers
    targets: Array


class BlockMemory:
    """Buffers for one block at a time, and three spare arrays that a pass may write to.

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    n : int
        Most cases of a block.
    backend : Backend
    """

    def __init__(self, sizes: Sequence[int], n: int, backend: Backend) -> None:
        self.widest = max(sizes[1:])
        self._capacity = n
        self._sizes, self._backend = sizes, backend
        self._buffers = {n: BlockBuffers(sizes, n, backend.xp, backend.dtype)}
        self._targets: Any = None
        self._spare = [backend.xp.empty(self.widest * n, dtype=backend.dtype) for _ in range(3)]

    def load(self, block: Block) -> LoadedBlock:
        """Fill the buffers with a block."""
        n = len(block)
        if n not in self._buffers:
            self._buffers = self._with(n)
        buffers = self._buffers[n]
        self._backend.fill(buffers.y[0], block.inputs)
        return LoadedBlock(buffers, buffers.y[0] if block.targets is block.inputs else self._filled(block.targets))

    def _with(self, n: int) -> dict[int, BlockBuffers]:
        if self._backend.on_host:
            return {**self._buffers, n: self._buffers[self._capacity].narrowed(n)}
        # a product of CuPy's is written into whole rows only, and its pool keeps what is let go
        self._buffers.clear()
        return {n: BlockBuffers(self._sizes, n, self._backend.xp, self._backend.dtype)}

    def spare(self, which: int, size: int, n: int) -> Array:
        """A (size, n) array; what it held is lost to whoever held it."""
        return self._spare[which][: size * n].reshape(size, n)

    def _filled(self, targets: Array) -> Array:
        if self._targets is None:
            shape = (self._sizes[-1], self._capacity)
            self._targets = self._backend.xp.empty(shape, dtype=self._backend.dtype)
        view = self._targets[:, : targets.shape[1]]
        self._backend.fill(view, targets)
        return view
