"""The stage 'entry': the call that users make, judged by its returned values and its files.

Every other stage runs single epochs of the same problem. Only the call has MATLAB's names and defaults, the whole loop
and the files. Its first epoch is compared with the reference's. Over several epochs, one call is compared with its
single epochs, on either side: lockstep begins every epoch from a state that it has been given, so that state which a
trainer carries on otherwise is in the one call alone. Without such state, both are runs of the same program from the
same numbers, and equal to the last bit.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.legacy.entry_points import nnet_train, nnet_train_2
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.vocabulary import to_matlab_value
from hf_matlab_compat.parity.certificate import Line
from hf_matlab_compat.parity.checkpoint import checkpoint_comparisons, our_variables
from hf_matlab_compat.parity.comparisons import Comparison, end_comparisons
from hf_matlab_compat.parity.engines.port import run_epoch, single_epochs, starting
from hf_matlab_compat.parity.engines.port_case import PortCase
from hf_matlab_compat.parity.engines.recurrent_port import RecurrentPortCase
from hf_matlab_compat.parity.epoch_judge import EpochJudge
from hf_matlab_compat.parity.log_comparison import epoch_lines
from hf_matlab_compat.parity.recording import Case, EpochRecord, Recording, distance
from hf_matlab_compat.parity.verdicts import Column, differs, line_of, not_run

STAGE = "entry"
NOT_SHOWN = "continuity"
"""The quantity that an engine declares where it cannot run one call over all epochs."""
AFTER_A_CHOICE = "after a tie in chose_iters"
_FIGURES: Mapping[str, tuple[str, int]] = {
    "lam": ("lambdarecord", 0),
    "log_likelihood": ("llrecord", 0),
    "test_log_likelihood": ("llrecord", 1),
    "error": ("errrecord", 0),
    "test_error": ("errrecord", 1),
}
"""Figures of an epoch, and the variable of the checkpoint and its column that hold them."""

_LOG = Comparison(STAGE, "log", "log", "log", "", "", None)
_WITHOUT_PARAMETERS = EpochRecord(figures={"lam": float("nan")})


@dataclass(frozen=True)
class Called:
    """The results of a call over several epochs.

    Attributes
    ----------
    epochs : list of EpochRecord
        Figures of the checkpoint's records and lines of the log; parameters in the last one only.
    checkpoint : bytes
        The file.
    """

    epochs: Sequence[EpochRecord]
    checkpoint: bytes


def run_entry(case: Case, precision: str, epochs: int, backend: str = "numpy") -> Called:
    """Call `nnet_train_2`, or `nnet_train` for constants and double precision, and return its results.

    Raises
    ------
    HessianFreeError
        The call was refused, or stopped.
    KeyboardInterrupt
        Ctrl-C, which the call itself answers by returning what it has.
    """
    with TemporaryDirectory() as folder:
        stem = Path(folder) / "entry"
        jacket = to_matlab_value("backend", backend)
        given = {**case.arguments, "runName": str(stem), "maxepoch": epochs, "jacket": jacket}
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
    done = [EpochRecord(figures=_figures(saved, k), log_lines=epoch_lines(log, k)) for k in range(1, epochs + 1)]
    done[-1] = replace(done[-1], theta_after=np.asarray(theta).ravel())
    return Called(done, written)


def _figures(saved: Mapping[str, Any], epoch: int) -> dict[str, float]:
    return {
        name: float(saved[variable][epoch - 1, column])
        for name, (variable, column) in _FIGURES.items()
        if saved[variable].shape[1] > column
    }


def entry_lines(
    recording: Recording, case: PortCase, judge: EpochJudge, ours: Sequence[EpochRecord | str], absent: str
) -> list[Line]:
    """Return the lines of the stage: of a free run every epoch, of others the first; then of calls over all epochs.

    Parameters
    ----------
    recording : Recording
        The reference's run.
    case : PortCase
        The case of the recording.
    judge : EpochJudge
        The judge of the recording; bounds are those of the same quantities elsewhere.
    ours : sequence of EpochRecord or str
        This package's epochs beside those of the recording.
    absent : str
        Why nothing can be run; empty where it can.
    """
    if recording.mode == "kernels" or recording.epochs[0].epoch != 1:
        return []
    if isinstance(case, RecurrentPortCase):
        return _recurrent_lines(recording, case, judge, absent)
    free = recording.mode == "free"
    records = recording.epochs if free else recording.epochs[:1]
    lam, column = case.options.initial_lam, judge.column(records[0], None)
    apart = distance(lam, records[0].lam)
    beginning = Comparison(STAGE, "lambda before epoch 1", "lambda before", "decision", lam, records[0].lam, apart)
    if absent:
        lines = [*_nothing_called(records, beginning, judge, absent), *_no_single_epochs(recording, judge, absent)]
        return [*lines, *_reference_lines(recording, judge, absent)]
    begun = line_of(beginning, replace(column, measured=_unmeasured, own=_unmeasured))
    whole = _called(recording, judge, _epochs_of_a_call(recording))
    called = whole if free and len(records) > 1 else _called(recording, judge, len(records))
    if isinstance(called, HessianFreeError):
        pairs = _pairs_of_call(records[0], EpochRecord(), judge)
        found = [differs(pair, column, f"the call stopped: {called}") for pair in pairs]
    else:
        found = list(_judged(recording, case, judge, list(zip(records, ours, called.epochs, strict=False))))
    return [begun, *found, *_port_lines(recording, case, judge, whole), *_reference_lines(recording, judge)]


def _recurrent_lines(recording: Recording, case: RecurrentPortCase, judge: EpochJudge, absent: str) -> list[Line]:
    """Compare one call of `train` with the single epochs of the same run; their epochs are judged one by one."""
    count, column = _epochs_of_a_call(recording), _exact(judge, recording)
    if absent:
        return [not_run(_pair(_ours(count)), column, absent)]
    theta = np.ravel(recording.case.arguments["paramsp"])
    try:
        chain = single_epochs(case, theta, count)
        called = case.train(theta, count).state
    except HessianFreeError as error:
        return [differs(_pair(_ours(count), "stopped", "", np.inf), column, f"a run stopped: {error}")]
    single, lam = chain[-1].theta_after, chain[-1].figures["lam"]
    pairs = [
        _pair(f"{_ours(count)}: parameters returned", called.theta, single, distance(called.theta, single)),
        _pair(f"{_ours(count)}: lambda", called.lam, lam, distance(called.lam, lam)),
    ]
    return [line_of(pair, _at(column, count)) for pair in pairs]


def _called(recording: Recording, judge: EpochJudge, epochs: int) -> Called | HessianFreeError:
    try:
        return run_entry(recording.case, recording.precision, epochs, judge.backend)
    except HessianFreeError as error:
        return error


def _nothing_called(
    records: Sequence[EpochRecord], beginning: Comparison, judge: EpochJudge, absent: str
) -> Iterator[Line]:
    """Yield the lines that a call would have had."""
    for record in records:
        last = record is records[-1]
        pairs = _pairs_of_call(record, EpochRecord() if last else _WITHOUT_PARAMETERS, judge)
        first = [beginning] if record is records[0] else []
        yield from (not_run(pair, judge.column(record, None), absent) for pair in (*first, *pairs, _LOG))


def _judged(
    recording: Recording,
    case: PortCase,
    judge: EpochJudge,
    epochs: Sequence[tuple[EpochRecord, EpochRecord | str, EpochRecord]],
) -> Iterator[Line]:
    parted = False
    for record, ours, called in epochs:
        column = judge.column(record, None)
        if isinstance(ours, str):
            yield from (differs(pair, column, ours) for pair in _pairs_of_call(record, called, judge))
            return
        tie = bool(ours.own_choice) and record.figures.get("chosen_step") not in (None, ours.own_choice)
        if parted or (tie and recording.mode == "free"):
            parted = True
            yield from (not_run(pair, column, AFTER_A_CHOICE) for pair in _pairs_of_call(record, called, judge))
            continue
        beside = _own_choice(record, case) if tie else record
        yield from judge.entry_lines(beside, ours, called, list(_pairs_of_call(beside, called, judge)))


def _own_choice(record: EpochRecord, case: PortCase) -> EpochRecord:
    """Return the epoch as this package's own choice makes it: the call is not guided to the reference's at a tie."""
    started, state = starting(case, record, None)
    own = run_epoch(started, state, None, None)
    figures = {name: value for name, value in own.figures.items() if name in record.figures}
    return replace(record, figures=figures, theta_after=own.theta_after, log_lines=own.log_lines)


def _pairs_of_call(record: EpochRecord, called: EpochRecord, judge: EpochJudge) -> Iterator[Comparison]:
    names = [name for name in _FIGURES if name in record.figures]
    for pair in end_comparisons(record, called, names, judge.declared):
        yield replace(pair, stage=STAGE, detail=pair.detail or pair.stage)


def _port_lines(
    recording: Recording, case: PortCase, judge: EpochJudge, called: Called | HessianFreeError
) -> list[Line]:
    """Compare the call of this package with its own epochs: returned parameters, the checkpoint's file, the log."""
    count = _epochs_of_a_call(recording)
    column = _exact(judge, recording)
    try:
        chain = single_epochs(case, recording.case.arguments["paramsp"], count)
    except HessianFreeError as error:
        if str(error) == str(called):
            return [not_run(_pair(_ours(count)), column, f"both stopped: {error}")]
        return [line_of(_pair(_ours(count), "went on", f"stopped: {error}", np.inf), column)]
    if isinstance(called, HessianFreeError):
        return [differs(_pair(_ours(count), "stopped", "went on", np.inf), column, f"the call stopped: {called}")]
    return [line_of(pair, _at(column, epoch)) for epoch, pair in _compared(called, chain)]


