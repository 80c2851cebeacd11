"""A checkpoint in another format: the same numbers, and a list of whatever could not come along."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.checkpoint_summary import CheckpointKind, kind_of
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.mat_formats import write_mat
from hf_matlab_compat.matlab.files.npz_file import write_npz
from hf_matlab_compat.matlab.files.sidecar import path_of_doubles
from hf_matlab_compat.matlab.files.variable_listing import Listing, list_variables, read_numbers

FORMATS = ("v5", "v7", "npz")
_EXTRA = "MATLAB's trainer fails on any other variable than its nine"


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Attributes
    ----------
    path : Path
    kept : tuple of str
        Variables that were written, with the values and classes that they had.
    left_out : mapping of str to str
        What was not, and why.
    """

    path: Path
    kept: tuple[str, ...]
    left_out: Mapping[str, str]


def convert(
    source: str | os.PathLike[str], target: str | os.PathLike[str], to: str, *, overwrite: bool = False
) -> Conversion:
    """Write the variables of a checkpoint, of any format that is read, in another format.

    Parameters
    ----------
    source, target : path-like
    to : {'v5', 'v7', 'npz'}
        MATLAB v5 (plain), v7 (packed), or numpy's.
    overwrite : bool
        Replace `target` where it exists.

    Returns
    -------
    Conversion

    Raises
    ------
    CheckpointError
        The source cannot be read or lacks a number that a checkpoint is made of, the target exists or cannot be
        written, or the format is none of these.
    """
    if to not in FORMATS:
        raise CheckpointError(f"to: expected one of {', '.join(FORMATS)}, got {to!r}.")
    path = _free(target, overwrite)
    listing = list_variables(source)
    left_out = _left_out(source, listing)
    lost = [variable for variable in listing.variables if variable.name in VARIABLES and not variable.is_numeric]
    if lost:
        raise CheckpointError(
            f"{os.fspath(source)}: expected {lost[0].name} to be a full array of real numbers, got one of class "
            f"{lost[0].kind}. Nothing was written, since a checkpoint without it is none."
        )
    kept = Listing(listing.form, tuple(v for v in listing.variables if v.name not in left_out))
    numbers = read_numbers(source, kept)
    try:
        _write(path, numbers, to)
    except OSError as error:
        raise CheckpointError(f"{path}: expected to write it, got '{error.strerror or error}'.") from error
    return Conversion(path, tuple(numbers), left_out)


def _free(target: str | os.PathLike[str], overwrite: bool) -> Path:
    path = Path(target)
    if path.exists() and not overwrite:
        raise CheckpointError(f"{path}: expected no such file, got one. Choose another name, or allow overwriting.")
    return path


def _left_out(source: str | os.PathLike[str], listing: Listing) -> dict[str, str]:
    ours = kind_of([variable.name for variable in listing.variables]) is CheckpointKind.TRAINER
    reasons: dict[str, str] = {}
    for variable in listing.variables:
        if not variable.is_numeric:
            reasons[variable.name] = f"of class {variable.kind}, no full array of real numbers"
        elif ours and variable.name not in VARIABLES:
            reasons[variable.name] = _EXTRA
    if (doubles := path_of_doubles(source)) is not None:
        reasons[doubles.name] = "doubles beside the checkpoint, no part of it: copy the file to keep them"
    return reasons


def _write(path: Path, numbers: Mapping[str, NDArray[Any]], to: str) -> None:
    with atomic_file(path) as stream:
        if to == "npz":
            write_npz(stream, numbers)
        else:
            write_mat(stream, numbers, do_compression=to == "v7", oned_as="column")


def write_layers(
    target: str | os.PathLike[str], W: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]], *, overwrite: bool = False
) -> Path:
    """Write weights and biases as the cell arrays ``W`` and ``b`` of a .mat file.

    Raises
    ------
    CheckpointError
        The target exists, or cannot be written.
    """
    path = _free(target, overwrite)
    cells = {name: np.empty((1, len(parts)), dtype=object) for name, parts in (("W", W), ("b", b))}
    for i in range(len(W)):
        cells["W"][0, i], cells["b"][0, i] = W[i], b[i]
    try:
        with atomic_file(path) as stream:
            write_mat(stream, cells)
    except OSError as error:
        raise CheckpointError(f"{path}: expected to write it, got '{error.strerror or error}'.") from error
    return path
