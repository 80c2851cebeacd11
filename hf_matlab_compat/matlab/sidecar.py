"""What the .mat file of a checkpoint cannot hold, in a file beside it.

MATLAB's trainer fails on any variable beyond its nine, and saves θ and d in single precision. So a sidecar,
``run.sidecar.npz`` beside ``run.mat``, keeps checksums of the nine variables, the doubles of a run in double precision
(it goes on bit for bit only from these), and a description of the run. It may be missing: a .mat file alone can be
resumed from.

No two files can be replaced in one step, so the sidecar holds two entries: the one that belongs to the .mat file of
now, and the one that belongs to the .mat file about to be written. Whenever the run is killed, one of them fits what
the .mat file says.

The file is a zip archive: ``sidecar.json`` (``unzip -p`` shows it) and, in double precision, numpy arrays. Readers
ignore what they do not know in either.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.atomic_file import atomic_file
from hf_matlab_compat.matlab.npz_file import read_npz, write_npz

Array = NDArray[Any]

ENTRIES = 2
ENDING = ".sidecar.npz"
ENDING_BEFORE = ".double.npz"
"""Of the sidecars of earlier versions: doubles only."""

DAMAGED = "a damaged file"

_TEXT = "sidecar.json"
_MOST_TEXT = 1 << 22
_ARRAYS = {f"{name}_{place}.npy" for name in ("theta", "d") for place in range(ENTRIES)}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is kept of one state.

    Attributes
    ----------
    checksums : mapping of str to str
        By variable of the .mat file; sidecars of earlier versions have those of epoch, paramsp and ch only.
    run : mapping
        Description of the run that wrote it, in plain values; empty where it is not known.
    theta, d : (P,) float64 arrays or None
        None after an epoch in single precision.
    """

    checksums: Mapping[str, str]
    run: Mapping[str, Any] = field(default_factory=dict)
    theta: NDArray[np.float64] | None = None
    d: NDArray[np.float64] | None = None

    def fits(self, found: Mapping[str, str]) -> bool:
        """Whether a .mat file with these checksums holds this state."""
        return not self.other_than(found)

    def other_than(self, found: Mapping[str, str]) -> list[str]:
        """The variables whose checksums are not these."""
        return [name for name, checksum in self.checksums.items() if found.get(name) != checksum]


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """All that lies beside a checkpoint; `trouble` says why there is nothing."""

    entries: Sequence[Entry] = ()
    trouble: str = ""

    def fitting(self, found: Mapping[str, str]) -> Entry | None:
        """The newest entry of a .mat file with these checksums, or None."""
        return next((entry for entry in self.entries if entry.fits(found)), None)


def in_single(vector: Array) -> NDArray[np.float32]:
    """The vector rounded to single precision, as MATLAB's `single` does; infinite where it does not fit."""
    with np.errstate(over="ignore"):
        return vector.astype(np.float32)


def checksums(variables: Mapping[str, Array]) -> dict[str, str]:
    """SHA-256 of each variable's shape and values, in the class that the trainer saves, whatever class was read."""
    return {name: _checksum(name, value) for name, value in variables.items()}


def _checksum(name: str, value: Array) -> str:
    kind = "<f4" if name in ("paramsp", "ch") else "<f8"
    with np.errstate(over="ignore", invalid="ignore"):
        content = np.ascontiguousarray(value, dtype=kind)
    return hashlib.sha256(f"{value.shape}".encode() + content.tobytes()).hexdigest()


def sidecar_path(checkpoint: str | os.PathLike[str]) -> Path:
    """Where it lies: ``run.sidecar.npz`` for ``run.mat``."""
    return _beside(checkpoint, ENDING)


def _beside(checkpoint: str | os.PathLike[str], ending: str) -> Path:
    path = Path(checkpoint)
    return path.with_name(path.name.removesuffix(".mat") + ending)


