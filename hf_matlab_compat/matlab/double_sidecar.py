"""The vectors of a checkpoint in double precision, kept beside the .mat file, which holds singles.

A run in double precision goes on bit for bit only from these. No two files can be replaced in one step,
so the sidecar holds two entries: the one that belongs to the .mat file of now, and the one that belongs to
the .mat file about to be written. Whenever the run is killed, one of them fits what the .mat file says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.atomic_file import atomic_file

ENTRIES = 2


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """θ and d after some epoch, in single or double precision."""

    epoch: int
    theta: NDArray[np.floating[Any]]
    d: NDArray[np.floating[Any]]

    def rounds_to(self, single: Vectors) -> bool:
        """Whether these, rounded to single precision, are the bytes of `single`."""
        return (
            self.epoch == single.epoch
            and in_single(self.theta).tobytes() == in_single(single.theta).tobytes()
            and in_single(self.d).tobytes() == in_single(single.d).tobytes()
        )


def in_single(vector: NDArray[Any]) -> NDArray[np.float32]:
    """The vector rounded to single precision, as MATLAB's `single` does; infinite where it does not fit."""
    with np.errstate(over="ignore"):
        return vector.astype(np.float32)


def sidecar_path(checkpoint: str | os.PathLike[str]) -> Path:
    """Where the doubles of a checkpoint lie: ``run.double.npz`` for ``run.mat``."""
    path = Path(checkpoint)
    return path.with_name(path.name.removesuffix(".mat") + ".double.npz")


def write_sidecar(path: str | os.PathLike[str], entries: Sequence[Vectors]) -> None:
    """Write up to two entries, the newest first, atomically.

    Raises
    ------
    OSError
        The file cannot be written; the previous one stays whole.
    """
    arrays: dict[str, Any] = {}
    for place, entry in enumerate(entries[:ENTRIES]):
        arrays[f"epoch_{place}"] = np.float64(entry.epoch)
        arrays[f"theta_{place}"] = entry.theta.astype(np.float64)
        arrays[f"d_{place}"] = entry.d.astype(np.float64)
    with atomic_file(path) as stream:
        np.savez(stream, **arrays)


def read_sidecar(path: str | os.PathLike[str]) -> list[Vectors]:
    """All entries, the newest first.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            places = [place for place in range(ENTRIES) if f"epoch_{place}" in arrays]
            return [_entry(*(arrays[f"{name}_{place}"] for name in ("epoch", "theta", "d"))) for place in places]
    except Exception as error:  # what numpy raises on a damaged file is whatever the damage made happen inside it
        raise CheckpointError(f"{path}: expected the doubles of a checkpoint, got a file that is damaged.") from error


def _entry(epoch: NDArray[Any], theta: NDArray[Any], d: NDArray[Any]) -> Vectors:
    if theta.ndim != 1 or theta.shape != d.shape or {theta.dtype, d.dtype} != {np.dtype(np.float64)}:
        raise ValueError("no pair of double vectors")
    return Vectors(epoch=int(epoch), theta=theta, d=d)


def fitting(entries: Sequence[Vectors], single: Vectors) -> Vectors | None:
    """The newest entry that rounds to `single`, or None."""
    return next((entry for entry in entries if entry.rounds_to(single)), None)
