"""The passes as compiled loops. One call takes a small block through all layers and saves the cost of numpy's calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.directions import Directions, stack_starts
from hf_matlab_compat.model.losses import CrossEntropy
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.packing import layer_starts
from hf_matlab_compat.model.passes import Kept, KeptErrors, Passes, Spare
from hf_matlab_compat.model.sums import ParameterSums

SMALL = 1 << 18
"""Cases times parameters of a block up to which compiled loops form the matrix products too.

Above it numpy forms them: its BLAS is up to a third faster at small matrices than scipy's, which compiled loops call,
but each call costs more. With the same BLAS kernels both give the same bits.
"""


def passes_of(network: Network, backend: Backend) -> Passes:
    """Return the passes through a network: compiled ones if the backend has them and they know all hidden units."""
    loops = backend.loops
    if loops is not None and all(unit.name in loops.KINDS for unit in network.units[:-1]):
        return CompiledPasses(network, backend.xp, loops)
    return Passes(network, backend.xp)


class CompiledPasses(Passes):
    """`Passes` as compiled loops; for larger blocks numpy forms the matrix products.

    Work that is done once for a θ is left to numpy.

    Parameters
    ----------
    network : Network
        Its hidden units are among the loops' KINDS; the output layer may have any unit.
    xp : module
        numpy.
    loops : module
        `backends.compiled_loops`.
    """

    def __init__(self, network: Network, xp: Any, loops: Any) -> None:
        super().__init__(network, xp)
        self._loops = loops
        self._kinds = [loops.KINDS[unit.name] for unit in network.units[:-1]]
        self._layout = loops_layout(network.sizes, self._kinds, loops)
        self._few = SMALL // network.num_parameters  # largest block whose products compiled loops form
        self._widest = max(network.sizes[1:-1], default=0)  # widest layer that an error is carried back to

    def weights(self, theta: Array) -> Any:
        """See `Passes.weights`."""
        return _Weights(self._network, np.ascontiguousarray(theta))

    def point(self, directions: Directions, v: Array) -> None:
        """See `Passes.point`."""
        self._loops.point(self._layout, np.ascontiguousarray(v), directions.room)

    def forward(self, weights: Any, buffers: BlockBuffers) -> None:
        """See `Passes.forward`."""
        if buffers.n > self._few:
            super().forward(weights.layers, buffers)
        else:
            self._loops.forward(self._layout, buffers.places, buffers.n, weights.packed, buffers.room)

    def score(self, buffers: BlockBuffers, t: Array, room: Array, weights: Array | None = None) -> Any:
        """See `Passes.score`."""
        if not isinstance(self._network.loss, CrossEntropy):
            return super().score(buffers, t, room, weights)
        ll = self._loops.cross_entropy(buffers.x, t, buffers.y[-1], _flat(weights, buffers.x))
        return buffers.x.dtype.type(ll)

    def gradient_back(
        self,
        weights: Any,
        buffers: BlockBuffers,
        e: Array,
        sums: Sequence[ParameterSums],
        spare: Spare,
        case_weights: Array | None = None,
    ) -> None:
        """See `Passes.gradient_back`."""
        if buffers.n > self._few:
            super().gradient_back(weights.layers, buffers, e, sums, spare, case_weights)
            return
        gradient, squared = sums
        rooms = [self._room(which, buffers.n, spare) for which in (0, 1)]
        widest = 0 if case_weights is None else max(self._network.sizes[1:])
        rooms.append(spare(2, widest, buffers.n).reshape(-1))
        self._loops.gradient_back(
            self._layout,
            buffers.places,
            buffers.n,
            weights.packed,
            buffers.room,
            e,
            _flat(case_weights, e),
            tuple(rooms),
            gradient.packed,
            squared.packed,
            _spare(gradient),
            gradient.replaces,
        )

    def tangents(self, directions: Directions, kept: Kept) -> Array:
        """See `Passes.tangents`."""
        buffers = kept.buffers
        if buffers.n > self._few:
            return super().tangents(directions, kept)
        self._loops.tangents(self._layout, buffers.places, buffers.n, directions.room, buffers.room)
        return buffers.R[-1]

    def rank_one(self, e: Array, R: Array) -> Array:
        """See `Passes.rank_one`."""
        self._loops.rank_one(e, R)
        return R

    def back(self, directions: Directions, kept: Kept, e: Array, sums: ParameterSums) -> None:
        """See `Passes.back`."""
        b = kept.buffers
        if b.n > self._few:
            super().back(directions, kept, e, sums)
            return
        self._loops.back(
            self._layout, b.places, b.n, directions.room, b.room, e, sums.packed, _spare(sums), sums.replaces
        )

    def hessian_back(
        self, directions: Directions, kept: Kept, errors: KeptErrors, Re: Array, sums: ParameterSums, spare: Spare
    ) -> None:
        """See `Passes.hessian_back`."""
        b = kept.buffers
        rooms = tuple(self._room(which, b.n, spare) for which in (0, 1, 2))
        self._loops.hessian_back(
            self._layout,
            b.places,
            b.n,
            directions.room,
            b.room,
            errors.e.room,
            errors.bends.room,
            Re,
            rooms,
            sums.packed,
            sums.spare.room,
            sums.replaces,
        )

    def _square(self, below: Array, e: Array) -> None:
        self._loops.square(below.reshape(-1), e.reshape(-1))

    def _activate(self, i: int, buffers: BlockBuffers) -> None:
        x, y = buffers.inputs[i], buffers.y[i]
        if x is not y:
            y[...] = x
        self._loops.activate(self._kinds[i - 1], y.reshape(-1))  # a view, since the rows of buffers are contiguous

    def _times_slope(self, i: int, buffers: BlockBuffers, d: Array, spare: Spare) -> None:
        if self._kinds[i - 1] == self._loops.LINEAR:
            return
        source = buffers.inputs[i] if i in self._network.with_x else buffers.y[i]
        self._loops.times_slope(self._kinds[i - 1], source.reshape(-1), d.reshape(-1))

    def _times_kept_slope(self, i: int, kept: Kept, r: Array, out: Array) -> None:
        if out is not r:
            out[...] = r
        if self._kinds[i - 1] == self._loops.LINEAR:
            return
        slope = kept.slopes[i]
        kind, source = (self._kinds[i - 1], kept.buffers.y[i]) if slope is None else (self._loops.SLOPE, slope)
        self._loops.times_slope(kind, source.reshape(-1), out.reshape(-1))

    def _slope(self, i: int, buffers: BlockBuffers) -> Array | None:
        """Return f' of the output layer and of layers that keep x; loops form the others from y as they go."""
        return super()._slope(i, buffers) if i == len(self._network.units) or i in buffers.slopes else None

    def _room(self, which: int, n: int, spare: Spare) -> Array:
        return spare(which, self._widest, n).reshape(-1)


class _Weights:
    """θ, packed for compiled loops, and layer by layer for numpy's products."""

    def __init__(self, network: Network, packed: Array) -> None:
        self._network, self.packed = network, packed

    @cached_property
    def layers(self) -> list[Array]:
        return self._network.with_biases(self.packed)


def _flat(weights: Array | None, like: Array) -> Array:
    """Return weights of cases as compiled loops take them: an empty array for none."""
    return like[0, :0] if weights is None else weights.reshape(-1)


def _spare(sums: ParameterSums) -> Array:
    """Return room for products that are added. Products that replace need none, but loops want an array."""
    return sums.packed if sums.replaces else sums.spare.room


def loops_layout(sizes: Sequence[int], kinds: Sequence[int], loops: Any) -> NDArray[np.int64]:
    """Return the (4, L+1) `layout` of `backends.compiled_loops`, from s_0 … s_L and the kinds of hidden units."""
    layout = np.zeros((4, len(sizes)), np.int64)
    layout[loops.SIZE] = sizes
    layout[loops.KIND, 1:-1] = kinds
    layout[loops.PACKED, 1:] = layer_starts(sizes)
    layout[loops.STACKS, 1:] = stack_starts(sizes)
    return layout
