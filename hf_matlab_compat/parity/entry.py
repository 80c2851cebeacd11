"""The call that users make: `nnet_train_2` with the case's own 22 arguments, judged by what it returns and writes.

Over all epochs it is held against its own epochs one by one (`continuity`), over the first against the reference.
Every other stage runs epochs of a problem that the comparison has built for itself; what lies between the arguments and
that problem (their translation, defaults, checks, the files) is seen here alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.legacy.entry_points import nnet_train, nnet_train_2
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.vocabulary import to_matlab_value
from hf_matlab_compat.parity.certificate import Line
from hf_matlab_compat.parity.comparisons import Comparison, end_comparisons
from hf_matlab_compat.parity.continuity import (
    STAGE,
    Called,
    epochs_of_a_call,
    nothing_called,
    port_lines,
    reference_lines,
    unmeasured,
)
from hf_matlab_compat.parity.engines.printed import epoch_lines
from hf_matlab_compat.parity.epoch_judge import EpochJudge
from hf_matlab_compat.parity.port_case import PortCase
from hf_matlab_compat.parity.port_epoch import PortEpoch, run_epoch
from hf_matlab_compat.parity.port_runs import starting
from hf_matlab_compat.parity.reference_run import Case, EpochRecord, Recording, distance
from hf_matlab_compat.parity.verdicts import differs, line_of, not_run

AFTER_A_CHOICE = "after a tie in chose_iters"
_FIGURES: Mapping[str, tuple[str, int]] = {
    "lambda": ("lambdarecord", 0),
    "ll": ("llrecord", 0),
    "test_ll": ("llrecord", 1),
    "err": ("errrecord", 0),
    "test_err": ("errrecord", 1),
}
"""Figures of an epoch, and the variable of the checkpoint and its column that hold them."""

_LOG = Comparison(STAGE, "log", "log", "log", "", "", None)
_WITHOUT_PARAMETERS = PortEpoch(figures={"lambda": float("nan")})


def run_entry(case: Case, precision: str, epochs: int, backend: str = "numpy") -> Called:
    """What the call returned and wrote.

    Parameters
    ----------
    case : Case
        Its constants go in as keywords of `nnet_train`; without any, in single precision, the call is `nnet_train_2`.
    precision : {'single', 'double'}
    epochs : int
    backend : {'numpy', 'numba', 'cupy'}

    Raises
    ------
    HessianFreeError
        The call was refused, or stopped.
    KeyboardInterrupt
        Ctrl-C, which the call itself answers by returning what it has.
    """
    with TemporaryDirectory() as folder:
        stem = Path(folder) / "entry"
        given = {
            **case.arguments,
            "runName": str(stem),
            "maxepoch": epochs,
            "jacket": to_matlab_value("backend", backend),
        }
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            if case.constants or precision == "double":
                theta = nnet_train(**given, **case.constants, precision=precision, display="none")
            else:
                theta = nnet_train_2(**given)
        written = Path(f"{stem}_nnet_running.mat").read_bytes()
        log = Path(f"{stem}.txt").read_text(encoding="latin-1")
    saved = load_mat(written)
    if int(saved["epoch"].item()) < epochs:
        raise KeyboardInterrupt
    done = [PortEpoch(figures=_figures(saved, k), log_lines=epoch_lines(log, k)) for k in range(1, epochs + 1)]
    done[-1].theta_after = np.asarray(theta).ravel()
    return Called(done, written)


def _figures(saved: Mapping[str, Any], epoch: int) -> dict[str, float]:
    values = {name: saved[variable] for name, (variable, _) in _FIGURES.items()}
    return {
        name: float(values[name][epoch - 1, column])
        for name, (_, column) in _FIGURES.items()
        if values[name].shape[1] > column
    }


def entry_lines(
    recording: Recording, case: PortCase, judge: EpochJudge, ours: Sequence[PortEpoch | str], absent: str
) -> list[Line]:
    """The lines of stage 'entry': of a free run every epoch, of others the first; then of the call over all.

    Parameters
    ----------
    recording : Recording
    case : PortCase
        Of the recording.
    judge : EpochJudge
        Of the recording; bounds are those of the same quantities elsewhere.
    ours : sequence of PortEpoch or str
        This package's epochs beside those of the recording.
    absent : str
        Why nothing can be run; empty where it can.
    """
    if recording.mode == "kernels" or recording.epochs[0].epoch != 1:
        return []
    free = recording.mode == "free"
    records = recording.epochs if free else recording.epochs[:1]
    beginning = _beginning(records[0], case)
    if absent:
        lines = [*_nothing_called(records, beginning, judge, absent), *nothing_called(recording, judge, absent)]
        return [*lines, *reference_lines(recording, judge, absent)]
    column = judge.column(records[0], None)
    begun = line_of(beginning, replace(column, measured=unmeasured, own=unmeasured))
    whole = _called(recording, judge, epochs_of_a_call(recording))
    called = whole if free and len(records) > 1 else _called(recording, judge, len(records))
    if isinstance(called, HessianFreeError):
        pairs = _pairs(records[0], PortEpoch(), judge)
        found = [differs(pair, column, f"the call stopped: {called}") for pair in pairs]
    else:
        found = list(_judged(recording, case, judge, list(zip(records, ours, called.epochs, strict=False))))
    across = [*port_lines(recording, case, judge, whole), *reference_lines(recording, judge)]
    return [begun, *found, *across]


def _called(recording: Recording, judge: EpochJudge, epochs: int) -> Called | HessianFreeError:
    try:
        return run_entry(recording.case, recording.precision, epochs, judge.backend)
    except HessianFreeError as error:
        return error


def _nothing_called(
    records: Sequence[EpochRecord], beginning: Comparison, judge: EpochJudge, absent: str
) -> Iterator[Line]:
    """The lines that a call would have had."""
    for record in records:
        last = record is records[-1]
        pairs = _pairs(record, PortEpoch() if last else _WITHOUT_PARAMETERS, judge)
        first = [beginning] if record is records[0] else []
        yield from (not_run(pair, judge.column(record, None), absent) for pair in (*first, *pairs, _LOG))


def _beginning(record: EpochRecord, case: PortCase) -> Comparison:
    """The lambda that `train` begins with, whatever `nnet_train` hands it."""
    ours = case.options.initial_lam
    return Comparison(
        STAGE, "lambda before epoch 1", "lambda before", "decision", ours, record.lam, distance(ours, record.lam)
    )


def _judged(
    recording: Recording,
    case: PortCase,
    judge: EpochJudge,
    epochs: Sequence[tuple[EpochRecord, PortEpoch | str, PortEpoch]],
) -> Iterator[Line]:
    parted = False
    for record, ours, called in epochs:
        column = judge.column(record, None)
        if isinstance(ours, str):
            yield from (differs(pair, column, ours) for pair in _pairs(record, called, judge))
            return
        tie = bool(ours.own_choice) and record.figures.get("chose_iters") not in (None, ours.own_choice)
        if parted or (tie and recording.mode == "free"):
            parted = True
            yield from (not_run(pair, column, AFTER_A_CHOICE) for pair in _pairs(record, called, judge))
            continue
        beside = _own_choice(record, case) if tie else record
        yield from judge.entry_lines(beside, ours, called, list(_pairs(beside, called, judge)))


def _own_choice(record: EpochRecord, case: PortCase) -> EpochRecord:
    """The epoch as this package's own choice makes it: at a tie the call, which nobody guides, ends there."""
    started, state = starting(case, record, None)
    own = run_epoch(started, state, None, None)
    figures = {name: value for name, value in own.figures.items() if name in record.figures}
    return replace(record, figures=figures, theta_after=own.theta_after, log_lines=own.log_lines)


def _pairs(record: EpochRecord, called: PortEpoch, judge: EpochJudge) -> Iterator[Comparison]:
    names = [name for name in _FIGURES if name in record.figures]
    for pair in end_comparisons(record, called, names, judge.declared):
        detail = pair.detail or pair.stage
        yield replace(pair, stage=STAGE, detail=detail)
