"""A library of trained networks and what each of them predicts for the held-out cases, in memory-mapped files."""

from __future__ import annotations

import csv
import math
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import CheckpointError, DataError, OptionError, quoted
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_checkpoint
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.plots.trained_network import load_network
from hf_matlab_compat.result import load
from hf_matlab_compat.result_file import is_result
from hf_matlab_compat.state import Records

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
        files = _files(source)
        rows: list[list[Any]] = []
        room: NDArray[Any] | None = None
        for path in files:
            network = _read(path, layers)
            if network is None or network.sizes[0] != cases.shape[0]:
                continue
            if room is None:
                room = _room(to, (len(files), cases.shape[1], network.sizes[-1]), precision)
            if network.sizes[-1] == room.shape[2]:
                room[len(rows)] = network.predict(cases).T
                rows.append([*(_facts(path, network) if to is not None else ()), str(path)])
        if room is None:
            expected = f"files of trained networks with {cases.shape[0]} inputs"
            raise DataError("source", expected=expected, got=f"none in {source}")
        predictions = room[: len(rows)] if to is None else _trimmed(Path(to), len(rows))
        if to is not None:
            _list(Path(to), rows)
        return cls([row[-1] for row in rows], predictions, hidden_sizes, unit_types, cases.shape[0])

    def network(self, k: int) -> TrainedNetwork:
        """Return model `k`, read from its file."""
        return _network(self.paths[k], self.hidden_sizes, self.unit_types, self.num_inputs)


_COLUMNS = ("model", "epoch", "test_log_likelihood", "test_error", "sizes", "units", "path")


def _list(folder: Path, rows: Sequence[Sequence[Any]]) -> None:
    with (folder / "models.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([k, *row] for k, row in enumerate(rows))


def _facts(path: Path, network: TrainedNetwork) -> list[Any]:
    """Return the columns of `_COLUMNS` between the first and the last."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)  # nothing resumes here
            records = load(path).records if is_result(path) else read_checkpoint(path).records
    except CheckpointError:  # parameters alone
        records = Records()
    figures = [float(records.log_likelihood[-1, 1]), float(records.error[-1, 1])] if len(records.error) else ["", ""]
    return [len(records.error), *figures, " ".join(map(str, network.sizes)), " ".join(network.unit_types)]


def _files(source: Any) -> list[Path]:
    if not isinstance(source, str | os.PathLike):
        return [Path(each) for each in source]
    place = Path(source)
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.suffix in (".mat", ".npz"))
    if not place.exists():
        raise DataError("source", expected="a folder, a journal or a file", got=f"{os.fspath(place)!r}, no such file")
    return _trials(place) or [place]


def _network(path: Any, hidden_sizes: Any, unit_types: Any, num_inputs: Any) -> TrainedNetwork:
    try:
        return load_network(path)
    except OptionError:  # no sidecar
        return load_network(path, hidden_sizes, unit_types, num_inputs)


def _read(path: Path, layers: dict[str, Any]) -> TrainedNetwork | None:
    """Return the network of a file, or None for a file of something else."""
    try:
        return _network(path, **layers)
    except (CheckpointError, OptionError):
        return None


def is_journal(source: Any) -> bool:
    """Return whether a source is the journal of a search, which has trials beside it."""
    return isinstance(source, str | os.PathLike) and os.path.isfile(source) and bool(_trials(Path(source)))


def _trials(journal: Path) -> list[Path]:
    mark = re.compile(re.escape(journal.stem) + r"_trial\d+(_\d+)?_nnet_\w+\.mat")
    return sorted(path for path in journal.parent.iterdir() if mark.fullmatch(path.name))


def _room(to: Any, shape: tuple[int, int, int], precision: str) -> NDArray[Any]:
    if to is None:
        return np.empty(shape, precision)
    Path(to).mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(Path(to) / "predictions.npy", "w+", precision, shape)


def _trimmed(folder: Path, count: int) -> NDArray[Any]:
    """Cut the file to the models that it holds, and map it."""
    path = folder / "predictions.npy"
    mapped = np.lib.format.open_memmap(path, "r")
    offset, shape = mapped.offset, (count, *mapped.shape[1:])
    header = {"descr": np.lib.format.dtype_to_descr(mapped.dtype), "fortran_order": False, "shape": shape}
    with path.open("r+b") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        assert stream.tell() == offset  # numpy leaves room in the header for another count
        stream.truncate(offset + math.prod(shape) * mapped.itemsize)
    return np.lib.format.open_memmap(path, "r")
