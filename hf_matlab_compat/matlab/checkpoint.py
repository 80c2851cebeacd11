"""Checkpoints: the nine variables that MATLAB's trainer saves and resumes from, written and read.

`write_checkpoint` writes what MATLAB would; `read_checkpoint` reads what MATLAB, Octave or we wrote.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.atomic_file import atomic_file
from hf_matlab_compat.matlab.double_sidecar import (
    Vectors,
    fitting,
    in_single,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)
from hf_matlab_compat.matlab.mat_formats import read_variables
from hf_matlab_compat.state import Records, State

VARIABLES = (
    "paramsp",
    "ch",
    "epoch",
    "lambda",
    "totalpasses",
    "llrecord",
    "times",
    "errrecord",
    "lambdarecord",
)
"""What a checkpoint holds, and all that it may hold: MATLAB's trainer fails on any other name."""

_LARGEST_WHOLE = 2.0**53
_ADVICE: Mapping[int, str] = {
    errno.ENOSPC: "Free some disk space; the previous checkpoint is whole.",
    errno.EDQUOT: "Your quota is used up: free some space; the previous checkpoint is whole.",
    errno.EACCES: "Make the directory writable or choose another run name.",
    errno.EPERM: "Make the directory writable or choose another run name.",
    errno.EROFS: "The disk is read-only: choose another run name.",
    errno.ENOENT: "Make the directory first.",
}


class CheckpointWarning(UserWarning):
    """A checkpoint can be resumed from, but the run will not go on bit for bit."""


def write_checkpoint(path: str | os.PathLike[str], state: State) -> None:
    """Write the nine variables of MATLAB's trainer, so that it resumes from them bit for bit.

    The file is either the old or the new one, whole, whenever the process is killed. It holds θ and d in
    single precision, as MATLAB's does. Where they are double, a sidecar ``<stem>.double.npz`` keeps the
    rest of the bits and is written first; where they are single, a sidecar of an earlier run is removed.

    Parameters
    ----------
    path : path-like
        The file, with its ``.mat``.
    state : State
        Its vectors are numpy vectors, float32 or float64: the caller brings them from the device.

    Raises
    ------
    CheckpointError
        The disk is full, the directory missing or not writable, or a vector is none of the above or not
        finite in single precision. The previous file is whole.
    """
    vectors = Vectors(epoch=state.epoch, theta=_host("theta", state.theta), d=_host("d", state.d))
    in_double = np.float64 in (vectors.theta.dtype, vectors.d.dtype)
    sidecar = sidecar_path(path)
    if in_double:
        entries = [vectors, *_kept_for(path, sidecar)]
        _writing(sidecar, lambda: write_sidecar(sidecar, entries))
    _writing(path, lambda: _write_mat(path, state, vectors))
    if not in_double:
        with suppress(OSError):
            sidecar.unlink()


def read_checkpoint(
    path: str | os.PathLike[str], *, num_parameters: int | None = None, precision: str | None = None
) -> State:
    """The state that a checkpoint holds.

    Reads MATLAB's formats (v4 to v7; v7.3 with h5py) and Octave's text, plain or packed. The path is taken
    as it is or, where there is no such file, with ``.mat`` appended.

    Parameters
    ----------
    path : path-like
        The checkpoint.
    num_parameters : int, optional
        P of the network that is to go on; a checkpoint of another size is refused.
    precision : {'single', 'double'}, optional
        Class of the vectors; 'double' warns wherever no double values are to be had. By default as precise
        as they are kept: double from the sidecar, or else the class of the file.

    Returns
    -------
    State
        With numpy vectors, float32 or float64, and k rows in the records after k epochs. Records that
        MATLAB had preallocated for more epochs are cut; without a test column theirs is nan.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged, lacks a variable or belongs to another network.

    Warns
    -----
    CheckpointWarning
        The sidecar is damaged or belongs to another state: single values are used.
    """
    found = _find(path)
    try:
        state = _state(read_variables(found, VARIABLES), num_parameters)
    except CheckpointError as error:
        raise CheckpointError(f"{found}: {error}") from error
    if precision == "single":
        return replace(state, theta=in_single(state.theta), d=in_single(state.d))
    return _with_doubles(state, found, required=precision == "double")