def _no_single_epochs(recording: Recording, judge: EpochJudge, absent: str) -> list[Line]:
    """Return the lines that the comparison with single epochs would have had."""
    names = ("log", "parameters returned", *(f"{name} in file" for name in VARIABLES))
    pairs = [_pair(f"{_ours(_epochs_of_a_call(recording))}: {name}") for name in names]
    return [not_run(pair, _exact(judge, recording), absent) for pair in pairs]


def _compared(called: Called, chain: Sequence[EpochRecord]) -> Iterator[tuple[int, Comparison]]:
    """Yield the number of an epoch and a comparison."""
    count = len(chain)
    epoch, ours, single = _first_apart(called.epochs, chain)
    yield epoch, _pair(f"{_ours(count)}: log", ours, single, 0.0 if ours == single else np.inf)
    a, b = called.epochs[-1].theta_after, chain[-1].theta_after
    yield count, _pair(f"{_ours(count)}: parameters returned", a, b, distance(a, b))
    for pair in checkpoint_comparisons(called.checkpoint, our_variables(chain)):
        if pair.detail == "times":  # of class and shape alone: clocks run on
            pair = replace(pair, ours="durations", theirs="durations")
        # the file is on the other side there
        detail = f"{_ours(count)}: {pair.detail} in file"
        yield count, replace(pair, stage=STAGE, detail=detail, kind="decision", ours=pair.theirs, theirs=pair.ours)


