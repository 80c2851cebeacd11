"""The sidecar of a checkpoint: a file beside it for values that the .mat file cannot hold.

MATLAB's trainer fails on any variable beyond its nine, and saves θ and d in single precision. So a sidecar,
``run.sidecar.npz`` beside ``run.mat``, keeps checksums of the nine variables, a description of the run, and the values
that the nine do not hold bit for bit: the doubles of a run in double precision, and the memory of a method other than
Hessian-free. It may be missing: a run can resume from a .mat file alone.

Two files cannot be replaced in one step. So the sidecar has two entries, one for the present .mat file and one for the
.mat file that is about to be written. If the run is killed, one of them fits the .mat file that is there.

The file is a zip archive with ``sidecar.json`` (``unzip -p`` shows it) and numpy arrays, if it keeps any. Readers
ignore unknown entries in either.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.npz_file import (
    joined_values,
    read_described,
    read_npz,
    split_values,
    write_described,
)
from hf_matlab_compat.state import State

Array = NDArray[Any]

ENTRIES = 2
ENDING = ".sidecar.npz"
ENDING_BEFORE = ".double.npz"
"""Ending of the sidecars of earlier versions, which hold doubles only."""

DAMAGED = "a damaged file"

_TEXT = "sidecar"
_VARIABLES: Mapping[str, str] = {"d": "ch", "lam": "lambda", "total_cg_steps": "totalpasses"}
_HELD = tuple(_VARIABLES)
"""The memory of Hessian-free, which variables of the .mat file hold."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The values that a sidecar keeps of one state.

    Attributes
    ----------
    checksums : mapping of str to str
        One for each variable of the .mat file; sidecars of earlier versions have those of epoch, paramsp and ch only.
    run : mapping
        Description of the run that wrote it, in plain values; empty if it is not known.
    theta : (P,) array or None
        None if the .mat file holds every bit of it.
    memory : mapping of str to object
        The values of the method's memory that the .mat file does not hold.
    names : tuple of str
        The names of all values in the method's memory, in its order.
    """

    checksums: Mapping[str, str]
    run: Mapping[str, Any] = field(default_factory=dict)
    theta: Array | None = None
    memory: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = _HELD

    @classmethod
    def of(cls, state: State, variables: Mapping[str, Array], run: Mapping[str, Any]) -> Entry:
        """Make the entry of a state whose .mat file holds these variables."""
        sums = checksums(variables)
        memory = {name: value for name, value in state.memory.items() if not _is_held(name, value, variables)}
        theta = None if state.theta.dtype == np.float32 else state.theta
        return cls(checksums=sums, run=run, theta=theta, memory=memory, names=tuple(state.memory))

    @property
    def keeps_numbers(self) -> bool:
        """True if it keeps numbers that the .mat file does not hold."""
        return self.theta is not None or bool(self.memory) or self.is_of_another_method

    @property
    def is_of_another_method(self) -> bool:
        """True if the method is not Hessian-free."""
        return self.names != _HELD

    def restored(self, state: State) -> State:
        """Add the values of this entry to the state that was read from the .mat file."""
        memory = {name: self.memory.get(name, state.memory.get(name)) for name in self.names}
        return replace(state, theta=state.theta if self.theta is None else self.theta, memory=memory)

    def fits(self, found: Mapping[str, str]) -> bool:
        """Return True if a .mat file with these checksums holds this state."""
        return not self.other_than(found)

    def other_than(self, found: Mapping[str, str]) -> list[str]:
        """Return the variables whose checksums differ from these."""
        return [name for name, checksum in self.checksums.items() if found.get(name) != checksum]


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """The entries of a sidecar; `trouble` says why there are none."""

    entries: Sequence[Entry] = ()
    trouble: str = ""

    def fitting(self, found: Mapping[str, str]) -> Entry | None:
        """Return the newest entry for a .mat file with these checksums, or None."""
        return next((entry for entry in self.entries if entry.fits(found)), None)


def in_single(vector: Array) -> NDArray[np.float32]:
    """Round a vector to single precision, as MATLAB's `single` does; values that do not fit become infinite."""
    with np.errstate(over="ignore"):
        return vector.astype(np.float32)


def checksums(variables: Mapping[str, Array]) -> dict[str, str]:
    """Return the SHA-256 of each variable's shape and values, converted to the class that the trainer saves."""
    return {name: _checksum(name, value) for name, value in variables.items()}


