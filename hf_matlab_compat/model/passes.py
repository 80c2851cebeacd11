"""Passes through a network for one block of cases: forward, and backward with the products of every layer.

Notation
--------
y_0 : (s_0, n) inputs;  x_i = W_i y_{i-1} + b_i;  y_i = f_i(x_i)
e_i : something at the input x_i of layer i that is carried backward (an error, a curvature vector)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.buffers import BlockBuffers
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


def forward(network: Network, layers: Sequence[Layer], y0: Array, xp: Any) -> Activations:
    """y_i = f_i(W_i y_{i-1} + b_i) for all layers, into new memory."""
    y = [y0]
    x = y0
    for layer, unit in zip(layers, network.units, strict=True):
        x = layer.W @ y[-1]
        x += layer.b
        y.append(unit.activate(xp, x))
    return Activations(y, x)


def forward_into(network: Network, weights: Sequence[Array], buffers: BlockBuffers, xp: Any) -> None:
    """The same from y_0 in `buffers`, which then hold the outputs y and the last layer's input x.

    Parameters
    ----------
    network : Network
    weights : sequence of (s_{i-1} + 1, s_i) arrays
        [W b]ᵀ of every layer.
    buffers : BlockBuffers
    xp : module
    """
    hidden = network.units[:-1]
    for i, unit in enumerate(hidden, start=1):
        x = xp.matmul(weights[i - 1].T, buffers.y1[i - 1], out=buffers.y[i])
        unit.activate(xp, x, out=x)
    xp.matmul(weights[-1].T, buffers.y1[-1], out=buffers.x)
    network.units[-1].activate(xp, buffers.x, out=buffers.y[-1])


class SpareProducts:
    """Room for the products of any one layer, made when first asked for.

    Parameters
    ----------
    network : Network
    like : (P,) array
        Of the same kind.
    xp : module
    """

    def __init__(self, network: Network, like: Array, xp: Any) -> None:
        self._shapes = [layer.shape for layer in network.with_biases(like)]
        self._dtype, self._xp = like.dtype, xp

    @cached_property
    def layers(self) -> list[Array]:
        """Views of the room, shaped like every layer's weights and biases; they overlap."""
        sizes = [rows * columns for rows, columns in self._shapes]
        room = self._xp.empty(max(sizes), dtype=self._dtype)
        return [room[:size].reshape(shape) for size, shape in zip(sizes, self._shapes, strict=True)]


class ParameterSums:
    """Σ_cases [y_{i-1}; 1] e_iᵀ of every layer, packed, of one block or added to those of others.

    Parameters
    ----------
    network : Network
    packed : (P,) array
        Where the sums go.
    spare : SpareProducts
    xp : module
    fresh : bool
        `packed` holds nothing yet.
    """

    def __init__(self, network: Network, packed: Array, spare: SpareProducts, xp: Any, fresh: bool) -> None:
        self._layers = network.with_biases(packed)
        self._spare = spare
        self._xp = xp
        self._fresh = fresh

    def take(self, i: int, below: Array, e: Array) -> None:
        """The products of layer i, counted from 1, of `below` = [y_{i-1}; 1] with e_i."""
        if self._fresh:
            self._xp.dot(below, e.T, out=self._layers[i - 1])
        else:
            self._layers[i - 1] += self._xp.dot(below, e.T, out=self._spare.layers[i - 1])

    def also(self, i: int, below: Array, e: Array) -> None:
        """More for the weights of layer i after `take`: `below` has no 1."""
        rows = below.shape[0]
        self._layers[i - 1][:rows] += self._xp.dot(below, e.T, out=self._spare.layers[i - 1][:rows])
