"""The nine variables of a checkpoint: conversion from and to a `State`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.sidecar import in_single
from hf_matlab_compat.state import Records, State, hessian_free_state

Array = NDArray[Any]

VARIABLES = ("paramsp", "ch", "epoch", "lambda", "totalpasses", "llrecord", "times", "errrecord", "lambdarecord")
"""The variables of a checkpoint; MATLAB's trainer fails on any other name."""

_LARGEST_WHOLE = 2.0**53
_OTHER_FILE = "The file is not a checkpoint of the trainer, or it is damaged."


def to_variables(state: State) -> dict[str, Array]:
    """Return the variables in the shapes and classes that MATLAB saves: θ and d single, everything else double.

    A method without d, λ or CG steps gets zeros for them.

    Raises
    ------
    CheckpointError
        θ or d is not a numpy vector of floats (the caller copies it from the device), or not finite in single
        precision.
    """
    records = state.records
    theta = in_single(_host_vector("theta", state.theta))
    d = state.memory.get("d")
    if d is None or np.shape(d) != theta.shape:
        d = np.zeros_like(theta)
    return {
        "paramsp": theta.reshape(-1, 1),
        "ch": in_single(_host_vector("d", d)).reshape(-1, 1),
        # double, since an integer class would spread through MATLAB's arithmetic and round lambda and rho
        "epoch": np.full((1, 1), float(state.epoch)),
        "lambda": np.full((1, 1), _number(state, "lam")),
        "totalpasses": np.full((1, 1), _number(state, "total_cg_steps")),
        "llrecord": np.asarray(records.log_likelihood, dtype=np.float64),
        "times": np.asarray(records.seconds, dtype=np.float64).reshape(-1, 1),
        "errrecord": np.asarray(records.error, dtype=np.float64),
        "lambdarecord": np.asarray(records.lam, dtype=np.float64).reshape(-1, 1),
    }


def to_state(variables: Mapping[str, Array], num_parameters: int | None = None) -> State:
    """Return the state that the variables describe.

    Parameters
    ----------
    variables : mapping of str to array
        Real numbers of any class, as `read_variables` returns them; shapes must be MATLAB's.
    num_parameters : int, optional
        P of the network that will resume.

    Returns
    -------
    State

    Raises
    ------
    CheckpointError
        A variable is missing, not finite or of the wrong shape, or P differs.
    """
    missing = [name for name in VARIABLES if name not in variables]
    if missing:
        got = "none of them" if len(missing) == len(VARIABLES) else "no " + ", ".join(missing)
        raise CheckpointError(f"variables: expected {', '.join(VARIABLES)}, got {got}. {_OTHER_FILE}")
    theta = _vector("paramsp", variables, num_parameters)
    epoch = _whole("epoch", variables)
    return hessian_free_state(
        theta=theta,
        d=_vector("ch", variables, theta.size),
        lam=_scalar("lambda", variables),
        epoch=epoch,
        total_cg_steps=_whole("totalpasses", variables),
        records=Records(
            log_likelihood=_two_columns("llrecord", variables, epoch),
            error=_two_columns("errrecord", variables, epoch),
            lam=_list("lambdarecord", variables, epoch),
            seconds=_list("times", variables, epoch),
        ),
    )


def _number(state: State, name: str) -> float:
    value = state.memory.get(name)
    if not isinstance(value, int | float | np.integer | np.floating):
        return 0.0
    # another method's value of this name may be negative or infinite, and such a file could not be read
    return float(value) if {"d", "lam", "total_cg_steps"} <= set(state.memory) or 0 <= value < math.inf else 0.0


def _host_vector(name: str, vector: object) -> Array:
    if not isinstance(vector, np.ndarray) or vector.ndim != 1 or vector.dtype not in (np.float32, np.float64):
        got = f"{type(vector).__name__} {getattr(vector, 'dtype', '')} {getattr(vector, 'shape', '')}".strip()
        raise CheckpointError(f"{name}: expected a numpy vector of floats, got {got}. Copy it to the host first.")
    if not np.isfinite(in_single(vector)).all():
        raise CheckpointError(
            f"{name}: expected numbers that are finite in single precision, got NaN, Inf or more than 3.4e38. "
            "Resume from the previous checkpoint with a larger damping."
        )
    return vector


def _vector(name: str, variables: Mapping[str, Array], length: int | None) -> Array:
    value = variables[name]
    if not value.size:
        raise CheckpointError(f"{name}: expected a column (P×1), got an empty array. Take an older checkpoint.")
    if value.ndim != 2 or value.shape[1] != 1:
        kind = "a row" if value.ndim == 2 and value.shape[0] == 1 else "an array"
        raise CheckpointError(
            f"{name}: expected a column (P×1), got {kind} of {_size(value)}. MATLAB's trainer also fails with it: "
            f"save {name}(:) instead."
        )
    if length is not None and value.size != length:
        advice = "This is a checkpoint of another network." if name == "paramsp" else _OTHER_FILE
        raise CheckpointError(f"{name}: expected {length} values, got {value.size}. {advice}")
    if not np.isfinite(value).all():
        raise CheckpointError(f"{name}: expected finite numbers, got NaN or Inf. Take an older checkpoint.")
    kept = value if value.dtype in (np.float32, np.float64) else value.astype(np.float64)
    return np.array(kept[:, 0], dtype=kept.dtype.newbyteorder("="))


def _scalar(name: str, variables: Mapping[str, Array]) -> float:
    value = variables[name]
    number = float(value.item()) if value.size == 1 else math.nan
    if not (math.isfinite(number) and number >= 0):
        got = repr(number) if value.size == 1 else _size(value)
        raise CheckpointError(f"{name}: expected a finite number of at least 0, got {got}. {_OTHER_FILE}")
    return number


def _whole(name: str, variables: Mapping[str, Array]) -> int:
    number = _scalar(name, variables)
    if number != int(number) or number > _LARGEST_WHOLE:
        raise CheckpointError(f"{name}: expected a whole number, got {number!r}. {_OTHER_FILE}")
    return int(number)


def _two_columns(name: str, variables: Mapping[str, Array], epochs: int) -> NDArray[np.float64]:
    # one row per epoch; if the run had no test data, the second column is nan
    value = variables[name]
    if epochs == 0 and value.size == 0:
        return np.zeros((0, 2))
    if value.ndim != 2 or value.shape[1] not in (1, 2) or value.shape[0] < epochs:
        raise CheckpointError(
            f"{name}: expected {epochs} rows (epochs) and 2 columns, got {_size(value)}. {_OTHER_FILE}"
        )
    rows = np.full((epochs, 2), np.nan)
    rows[:, : value.shape[1]] = value[:epochs]
    return rows


def _list(name: str, variables: Mapping[str, Array], epochs: int) -> NDArray[np.float64]:
    # MATLAB indexes these linearly, so that a row is as good as a column
    value = variables[name]
    if (value.size and value.size != max(value.shape)) or value.size < epochs:
        raise CheckpointError(f"{name}: expected a column of {epochs} (epochs), got {_size(value)}. {_OTHER_FILE}")
    return value.astype(np.float64).ravel()[:epochs]


def _size(value: Array) -> str:
    return "×".join(map(str, value.shape))
