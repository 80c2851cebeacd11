"""Random initial parameters of recurrent nets: few incoming connections to each unit, and a recurrent radius near 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.matlab.random.streams import stream_from_seed
from hf_matlab_compat.model.random_stream import RandomStream


class Layout(Protocol):
    """The parts of a recurrent net that a draw needs."""

    @property
    def sizes(self) -> Sequence[int]:
        """Inputs, hidden layers, outputs."""
        ...

    @property
    def num_parameters(self) -> int:
        """P."""
        ...

    def layer(self, theta: Array, i: int) -> tuple[Array, Array | None]:
        """Return [W_hx W_hh b_h]ᵀ and the initial vector of hidden layer i."""
        ...

    def output_layer(self, theta: Array) -> Array:
        """Return [W_oh b_o]ᵀ."""
        ...


@dataclass(frozen=True, kw_only=True)
class Initialisation:
    """Settings of the draws. Biases and initial states are 0.

    Attributes
    ----------
    num_connections : int
        k, the number of distinct incoming recurrent weights of a hidden unit, and of weights of an output unit; each
        ~ N(0, scale²/k). Input weights are dense if there are at most k inputs, else k to a unit.
    input_scale : float
        Standard deviation of the weights from the inputs.
    recurrent_scale : float
        The factor `scale` on recurrent weights.
    spectral_radius : float or None
        Rescale each layer's recurrent weights to this spectral radius; None leaves them, near 1.05.
    """

    num_connections: int = 15
    input_scale: float = 1.0
    recurrent_scale: float = 1.0
    spectral_radius: float | None = None

    def draw(self, net: Layout, seed: Any) -> NDArray[Any]:
        """Return initial parameters, (P,), drawn layer by layer: recurrent weights, weights from below, output."""
        stream, theta, sizes = stream_from_seed(seed), np.zeros(net.num_parameters), net.sizes
        k = self.num_connections
        for i, (below, here) in enumerate(pairwise(sizes[:-1])):
            W = net.layer(theta, i)[0]
            recurrent = sparse_weights(here, here, k, stream) * self.recurrent_scale
            W[below : below + here] = self._scaled(recurrent)
            # from the layer below: like its recurrent weights; from the inputs: of the scale of the inputs
            W[:below] = self._from_inputs(below, here, stream) if i == 0 else sparse_weights(below, here, k, stream)
        net.output_layer(theta)[: sizes[-2]] = sparse_weights(sizes[-2], sizes[-1], k, stream)
        return theta

    def _from_inputs(self, below: int, here: int, stream: RandomStream) -> NDArray[Any]:
        if below <= self.num_connections:
            return stream.randn(below, here) * self.input_scale
        return sparse_weights(below, here, self.num_connections, stream) * (
            self.input_scale * np.sqrt(self.num_connections)
        )

    def _scaled(self, W: NDArray[Any]) -> NDArray[Any]:
        if self.spectral_radius is None:
            return W
        radius = float(np.abs(np.linalg.eigvals(W)).max())
        return W * (self.spectral_radius / radius) if radius else W


def sparse_weights(below: int, here: int, connections: int, stream: RandomStream) -> NDArray[Any]:
    """Return Wᵀ, (below, here), with k distinct weights ~ N(0, 1/k), k = `connections`, in each column."""
    W = np.zeros((below, here))
    for unit in range(here):
        chosen = np.argsort(stream.rand(below), kind="stable")[:connections]
        W[chosen, unit] = stream.randn(len(chosen)) / np.sqrt(connections)
    return W
