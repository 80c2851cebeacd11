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
    """Buffers for one block at a time, and three spare arrays that a pass may write to; all are made when asked for.

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    n : int
        Most cases of a block.
    backend : Backend
    """

    def __init__(self, sizes: Sequence[int], n: int, backend: Backend) -> None:
        self._capacity = n
        self._sizes, self._backend = sizes, backend
        self._buffers: dict[int, BlockBuffers] = {}
        self._targets: Any = None
        self._spare: list[Any] = [None, None, None]

    def load(self, block: Block) -> LoadedBlock:
        """Fill the buffers with a block."""
        n = len(block)
        if n not in self._buffers:
            self._buffers = self._with(n)
        buffers = self._buffers[n]
        self._backend.fill(buffers.y[0], block.inputs)
        return LoadedBlock(buffers, buffers.y[0] if block.targets is block.inputs else self._filled(block.targets))

    def _with(self, n: int) -> dict[int, BlockBuffers]:
        if not self._backend.on_host:
            # a product of CuPy's is written into whole rows only, and its pool keeps what is let go
            self._buffers.clear()
            return {n: self._new_buffers(n)}
        whole = self._buffers.get(self._capacity) or self._new_buffers(self._capacity)
        return {**self._buffers, self._capacity: whole, n: whole if n == self._capacity else whole.narrowed(n)}

    def _new_buffers(self, n: int) -> BlockBuffers:
        return BlockBuffers(self._sizes, n, self._backend.xp, self._backend.dtype)

    def spare(self, which: int, size: int, n: int) -> Array:
        """A (size, n) array; what it held is lost to whoever held it."""
        held = self._spare[which]
        if held is None or len(held) < size * n:
            most = size * max(n, self._capacity)  # a block that is kept has more cases than one that passes
            held = self._spare[which] = self._backend.xp.empty(most, dtype=self._backend.dtype)
        return held[: size * n].reshape(size, n)

    def _filled(self, targets: Array) -> Array:
        if self._targets is None:
            shape = (self._sizes[-1], self._capacity)
            self._targets = self._backend.xp.empty(shape, dtype=self._backend.dtype)
        view = self._targets[:, : targets.shape[1]]
        self._backend.fill(view, targets)
        return view
