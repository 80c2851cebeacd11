"""The sums Σ_cases [y_{i-1}; 1] e_iᵀ of every layer, packed like θ."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.network import Network


class SpareProducts:
    """Scratch memory for the product of one layer at a time, allocated at first use.

    Parameters
    ----------
    network : Network
    like : (P,) array
        Its precision is that of the products.
    xp : module
    """

    def __init__(self, network: Network, like: Array, xp: Any) -> None:
        self._shapes = [layer.shape for layer in network.with_biases(like)]
        self._dtype, self._xp = like.dtype, xp

    @cached_property
    def room(self) -> Array:
        """An array as long as the largest layer has parameters."""
        return self._xp.empty(max(rows * columns for rows, columns in self._shapes), dtype=self._dtype)

    def let_go(self) -> None:
        """Free the memory until the next use."""
        for made in ("room", "layers"):
            self.__dict__.pop(made, None)

    @cached_property
    def layers(self) -> list[Array]:
        """Views of the room in the shape of every layer's weights and biases; they overlap."""
        return [self.room[: rows * columns].reshape(rows, columns) for rows, columns in self._shapes]


class ParameterSums:
    """Σ_cases [y_{i-1}; 1] e_iᵀ of every layer, packed: of the first block, or added to the sums of earlier blocks.

    Attributes
    ----------
    packed : (P,) array
        Where the sums are written.
    spare : SpareProducts
    replaces : bool
        `take` replaces what `packed` holds instead of adding to it, which saves a pass over the first block's product.

    Parameters
    ----------
    network : Network
    packed : (P,) array
    spare : SpareProducts
    xp : module
    replaces : bool
    """

    def __init__(self, network: Network, packed: Array, spare: SpareProducts, xp: Any, replaces: bool) -> None:
        self.packed, self.spare, self.replaces = packed, spare, replaces
        self._layers = network.with_biases(packed)
        self._xp = xp

    def let_go(self) -> None:
        """Free the scratch memory of products until the next use."""
        self.spare.let_go()

    def take(self, i: int, below: Array, e: Array) -> None:
        """Add the product of layer i, counted from 1: `below` = [y_{i-1}; 1] with e_i."""
        if self.replaces:
            self._xp.dot(below, e.T, out=self._layers[i - 1])
        else:
            self._layers[i - 1] += self._xp.dot(below, e.T, out=self.spare.layers[i - 1])

    def also(self, i: int, below: Array, e: Array) -> None:
        """Add more to the weights of layer i after `take`; `below` has no row of ones."""
        rows = below.shape[0]
        self._layers[i - 1][:rows] += self._xp.dot(below, e.T, out=self.spare.layers[i - 1][:rows])