def _checksum(name: str, value: Array) -> str:
    kind = "<f4" if name in ("paramsp", "ch") else "<f8"
    with np.errstate(over="ignore", invalid="ignore"):
        content = np.ascontiguousarray(value, dtype=kind)
    return hashlib.sha256(f"{value.shape}".encode() + content.tobytes()).hexdigest()


def sidecar_path(checkpoint: str | os.PathLike[str]) -> Path:
    """Return the path of the sidecar, ``run.sidecar.npz`` for ``run.mat``."""
    return _beside(checkpoint, ENDING)


def _beside(checkpoint: str | os.PathLike[str], ending: str) -> Path:
    path = Path(checkpoint)
    return path.with_name(path.name.removesuffix(".mat") + ending)


def write_sidecar(checkpoint: str | os.PathLike[str], entries: Sequence[Entry]) -> None:
    """Write up to two entries, the newest first, atomically.

    Raises
    ------
    OSError
        The file cannot be written; the previous one is unchanged.
    """
    kept = entries[:ENTRIES]
    told, arrays = [], {}
    for place, entry in enumerate(kept):
        memory, of_memory = split_values(entry.memory, f"memory_{place}")
        arrays |= of_memory | ({} if entry.theta is None else {f"theta_{place}": entry.theta})
        text = {"sha256": dict(entry.checksums), "memory": memory, "names": list(entry.names)}
        told.append(text if place and entry.run == kept[0].run else text | {"run": dict(entry.run)})
    # Without numbers in it, losing it in a power cut costs no run anything: do not wait until it is on the disk.
    durable = any(entry.keeps_numbers for entry in kept)
    with atomic_file(sidecar_path(checkpoint), like=checkpoint, durable=durable) as stream:
        write_described(stream, _TEXT, {"format": 2, "entries": told}, arrays)


def remove_sidecar_of_before(checkpoint: str | os.PathLike[str]) -> None:
    """Remove the sidecar of an earlier version: its doubles belong to a state that has been replaced."""
    with suppress(OSError):
        _beside(checkpoint, ENDING_BEFORE).unlink()


def read_sidecar(checkpoint: str | os.PathLike[str]) -> Sidecar:
    """Read the sidecar of a checkpoint, written by this version or an earlier one.

    Returns
    -------
    Sidecar
        It has no entries if there is no such file or it is damaged.
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
    """Return the sidecar of a checkpoint if it keeps doubles or the memory of another method, otherwise None."""
    entries = read_sidecar(checkpoint).entries
    if not entries or not entries[0].keeps_numbers:
        return None
    path = sidecar_path(checkpoint)
    return path if path.exists() else _beside(checkpoint, ENDING_BEFORE)


def _is_held(name: str, value: Any, variables: Mapping[str, Array]) -> bool:
    """Return True if a variable of the .mat file holds this value of a memory bit for bit."""
    if name not in _HELD:
        return False
    held = variables[_VARIABLES[name]]
    if name == "d":
        is_vector = isinstance(value, np.ndarray) and value.dtype == np.float32
        return is_vector and np.array_equal(value, held[:, 0])
    return type(value) is (float if name == "lam" else int) and value == held.item()


def _read(path: Path) -> list[Entry]:
    try:
        text, arrays = read_described(path, _TEXT)
        told = text["entries"]
        return [_entry(place, {"run": told[0].get("run", {})} | each, arrays) for place, each in enumerate(told)]
    except Exception as error:  # a damaged text may have values of any type
        raise CheckpointError(f"{path}: expected the sidecar of a checkpoint, got a file that is damaged.") from error


def _entry(place: int, told: Mapping[str, Any], arrays: Mapping[str, Array]) -> Entry:
    run = dict(told.get("run", {}))
    if not all(isinstance(run.get(part, {}), dict) for part in ("settings", "data")):
        raise ValueError("no description of a run")
    entry = Entry(checksums=dict(told["sha256"]), run=run, theta=arrays.get(f"theta_{place}"))
    if "memory" in told:
        memory = joined_values(told["memory"], arrays)
        entry = replace(entry, memory=memory, names=tuple(map(str, told["names"])))
    elif told["doubles"]:  # of an earlier version
        entry = replace(entry, memory={"d": arrays[f"d_{place}"]})
    theta, d = entry.theta, entry.memory.get("d") if entry.names == _HELD else None
    if any(v is not None and (v.ndim != 1 or v.dtype.kind != "f") for v in (theta, d)):
        raise ValueError("no vectors of numbers")
    if theta is not None and d is not None and theta.shape != d.shape:
        raise ValueError("no pair of vectors")
    return entry


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
