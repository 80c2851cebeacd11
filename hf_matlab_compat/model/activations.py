"""A trained network as a function: the outputs of all layers for given inputs, in new memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.errors import CheckpointError, DataError, OptionError, quoted
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.packing import Layer

_AT_A_TIME = 4096
"""Number of cases whose hidden outputs `predict` holds in memory at once."""


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
    """Return y_i = f_i(W_i y_{i-1} + b_i) of all layers."""
    y = [y0]
    x = y0
    for layer, unit in zip(layers, network.units, strict=True):
        x = layer.W @ y[-1]
        x += layer.b
        y.append(unit.activate(xp, x))
    return Activations(y, x)


class LayerOutputs(list[Any]):
    """Outputs (s_i, N) of every layer, the inputs first.

    A name is an index too: ``outputs["code"]`` is the narrowest hidden layer; the others are "inputs" and "output".
    """

    @property
    def sizes(self) -> list[int]:
        """s_0 … s_L; of sequences in a list, the features of the first."""
        first = (cast("list[Any]", y)[0] if isinstance(y, list) else y for y in self)
        return [len(y) for y in first]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(place_of(key, self.sizes) if isinstance(key, str) else key)


def place_of(layer: Any, sizes: Sequence[int]) -> int:
    """Return the number of a layer, 0 for the inputs, from its number or its name: "inputs", "code" or "output".

    Raises
    ------
    OptionError
        There is no such layer.
    """
    last = len(sizes) - 1
    hidden = range(1, last)
    named = {"inputs": 0, "output": last, **({"code": min(hidden, key=lambda i: sizes[i])} if hidden else {})}
    place: Any = named.get(layer) if isinstance(layer, str) else layer
    if np.ndim(place) or place not in range(-last, last + 1) or isinstance(place, bool | float):
        names = ", ".join(map(repr, named))
        raise OptionError("layer", expected=f"a layer from 0 to {last}, or one of {names}", got=quoted(layer))
    return int(place)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its weights and biases, in double precision."""

    network: Network
    layers: tuple[Layer, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """s_0 … s_L."""
        return self.network.sizes

    @property
    def unit_types(self) -> tuple[str, ...]:
        """Names of the units of layers 1 … L."""
        return tuple(unit.name for unit in self.network.units)

    def outputs(self, inputs: ArrayLike) -> LayerOutputs:
        """Return the outputs of every layer, the inputs first: arrays (s_i, N) in double precision.

        Raises
        ------
        DataError
            The inputs are not (s_0, N) finite numbers, or an output is not finite.
        """
        return self._forward(self._checked(inputs))

    def predict(self, inputs: ArrayLike) -> NDArray[Any]:
        """Return the outputs of the last layer, (s_L, N), without holding those of all layers."""
        cases = self._checked(inputs)
        made = np.empty((self.sizes[-1], cases.shape[1]))
        for start in range(0, cases.shape[1], _AT_A_TIME):
            some = slice(start, start + _AT_A_TIME)
            made[:, some] = self._forward(cases[:, some])[-1]
        return made

    def _checked(self, inputs: ArrayLike) -> NDArray[Any]:
        masked = bool(np.any(getattr(inputs, "mask", False)))  # a masked array has masked values
        cases = np.asarray(inputs)
        if cases.ndim != 2 or cases.shape[0] != self.sizes[0] or not cases.shape[1]:
            expected = f"{self.sizes[0]} rows, a case in each column"
            raise DataError(
                "inputs", expected=expected, got=f"an array of shape {cases.shape}", advice="Cases go in columns."
            )
        if cases.dtype.kind not in "biuf" or masked:
            got = "masked numbers" if masked else f"an array of {cases.dtype}"
            raise DataError("inputs", expected="real numbers", got=got)
        return cases

    def _forward(self, cases: NDArray[Any]) -> LayerOutputs:
        y0 = np.asarray(cases, dtype=np.float64)
        _require_finite("inputs", y0, "Remove these cases.")
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = activations(self.network, self.layers, y0, np).y
        for values in outputs:
            _require_finite("outputs", values, "The inputs or the weights are too large.")
        return LayerOutputs(outputs)


def finite_network(network: Network, layers: Sequence[Layer], path: str) -> TrainedNetwork:
    """Return the network with parameters that were read from a file, in double precision.

    Raises
    ------
    CheckpointError
        A parameter is NaN or infinite.
    """
    wrong = int(sum(np.sum(~np.isfinite(part)) for layer in layers for part in (layer.W, layer.b)))
    if wrong:
        raise CheckpointError(
            f"{path}: expected finite numbers in paramsp, got NaN or Inf in {wrong} of them. "
            "Choose the checkpoint of an earlier epoch."
        )
    return TrainedNetwork(network, tuple(layers))


def _require_finite(name: str, values: NDArray[Any], advice: str) -> None:
    wrong = int(np.sum(~np.isfinite(values)))
    if wrong:
        got = f"NaN or Inf in {wrong} of {values.size}"
        raise DataError(name, expected="finite numbers", got=got, advice=advice)
