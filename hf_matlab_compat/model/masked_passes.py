"""Passes through a network whose hidden units are blanked out in part.

Notation
--------
ỹ_i = c_i ∘ f_i(x_i) with c_i = m / (1 - q_i): the layer's function is c_i ∘ f_i, its slope c_i ∘ f'_i, and so on
A unit computes its slope from its output, so it is given the unmasked y = ỹ / c; where m is 0, c_i = 0 hides that.
Masks hold 1 / (1 - q) in single precision, which 1 - q would not undo to the last digit of a double.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.corruption import factor_of_kept
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.passes import Kept, Passes, Spare
from hf_matlab_compat.model.units import Pointwise


class MaskedPasses(Passes):
    """`Passes` with the factors that `BlockBuffers.masks` holds for a block, if it holds any.

    Parameters
    ----------
    network : Network
        Whose units are the layers'.
    xp : module
        The array namespace.
    shares : sequence of float
        q_i of the hidden layers.
    """

    def __init__(self, network: Network, xp: Any, shares: Sequence[float]) -> None:
        super().__init__(network, xp)
        self._undoing = [1 / float(factor_of_kept(share)) for share in shares]

    def _activate(self, i: int, buffers: BlockBuffers) -> None:
        super()._activate(i, buffers)
        if i in buffers.masks:
            y = buffers.y[i]
            y *= buffers.masks[i]

    def _slope(self, i: int, buffers: BlockBuffers) -> Array | None:
        if i not in buffers.masks:
            return super()._slope(i, buffers)
        unit = self._network.units[i - 1]
        return unit.slope(self._xp, buffers.inputs[i], self._unmasked(i, buffers), out=buffers.slopes.get(i))

    def _times_slope(self, i: int, buffers: BlockBuffers, d: Array, spare: Spare) -> None:
        if i not in buffers.masks:
            super()._times_slope(i, buffers, d, spare)
            return
        unit, xp = self._network.units[i - 1], self._xp
        unit.jacobian_product(xp, unit.slope(xp, buffers.inputs[i], self._unmasked(i, buffers)), d, out=d)
        d *= buffers.masks[i]

    def _times_kept_slope(self, i: int, kept: Kept, r: Array, out: Array) -> None:
        super()._times_kept_slope(i, kept, r, out)
        if i in kept.buffers.masks:
            out *= kept.buffers.masks[i]

    def _bend(self, i: int, buffers: BlockBuffers, d: Array) -> Array:
        if i not in buffers.masks:
            return super()._bend(i, buffers, d)
        unit, c, xp = self._network.units[i - 1], buffers.masks[i], self._xp
        x, y = buffers.inputs[i], self._unmasked(i, buffers)
        bend = cast(Pointwise, unit).bend(xp, x, y, d)
        unit.jacobian_product(xp, unit.slope(xp, x, y), d, out=d)
        d *= c
        # d f'' meets R{x}, which no factor has entered; d f''/f' meets R{y}, which has c in it
        return bend * c if unit.keeps_x else bend

    def _unmasked(self, i: int, buffers: BlockBuffers) -> Array:
        return buffers.y[i] * buffers.y[i].dtype.type(self._undoing[i - 1])
