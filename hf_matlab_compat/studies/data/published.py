"""The data of the papers, from a user's own copy of the files that their authors gave away."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, DataError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.files.mat_values import full_array
from hf_matlab_compat.studies.data.pictures import Pictures

_MNIST = tuple(f"{part}{digit}" for part in ("train", "test") for digit in range(10))


def published(
    path: str | os.PathLike[str],
    variable: str | None = None,
    test_variable: str | None = None,
    cases_in: Literal["rows", "columns"] = "columns",
) -> Pictures:
    """Read CURVES, MNIST or FACES in the layout of their published files, or two variables of any data file.

    The layout is known by the names of the variables, not by that of the file:

    - `digs3pts_1.mat` (CURVES): bdata and bdatatest, cases in rows;
    - `mnist_all.mat`: train0 … train9 and test0 … test9, cases in rows of bytes, which are divided by 255; with labels;
    - `newfaces_rot_single.mat` (FACES): newfaces_single, cases in columns, of which the first 25 of 40 parts are to
      train and the last 10 to test on, as in the published experiments.

    Parameters
    ----------
    path : path
        A .mat file, or another that `load_mat` reads.
    variable, test_variable : str, optional
        Other variables to train and to test on.
    cases_in : {'rows', 'columns'}
        Of these variables.

    Returns
    -------
    Pictures
        In the order of the file; the authors' script permutes the training cases.

    Raises
    ------
    DataError
        The file cannot be read, or does not have these variables or shapes.
    """
    file = Path(path).expanduser()
    try:
        found = load_mat(file)
    except CheckpointError as error:
        raise DataError("path", expected="a data file", got=f"{str(file)!r} ({str(error).rstrip('.')})") from error
    if variable is not None or test_variable is not None:
        return _named(found, variable, test_variable, cases_in)
    if {"bdata", "bdatatest"} <= set(found):
        return _named(found, "bdata", "bdatatest", "rows")
    if set(_MNIST) <= set(found):
        return _mnist(found)
    if "newfaces_single" in found:
        return _faces(_matrix(found, "newfaces_single"))
    raise DataError(
        "path",
        expected="variables bdata and bdatatest (CURVES), train0 … test9 (MNIST) or newfaces_single (FACES)",
        got=f"the variables {', '.join(found) or 'of an empty file'}",
        advice="Name two of them: {variable} and {test_variable}.",
    )


def _named(found: Mapping[str, Any], variable: str | None, test_variable: str | None, cases_in: str) -> Pictures:
    if cases_in not in ("rows", "columns"):
        raise DataError("cases_in", expected="'rows' or 'columns'", got=repr(cases_in))
    for name, value in (("variable", variable), ("test_variable", test_variable)):
        if value not in found:
            raise DataError(name, expected=f"one of {', '.join(found)}", got=repr(value))
    train, test = _matrix(found, str(variable)), _matrix(found, str(test_variable))
    train, test = (train.T, test.T) if cases_in == "rows" else (train, test)
    if len(train) != len(test):
        raise DataError(
            "test_variable",
            expected=f"{len(train)} numbers a case, as in {variable}",
            got=len(test),
            advice="Check {cases_in}.",
        )
    return Pictures(train, test)


def _mnist(found: Mapping[str, Any]) -> Pictures:
    parts = {name: _matrix(found, name) for name in _MNIST}
    for name, part in parts.items():
        if part.shape[1] != 784:
            raise DataError(name, expected="784 columns, a picture in each row", got=f"shape {part.shape}")

    def joined(kind: str) -> tuple[NDArray[Any], NDArray[Any]]:
        pictures = [parts[f"{kind}{digit}"] for digit in range(10)]
        labels = np.repeat(np.arange(10), [len(each) for each in pictures])
        return np.vstack(pictures).T.astype(np.float32) / np.float32(255), labels

    (train, train_labels), (test, test_labels) = joined("train"), joined("test")
    return Pictures(train, test, train_labels, test_labels)


def _faces(pictures: NDArray[Any]) -> Pictures:
    part = pictures.shape[1] // 40
    if len(pictures) != 625 or not part:
        got = f"shape {pictures.shape}"
        raise DataError("newfaces_single", expected="625 rows and at least 40 columns, a picture in each", got=got)
    return Pictures(pictures[:, : 25 * part], pictures[:, -10 * part :])


def _matrix(found: Mapping[str, Any], name: str) -> NDArray[Any]:
    value = full_array(found[name])
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in "buif" or not value.size:
        raise DataError(name, expected="a matrix of real numbers", got=getattr(value, "shape", type(value).__name__))
    return value
