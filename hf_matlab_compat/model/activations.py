"""The outputs of all layers for given inputs, in new memory: for whoever looks at a network rather than trains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.packing import Layer


@dataclass(frozen=True)
class Activations:
    """Outputs of a forward pass.

    Attributes
    ----------
    y : list of L+1 arrays (s_i, n)
        Outputs of every layer; y[0] are the inputs.
    x : (s_L, n) array
        Input of the output layer.
    """

    y: list[Array]
    x: Array


def activations(network: Network, layers: Sequence[Layer], y0: Array, xp: Any) -> Activations:
    """y_i = f_i(W_i y_{i-1} + b_i) for all layers."""
    y = [y0]
    x = y0
    for layer, unit in zip(layers, network.units, strict=True):
        x = layer.W @ y[-1]
        x += layer.b
        y.append(unit.activate(xp, x))
    return Activations(y, x)
