"""Networks as safetensors: W1, b1, …, and the types of the units in the metadata."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from hf_matlab_compat.interchange.parts import Trained, needed, network_of, reading, trained_network
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.model.activations import TrainedNetwork


def write_safetensors(trained: Trained, path: str | os.PathLike[str], dtype: DTypeLike = np.float32) -> None:
    """Write weights and biases, with the types of the units as metadata.

    Parameters
    ----------
    trained : Result or TrainedNetwork
        What to write.
    path : path
        The file.
    dtype : dtype
        float32 or float64; a run in single precision is held whole by the first.
    """
    library, network = needed("safetensors.numpy", "export"), network_of(trained)
    tensors: dict[str, Any] = {}
    for i, layer in enumerate(network.layers, start=1):
        tensors |= {f"W{i}": layer.W, f"b{i}": layer.b.ravel()}
    made = {name: np.ascontiguousarray(value, dtype=dtype) for name, value in tensors.items()}
    with atomic_file(Path(path)) as stream:
        stream.write(library.save(made, metadata={"unit_types": json.dumps(list(network.unit_types))}))


def read_safetensors(path: str | os.PathLike[str]) -> TrainedNetwork:
    """Return the network that `write_safetensors` wrote, in double precision.

    Raises
    ------
    CheckpointError
        There is no such file, or it is another one.
    """
    library = needed("safetensors", "export")
    with reading(path, "a network as safetensors"), library.safe_open(os.fspath(path), framework="numpy") as content:
        units = json.loads(content.metadata()["unit_types"])
        layers = [(content.get_tensor(f"W{i}"), content.get_tensor(f"b{i}")) for i in range(1, len(units) + 1)]
        return trained_network(layers, units)
