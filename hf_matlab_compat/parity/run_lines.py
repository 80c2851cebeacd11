"""What is judged of a run as a whole: its checkpoint, and the traces of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hf_matlab_compat.parity.certificate import Line, Traces, Verdict
from hf_matlab_compat.parity.checkpoint_comparison import (
    checkpoint_bound,
    checkpoint_comparisons,
    our_variables,
)
from hf_matlab_compat.parity.comparisons import Comparison
from hf_matlab_compat.parity.epoch_judge import EpochJudge
from hf_matlab_compat.parity.exemptions import AFTER_A_TIE, AFTER_REDUCTIONS, SMOKE, UNDERFLOW
from hf_matlab_compat.parity.port_epoch import PortEpoch
from hf_matlab_compat.parity.reference_run import Recording
from hf_matlab_compat.parity.verdicts import NO_BOUND, Column, differs, line_of, not_run

TRACED = ("ll", "rho", "lambda")

BEHIND: Mapping[str, Sequence[str]] = {
    "paramsp": ("theta",),
    "ch": ("d, where the next CG run starts",),
    "llrecord": ("ll after the step", "test ll"),
    "errrecord": ("err after the step", "test err"),
}
"""Variables of a checkpoint, and the details of the lines whose figures are in them."""


def checkpoint_lines(
    recording: Recording, done: Sequence[PortEpoch], judge: EpochJudge, lines: Sequence[Line], absent: str
) -> list[Line]:
    """One line a variable of the checkpoint; one line that says so where there is nothing to compare."""
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
    """The largest relative difference allowed to some figures of the last stage, in any epoch."""
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


def traces_of(recording: Recording, done: Sequence[PortEpoch], lines: Sequence[Line]) -> list[Traces]:
    """Figures over the epochs; the envelope is what the bound of each allows."""
    if recording.mode == "kernels" or len(done) < 2:  # one epoch is no trace
        return []
    theirs = {name: _column([record.figures.get(name) for record in recording.epochs]) for name in TRACED}
    ours = {name: _column([epoch.figures.get(name) for epoch in done]) for name in TRACED}
    allowed = {(line.epoch, line.stage, line.detail): line.bound for line in lines}
    places = {"ll": ("params", "ll after the step"), "rho": ("rho", ""), "lambda": ("lambda", "")}
    bounds = {
        name: [allowed.get((record.epoch, *at)) or 0.0 for record in recording.epochs] for name, at in places.items()
    }
    envelope = {name: np.abs(np.nan_to_num(theirs[name], posinf=0, neginf=0)) * bounds[name] for name in TRACED}
    theirs["epoch"] = _column([record.epoch for record in recording.epochs])
    name = f"{recording.case.name} ({recording.mode})"
    return [Traces(case=name, precision=recording.precision, ours=ours, reference=theirs, envelope=envelope)]


def _not_comparable(recording: Recording, done: Sequence[PortEpoch], lines: Sequence[Line]) -> str:
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
