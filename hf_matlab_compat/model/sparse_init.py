"""Sparse initialisation: each unit has a few incoming connections (Martens 2010, section 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.model.packing import Layer, pack
from hf_matlab_compat.model.random_stream import RandomStream
from hf_matlab_compat.options import Options


def sparse_init(
    sizes: Sequence[int], unit_types: Sequence[str], stream: RandomStream, options: Options
) -> NDArray[np.float64]:
    """Draw initial parameters.

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    unit_types : sequence of str
        Of layers 1 … L.
    stream : RandomStream
        Drawn from unit by unit: first the indices, then the weights.
    options : Options
        Reads `num_connections`, `init_scale` and `faithful`; faithful draws indices with replacement.

    Returns
    -------
    (P,) float64 array
    """
    layers: list[Layer] = []
    for i, unit in enumerate(unit_types):
        W = np.zeros((sizes[i + 1], sizes[i]))
        scale = options.init_scale * _halvings(unit_types, i)
        for row in W:
            chosen = _connections(sizes[i], stream, options)
            row[chosen] = stream.randn(len(chosen)) * scale  # for a repeated index the last draw counts
        b = np.full((sizes[i + 1], 1), 0.5 if unit == "tanh" else 0.0)
        layers.append(Layer(W, b))
    return pack(np, layers)


def _halvings(unit_types: Sequence[str], i: int) -> float:
    """Return the factor on the weights of layer i: ½ if the layer below is tanh, and ½ again if this one is."""
    below_is_tanh = i > 0 and unit_types[i - 1] == "tanh"
    return 0.5 ** (below_is_tanh + (unit_types[i] == "tanh"))


def _connections(below: int, stream: RandomStream, options: Options) -> NDArray[np.intp]:
    if options.faithful:
        return stream.ceil_indices(below, options.num_connections) - 1
    return np.argsort(stream.rand(below), kind="stable")[: options.num_connections]
