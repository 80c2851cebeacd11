"""Reading and writing checkpoints, from which MATLAB's trainer and this one resume."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError
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

_NOT_WRITABLE = "Make the directory writable or choose another name."
_ADVICE: Mapping[int, str] = {
    errno.ENOSPC: "Free some disk space; the previous checkpoint is whole.",
    errno.EDQUOT: "Free some of your quota; the previous checkpoint is whole.",
    errno.EACCES: _NOT_WRITABLE,
    errno.EPERM: _NOT_WRITABLE,
    errno.EROFS: _NOT_WRITABLE,
    errno.ENOENT: "Make the directory first.",
    errno.ENOTDIR: "Choose a name inside a directory.",
    errno.EISDIR: "Choose another name.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}


_KINDS = {"single": np.float32, "double": np.float64}


class CheckpointWarning(UserWarning):
    """A run can resume from the checkpoint, but will not continue bit for bit."""


def write_checkpoint(
    path: str | os.PathLike[str],
    state: State,
    run: Mapping[str, Any] | None = None,
    standing: Entry | None = None,
) -> Entry:
    """Write the nine variables of MATLAB's trainer, so that it resumes from them bit for bit.

    The file is always either the old or the new one, also if the process is killed. It holds θ and d in single
    precision, as MATLAB's does. A sidecar ``<stem>.sidecar.npz`` is written first: it keeps checksums and values
    that the .mat file cannot hold (doubles, the memory of another method).

    Parameters
    ----------
    path : path-like
        The file, with its ``.mat``.
    state : State
        Its arrays must be numpy arrays, θ and d float32 or float64: the caller copies them from the device.
    run : mapping, optional
        Description of the run, plain values for the sidecar.
    standing : Entry, optional
        The entry that the latest call for this path returned; without it the file is read.

    Returns
    -------
    Entry
        The entry of the sidecar for this state.

    Raises
    ------
    CheckpointError
        The disk is full, the directory is missing or not writable, or a vector has another type or is not finite in
        single precision. The previous file is unchanged.
    """
    variables = to_variables(state)
    entry = Entry.of(state, variables, run or {})
    entries = [entry, *([standing] if standing else _kept_for(path))]
    with writing(path):
        write_sidecar(path, entries)
        with atomic_file(path) as stream:
            write_mat(stream, variables, oned_as="column")
    if standing is None:  # otherwise the call that returned it has removed it
        remove_sidecar_of_before(path)
    return entry


def read_checkpoint(
    path: str | os.PathLike[str], *, num_parameters: int | None = None, precision: str | None = None
) -> State:
    """Read the state that a checkpoint holds, in any format that `load_mat` reads.

    Parameters
    ----------
    path : path-like
        The checkpoint; ``.mat`` is appended if there is no such file.
    num_parameters : int, optional
        P of the network that will resume; a checkpoint of another size is refused.
    precision : {'single', 'double'}, optional
        Class of θ and of the arrays in the memory that had the class of θ. 'double' warns if there are no double
        values. By default double if the sidecar has doubles, otherwise the class of the file.

    Returns
    -------
    State
        Its vectors are numpy arrays, float32 or float64; after k epochs the records have k rows. Rows that MATLAB had
        preallocated for more epochs are cut; a missing test column is nan.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged (the sidecar keeps checksums), lacks a variable or belongs to another
        network.

    Warns
    -----
    CheckpointWarning
        The sidecar is damaged or belongs to another state: single values are used, or values are used unchecked.
    """
    found = find_checkpoint(path)
    try:
        variables = read_variables(found, VARIABLES)
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
    """Return the description of the run that wrote a checkpoint; empty if it is not known."""
    found = find_checkpoint(path)
    sidecar = read_sidecar(found)
    entry = sidecar.fitting(checksums(read_variables(found, VARIABLES))) if sidecar.entries else None
    return {} if entry is None else entry.run


def problem_in_words(run: Mapping[str, Any]) -> str:
    """Return what a run of `train(problem=…)` trained, from its description; empty for a feed-forward network.

    Examples
    --------
    >>> problem_in_words({"problem": "Mine"})
    'a problem of class Mine, not a feed-forward network'
    """
    told = run.get("sequences")
    if told is None:
        return f"a problem of class {run['problem']}, not a feed-forward network" if "problem" in run else ""
    return f"a {told['kind']} net {'-'.join(map(str, told['sizes']))} ({', '.join(told['unit_types'])})"


def why_no_run_goes_on(path: str | os.PathLike[str]) -> str:
    """Return the error of `read_checkpoint` without the file's name; empty if a run can resume from the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)  # a run resumes, if not bit for bit
            read_checkpoint(path)
    except CheckpointError as error:
        return str(error).removeprefix(f"{os.fspath(path)}: ")
    return ""


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError of this block, which writes to `path`, into one sentence.

    Raises
    ------
    CheckpointError
        The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "The previous checkpoint, if there is one, is whole.")
        got = error.strerror or str(error)
        raise CheckpointError(f"{os.fspath(path)}: expected to write it, got '{got}'. {advice}") from error


