"""Conversion of checkpoints: to another format, and to weights and biases."""

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
from hf_matlab_compat.matlab.files.checkpoint import writing
from hf_matlab_compat.matlab.files.checkpoint_summary import CheckpointKind, kind_of
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.layer_sizes import candidate_sizes, full_num_parameters
from hf_matlab_compat.matlab.files.mat_formats import Listing, list_variables, write_mat
from hf_matlab_compat.matlab.files.npz_file import write_npz
from hf_matlab_compat.matlab.files.sidecar import path_of_doubles
from hf_matlab_compat.matlab.logs.parser import LoggedSizes, logged_sizes
from hf_matlab_compat.model.packing import unpack

FORMATS = ("v5", "v7", "npz")
_EXTRA = "MATLAB's trainer fails on any variable beyond its nine"


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion.

    Attributes
    ----------
    path : Path
        The file that was written.
    kept : tuple of str
        Variables that were written, with the values and classes that they had.
    left_out : mapping of str to str
        Variables that were not, each with the reason.
    """

    path: Path
    kept: tuple[str, ...]
    left_out: Mapping[str, str]


def convert(
    source: str | os.PathLike[str], target: str | os.PathLike[str], to: str, *, overwrite: bool = False
) -> Conversion:
    """Write the variables of a checkpoint in another format.

    Parameters
    ----------
    source : path-like
        A file in any format that `load_mat` reads.
    target : path-like
        The file to write.
    to : {'v5', 'v7', 'npz'}
        MATLAB v5 (plain), v7 (compressed), or numpy's.
    overwrite : bool
        Replace `target` if it exists.

    Returns
    -------
    Conversion

    Raises
    ------
    CheckpointError
        The source cannot be read or holds one of the nine variables in another class than numbers, the target exists
        or cannot be written, or there is no such format.
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
            f"{lost[0].kind}. Nothing was written, since no run can resume without it."
        )
    numbers = listing.numbers([variable.name for variable in listing.variables if variable.name not in left_out])
    with writing(path), atomic_file(path) as stream:
        if to == "npz":
            write_npz(stream, numbers)
        else:
            write_mat(stream, numbers, do_compression=to == "v7", oned_as="column")
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
            reasons[variable.name] = f"of class {variable.kind}, not a full array of real numbers"
        elif ours and variable.name not in VARIABLES:
            reasons[variable.name] = _EXTRA
    if (doubles := path_of_doubles(source)) is not None:
        reasons[doubles.name] = "doubles beside the checkpoint, not part of it: copy the file to keep them"
    return reasons


def split_layers(path: str | os.PathLike[str], sizes: Sequence[int]) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Read weights and biases from a checkpoint.

    Parameters
    ----------
    path : path-like
        A file in any format that `load_mat` reads.
    sizes : sequence of int
        Sizes of all layers, inputs and outputs included.

    Returns
    -------
    W : list of (s_i, s_{i-1}) arrays
    b : list of (s_i, 1) arrays

    Raises
    ------
    CheckpointError
        The file has no ``paramsp``, or one of another length; the message lists sizes that fit.
    """
    listing = list_variables(path)
    found = listing.numbers(["paramsp"])
    if "paramsp" not in found:
        there = listing.by_name.get("paramsp")
        got = f"one of class {there.kind}" if there else f"none. It is {CheckpointKind.OTHER.value}"
        raise CheckpointError(f"{os.fspath(path)}: expected the variable paramsp with real numbers, got {got}.")
    theta, whole = found["paramsp"].ravel(order="F"), [int(size) for size in sizes]
    if len(whole) < 2 or min(whole) < 1 or theta.size != full_num_parameters(whole):
        raise CheckpointError(_misfit(theta.size, whole, logged_sizes(path, theta.size)))
    layers = unpack(theta, whole)
    return [layer.W.copy() for layer in layers], [layer.b.copy() for layer in layers]


def _misfit(psize: int, sizes: list[int], logged: LoggedSizes | None) -> str:
    if len(sizes) >= 2 and min(sizes) >= 1 and psize == full_num_parameters(sizes, batch_norm=True):
        return f"layersizes: expected a network of this trainer, got {CheckpointKind.BATCH_NORM.value}."
    hidden = [size for size in sizes if size > 0]
    between = [candidate_sizes(psize, hidden=h).sizes[:3] for h in (hidden[1:-1], hidden) if h]
    known = [logged.sizes] if logged is not None else []
    found = [*known, *(each for some in between for each in some), *candidate_sizes(psize).sizes[:3]]
    fits = list(dict.fromkeys(" ".join(map(str, each)) for each in found))
    advice = f"These fit: {'; '.join(fits)}." if fits else "Give the sizes of all layers, input and output included."
    return f"layersizes: expected those of {psize} parameters, got {' '.join(map(str, sizes)) or 'none'}. {advice}"


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
    with writing(path), atomic_file(path) as stream:
        write_mat(stream, cells)
    return path
