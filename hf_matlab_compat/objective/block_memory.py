"""Memory for blocks of cases that pass one after the other; it is kept from call to call.

Blocks of different sizes share one piece of memory: buffers for n cases are views of its first part. Allocating memory
for each block would cost more than the passes through a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.model.buffers import BlockBuffers, numbers_needed
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
    """Buffers for one block at a time, and three scratch arrays for a pass; all are allocated at first use.

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    n : int
        Largest number of cases of a block.
    backend : Backend
    with_x : sequence of int
        Hidden layers that keep their input.
    fill : callable, optional
        (buffers, block): write the inputs to y_0, changed; targets are then loaded apart even where they are the
        inputs. By default y_0 holds the inputs as they are.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        n: int,
        backend: Backend,
        with_x: Sequence[int] = (),
        fill: Callable[[BlockBuffers, Block], None] | None = None,
    ) -> None:
        self._capacity, self._with_x, self._fill = n, with_x, fill
        self._sizes, self._backend = sizes, backend
        self._buffers: dict[int, BlockBuffers] = {}
        self._last: BlockBuffers | None = None
        self._rooms: Any = None
        self._targets: Any = None
        self._spare: list[Any] = [None, None, None]
        self._spare_views: list[dict[tuple[int, int], Array]] = [{}, {}, {}]

    def load(self, block: Block) -> LoadedBlock:
        """Copy a block into the buffers."""
        n = len(block)
        if n not in self._buffers:
            self._buffers[n] = self._cut(n)
        buffers = self._buffers[n]
        if buffers is not self._last:
            buffers.write_ones()  # buffers of another size, in the same memory, may have overwritten these ones
            self._last = buffers
        if self._fill is not None:
            self._fill(buffers, block)
            return LoadedBlock(buffers, self._filled(block.targets))
        self._backend.fill(buffers.y[0], block.inputs)
        return LoadedBlock(buffers, buffers.y[0] if block.targets is block.inputs else self._filled(block.targets))

    def spare(self, which: int, size: int, n: int) -> Array:
        """Return a (size, n) array of undefined content; it overwrites the array that had this number before."""
        views = self._spare_views[which]
        if (size, n) not in views:
            held = self._spare[which]
            if held is None or len(held) < size * n:
                most = size * max(
                    n, self._capacity
                )  # blocks kept for curvature products can be larger than the capacity
                held = self._spare[which] = self._empty(most)
                views.clear()
            views[size, n] = held[: size * n].reshape(size, n)
        return views[size, n]

    def _cut(self, n: int) -> BlockBuffers:
        s_L = self._sizes[-1]
        if self._rooms is None:
            numbers = numbers_needed(self._sizes, self._capacity, with_x=self._with_x), s_L * self._capacity
            self._rooms = tuple(self._empty(count) for count in numbers)
        room, output = self._rooms
        return BlockBuffers(self._sizes, n, room, output[: s_L * n].reshape(s_L, n), with_x=self._with_x)

    def _filled(self, targets: Array) -> Array:
        if self._targets is None:
            self._targets = self._empty(self._sizes[-1] * self._capacity)
        view = self._targets[: targets.size].reshape(targets.shape)
        self._backend.fill(view, targets)
        return view

    def _empty(self, count: int) -> Array:
        return self._backend.xp.empty(count, dtype=self._backend.dtype)
