"""The judge: recordings of a reference in, a certificate out; it runs this package beside them and no engine."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.parity import entry
from hf_matlab_compat.parity.certificate import STOPS, STOPS_UNEXPLAINED, Certificate, Line, Traces, place_stage
from hf_matlab_compat.parity.checkpoint import checkpoint_lines, traces_of
from hf_matlab_compat.parity.comparisons import ABSENT, Comparison
from hf_matlab_compat.parity.coverage import not_exercised, seen
from hf_matlab_compat.parity.engines.port import port_case, port_epoch, port_epochs
from hf_matlab_compat.parity.engines.port_case import PortCase
from hf_matlab_compat.parity.engines.provenance import data_provenance, our_provenance
from hf_matlab_compat.parity.epoch_judge import EpochJudge
from hf_matlab_compat.parity.recording import NOTHING, PLACE, EpochRecord, Recording, Stop
from hf_matlab_compat.parity.stages import STAGES
from hf_matlab_compat.parity.verdicts import not_run
from hf_matlab_compat.solvers.conjgrad import CGStop

_OWN_PLACE = ("not shown: ", "constant ", NOTHING, PLACE)
"""Prefixes of entries in a recording's provenance that have a place of their own on the certificate."""

Watch = Callable[[Line], None]
"""A function that is told of every line as it is judged."""


def judge(
    recordings: Sequence[Recording],
    *,
    backend: str = "numpy",
    stages: Sequence[str] = STAGES,
    watch: Watch = lambda line: None,
) -> Certificate:
    """Run this package beside every recording and compare.

    Parameters
    ----------
    recordings : sequence of Recording
        Recordings of any cases, precisions and modes.
    backend : {'numpy', 'numba', 'cupy'}
        Backend of this package. Without a CUDA device every line of 'cupy' says that it was not run.
    stages : sequence of str
        Members of `STAGES` to compare.
    watch : callable, optional
        Told of every line as it is judged.

    Returns
    -------
    Certificate
        A line for every quantity that either side produces.

    Raises
    ------
    OptionError
        This package refuses an option of a case, or there is no such backend.
    DataError
        This package refuses the data of a case.
    """
    absent = backend_missing(backend)
    lines: list[Line] = []
    traces: list[Traces] = []
    constants: dict[str, str] = {}
    provenance: dict[str, str] = {}
    for recording in recordings:
        judged, trace = _judged(recording, backend, absent, stages, watch)
        lines += [line for line in judged if line.stage in stages]
        traces += trace
        constants |= _constants(recording)
        _add(provenance, recording.provenance)
    certificate = Certificate(
        lines=lines,
        traces=traces,
        constants=constants,
        provenance={**provenance, **data_provenance(recordings), **our_provenance(backend)},
        not_exercised=not_exercised(recordings),
        seen=seen(recordings),
    )
    return replace(certificate, place=_place(certificate, recordings))


def _place(certificate: Certificate, recordings: Sequence[Recording]) -> str:
    """Return the line of the reference's files that computes the first difference."""
    line = certificate.first_divergence
    found = [
        r.provenance for r in recordings if line is not None and (r.case.name, r.precision, r.mode) == line.run[:3]
    ]
    if line is None or not found:
        return ""
    return found[0].get(f"{PLACE}{place_stage(line)}") or found[0].get(f"{PLACE}{line.stage}", "")


def _add(provenance: dict[str, str], more: Mapping[str, str]) -> None:
    """Add entries of a recording, and keep all values that several recordings have."""
    for name, value in more.items():
        if name.startswith(_OWN_PLACE):
            continue
        said = provenance.get(name, value).split(" | ")
        provenance[name] = " | ".join(said if value in said else [*said, value])


def _constants(recording: Recording) -> dict[str, str]:
    """Return the constants that the engine read from the reference, with their place, and those that the case sets."""
    read = {
        name.removeprefix("constant "): value
        for name, value in recording.provenance.items()
        if name.startswith("constant ")
    }
    return {**{name: str(value) for name, value in recording.case.constants.items()}, **read}


