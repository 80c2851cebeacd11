"""A trained network from a checkpoint: what its layers make of data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import CheckpointError, DataError, OptionError
from hf_matlab_compat.matlab.checkpoint_summary import split_layers, summarise
from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import Layer
from hf_matlab_compat.model.units import UNITS
from hf_matlab_compat.preflight.layout import unit_instead


@dataclass(frozen=True)
class TrainedNetwork:
    """Sizes s_0 … s_L, unit types of layers 1 … L, and their weights and biases."""

    sizes: tuple[int, ...]
    unit_types: tuple[str, ...]
    layers: tuple[Layer, ...]

    def outputs(self, inputs: ArrayLike) -> list[NDArray[Any]]:
        """Outputs of every layer, the inputs first: arrays (s_i, N).

        Raises
        ------
        DataError
            The inputs are not (s_0, N) finite numbers, or what the network makes of them is not.
        """
        data = np.asarray(inputs, dtype=np.float64)
        if data.ndim != 2 or data.shape[0] != self.sizes[0] or not data.shape[1]:
            got = f"an array of shape {data.shape}"
            raise DataError(
                "inputs",
                expected=f"{self.sizes[0]} rows, a case in each column",
                got=got,
                advice="Cases go in columns.",
            )
        _require_finite("inputs", data, "Leave out the cases that hold others.")
        network = build_network(self.sizes, self.unit_types, "squared", "none")
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = activations(network, self.layers, data, np).y
        for values in outputs:
            _require_finite("outputs", values, "The inputs or the weights are too large.")
        return outputs


def _require_finite(name: str, values: NDArray[Any], advice: str) -> None:
    wrong = int(np.sum(~np.isfinite(values)))
    if wrong:
        got = f"{wrong} of {values.size} that are NaN or Inf"
        raise DataError(name, expected="finite numbers", got=got, advice=advice)


def load_network(
    checkpoint: str | os.PathLike[str], hidden_sizes: Sequence[int], unit_types: Sequence[str], num_inputs: int
) -> TrainedNetwork:
    """The network of a checkpoint.

    Parameters
    ----------
    checkpoint : path-like
        In any format that is read.
    hidden_sizes : sequence of int
        s_1 … s_{L-1}.
    unit_types : sequence of str
        Of layers 1 … L.
    num_inputs : int
        s_0; s_L follows from the number of parameters.

    Raises
    ------
    OptionError, CheckpointError
        The layers are none, or not those of the checkpoint; its parameters are not finite.
    """
    unknown = [name for name in unit_types if name not in UNITS]
    if unknown or len(unit_types) != len(hidden_sizes) + 1:
        raise OptionError(
            "unit_types",
            expected=f"{len(hidden_sizes) + 1} of {', '.join(map(repr, UNITS))}",
            got=repr(list(unit_types)),
            advice=(unit_instead(unknown[0]) if unknown else "") or "One for each hidden layer and one for the output.",
        )
    fits = summarise(checkpoint, hidden=hidden_sizes or (), inputs=num_inputs).candidates.sizes if hidden_sizes else ()
    sizes = fits[0] if len(fits) == 1 else (num_inputs, *map(int, hidden_sizes), _outputs(checkpoint, num_inputs))
    W, b = split_layers(checkpoint, sizes)
    wrong = int(sum(np.sum(~np.isfinite(part)) for part in (*W, *b)))
    if wrong:
        raise CheckpointError(
            f"{os.fspath(checkpoint)}: expected finite numbers in paramsp, got {wrong} that are NaN or Inf. "
            "Choose the checkpoint of an earlier epoch."
        )
    layers = tuple(Layer(w.astype(float), c.astype(float)) for w, c in zip(W, b, strict=True))
    return TrainedNetwork(tuple(sizes), tuple(unit_types), layers)


def _outputs(checkpoint: str | os.PathLike[str], num_inputs: int) -> int:
    """s_L of a network without hidden layers; for others a number that does not fit, which is said then."""
    return max((summarise(checkpoint).psize or 0) // (num_inputs + 1), 1)
