"""Checkpoints, from which MATLAB's trainer and this one go on alike.

`write_checkpoint` writes what MATLAB would; `read_checkpoint` reads what MATLAB, Octave or we wrote.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files import npz_file
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_state, to_variables
from hf_matlab_compat.matlab.files.mat_formats import read_variables, write_mat
from hf_matlab_compat.matlab.files.sidecar import (
    DAMAGED,
    Entry,
    Sidecar,
    checksums,
    in_single,
    read_sidecar,
    remove_sidecar_of_before,
    sidecar_path,
    write_sidecar,
)
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


_KINDS = {"single": np.float32, "double": np.float64}


class CheckpointWarning(UserWarning):
    """A checkpoint can be resumed from, but the run will not go on bit for bit."""


def write_checkpoint(
    path: str | os.PathLike[str],
    state: State,
    run: Mapping[str, Any] | None = None,
    standing: Entry | None = None,
) -> Entry:
    """Write the nine variables of MATLAB's trainer, so that it resumes from them bit for bit.

    The file is either the old or the new one, whole, whenever the process is killed. It holds θ and d in
    single precision, as MATLAB's does. A sidecar ``<stem>.sidecar.npz`` is written first: it keeps checksums and
    whatever the .mat file does not hold: doubles, and what another method remembers.

    Parameters
    ----------
    path : path-like
        The file, with its ``.mat``.
    state : State
        Its arrays are numpy's, θ and d float32 or float64: the caller brings them from the device.
    run : mapping, optional
        Description of the run, plain values for the sidecar.
    standing : Entry, optional
        What the latest call for this path returned; without it the file is read.

    Returns
    -------
    Entry
        What the sidecar keeps of this state.

    Raises
    ------
    CheckpointError
        The disk is full, the directory missing or not writable, or a vector is none of the above or not
        finite in single precision. The previous file is whole.
    """
    variables = to_variables(state)
    entry = Entry.of(state, variables, run or {})
    entries = [entry, *([standing] if standing else _kept_for(path))]
    _writing(path, lambda: write_sidecar(path, entries))
    _writing(path, lambda: _write_mat(path, variables))
    if standing is None:  # else the call that returned it did
        remove_sidecar_of_before(path)
    return entry


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
        Class of θ, and of the arrays of the memory that had θ's; 'double' warns wherever no double values are to be
        had. By default as precise as they are kept: double from the sidecar, or else the class of the file.

    Returns
    -------
    State
        With numpy vectors, float32 or float64, and k rows in the records after k epochs. Records that
        MATLAB had preallocated for more epochs are cut; without a test column theirs is nan.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged (its sidecar keeps checksums), lacks a variable or belongs to another
        network.

    Warns
    -----
    CheckpointWarning
        The sidecar is damaged or belongs to another state: single values are used, or values are not checked.
    """
    found = find_checkpoint(path)
    try:
        variables = _variables(found)
        state, sidecar = to_state(variables, num_parameters), read_sidecar(found)
        entry = sidecar.fitting(checksums(variables)) if sidecar.entries else None
        if entry is None:
            _refuse_damage(sidecar, checksums(variables), sidecar_path(found).name)
    except CheckpointError as error:
        raise CheckpointError(f"{found}: {error}") from error
    state = state.mapped(lambda vector: vector.astype(np.result_type(state.theta, state.d)))
    whole = state if entry is None else entry.restored(state)
    if _lacks_bits(sidecar, entry, precision) and _only_singles(state):
        warnings.warn(_lost(found, sidecar, entry), CheckpointWarning, stacklevel=2)
    elif sidecar.trouble == DAMAGED:
        warnings.warn(_lost_checksums(found), CheckpointWarning, stacklevel=2)
    return whole if precision is None else whole.in_precision(_KINDS[precision])


def read_description(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """How the run was described that wrote a checkpoint; empty where that is not known."""
    found = find_checkpoint(path)
    sidecar = read_sidecar(found)
    entry = sidecar.fitting(checksums(_variables(found))) if sidecar.entries else None
    return {} if entry is None else entry.run


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
    from scipy.io import matlab  # a third of the package's import time, and only writing needs it

    try:
        with atomic_file(path) as stream:
            write_mat(stream, variables, oned_as="column")
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


def _kept_for(path: str | os.PathLike[str]) -> list[Entry]:
    """The entry of the sidecar that belongs to the .mat file which is about to be replaced, if there is one."""
    with suppress(CheckpointError):
        kept = read_sidecar(path).fitting(checksums(read_variables(path, VARIABLES)))
        return [kept] if kept else []
    return []


def find_checkpoint(path: str | os.PathLike[str]) -> str:
    """The file that a path names, with or without its ``.mat``.

    Raises
    ------
    CheckpointError
        There is none.
    """
    name = os.path.expanduser(os.fspath(path))
    for candidate in (name, name + ".mat"):
        if os.path.isfile(candidate):
            return candidate
    got = "a directory" if os.path.isdir(name) else "no such file"
    raise CheckpointError(f"{name}: expected a checkpoint, got {got}, nor {name}.mat. Check the name.")


def _refuse_damage(sidecar: Sidecar, found: Mapping[str, str], name: str) -> None:
    """Refuse a file most of which is what was written with the sidecar: the rest was damaged or edited.

    A file that another program wrote since, MATLAB above all, has other times and records throughout.
    """
    for entry in sidecar.entries:
        others = entry.other_than(found)
        if len(entry.checksums) == len(VARIABLES) and (len(others) <= 2 or "times" not in others):
            raise CheckpointError(
                f"{others[0]}: expected the value that was written with {name}, got another one. The file was damaged: "
                f"take an older checkpoint. If you changed it yourself, remove {name}."
            )


def _lacks_bits(sidecar: Sidecar, entry: Entry | None, precision: str | None) -> bool:
    """Whether a run goes on without bits that it had, or should have, as far as can be known."""
    if entry is not None:
        return precision == "double" and entry.theta is None
    if precision == "single":
        return any(each.is_of_another_method for each in sidecar.entries)
    return precision == "double" or sidecar.trouble == DAMAGED or any(each.keeps_numbers for each in sidecar.entries)


def _lost(path: str, sidecar: Sidecar, entry: Entry | None) -> str:
    got = "those of a run in single precision" if entry else sidecar.trouble or "a file that is of another state"
    others = entry is None and any(each.is_of_another_method for each in sidecar.entries)
    what, instead = "its double values", "The single values are used, as MATLAB does"
    if others:
        what, instead = "what its method remembers", "The method remembers nothing"
    return (
        f"{path}: expected {what} in {sidecar_path(path).name}, got {got}. "
        f"{instead}; the run will not go on bit for bit."
    )


def _lost_checksums(path: str) -> str:
    return (
        f"{path}: expected its checksums in {sidecar_path(path).name}, got {DAMAGED}. "
        "The values are used unchecked, as MATLAB does."
    )


def _only_singles(state: State) -> bool:
    return all(np.array_equal(vector, in_single(vector)) for vector in (state.theta, state.d))
