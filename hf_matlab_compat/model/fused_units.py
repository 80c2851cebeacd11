"""Units that a device activates in one launch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.fused import Fused
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.units import ELU, GELU, Logistic, Softplus, Tanh


class _FusedLogistic(Logistic):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return self._fused.logistic(x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._fused.logistic_slope(y, out)


class _FusedTanh(Tanh):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._fused.tanh_slope(y, out)


class _FusedSoftplus(Softplus):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return self._fused.of_one("softplus", x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._fused.of_one("softplus_slope", y, out)


class _FusedELU(ELU):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return self._fused.of_one("elu", x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._fused.of_one("elu_slope", y, out)


class _FusedGELU(GELU):
    def __init__(self, fused: Fused) -> None:
        self._fused = fused

    def activate(self, xp: Any, x: Array, out: Array | None = None) -> Array:
        return self._fused.of_one("gelu", x, out)

    def slope(self, xp: Any, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._fused.of_one("gelu_slope", x, out)


def with_fused_units(network: Network, fused: Fused) -> Network:
    """The same network, whose units a device activates in one launch."""
    made = (kind(fused) for kind in (_FusedLogistic, _FusedTanh, _FusedSoftplus, _FusedELU, _FusedGELU))
    kinds: dict[str, Any] = {unit.name: unit for unit in made}
    return replace(network, units=tuple(kinds.get(unit.name, unit) for unit in network.units))
