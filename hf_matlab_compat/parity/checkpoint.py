"""The checkpoint that a run leaves, compared variable by variable, and the traces of both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_variables
from hf_matlab_compat.matlab.files.mat_formats import read_variables
from hf_matlab_compat.parity.certificate import Line, Traces, Verdict
from hf_matlab_compat.parity.comparisons import ABSENT, Comparison
from hf_matlab_compat.parity.epoch_judge import EpochJudge
from hf_matlab_compat.parity.recording import EpochRecord, Recording, distance
from hf_matlab_compat.parity.verdicts import (
    AFTER_A_TIE,
    AFTER_REDUCTIONS,
    NO_BOUND,
    SMOKE,
    UNDERFLOW,
    Column,
    differs,
    line_of,
    not_run,
)
from hf_matlab_compat.state import Records, hessian_free_state

_EXACT = ("epoch", "totalpasses", "lambda", "lambdarecord")
_VECTORS = ("paramsp", "ch")
_RECORDS = ("llrecord", "errrecord")
_LISTS = ("lambdarecord", "times")
"""Variables with one number an epoch: trainers index them linearly, so that a row serves as well as a column."""
_SINGLE = 2.0**-22
"""Bound of vectors, which are saved as singles: their last bit may go either way."""


def our_variables(epochs: Sequence[EpochRecord]) -> dict[str, Any]:
    """Return the variables of this package's checkpoint after these epochs, which begin with the run's first."""
    records, reports = Records(), [epoch.report for epoch in epochs if epoch.report is not None]
    for report in reports:
        records = records.extended(report)
    theta, d = (np.asarray(vector) for vector in (epochs[-1].theta_after, epochs[-1].d_after))
    steps = sum(report.cg_steps for report in reports)
    return to_variables(hessian_free_state(theta, d, reports[-1].lam, reports[-1].epoch, steps, records))


def checkpoint_comparisons(content: bytes, ours: Mapping[str, Any]) -> Iterator[Comparison]:
    """Compare class, shape and values of each variable; of durations, class and shape alone."""
    theirs = _read(content)
    for name in VARIABLES:
        b, a = theirs.get(name, ABSENT), ours.get(name, ABSENT)
        apart = None if b is ABSENT or a is ABSENT else _distance(name, a, b)
        yield Comparison(
            "checkpoint", name, "decision" if name in _EXACT else "log_likelihood", "checkpoint", a, b, apart
        )


def checkpoint_bound(name: str, tolerance: float) -> tuple[float, str]:
    """Return the bound of a variable and its source, where the epoch's figures are allowed this relative difference."""
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
    """Cut records that the published program preallocated for epochs to come."""
    return value[:rows] if len(value) > rows and not np.any(value[rows:]) else value


def _read(content: bytes) -> dict[str, Any]:
    try:
        return read_variables(content, VARIABLES)
    except CheckpointError:
        return {}


TRACED: Mapping[str, str] = {"ll": "log_likelihood", "rho": "rho", "lambda": "lam"}
"""Names of the traces in a certificate, and the figures that they show."""

BEHIND: Mapping[str, Sequence[str]] = {
    "paramsp": ("theta",),
    "ch": ("d, where the next CG run starts",),
    "llrecord": ("ll after the step", "test ll"),
    "errrecord": ("err after the step", "test err"),
}
"""Variables of a checkpoint, and the details of the lines whose figures they contain."""


def checkpoint_lines(
    recording: Recording, done: Sequence[EpochRecord], judge: EpochJudge, lines: Sequence[Line], absent: str
) -> list[Line]:
    """Return one line a variable of the checkpoint, or one line that says why nothing was compared."""
    if recording.mode == "kernels" or not recording.epochs:
        return []
    column = judge.column(recording.epochs[-1], None)
    pair = Comparison("checkpoint", "", "checkpoint", "checkpoint", "", "", None)
    if reason := absent or judge.declared("checkpoint") or _not_comparable(recording, done, lines):
        return [not_run(pair, column, reason)]
    if not recording.checkpoint:
        return [differs(pair, column, "the reference lacks this quantity")]
    pairs = checkpoint_comparisons(recording.checkpoint, our_variables(done))
    return [_variable_line(found, column, lines) for found in pairs]


def figures_tolerance(lines: Sequence[Line], details: Sequence[str]) -> float:
    """Return the largest relative difference allowed to some figures of the last stage, in any epoch."""
    return max((line.bound or 0.0 for line in lines if line.stage == "params" and line.detail in details), default=0.0)


def _variable_line(pair: Comparison, column: Column, lines: Sequence[Line]) -> Line:
    if pair.distance is None:
        return line_of(pair, column)
    details = BEHIND.get(pair.detail, ())
    bound, source = checkpoint_bound(pair.detail, figures_tolerance(lines, details))
    verdict = Verdict.AGREES if pair.distance <= bound else Verdict.DIFFERS
    if verdict is Verdict.DIFFERS and np.isfinite(pair.distance):
        unbounded = [line for line in lines if line.detail in details and line.bound_source.startswith(NO_BOUND)]
        if any(line.epoch == column.place["epoch"] for line in unbounded):
            return not_run(pair, column, unbounded[-1].bound_source)
    return replace(not_run(pair, column, source), distance=pair.distance, bound=bound, verdict=verdict)


def traces_of(recording: Recording, done: Sequence[EpochRecord], lines: Sequence[Line]) -> list[Traces]:
    """Return the figures over the epochs, with the bound of each as the envelope."""
    if recording.mode == "kernels" or len(done) < 2:  # one epoch is no trace
        return []
    theirs = {name: _column([each.figures.get(of) for each in recording.epochs]) for name, of in TRACED.items()}
    ours = {name: _column([each.figures.get(of) for each in done]) for name, of in TRACED.items()}
    allowed = {(line.epoch, line.stage, line.detail): line.bound for line in lines}
    places = {"ll": ("params", "ll after the step"), "rho": ("rho", ""), "lambda": ("lambda", "")}
    bounds = {
        name: [allowed.get((record.epoch, *at)) or 0.0 for record in recording.epochs] for name, at in places.items()
    }
    envelope = {name: np.abs(np.nan_to_num(theirs[name], posinf=0, neginf=0)) * bounds[name] for name in TRACED}
    theirs["epoch"] = _column([record.epoch for record in recording.epochs])
    name = f"{recording.case.name} ({recording.mode})"
    return [Traces(case=name, precision=recording.precision, ours=ours, reference=theirs, envelope=envelope)]


def _not_comparable(recording: Recording, done: Sequence[EpochRecord], lines: Sequence[Line]) -> str:
    if recording.stop is not None and recording.stop.cause != "nothing recorded":
        return "the reference went on to an epoch that cannot be judged, and its checkpoint may be of that one"
    if recording.mode == "free" and recording.precision == "single":
        return SMOKE
    if [record.epoch for record in recording.epochs] != list(range(1, len(done) + 1)):
        return "the recording does not begin with epoch 1, or an epoch could not be run"
    if any(line.bound_source.startswith("E passes") for line in lines):
        return "as the figures of its last epochs"
    for reason in (UNDERFLOW, AFTER_REDUCTIONS):
        if any(line.bound_source == reason for line in lines):
            return reason
    ties = any(line.stage == "cg_steps" and line.verdict is Verdict.TIE for line in lines)
    return AFTER_A_TIE if ties else ""


def _column(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float64)
