"""Units that a device activates in one launch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.fused import Fused
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.units import Logistic, Tanh


class _FusedLogistic(Logistic):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return self._fused.logistic(x, out)

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> Array:
        return self._fused.logistic_slope(y, out)


class _FusedTanh(Tanh):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def slope(self, xp: Any, y: Array, out: Array | None = None) -> Array:
        return self._fused.tanh_slope(y, out)


def with_fused_units(network: Network, fused: Fused) -> Network:
    """The same network, whose units a device activates in one launch."""
    kinds: dict[str, Any] = {"logistic": _FusedLogistic(fused), "tanh": _FusedTanh(fused)}
    return replace(network, units=tuple(kinds.get(unit.name, unit) for unit in network.units))