def _first_apart(called: Sequence[EpochRecord], chain: Sequence[EpochRecord]) -> tuple[int, str, str]:
    """Return the first epoch whose printed lines differ, and those; else the last epoch, and the last line of both."""
    a = b = ""
    for k, (whole, single) in enumerate(zip(called, chain, strict=True), start=1):
        sides = ([line for line in side.log_lines if line.strip()] for side in (whole, single))
        for a, b in zip_longest(*sides, fillvalue=""):
            if a != b:
                return k, a, b
    return len(chain), a, b


def _reference_lines(recording: Recording, judge: EpochJudge, absent: str = "") -> list[Line]:
    """Compare one call of the reference with its resumed ones; one line says so where it was not run."""
    found, column = recording.continuity, _exact(judge, recording)
    if found is None and recording.mode != "lockstep":  # a free run is one call
        return []
    epochs = recording.epochs[-1].epoch if found is None else found.epochs
    name = f"reference: one call of {epochs} epochs equals {epochs} resumed ones"
    if found is None:
        one = "a run of one epoch carries nothing over" if len(recording.epochs) == 1 else ""
        reason = absent or judge.declared(NOT_SHOWN) or one or "the reference was not run over all epochs in one call"
        return [not_run(_pair(name), column, reason)]
    equal = found.first_apart is None
    chain, whole = found.lam
    pairs = [
        _pair(
            f"{name}: every epoch",
            "equal" if equal else f"apart from epoch {found.first_apart} on",
            "equal",
            0.0 if equal else np.inf,
        ),
        _pair(f"{name}: lambda", whole, chain, distance(whole, chain)),
        _pair(f"{name}: parameters", "one call", "resumed", found.theta),
        _pair(f"{name}: d", "one call", "resumed", found.d),
    ]
    if absent:
        return [not_run(pair, column, absent) for pair in pairs]
    return [line_of(pair, _at(column, found.first_apart or found.epochs)) for pair in pairs]


def _epochs_of_a_call(recording: Recording) -> int:
    """Return the number of recorded epochs; two for a single one, across which nothing could be carried."""
    return max(2, recording.epochs[-1].epoch)


def _ours(epochs: int) -> str:
    return f"one call of {epochs} epochs equals {epochs} single epochs"


def _pair(detail: str, ours: object = "", theirs: object = "", apart: float = 0.0) -> Comparison:
    return Comparison(STAGE, detail, "continuity", "decision", ours, theirs, apart)


def _unmeasured(quantity: str) -> None:
    """Return None: quantities that are not rounded, or rounded alike, have no E."""
    del quantity


def _exact(judge: EpochJudge, recording: Recording) -> Column:
    """Return the column of the last epoch without any E, so that nothing may differ."""
    return replace(judge.column(recording.epochs[-1], None), measured=_unmeasured, own=_unmeasured)


def _at(column: Column, epoch: int) -> Column:
    return replace(column, place={**column.place, "epoch": epoch})
