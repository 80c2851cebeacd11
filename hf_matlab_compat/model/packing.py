"""Packing: θ = [vec(W₁); b₁; vec(W₂); b₂; …] with vec column-major, one vector of P numbers.

Column-major W_i followed by b_i is the row-major matrix [W_i b_i]ᵀ, so a layer with its biases is one view of θ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from hf_matlab_compat.backends.arrays import Array


@dataclass(frozen=True)
class Layer:
    """Weights and biases of one layer.

    Attributes
    ----------
    W : (s_i, s_{i-1}) array
    b : (s_i, 1) array
    """

    W: Array
    b: Array


def num_parameters(sizes: Sequence[int]) -> int:
    """Return P = Σ s_i (s_{i-1} + 1)."""
    return sum(above * (below + 1) for below, above in pairwise(sizes))


def unpack(theta: Array, sizes: Sequence[int]) -> list[Layer]:
    """Return the layers as views into `theta`.

    Parameters
    ----------
    theta : (P,) array
        Packed parameters.
    sizes : sequence of int
        Units of every layer, inputs first.
    """
    layers: list[Layer] = []
    start = 0
    for below, above in pairwise(sizes):
        stop = start + above * below
        layers.append(Layer(theta[start:stop].reshape((below, above)).T, theta[stop : stop + above].reshape(above, 1)))
        start = stop + above
    return layers


def layer_starts(sizes: Sequence[int]) -> list[int]:
    """Return the offset of each of the L layers in a packed vector."""
    lengths = [above * (below + 1) for below, above in pairwise(sizes)]
    return list(accumulate(lengths, initial=0))[:-1]


def unpack_with_biases(theta: Array, sizes: Sequence[int]) -> list[Array]:
    """Return [W_i b_i]ᵀ of every layer, (s_{i-1} + 1, s_i) views into `theta`."""
    return [theta[where].reshape(shape) for where, shape in _places_with_biases(tuple(sizes))]


@lru_cache(maxsize=64)  # called in every product, where it would slow small networks
def _places_with_biases(sizes: tuple[int, ...]) -> list[tuple[slice, tuple[int, int]]]:
    shapes = [(below + 1, above) for below, above in pairwise(sizes)]
    starts = layer_starts(sizes)
    return [(slice(a, a + rows * s), (rows, s)) for a, (rows, s) in zip(starts, shapes, strict=True)]


def pack(xp: Any, layers: Sequence[Layer]) -> Array:
    """Return one (P,) vector from the layers; the inverse of `unpack`."""
    return xp.concatenate([part for layer in layers for part in (layer.W.T.reshape(-1), layer.b.reshape(-1))])


def weights_only_mask(xp: Any, sizes: Sequence[int], dtype: Any) -> Array:
    """Return a (P,) vector with 1 at weights and 0 at biases."""
    pairs = pairwise(sizes)
    return pack(
        xp, [Layer(xp.ones((above, below), dtype=dtype), xp.zeros((above, 1), dtype=dtype)) for below, above in pairs]
    )
