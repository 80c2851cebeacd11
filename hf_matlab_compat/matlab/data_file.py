"""A single variable out of a user's .mat file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError


def read_variable(path: str | os.PathLike[str], name: str) -> NDArray[Any]:
    """The array called `name` in a .mat file (v4 to v7).

    Raises
    ------
    DataError
        There is no such file or no such variable in it; the sentence lists those that are.
    """
    from scipy.io import loadmat

    file = Path(path)
    try:
        found = loadmat(file, mat_dtype=True)
    except (OSError, ValueError, NotImplementedError) as error:
        raise DataError("data", expected="a .mat file (v4 to v7)", got=f"{str(file)!r} ({error})") from error
    if name not in found:
        names = ", ".join(key for key in found if not key.startswith("__"))
        raise DataError("variable", expected=f"one of {names}", got=repr(name))
    return np.asarray(found[name])
