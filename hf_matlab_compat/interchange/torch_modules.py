"""Networks as PyTorch modules, and back. torch is never a dependency: a caller with a module has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import DataError
from hf_matlab_compat.interchange.parts import Trained, needed, network_of, trained_network
from hf_matlab_compat.model.activations import TrainedNetwork

_MODULES: Mapping[str, str] = {
    "logistic": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "relu": "ReLU",
    "softplus": "Softplus",
    "elu": "ELU",
    "gelu": "GELU",
}
"""The class in torch.nn of each unit; 'linear' has none."""


def to_torch(trained: Trained, dtype: Any = None) -> Any:
    """Return a ``torch.nn.Sequential`` that computes what the network does, for cases in rows.

    Parameters
    ----------
    trained : Result or TrainedNetwork
        The network.
    dtype : torch.dtype, optional
        By default torch.float32.

    Raises
    ------
    DataError
        A unit of one's own has no module.
    """
    torch, network = needed("torch", ""), network_of(trained)
    modules: list[Any] = []
    for layer, unit in zip(network.layers, network.unit_types, strict=True):
        linear = torch.nn.Linear(layer.W.shape[1], layer.W.shape[0]).to(dtype or torch.float32)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(layer.W)))
            linear.bias.copy_(torch.from_numpy(np.ascontiguousarray(layer.b.ravel())))
        modules.append(linear)
        if unit not in _MODULES and unit != "linear":
            raise DataError("unit_types", expected="units that torch.nn has modules for", got=repr(unit))
        if unit != "linear":
            modules.append(getattr(torch.nn, _MODULES[unit])(**({"dim": 1} if unit == "softmax" else {})))
    return torch.nn.Sequential(*modules)


def from_torch(module: Any) -> TrainedNetwork:
    """Return the network of a ``torch.nn.Sequential`` of Linear layers and units, as it is after ``module.eval()``.

    Its weights and biases serve as ``initial_weights`` and ``initial_biases`` of `train`:
    ``[layer.W for layer in network.layers]``.

    Raises
    ------
    DataError
        It has other modules.
    """
    units = {name: unit for unit, name in _MODULES.items()}
    layers: list[Any] = []
    types: list[str] = []
    for part in module if isinstance(module, Iterable) else [module]:
        name = type(part).__name__
        if name in _NO_OPERATION:
            continue
        if name == "Linear":
            W = part.weight.detach().cpu().double().numpy()
            b = np.zeros(len(W)) if part.bias is None else part.bias.detach().cpu().double().numpy()
            layers.append((W, b))
            types.append("linear")
        elif name in units and layers and types[-1] == "linear":
            _check_settings(name, part)
            types[-1] = units[name]
        else:
            raise DataError("module", expected="Linear layers and units in turn", got=name)
    if not layers:
        raise DataError("module", expected="Linear layers and units in turn", got="none")
    return trained_network(layers, types)


_NO_OPERATION = ("Identity", "Dropout", "AlphaDropout")
_SETTINGS: Mapping[str, tuple[str, Sequence[Any]]] = {
    "Softmax": ("dim", (1, -1, None)),
    "ELU": ("alpha", (1,)),
    "GELU": ("approximate", ("none",)),
    "Softplus": ("beta", (1,)),
}
"""Settings of modules, and the values with which they compute what the units here do."""


def _check_settings(name: str, part: Any) -> None:
    setting, fit = _SETTINGS.get(name, ("", ()))
    found = getattr(part, setting, fit[0]) if setting else None
    if setting and found not in fit:
        raise DataError("module", expected=f"{name} with {setting}={fit[0]}", got=f"{setting}={found}")
