"""Comparison of what a MATLAB script and its translation do: trainer calls, tables, variables at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, MigrationError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate.runtime.arrays import two_dimensional

Call = dict[str, Any]

_TOLERANCE = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
_FLAT = ("layersizes",)
_DRAWS = ("uniforms", "normals")


def octave_calls(folder: Path) -> list[Call]:
    """Read the calls that the recorder in Octave wrote.

    Raises
    ------
    MigrationError
        A record cannot be read.
    """
    calls: list[Call] = []
    for path in sorted(folder.glob("call_*.mat")):
        try:
            content = load_mat(path)
        except CheckpointError as error:
            raise MigrationError(f"{path.name}: {error}") from error
        given = [_plain(entry) for entry in content["arguments"].ravel()]
        draws = {name: content[name] for name in _DRAWS if content[name].size}
        calls.append(dict(zip(TRAINER_ARGUMENTS, given, strict=False)) | draws)
    return calls


def compare_calls(theirs: list[Call], ours: list[Call]) -> tuple[int, list[str]]:
    """Return the number of compared arguments and a sentence for each difference."""
    if len(theirs) != len(ours):
        return 0, [f"calls: expected {len(theirs)}, as in Octave, got {len(ours)}."]
    compared, differences = 0, list[str]()
    for number, (expected, got) in enumerate(zip(theirs, ours, strict=True), 1):
        for name in expected:
            if name not in got and (name in _DRAWS or _without_test_data(name, expected)):
                continue
            compared += 1
            difference = _difference(name, expected[name], got.get(name))
            if difference:
                differences.append(f"call {number}, {name}: {difference}")
    return compared, differences


def calls_without_draws(theirs: list[Call], ours: list[Call]) -> list[int]:
    """Return the calls, from 1, that draw first parameters in MATLAB but have no random stream in Python."""
    pairs = enumerate(zip(theirs, ours, strict=False), 1)
    return [number for number, (expected, got) in pairs if any(n in expected and n not in got for n in _DRAWS)]


def _without_test_data(name: str, call: Call) -> bool:
    """Return whether the argument is the number of test chunks without test data, which `train` does not get."""
    return name == "numchunks_test" and _is_empty(call["intest"])


def compare_tables(theirs: Path, ours: Path) -> list[str]:
    """Return a sentence for each .csv file that is missing on one side or differs."""
    differences: list[str] = []
    for name in sorted({path.name for folder in (theirs, ours) for path in folder.glob("*.csv")}):
        if not (theirs / name).exists() or not (ours / name).exists():
            differences.append(f"{name}: written on one side only.")
            continue
        one, other = (np.loadtxt(folder / name, delimiter=",", ndmin=2) for folder in (theirs, ours))
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-4, atol=1e-12):
            differences.append(f"{name}: the tables differ.")
    return differences


def octave_variables(folder: Path) -> list[str]:
    """Return the names of the variables at the end of the script in Octave."""
    return sorted(path.stem for path in folder.glob("*.mat"))


def compare_variables(folder: Path, ours: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return the number of variables compared with those that Octave saved, and a sentence for each difference.

    Structs and unreadable values are skipped.
    """
    compared, differences = 0, list[str]()
    for name, got in ours.items():
        try:
            expected = _plain(load_mat(folder / f"{name}.mat")[name])
        except (CheckpointError, KeyError):
            continue
        if _is_of_numbers(expected):
            compared += 1
            difference = _difference(name, expected, got, _LOOSE)
            differences += [f"{name}, at the end: {difference}"] if difference else []
    return compared, differences


_LOOSE = 1e4
"""Factor on the tolerance for variables at the end: a whole script sums in another order."""


def _is_of_numbers(value: Any) -> bool:
    """Return whether a value is numbers, a string, or cells of these."""
    if isinstance(value, list):
        return all(map(_is_of_numbers, value))
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind in "biufc")


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return "".join(str(row) for row in array.ravel())
    if array.dtype.kind == "O":
        return [_plain(entry) for entry in array.ravel(order="F")]
    return array


def _difference(name: str, expected: Any, got: Any, loose: float = 1.0) -> str:
    if _is_empty(expected) and _is_empty(got):
        return ""
    if isinstance(expected, str) or isinstance(got, str):
        return "" if expected == got else f"expected {expected!r}, got {got!r}."
    if isinstance(expected, list) and isinstance(got, list):
        return _cells_difference(name, expected, got, loose)
    if isinstance(expected, list) or isinstance(got, list):
        return f"expected {'cells' if isinstance(expected, list) else 'an array'}, got something else."
    return _array_difference(name, expected, got, loose)


def _cells_difference(name: str, expected: list[Any], got: list[Any], loose: float) -> str:
    if len(expected) != len(got):
        return f"expected {len(expected)} cells, got {len(got)}."
    found = (_difference(name, one, other, loose) for one, other in zip(expected, got, strict=True))
    return next((difference for difference in found if difference), "")


def _is_empty(value: Any) -> bool:
    return value is None or (len(value) == 0 if isinstance(value, str | list) else np.size(value) == 0)


def _array_difference(name: str, expected: Any, got: Any, loose: float) -> str:
    one, other = two_dimensional(expected), two_dimensional(got)
    if name in _FLAT:
        one, other = one.reshape(1, -1), other.reshape(1, -1)
    if one.shape != other.shape:
        return f"expected shape {one.shape}, got {other.shape}."
    singles = [array.dtype == np.float32 for array in (one, other)]
    if one.size > 1 and singles[0] != singles[1]:
        return f"expected class {one.dtype}, got {other.dtype}."
    one, other = (array if array.dtype.kind == "c" else array.astype(float) for array in (one, other))
    with np.errstate(invalid="ignore"):
        gap = np.where(one == other, 0.0, np.abs(one - other))
    gap = np.where(np.isnan(one) & np.isnan(other), 0.0, gap)
    finite = np.abs(one[np.isfinite(one)])
    scale = max(float(finite.max(initial=0.0)), 1e-300)
    bound = loose * _TOLERANCE[np.dtype(np.float32) if singles[0] else np.dtype(np.float64)]
    if not np.array_equal(one, other, equal_nan=True) and not float(gap.max()) <= bound * scale:
        return f"expected the same numbers, got a difference of {float(np.nanmax(gap)):g}."
    return ""
