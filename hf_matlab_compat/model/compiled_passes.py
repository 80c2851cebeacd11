"""The passes as compiled loops, a call each: what numpy's own calls cost a small network is spared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.losses import CrossEntropy
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import Kept, KeptErrors, Passes, Spare
from hf_matlab_compat.model.sums import ParameterSums

SMALL = 1 << 15
"""Parameters from which numpy itself forms the products on the way forward: its BLAS is quicker at them than scipy's,
which the loops call, and what a call costs no longer shows."""
_KINDS = {"linear": "LINEAR", "logistic": "LOGISTIC", "tanh": "TANH"}
"""Names of units, and what the loops call their kind."""


def can_compile(network: Network) -> bool:
    """Whether there are loops for all hidden units; the output layer may have any."""
    return all(unit.name in _KINDS for unit in network.units[:-1])


class CompiledPasses(Passes):
    """`Passes` for networks whose hidden units are linear, logistic or tanh.

    Parameters
    ----------
    network : Network
        One that `can_compile`.
    xp : module
        numpy.
    loops : module
        `backends.compiled_passes`.
    """

    def __init__(self, network: Network, xp: Any, loops: Any) -> None:
        super().__init__(network, xp)
        self._loops = loops
        self._kinds = [getattr(loops, _KINDS[unit.name]) for unit in network.units[:-1]]
        self._shape = _shape(network.sizes, self._kinds, loops)
        self._small = network.num_parameters < SMALL
        self._widest = max(network.sizes[:-1])

    def weights(self, theta: Array) -> Any:
        """See `Passes.weights`."""
        return self._xp.ascontiguousarray(theta)

    def point(self, directions: Directions, v: Array) -> None:
        """See `Passes.point`."""
        self._loops.point(self._shape, v, directions.room)

    def forward(self, weights: Any, buffers: BlockBuffers) -> None:
        """See `Passes.forward`."""
        if self._small:
            self._loops.forward(self._shape, buffers.places, buffers.n, weights, buffers.room)
            return
        stacks, xp = self._network.with_biases(weights), self._xp
        for i, kind in enumerate(self._kinds, start=1):
            x = xp.dot(stacks[i - 1].T, buffers.y1[i - 1], out=buffers.y[i])
            self._loops.activate(kind, x.reshape(-1))
        xp.dot(stacks[-1].T, buffers.y1[-1], out=buffers.x)

    def score(self, buffers: BlockBuffers, t: Array, room: Array) -> Any:
        """See `Passes.score`."""
        if not isinstance(self._network.loss, CrossEntropy):
            return super().score(buffers, t, room)
        return buffers.x.dtype.type(self._loops.cross_entropy(buffers.x, t, buffers.y[-1]))

    def gradient_back(
        self, weights: Any, buffers: BlockBuffers, e: Array, sums: Sequence[ParameterSums], spare: Spare
    ) -> None:
        """See `Passes.gradient_back`."""
        gradient, squared = sums
        rooms = tuple(self._room(which, buffers.n, spare) for which in (0, 1))
        self._loops.gradient_back(
            self._shape,
            buffers.places,
            buffers.n,
            weights,
            buffers.room,
            e,
            rooms,
            gradient.packed,
            squared.packed,
            gradient.spare.room,
            gradient.fresh,
        )

    def tangents(self, directions: Directions, kept: Kept) -> Array:
        """See `Passes.tangents`."""
        buffers, stacks, xp = kept.buffers, directions.forward, self._xp
        if self._small:
            self._loops.tangents(self._shape, buffers.places, buffers.n, directions.room, buffers.room)
            return buffers.R[-1]
        for i, kind in enumerate(self._kinds, start=1):
            Rx = xp.dot(stacks[i - 1].T, buffers.Ry1[i - 1], out=buffers.R[i])
            self._loops.times_slope(kind, buffers.y[i].reshape(-1), Rx.reshape(-1))
        return xp.dot(stacks[-1].T, buffers.Ry1[-1], out=buffers.R[-1])

    def rank_one(self, e: Array, R: Array) -> Array:
        """See `Passes.rank_one`."""
        self._loops.rank_one(e, R)
        return R

    def back(self, directions: Directions, kept: Kept, e: Array, sums: ParameterSums) -> None:
        """See `Passes.back`."""
        b = kept.buffers
        self._loops.back(
            self._shape, b.places, b.n, directions.room, b.room, e, sums.packed, sums.spare.room, sums.fresh
        )

    def hessian_back(
        self, directions: Directions, kept: Kept, errors: KeptErrors, Re: Array, sums: ParameterSums, spare: Spare
    ) -> None:
        """See `Passes.hessian_back`."""
        b = kept.buffers
        rooms = tuple(self._room(which, b.n, spare) for which in (0, 1, 2))
        self._loops.hessian_back(
            self._shape,
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
            sums.fresh,
        )

    def _slope(self, i: int, y: Array) -> Array:
        """Of the output layer alone: the loops form those of hidden layers from y as they go."""
        return super()._slope(i, y) if i == len(self._network.units) else None

    def _room(self, which: int, n: int, spare: Spare) -> Array:
        return spare(which, self._widest, n).reshape(-1)


def _shape(sizes: Sequence[int], kinds: Sequence[int], loops: Any) -> Any:
    """What the loops must know of a network."""
    pairs = list(pairwise(sizes))
    stacks = [(below if i == 0 else 2 * below) * above + above for i, (below, above) in enumerate(pairs)]
    shape = np.zeros((4, len(sizes)), np.int64)
    shape[loops.SIZE] = sizes
    shape[loops.KIND, 1:-1] = kinds
    shape[loops.PACKED, 1:] = list(accumulate(((below + 1) * above for below, above in pairs), initial=0))[:-1]
    shape[loops.STACKS, 1:] = list(accumulate(stacks, initial=0))[:-1]
    return shape