def backend_missing(backend: str) -> str:
    """Return why nothing can be run on this backend; empty where it can.

    Raises
    ------
    OptionError
        There is no such backend, or it is not installed.
    """
    if backend == "cupy" and os.environ.get("CUPY_TF32", "0") not in ("", "0"):
        return "TF32 is on (CUPY_TF32): its products carry 10 bits; unset it"
    try:
        get_backend(backend)
    except OptionError as error:
        if backend != "cupy":
            raise
        return "no CUDA device" if "no CUDA device" in str(error.got) else "no CUDA device (no CuPy)"
    return ""


def _judged(
    recording: Recording, backend: str, absent: str, stages: Sequence[str], watch: Watch
) -> tuple[list[Line], list[Traces]]:
    """Return the lines of every epoch by epochs and stages, then those of checkpoint and entry; and the traces."""
    if not recording.epochs:
        return [_nothing(recording, backend)], []
    case = port_case(recording.case, recording.precision, "numpy" if absent else backend)
    epoch_judge = EpochJudge(recording, case, backend)
    runs = iter([f"not run: {absent}"] * len(recording.epochs)) if absent else port_epochs(case, recording)
    lines: list[Line] = []
    ran: list[EpochRecord | str] = []
    before = None
    for record, ours in zip(recording.epochs, runs, strict=True):
        found = epoch_judge.not_run(record, absent) if absent else epoch_judge.lines(record, before, ours)
        found = sorted(found, key=lambda line: STAGES.index(line.stage))
        for line in found:
            watch(line)
        lines += found
        ran.append(ours)
        before = record
    done = [epoch for epoch in ran if not isinstance(epoch, str)]
    lines += checkpoint_lines(recording, done, epoch_judge, lines, absent)
    if recording.stop is not None:
        lines.append(_stopped(recording, recording.stop, case, epoch_judge, absent))
    if entry.STAGE in stages:
        lines += entry.entry_lines(recording, case, epoch_judge, ran, absent)
    return lines, traces_of(recording, done, lines)


def _stopped(recording: Recording, stop: Stop, case: PortCase, judge: EpochJudge, absent: str) -> Line:
    """Return the line on an epoch in which the reference stopped; where its CG bailed out, ours must as well."""
    column = judge.column(recording.epochs[-1], None)
    at = replace(column, place={**column.place, "epoch": stop.epoch})
    pair = Comparison("cg_iterates", "", "iterates", "iterate", ABSENT, ABSENT, None)
    if not stop.cause:
        return not_run(replace(pair, stage=STAGES[0]), at, STOPS_UNEXPLAINED + stop.reason)
    if stop.cause == "nothing recorded" and not absent and (ours := _records_an_iterate(recording, stop, case)):
        return not_run(pair, at, f"{STOPS_UNEXPLAINED}{stop.reason}; from the same state {ours}")
    return not_run(pair, at, STOPS + stop.reason)


def _records_an_iterate(recording: Recording, stop: Stop, case: PortCase) -> str:
    """Return what our CG records from the state in which the reference's recorded nothing; '' if it bails out as well.

    It does so at the first step that it would record, where the original drops the current iterate.
    """
    if stop.theta is None or stop.start is None:
        return ""
    state = {"theta": stop.theta, "start": stop.start, "lam": stop.lam}
    record = replace(recording.epochs[-1], epoch=stop.epoch, kernels={}, log_lines=(), figures={}, **state)
    ours = port_epoch(case, replace(recording, mode="kernels"), replace(record, steps=[1]), None)
    if isinstance(ours, str):
        return ours
    first = math.ceil(case.options.iterate_grid_start)
    bails = ours.cg_stop in (CGStop.NEGATIVE_CURVATURE, CGStop.EXACT) and ours.steps == [first]
    return "" if bails else f"our CG records step {', '.join(map(str, ours.steps))}"


def _nothing(recording: Recording, backend: str) -> Line:
    """Return the only line of a recording without epochs: it was not run."""
    return Line(
        case=recording.case.name,
        precision=recording.precision,
        mode=recording.mode,
        backend=backend,
        epoch=0,
        stage=STAGES[0],
        bound_source=recording.provenance.get(NOTHING, "the recording has no epochs"),
    )
