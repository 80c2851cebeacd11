"""Convert Python values to what `write_mat` writes for Octave, and what `load_mat` reads from Octave to Python values.

Going in, None is ``[]``; numbers are doubles, except single-precision arrays; a vector is a column; lists and
tuples are 1 x n cells; dicts are structs. Coming out, arrays have two dimensions or more, char rows are `str`, cells
are lists (by column), structs are dicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array


def to_octave(value: Any) -> Any:
    """Convert a Python value to what `write_mat` has to be given, so that Octave gets what was meant.

    Raises
    ------
    ParityError
        It is none of numbers, text, lists and dicts.
    """
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_octave(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        cell = np.empty((1, len(value)), dtype=object)
        for index, entry in enumerate(value):
            cell[0, index] = to_octave(entry)
        return cell
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ParityError(
            f"cannot send {type(value).__name__} to Octave. Send numbers, strings, lists or dicts of them."
        )
    # An integer class spreads: one int64 scalar turns every figure it meets into rounded integers.
    single = array.dtype == np.float32 and array.ndim > 0
    array = array.astype(np.float32 if single else np.float64)
    return array.reshape(-1, 1) if array.ndim < 2 else array


def from_octave(value: Any) -> Any:
    """Convert a value that was read from an Octave file to Python; a sparse matrix becomes a full one.

    Raises
    ------
    ParityError
        It is a function, an object, an array of several structs, or a sparse matrix that is too large to be full.
    """
    if isinstance(value, Skipped):
        raise ParityError(f"expected numbers, text, cells or structs, got a {value.kind}")
    try:
        array = np.asarray(full_array(value))
    except CheckpointError as error:
        raise ParityError(str(error)) from error
    if array.dtype.names:
        if array.size != 1:
            raise ParityError(f"expected one struct, got an array of {array.size}")
        return {name: from_octave(array[name].item()) for name in array.dtype.names}
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise ParityError(f"expected numbers, text, cells or structs, got {type(value).__name__}")
        return [from_octave(entry) for entry in array.ravel(order="F")]
    if array.dtype.kind == "U":
        rows = [str(row) for row in array.ravel()]
        return rows if len(rows) > 1 else "".join(rows)
    return array