def write_sidecar(checkpoint: str | os.PathLike[str], entries: Sequence[Entry]) -> None:
    """Write up to two entries, the newest first, atomically.

    Raises
    ------
    OSError
        The file cannot be written; the previous one stays whole.
    """
    kept = entries[:ENTRIES]
    told = [
        {"sha256": dict(entry.checksums), "doubles": entry.theta is not None, "run": dict(entry.run)} for entry in kept
    ]
    text = {"format": 1, "entries": told}
    vectors = {
        f"{name}_{place}": value
        for place, entry in enumerate(kept)
        for name, value in (("theta", entry.theta), ("d", entry.d))
        if value is not None
    }
    whole = io.BytesIO()  # a zip archive is written back and forth; the file in one go
    write_npz(whole, vectors)
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr(zipfile.ZipInfo(_TEXT), json.dumps(text, indent=1, ensure_ascii=True))
    with atomic_file(sidecar_path(checkpoint), like=checkpoint) as stream:
        stream.write(whole.getbuffer())


def remove_sidecar_of_before(checkpoint: str | os.PathLike[str]) -> None:
    """Remove what an earlier version left: its doubles are of a state that is no more."""
    with suppress(OSError):
        _beside(checkpoint, ENDING_BEFORE).unlink()


def read_sidecar(checkpoint: str | os.PathLike[str]) -> Sidecar:
    """What lies beside a checkpoint, be it written by this version or an earlier one.

    Returns
    -------
    Sidecar
        Without entries where there is no such file or it is damaged.
    """
    entries: list[Entry] = []
    trouble = "no such file"
    for ending, read in ((ENDING, _read), (ENDING_BEFORE, _doubles_of_before)):
        path = _beside(checkpoint, ending)
        try:
            entries += read(path) if path.exists() else []
        except CheckpointError:
            trouble = DAMAGED
    return Sidecar(entries=entries, trouble="" if entries else trouble)


def path_of_doubles(checkpoint: str | os.PathLike[str]) -> Path | None:
    """The file beside a checkpoint that keeps doubles, or None."""
    entries = read_sidecar(checkpoint).entries
    if not entries or entries[0].theta is None:
        return None
    path = sidecar_path(checkpoint)
    return path if path.exists() else _beside(checkpoint, ENDING_BEFORE)


def _read(path: Path) -> list[Entry]:
    try:
        text, members = _text(path)
        arrays = read_npz(path, [name.removesuffix(".npy") for name in members if name in _ARRAYS])
        return [_entry(place, each, arrays) for place, each in enumerate(text["entries"])]
    except Exception as error:  # what zipfile and json raise on a damaged file is whatever the damage made happen
        raise CheckpointError(f"{path}: expected the sidecar of a checkpoint, got a file that is damaged.") from error


def _text(path: Path) -> tuple[Any, list[str]]:
    """The text of a sidecar, and the names of all its members."""
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(_TEXT).file_size > _MOST_TEXT:
            raise ValueError("too long")
        return json.loads(archive.read(_TEXT)), archive.namelist()


def _entry(place: int, told: Mapping[str, Any], arrays: Mapping[str, Array]) -> Entry:
    entry = Entry(checksums=dict(told["sha256"]), run=dict(told.get("run", {})))
    if not told["doubles"]:
        return entry
    theta, d = arrays[f"theta_{place}"], arrays[f"d_{place}"]
    if theta.ndim != 1 or theta.shape != d.shape or {theta.dtype, d.dtype} != {np.dtype(np.float64)}:
        raise ValueError("no pair of double vectors")
    return replace(entry, theta=theta, d=d)


def _doubles_of_before(path: Path) -> list[Entry]:
    arrays = read_npz(path)
    try:
        places = [place for place in range(ENTRIES) if f"epoch_{place}" in arrays]
        return [_entry(place, _told_before(place, arrays), arrays) for place in places]
    except Exception as error:  # as above
        raise CheckpointError(f"{path}: expected the doubles of a checkpoint, got a file that is damaged.") from error


def _told_before(place: int, arrays: Mapping[str, Array]) -> dict[str, Any]:
    theta, d = (in_single(arrays[f"{name}_{place}"]).reshape(-1, 1) for name in ("theta", "d"))
    sums = checksums({"epoch": arrays[f"epoch_{place}"].reshape(1, 1), "paramsp": theta, "ch": d})
    return {"sha256": sums, "doubles": True}
