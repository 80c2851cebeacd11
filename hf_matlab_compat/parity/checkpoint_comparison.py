"""The checkpoint that a run leaves, variable by variable, as bytes of a .mat file on one side."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_variables
from hf_matlab_compat.matlab.files.mat_formats import read_variables
from hf_matlab_compat.parity.comparisons import ABSENT, Comparison
from hf_matlab_compat.parity.port_epoch import PortEpoch
from hf_matlab_compat.parity.reference_run import distance
from hf_matlab_compat.state import Records, hessian_free_state

_EXACT = ("epoch", "totalpasses", "lambda", "lambdarecord")
_VECTORS = ("paramsp", "ch")
_RECORDS = ("llrecord", "errrecord")
_LISTS = ("lambdarecord", "times")
"""One number an epoch: trainers index them linearly, so that a row serves as well as a column."""
_SINGLE = 2.0**-22
"""Vectors are saved as singles: a last bit of theirs may go either way."""


def our_variables(epochs: Sequence[PortEpoch]) -> dict[str, Any]:
    """What this package's checkpoint holds after these epochs, the run's first among them."""
    records, steps = Records(), 0
    for epoch in epochs:
        assert epoch.report is not None
        records, steps = records.extended(epoch.report), steps + epoch.report.cg_steps
    last = epochs[-1]
    assert last.report is not None
    assert last.theta_after is not None
    assert last.d_after is not None
    state = hessian_free_state(
        theta=last.theta_after,
        d=last.d_after,
        lam=last.report.lam,
        epoch=last.report.epoch,
        total_cg_steps=steps,
        records=records,
    )
    return to_variables(state)


def checkpoint_comparisons(content: bytes, ours: Mapping[str, Any]) -> Iterator[Comparison]:
    """One comparison a variable: class, shape and values; durations are not compared."""
    theirs = _read(content)
    for name in VARIABLES:
        b, a = theirs.get(name, ABSENT), ours.get(name, ABSENT)
        apart = None if b is ABSENT or a is ABSENT else _distance(name, a, b)
        yield Comparison("checkpoint", name, "decision" if name in _EXACT else "ll", "checkpoint", a, b, apart)


def checkpoint_bound(name: str, tolerance: float) -> tuple[float, str]:
    """Of a variable, where the epoch's figures are allowed this relative difference."""
    if name in _EXACT or name == "times":
        return 0.0, "exact" if name in _EXACT else "class and shape"
    if name in _VECTORS:
        return max(tolerance, _SINGLE), "figures' bound, or 4u of single"
    return tolerance, "figures' bound"


def _distance(name: str, ours: Any, theirs: Any) -> float:
    if theirs.dtype.kind not in "fiub":  # text, complex numbers, cells
        return float("inf")
    if name in _LISTS and theirs.size == max(theirs.shape, default=0):
        theirs = theirs.reshape(-1, 1)
    if name in (*_LISTS, *_RECORDS):
        theirs = _rows(theirs, len(ours))
    if name in _VECTORS and theirs.dtype == np.float64:  # a reference in double may keep its doubles
        theirs = theirs.astype(np.float32)
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return float("inf")
    return 0.0 if name == "times" else distance(np.nan_to_num(ours, nan=0.0), np.nan_to_num(theirs, nan=0.0))


def _rows(value: Any, rows: int) -> Any:
    """Records that the published program preallocated for epochs to come are cut."""
    return value[:rows] if len(value) > rows and not np.any(value[rows:]) else value


def _read(content: bytes) -> dict[str, Any]:
    with TemporaryDirectory(prefix="hf_parity_") as folder:
        path = Path(folder) / "checkpoint.mat"
        path.write_bytes(content)
        try:
            return read_variables(os.fspath(path), VARIABLES)
        except CheckpointError:
            return {}
