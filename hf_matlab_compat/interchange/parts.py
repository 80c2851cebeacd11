"""Parts of all formats: a trained network from a result, and sentences for what a format cannot hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, DataError, OptionError
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import Layer
from hf_matlab_compat.result import Result

Trained = Result | TrainedNetwork


def network_of(trained: Any) -> TrainedNetwork:
    """Return the network of a `Result`, or the network itself.

    Raises
    ------
    DataError
        It is neither.
    """
    if isinstance(trained, Result):
        return trained.trained_network()
    if isinstance(trained, TrainedNetwork):
        return trained
    raise DataError("result", expected="a Result, or what load_network returns", got=type(trained).__name__)


def trained_network(layers: Sequence[tuple[NDArray[Any], NDArray[Any]]], unit_types: Sequence[str]) -> TrainedNetwork:
    """Return the network of weights (s_i, s_{i-1}) and biases (s_i,), in double precision."""
    sizes = [layers[0][0].shape[1], *(W.shape[0] for W, _ in layers)]
    parts = tuple(Layer(W.astype(np.float64), b.reshape(-1, 1).astype(np.float64)) for W, b in layers)
    return TrainedNetwork(build_network(sizes, list(unit_types), "squared", "none"), parts)


def needed(package: str, extra: str) -> Any:
    """Return a package that is imported when it is needed.

    Raises
    ------
    OptionError
        It is not installed; the extra is named.
    """
    try:
        return import_module(package)
    except ImportError as error:
        how = f"Run pip install 'hf_matlab_compat[{extra}]'." if extra else f"Run pip install {package}."
        raise OptionError(package, expected="it to be installed", got="no such package", advice=how) from error


@contextmanager
def reading(path: Any, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into one sentence that names the file.

    Raises
    ------
    CheckpointError
        Something went wrong.
    OptionError
        It passes unchanged.
    DataError
        It passes unchanged.
    """
    try:
        yield
    except (OptionError, DataError, CheckpointError):
        raise
    except Exception as error:  # other libraries' readers raise what they like on damaged files
        raise CheckpointError(f"{path}: expected {what}, got another or a damaged file ({error}).") from error