def _kept_for(path: str | os.PathLike[str]) -> list[Entry]:
    """Return the sidecar's entry for the .mat file that is about to be replaced, if there is one."""
    with suppress(CheckpointError):
        kept = read_sidecar(path).fitting(checksums(read_variables(path, VARIABLES)))
        return [kept] if kept else []
    return []


def find_checkpoint(path: str | os.PathLike[str]) -> str:
    """Return the file that a path names, with or without its ``.mat``.

    Raises
    ------
    CheckpointError
        There is no such file.
    """
    name = os.path.expanduser(os.fspath(path))
    for candidate in (name, name + ".mat"):
        if os.path.isfile(candidate):
            return candidate
    got = "a directory" if os.path.isdir(name) else "no such file"
    raise CheckpointError(f"{name}: expected a checkpoint, got {got}, nor {name}.mat. Check the name.")


def _refuse_damage(sidecar: Sidecar, found: Mapping[str, str], name: str) -> None:
    # A file that differs from a sidecar's entry in a few variables only was damaged or edited. A file that another
    # program wrote later, such as MATLAB, differs in `times` and all records.
    for entry in sidecar.entries:
        others = entry.other_than(found)
        if len(entry.checksums) == len(VARIABLES) and (len(others) <= 2 or "times" not in others):
            raise CheckpointError(
                f"{others[0]}: expected the value that was written with {name}, got another one. The file was damaged: "
                f"take an older checkpoint. If you changed it yourself, remove {name}."
            )


def _lacks_bits(sidecar: Sidecar, entry: Entry | None, precision: str | None) -> bool:
    """Return True if the run that resumes lacks bits that it had, as far as can be known."""
    if entry is not None:
        return precision == "double" and entry.theta is None
    if precision == "single":
        return any(each.is_of_another_method for each in sidecar.entries)
    return precision == "double" or sidecar.trouble == DAMAGED or any(each.keeps_numbers for each in sidecar.entries)


def _lost(path: str, sidecar: Sidecar, entry: Entry | None) -> str:
    got = "those of a run in single precision" if entry else sidecar.trouble or "the sidecar of another state"
    others = entry is None and any(each.is_of_another_method for each in sidecar.entries)
    what, instead = "its double values", "The single values are used, as MATLAB does"
    if others:
        what, instead = "the memory of its method", "The method starts with an empty memory"
    return (
        f"{path}: expected {what} in {sidecar_path(path).name}, got {got}. "
        f"{instead}; the run will not continue bit for bit."
    )


def _lost_checksums(path: str) -> str:
    return (
        f"{path}: expected its checksums in {sidecar_path(path).name}, got {DAMAGED}. "
        "The values are used unchecked, as MATLAB does."
    )


def _only_singles(state: State) -> bool:
    return all(np.array_equal(vector, in_single(vector)) for vector in (state.theta, state.d))