# --- writing


def _write_mat(path: str | os.PathLike[str], state: State, vectors: Vectors) -> None:
    records = state.records
    variables = {
        "paramsp": _column(in_single(vectors.theta)),
        "ch": _column(in_single(vectors.d)),
        "epoch": float(state.epoch),
        "lambda": float(state.lam),
        "totalpasses": float(state.total_cg_steps),
        "llrecord": np.asarray(records.log_likelihood, dtype=np.float64),
        "times": _column(np.asarray(records.seconds, dtype=np.float64)),
        "errrecord": np.asarray(records.error, dtype=np.float64),
        "lambdarecord": _column(np.asarray(records.lam, dtype=np.float64)),
    }
    with atomic_file(path) as stream:
        scipy.io.savemat(stream, variables, oned_as="column")


def _column(vector: NDArray[Any]) -> NDArray[Any]:
    return vector.reshape(-1, 1)


def _host(name: str, vector: object) -> NDArray[Any]:
    """The vector, if it is one that can be written."""
    if not isinstance(vector, np.ndarray) or vector.ndim != 1 or vector.dtype not in (np.float32, np.float64):
        got = getattr(vector, "dtype", ""), getattr(vector, "shape", "")
        raise CheckpointError(
            f"{name}: expected a numpy vector of floats, got {type(vector).__name__} {got}. Bring it to the host first."
        )
    if not np.isfinite(in_single(vector)).all():
        raise CheckpointError(
            f"{name}: expected numbers that are finite in single precision, got NaN, Inf or more than 3.4e38. "
            "Go on from the previous checkpoint with a larger damping."
        )
    return vector


def _kept_for(path: str | os.PathLike[str], sidecar: Path) -> list[Vectors]:
    """The entry of the sidecar that belongs to the .mat file which is about to be replaced, if there is one."""
    with suppress(CheckpointError):
        state = _state(read_variables(path, VARIABLES), None)
        kept = fitting(read_sidecar(sidecar), Vectors(epoch=state.epoch, theta=state.theta, d=state.d))
        return [kept] if kept else []
    return []


def _writing(path: str | os.PathLike[str], write: Callable[[], None]) -> None:
    try:
        write()
    except (OSError, scipy.io.matlab.MatWriteError) as error:
        number = getattr(error, "errno", None)
        advice = _ADVICE.get(number or 0, "The previous checkpoint, if there is one, is whole.")
        reason = os.strerror(number) if number else str(error)
        raise CheckpointError(f"{os.fspath(path)}: expected to write it, got '{reason}'. {advice}") from error


# --- reading


def _find(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    for candidate in (name, name + ".mat"):
        if os.path.isfile(candidate):
            return candidate
    got = "a directory" if os.path.isdir(name) else "no such file"
    raise CheckpointError(f"{name}: expected a checkpoint (also tried {name}.mat), got {got}. Check the name.")


def _with_doubles(state: State, path: str, *, required: bool) -> State:
    """The state with the values of the sidecar, where the file has only singles."""
    sidecar = sidecar_path(path)
    if not _only_singles(state) or not (required or sidecar.exists()):
        return state
    single = Vectors(epoch=state.epoch, theta=state.theta, d=state.d)
    try:
        entry = fitting(read_sidecar(sidecar), single) if sidecar.exists() else None
        reason = "belongs to another state" if sidecar.exists() else "is not there"
    except CheckpointError:
        entry, reason = None, "is damaged"
    if entry is None:
        warnings.warn(
            f"{path}: expected its double values in {sidecar.name}, got a file that {reason}. "
            "The single values are used, as MATLAB would; the run will not go on bit for bit.",
            CheckpointWarning,
            stacklevel=3,
        )
    source = entry or single
    wide = entry is not None or required
    return replace(state, theta=source.theta.astype(np.float64), d=source.d.astype(np.float64)) if wide else state


def _only_singles(state: State) -> bool:
    return all(np.array_equal(vector, in_single(vector)) for vector in (state.theta, state.d))
