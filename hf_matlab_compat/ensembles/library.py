"""A library of trained networks and what each of them predicts for the held-out cases, in memory-mapped files."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import CheckpointError, DataError, OptionError, quoted
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.plots.trained_network import load_network

_PRECISIONS = ("float16", "float32")


@dataclass(frozen=True)
class Library:
    """Networks by the paths of their files, and their outputs for the same cases.

    Attributes
    ----------
    paths : list of str
        A file for each model.
    predictions : (M, N, s_L) array
        Outputs of each model for each case; a class probability for each class where the output is softmax.
    hidden_sizes, unit_types, num_inputs
        Layers of files without a sidecar, such as MATLAB writes; None where every file has one.
    """

    paths: Sequence[str]
    predictions: NDArray[Any]
    hidden_sizes: Sequence[int] | None = None
    unit_types: Sequence[str] | None = None
    num_inputs: int | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def collect(
        cls,
        source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        inputs: ArrayLike,
        *,
        to: str | os.PathLike[str] | None = None,
        precision: str = "float32",
        hidden_sizes: Sequence[int] | None = None,
        unit_types: Sequence[str] | None = None,
    ) -> Library:
        """Read networks and compute what each predicts.

        Parameters
        ----------
        source : path or paths
            A folder (its checkpoints of kept and last epochs, best and averaged parameters, and saved results), the
            journal of a search (the files of its trials, killed ones included), or files.
        inputs : (s_0, N) array_like
            Held-out cases in columns: neither those that were trained on, nor those to report the ensemble's error on.
        to : path, optional
            Folder for ``models.csv`` and ``predictions.npy``, which is then mapped and not held in memory.
        precision : {'float32', 'float16'}
            Of the predictions.
        hidden_sizes, unit_types : sequences, optional
            Layers of files without a sidecar.

        Returns
        -------
        Library
            Of all files that are networks with as many inputs and outputs as the first.

        Raises
        ------
        DataError
            No file of the source is such a network.
        OptionError
            The precision is another word.
        """
        if precision not in _PRECISIONS:
            expected = "one of " + ", ".join(map(repr, _PRECISIONS))
            raise OptionError("precision", expected=expected, got=quoted(precision))
        cases = np.asarray(inputs)
        layers = {"hidden_sizes": hidden_sizes, "unit_types": unit_types, "num_inputs": cases.shape[0]}
        networks = [(str(path), network) for path in _files(source) if (network := _read(path, layers)) is not None]
        if not networks:
            raise DataError("source", expected="files of trained networks", got=f"none in {source}")
        num_outputs = networks[0][1].sizes[-1]
        alike = [(p, n) for p, n in networks if (n.sizes[0], n.sizes[-1]) == (cases.shape[0], num_outputs)]
        shape = len(alike), cases.shape[1], num_outputs
        predictions = _room(to, shape, precision)
        for row, (_, network) in zip(predictions, alike, strict=True):
            row[...] = network.predict(cases).T
        library = cls([p for p, _ in alike], predictions, hidden_sizes, unit_types, cases.shape[0])
        if to is not None:
            library._list(Path(to))
        return library

    def network(self, k: int) -> TrainedNetwork:
        """Return model `k`, read from its file."""
        return load_network(self.paths[k], self.hidden_sizes, self.unit_types, self.num_inputs)

    def _list(self, folder: Path) -> None:
        with (folder / "models.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["model", "path"])
            writer.writerows(enumerate(self.paths))


def _files(source: Any) -> list[Path]:
    if not isinstance(source, str | os.PathLike):
        return [Path(each) for each in source]
    place = Path(source)
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.suffix in (".mat", ".npz"))
    trials = sorted(place.parent.glob(f"{place.stem}_trial*_nnet_*.mat"))
    return trials or [place]


def _read(path: Path, layers: dict[str, Any]) -> TrainedNetwork | None:
    """Return the network of a file, or None for a file of something else."""
    try:
        return load_network(path, **layers)
    except (CheckpointError, OptionError):
        return None


def _room(to: Any, shape: tuple[int, int, int], precision: str) -> NDArray[Any]:
    if to is None:
        return np.empty(shape, precision)
    Path(to).mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(Path(to) / "predictions.npy", "w+", precision, shape)
