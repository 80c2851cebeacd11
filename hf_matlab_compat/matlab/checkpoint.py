"""Checkpoints, from which MATLAB's trainer and this one go on alike.

`write_checkpoint` writes what MATLAB would; `read_checkpoint` reads what MATLAB, Octave or we wrote.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab import npz_file
from hf_matlab_compat.matlab.atomic_file import atomic_file
from hf_matlab_compat.matlab.checkpoint_variables import VARIABLES, to_state, to_variables
from hf_matlab_compat.matlab.double_sidecar import (
    Vectors,
    fitting,
    in_single,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)
from hf_matlab_compat.matlab.mat_formats import read_variables
from hf_matlab_compat.state import State

_NOT_WRITABLE = "Make the directory writable or choose another run name."
_ADVICE: Mapping[int, str] = {
    errno.ENOSPC: "Free some disk space; the previous checkpoint is whole.",
    errno.EDQUOT: "Free some of your quota; the previous checkpoint is whole.",
    errno.EACCES: _NOT_WRITABLE,
    errno.EPERM: _NOT_WRITABLE,
    errno.EROFS: _NOT_WRITABLE,
    errno.ENOENT: "Make the directory first.",
    errno.ENOTDIR: "Choose a run name inside a directory.",
    errno.EISDIR: "Choose another run name.",
    errno.ENAMETOOLONG: "Choose a shorter run name.",
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
    variables = to_variables(state)
    sidecar = sidecar_path(path)
    in_double = np.float64 in (state.theta.dtype, state.d.dtype)
    if in_double:
        entries = [_vectors(state), *_kept_for(path)]
        _writing(sidecar, lambda: write_sidecar(sidecar, entries))
    _writing(path, lambda: _write_mat(path, variables))
    if not in_double:
        with suppress(OSError):
            sidecar.unlink()


def read_checkpoint(
    path: str | os.PathLike[str], *, num_parameters: int | None = None, precision: str | None = None
) -> State:
    """The state that a checkpoint holds.

    Reads MATLAB's formats (v4 to v7; v7.3 with h5py), Octave's text, plain or packed, and .npz. The path is taken
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
        state = to_state(_variables(found), num_parameters)
    except CheckpointError as error:
        raise CheckpointError(f"{found}: {error}") from error
    if precision == "single":
        return _with(state, _vectors(state), np.float32)
    doubles = None
    if _only_singles(state) and (precision == "double" or sidecar_path(found).exists()):
        doubles, trouble = _doubles(state, found)
        if doubles is None:
            warnings.warn(trouble, CheckpointWarning, stacklevel=2)
    kind = np.float64 if doubles or precision == "double" else np.result_type(state.theta, state.d)
    return _with(state, doubles or _vectors(state), kind)


def why_no_run_goes_on(path: str | os.PathLike[str]) -> str:
    """What `read_checkpoint` says against a file, without the file's name; empty where a run goes on from it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)  # a run goes on, if not bit for bit
            read_checkpoint(path)
    except CheckpointError as error:
        return str(error).removeprefix(f"{os.fspath(path)}: ")
    return ""


def _variables(path: str) -> dict[str, NDArray[Any]]:
    with open(path, "rb") as stream:
        is_npz = stream.read(len(npz_file.MAGIC)) == npz_file.MAGIC
    if not is_npz:
        return read_variables(path, VARIABLES)
    found = npz_file.read_npz(path)
    return {name: value for name, value in found.items() if name in VARIABLES}


def _write_mat(path: str | os.PathLike[str], variables: Mapping[str, NDArray[Any]]) -> None:
    from scipy.io import matlab, savemat  # a third of the package's import time, and only writing needs it

    try:
        with atomic_file(path) as stream:
            savemat(stream, variables, oned_as="column")
    except matlab.MatWriteError as error:  # a variable above the format's 2 GB
        raise OSError(errno.EFBIG, str(error)) from error


def _writing(path: str | os.PathLike[str], write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else str(error)
        advice = _ADVICE.get(number or 0, "The previous checkpoint, if there is one, is whole.")
        raise CheckpointError(f"{os.fspath(path)}: expected to write it, got '{reason}'. {advice}") from error


def _kept_for(path: str | os.PathLike[str]) -> list[Vectors]:
    """The entry of the sidecar that belongs to the .mat file which is about to be replaced, if there is one."""
    with suppress(CheckpointError):
        standing = to_state(read_variables(path, VARIABLES))
        kept = fitting(read_sidecar(sidecar_path(path)), _vectors(standing))
        return [kept] if kept else []
    return []


def _find(path: str | os.PathLike[str]) -> str:
    name = os.path.expanduser(os.fspath(path))
    for candidate in (name, name + ".mat"):
        if os.path.isfile(candidate):
            return candidate
    got = "a directory" if os.path.isdir(name) else "no such file"
    raise CheckpointError(f"{name}: expected a checkpoint, got {got}, nor {name}.mat. Check the name.")


def _doubles(state: State, path: str) -> tuple[Vectors | None, str]:
    """The vectors of the sidecar that round to those of the state; or none, and a sentence that says why."""
    sidecar = sidecar_path(path)
    found, trouble = None, "a file that is of another state"
    try:
        found = fitting(read_sidecar(sidecar), _vectors(state))
    except CheckpointError:
        trouble = "a damaged file" if sidecar.exists() else "no such file"
    return found, (
        f"{path}: expected its double values in {sidecar.name}, got {trouble}. "
        "The single values are used, as MATLAB does; the run will not go on bit for bit."
    )


def _only_singles(state: State) -> bool:
    return all(np.array_equal(vector, in_single(vector)) for vector in (state.theta, state.d))


def _vectors(state: State) -> Vectors:
    return Vectors(epoch=state.epoch, theta=state.theta, d=state.d)


def _with(state: State, vectors: Vectors, kind: Any) -> State:
    return replace(state, theta=vectors.theta.astype(kind), d=vectors.d.astype(kind))
