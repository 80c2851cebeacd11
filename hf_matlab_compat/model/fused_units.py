"""Units whose function and derivative a device computes in one kernel launch each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.fused import Fused
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.units import Pointwise

_FUSED = ("logistic", "tanh", "softplus", "elu", "gelu")


class _FusedUnit(Pointwise):
    def __init__(self, unit: Any, fused: Fused) -> None:
        self.name, self.keeps_x, self.bend = unit.name, unit.keeps_x, unit.bend
        self._unit, self._fused = unit, fused

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        if self.name == "tanh":  # one launch already
            return self._unit.activate(xp, x, out)
        return self._fused.of_one(self.name, x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._fused.of_one(f"{self.name}_slope", x if self.keeps_x else y, out)


def with_fused_units(network: Network, fused: Fused) -> Network:
    """Return the same network with fused units in place of those that have kernels."""
    units = (_FusedUnit(unit, fused) if unit.name in _FUSED else unit for unit in network.units)
    return replace(network, units=tuple(units))
