"""Greedy selection with replacement: the average of the models that together predict best (Caruana et al. 2004)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.ensembles.library import Library
from hf_matlab_compat.errors import CheckpointError, DataError, OptionError, quoted
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.npz_file import read_described, write_described
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import Layer

_TEXT = "ensemble"
LEAST_PROBABILITY = 1e-6
"""Predictions are raised to this before a logarithm is taken: one certain mistake must not outweigh all cases."""


@dataclass(frozen=True)
class Ensemble:
    """A weighted average of networks.

    Attributes
    ----------
    networks : sequence of TrainedNetwork
        Those with a weight above 0.
    weights : (m,) array
        They add up to 1.
    names : sequence of str
        Where the networks came from.
    """

    networks: Sequence[TrainedNetwork]
    weights: NDArray[np.float64]
    names: Sequence[str]

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return the weighted average of the networks' outputs, (s_L, N), for cases in columns."""
        return sum(w * network.predict(inputs) for w, network in zip(self.weights, self.networks, strict=True))  # type: ignore[return-value]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the networks and their weights to one .npz file without pickles."""
        text = {
            "format": 1,
            "names": list(self.names),
            "sizes": [list(network.sizes) for network in self.networks],
            "unit_types": [list(network.unit_types) for network in self.networks],
        }
        arrays: dict[str, NDArray[Any]] = {"weights": self.weights}
        for k, network in enumerate(self.networks):
            for i, layer in enumerate(network.layers):
                arrays |= {f"W_{k}_{i}": layer.W, f"b_{k}_{i}": layer.b}
        with atomic_file(Path(path)) as stream:
            write_described(stream, _TEXT, text, arrays)


def load_ensemble(path: str | os.PathLike[str]) -> Ensemble:
    """Return the ensemble that `Ensemble.save` wrote.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged or another one.
    """
    try:
        text, arrays = read_described(path, _TEXT)
        networks = [
            TrainedNetwork(
                build_network(sizes, units, "squared", "none"),
                tuple(Layer(arrays[f"W_{k}_{i}"], arrays[f"b_{k}_{i}"]) for i in range(len(units))),
            )
            for k, (sizes, units) in enumerate(zip(text["sizes"], text["unit_types"], strict=True))
        ]
        return Ensemble(networks, arrays["weights"], text["names"])
    except Exception as error:  # a damaged text has whatever the damage made of it in the place of lists
        raise CheckpointError(
            f"{os.fspath(path)}: expected a file that Ensemble.save wrote, got another one."
        ) from error


def select(
    library: Library,
    targets: ArrayLike,
    *,
    on: str = "cross_entropy",
    start: int = 3,
    steps: int = 100,
    bags: int = 1,
    seed: int = 0,
) -> Ensemble:
    """Select models greedily, with replacement, and stop where the average predicts best.

    Parameters
    ----------
    library : Library
        Predictions for held-out cases.
    targets : (s_L, N) array_like
        What these cases should be; one-of-k for 'cross_entropy' and 'error'.
    on : {'cross_entropy', 'error', 'squared_error'}
        What is minimised. Cross-entropy needs fewer cases to choose well than the error rate.
    start : int
        The selection starts from this number of the best single models.
    steps : int
        Models added at most.
    bags : int
        With more than 1, this number of selections from random halves of the library is averaged.
    seed : int
        Of the halves.

    Returns
    -------
    Ensemble
        Its weights add up to 1.

    Raises
    ------
    DataError
        The targets do not fit the predictions.
    OptionError
        `on` is another word, or a number is out of its range.
    """
    wanted = _checked_targets(library, targets)
    if on not in LOSSES:
        raise OptionError("on", expected="one of " + ", ".join(map(repr, LOSSES)), got=quoted(on))
    for name, value in (("start", start), ("steps", steps), ("bags", bags)):
        if value < 1:
            raise OptionError(name, expected="a whole number of at least 1", got=value)
    parts, loss = LOSSES[on](library.predictions, wanted)
    random = np.random.default_rng(seed)
    weights = np.zeros(len(library))
    for _ in range(bags):
        members = np.arange(len(library)) if bags == 1 else random.permutation(len(library))[: -(-len(library) // 2)]
        weights[members] += greedy_weights(parts, loss, members, start, steps) / bags
    chosen = np.flatnonzero(weights).tolist()
    return Ensemble([library.network(k) for k in chosen], weights[chosen], [library.paths[k] for k in chosen])


Loss = Callable[[NDArray[Any]], NDArray[Any]]
"""(M, N, ...) averages of predictions → (M,) losses."""


def _cross_entropy(predictions: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Loss]:
    """Return the probabilities of the true classes, (M, N), which are all that cross-entropy needs."""
    true = predictions[:, np.arange(targets.shape[1]), targets.argmax(axis=0)].astype(np.float32)
    return true, lambda p: -np.log(np.maximum(p, LEAST_PROBABILITY)).mean(axis=1, dtype=np.float64)


def _error(predictions: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Loss]:
    true = targets.argmax(axis=0)
    return predictions, lambda p: (p.argmax(axis=2) != true).mean(axis=1)


def _squared_error(predictions: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Loss]:
    wanted = targets.T.astype(np.float32)
    return predictions, lambda p: ((p - wanted) ** 2).sum(axis=2).mean(axis=1, dtype=np.float64)


LOSSES: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], Loss]]] = {
    "cross_entropy": _cross_entropy,
    "error": _error,
    "squared_error": _squared_error,
}
"""By name: predictions and targets → what is averaged, and the loss of an average."""

_NUMBERS_AT_A_TIME = 1 << 22
"""Candidate averages are formed for as many models at a time as have about this many numbers together."""


def greedy_weights(
    parts: NDArray[Any], loss: Loss, members: NDArray[Any], start: int, steps: int
) -> NDArray[np.float64]:
    """Return weights for the members, from the step at which their average had the least loss."""
    counts = np.zeros(len(members))
    alone = _losses(parts, loss, members, None, 0)
    first = np.argsort(alone, kind="stable")[:start]
    counts[first] = 1
    total = parts[members[first]].sum(axis=0, dtype=np.float32)
    best, least = counts.copy(), float(loss(total[None] / len(first))[0])
    for size in range(len(first), len(first) + steps):
        found = _losses(parts, loss, members, total, size)
        k = int(found.argmin())
        counts[k] += 1
        total = total + parts[members[k]]
        if found[k] < least:
            best, least = counts.copy(), float(found[k])
    return best / best.sum()


def _losses(parts: NDArray[Any], loss: Loss, members: NDArray[Any], total: Any, size: int) -> NDArray[np.float64]:
    """Return the loss of the average with each member added to `size` models that add up to `total`."""
    at_once = max(_NUMBERS_AT_A_TIME // parts[0].size, 1)
    found = np.empty(len(members))
    for k in range(0, len(members), at_once):
        some = parts[members[k : k + at_once]]
        found[k : k + at_once] = loss(some if total is None else (some + total) / np.float32(size + 1))
    return found


def _checked_targets(library: Library, targets: ArrayLike) -> NDArray[Any]:
    wanted = np.asarray(targets)
    expected = library.predictions.shape[2], library.predictions.shape[1]
    if wanted.shape != expected:
        raise DataError("targets", expected=f"shape {expected}, as the predictions have", got=f"shape {wanted.shape}")
    return wanted


def is_ensemble(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is one that `Ensemble.save` wrote."""
    try:
        load_ensemble(Path(path))
    except CheckpointError:
        return False
    return True
