"""A single variable out of a user's .mat file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, DataError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array, printable


def read_variable(path: str | os.PathLike[str], name: str) -> NDArray[Any]:
    """The array called `name` in a file of MATLAB's or Octave's, in any format that `load_mat` reads.

    Raises
    ------
    DataError
        There is no such file or no such variable in it; the sentence lists those that are.
    """
    file = Path(path)
    try:
        found = load_mat(file)
        if name in found and isinstance(value := full_array(found[name]), np.ndarray):
            return value
    except CheckpointError as error:
        raise DataError("data", expected="a .mat file", got=f"{str(file)!r} ({str(error).rstrip('.')})") from error
    names = ", ".join(key for key, value in found.items() if not isinstance(value, Skipped))
    raise DataError("variable", expected=f"one of {printable(names)}", got=repr(name))
