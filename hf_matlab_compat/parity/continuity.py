"""Whether one call over several epochs is the chain of its epochs, on either side.

Lockstep begins every epoch from a state that it has been given, so that what a trainer carries from one epoch to the
next (beside parameters, d, lambda and counts) is in no epoch that it looks into. The one call and the chain are runs
of the same program from the same numbers: they are equal, to the last bit, and so is what the call writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.parity.certificate import Line
from hf_matlab_compat.parity.checkpoint_comparison import checkpoint_comparisons, our_variables
from hf_matlab_compat.parity.comparisons import Comparison
from hf_matlab_compat.parity.epoch_judge import EpochJudge
from hf_matlab_compat.parity.port_case import PortCase
from hf_matlab_compat.parity.port_epoch import PortEpoch, Vector, run_epoch
from hf_matlab_compat.parity.reference_run import Continuity, Recording, distance
from hf_matlab_compat.parity.verdicts import Column, differs, line_of, not_run
from hf_matlab_compat.state import hessian_free_state

STAGE = "entry"
NOT_SHOWN = "continuity"
"""The quantity that an engine declares where it cannot run one call over all epochs."""


@dataclass(frozen=True)
class Called:
    """What a call of several epochs returned and wrote.

    Attributes
    ----------
    epochs : list of PortEpoch
        Figures of the checkpoint's records and lines of the log; parameters in the last one only.
    checkpoint : bytes
        The file, as it lies on the disk.
    """

    epochs: Sequence[PortEpoch]
    checkpoint: bytes


def single_epochs(case: PortCase, theta: Vector, epochs: int) -> list[PortEpoch]:
    """Epochs from the start, one by one, each from nothing but copies of the numbers that the last one left.

    Raises
    ------
    HessianFreeError
        An epoch stopped.
    """
    xp, backend = case.backend.xp, case.backend
    values, d = (np.asarray(v).ravel() for v in (theta, np.zeros_like(theta)))
    lam, total = case.options.initial_lam, 0
    done: list[PortEpoch] = []
    for k in range(epochs):
        vectors = [xp.array(backend.asarray(vector)) for vector in (values, d)]
        state = hessian_free_state(vectors[0], vectors[1], lam, k, total)
        epoch = run_epoch(case, state, None, None)
        assert epoch.report is not None
        assert epoch.theta_after is not None
        assert epoch.d_after is not None
        values, d = epoch.theta_after.copy(), epoch.d_after.copy()
        lam, total = epoch.report.lam, epoch.report.total_cg_steps
        done.append(epoch)
    return done


def epochs_of_a_call(recording: Recording) -> int:
    """As many as were recorded; two where it was one, across which nothing could be carried."""
    return max(2, recording.epochs[-1].epoch)


def unmeasured(quantity: str) -> None:
    """E of what is not rounded, or rounded alike."""


def port_lines(
    recording: Recording, case: PortCase, judge: EpochJudge, called: Called | HessianFreeError
) -> list[Line]:
    """The call of this package beside its own epochs: what it returned, its checkpoint's file, its log.

    Parameters
    ----------
    recording : Recording
    case : PortCase
        Of the recording.
    judge : EpochJudge
        Of the recording.
    called : Called, or the error with which the call stopped
    """
    count = epochs_of_a_call(recording)
    column = _exact(judge, recording)
    try:
        chain = single_epochs(case, recording.case.arguments["paramsp"], count)
    except HessianFreeError as error:
        if str(error) == str(called):
            return [not_run(_pair(_ours(count), "", "", 0.0), column, f"both stopped: {error}")]
        return [line_of(_pair(_ours(count), "went on", f"stopped: {error}", np.inf), column)]
    if isinstance(called, HessianFreeError):
        return [differs(_pair(_ours(count), "stopped", "went on", np.inf), column, f"the call stopped: {called}")]
    return [line_of(pair, _at(column, epoch)) for epoch, pair in _compared(called, chain)]


def nothing_called(recording: Recording, judge: EpochJudge, absent: str) -> list[Line]:
    """The lines that a call would have had."""
    names = ("log", "parameters returned", *(f"{name} in file" for name in VARIABLES))
    pairs = [_pair(f"{_ours(epochs_of_a_call(recording))}: {name}", "", "", 0.0) for name in names]
    return [not_run(pair, _exact(judge, recording), absent) for pair in pairs]


def _compared(called: Called, chain: Sequence[PortEpoch]) -> Iterator[tuple[int, Comparison]]:
    """Epoch and comparison."""
    count = len(chain)
    epoch, ours, single = _first_apart(called.epochs, chain)
    apart = 0.0 if ours == single else np.inf
    yield epoch, _pair(f"{_ours(count)}: log", ours, single, apart)
    a, b = called.epochs[-1].theta_after, chain[-1].theta_after
    yield count, _pair(f"{_ours(count)}: parameters returned", a, b, distance(a, b))
    for pair in checkpoint_comparisons(called.checkpoint, our_variables(chain)):
        if pair.detail == "times":  # of class and shape alone: clocks run on
            pair = replace(pair, ours="durations", theirs="durations")
        # the file stands for the other side there
        detail = f"{_ours(count)}: {pair.detail} in file"
        yield count, replace(pair, stage=STAGE, detail=detail, kind="decision", ours=pair.theirs, theirs=pair.ours)


def _first_apart(called: Sequence[PortEpoch], chain: Sequence[PortEpoch]) -> tuple[int, str, str]:
    """The first epoch whose printed lines differ, and those; else the last epoch, and the last line of both."""
    a = b = ""
    for k, (whole, single) in enumerate(zip(called, chain, strict=True), start=1):
        sides = ([line for line in side.log_lines if line.strip()] for side in (whole, single))
        for a, b in zip_longest(*sides, fillvalue=""):
            if a != b:
                return k, a, b
    return len(chain), a, b


def reference_lines(recording: Recording, judge: EpochJudge, absent: str = "") -> list[Line]:
    """One call of the reference beside its resumed ones; one line that says so where it was not run.

    Parameters
    ----------
    recording : Recording
    judge : EpochJudge
        Of the recording.
    absent : str
        Why nothing is run; empty where it is.
    """
    found, column = recording.continuity, _exact(judge, recording)
    if found is not None and absent:
        return [not_run(pair, column, absent) for pair in _of_reference(found)]
    if found is not None:
        return [line_of(pair, _at(column, found.first_apart or found.epochs)) for pair in _of_reference(found)]
    if recording.mode != "lockstep":  # a free run is one call
        return []
    one = "a run of one epoch carries nothing over" if len(recording.epochs) == 1 else ""
    reason = absent or judge.declared(NOT_SHOWN) or one or "the reference was not run over all epochs in one call"
    return [not_run(_pair(_theirs(recording.epochs[-1].epoch), "", "", 0.0), column, reason)]


def _of_reference(found: Continuity) -> Iterator[Comparison]:
    """`ours` is the one call, `theirs` the chain."""
    name = _theirs(found.epochs)
    apart = "equal" if found.first_apart is None else f"apart from epoch {found.first_apart} on"
    yield _pair(f"{name}: every epoch", apart, "equal", 0.0 if found.first_apart is None else np.inf)
    chain, whole = found.lam
    yield _pair(f"{name}: lambda", whole, chain, distance(whole, chain))
    for what, value in (("parameters", found.theta), ("d", found.d)):
        yield _pair(f"{name}: {what}", "one call", "resumed", value)


def _ours(epochs: int) -> str:
    return f"one call of {epochs} epochs equals {epochs} single epochs"


def _theirs(epochs: int) -> str:
    return f"reference: one call of {epochs} epochs equals {epochs} resumed ones"


def _pair(detail: str, ours: object, theirs: object, apart: float) -> Comparison:
    return Comparison(STAGE, detail, "continuity", "decision", ours, theirs, apart)


def _exact(judge: EpochJudge, recording: Recording) -> Column:
    """Where nothing may differ: no runs that differ by rounding widen this."""
    return replace(judge.column(recording.epochs[-1], None), measured=unmeasured, own=unmeasured)


def _at(column: Column, epoch: int) -> Column:
    place: Mapping[str, object] = {**column.place, "epoch": epoch}
    return replace(column, place=place)
