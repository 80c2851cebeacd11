"""The files that the driver wrote, read as a recording, whether it ran a moment ago or on another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.octave.values import from_octave
from hf_matlab_compat.parity.engines.job import Job
from hf_matlab_compat.parity.engines.provenance import reference_provenance
from hf_matlab_compat.parity.engines.reference import Reference
from hf_matlab_compat.parity.engines.returned import only_real, require_epoch, require_whole
from hf_matlab_compat.parity.log_comparison import epoch_lines, initial_lambda, printed_figures, without_test_lines
from hf_matlab_compat.parity.recording import (
    ASKED_OF_CG,
    REFUSED,
    Continuity,
    EpochRecord,
    Recording,
    Stop,
    Vector,
    distance,
)

_VECTORS = {
    **{"grad": "b", "precon": "Mdiag"},
    **{name: f"seen_{name}" for name in ("grad2", "gradchunk", "grad2chunk")},
}
_PRODUCTS = {"Bv": "products", "Bv_undamped": "products_undamped"}
_NOTHING_RECORDED = (
    "its conjgrad_1 met negative curvature at the step that it would have recorded first, and returned no iterate"
)


class OtherPrecision(ParityError):
    """The trainer has a precision of its own, however it is called."""


class NotFinite(ParityError):
    """NaN or Inf where a run could not go on from it; `cause` as in `Stop`."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


def read_recording(job: Job, results: Path, reference: Reference, failure: ParityError | None) -> Recording:
    """Return the recording of a job, with the part of the provenance that does not depend on where it ran.

    `failure` is the error with which the driver ended, if it did.

    Raises
    ------
    ParityError
        As `read_until_stop`.
    """
    records, stop = read_until_stop(job, results, failure)
    try:
        continuity = read_continuity(job, records, results)
    except ParityError as error:  # the run ended with a malformed file
        continuity, stop = None, stop or Stop(epoch=records[-1].epoch + 1, reason=str(error))
    if continuity is not None and stop is not None and continuity.epochs != len(records):
        continuity = None  # the one call went on where the chain did not
    provenance = reference_provenance(reference, job, records)
    if job.mode == "kernels":
        blank: dict[str, Any] = {"figures": {}, "theta_after": None, "d_after": None, "log_lines": ()}
        records = [replace(record, **blank) for record in records]
    checkpoint = results / "running.mat"
    return Recording(
        case=job.case,
        precision=job.precision,
        mode=job.mode,
        epochs=records,
        checkpoint=checkpoint.read_bytes() if checkpoint.exists() else None,
        provenance=provenance,
        continuity=continuity,
        stop=stop,
    )


def read_until_stop(
    job: Job, results: Path, failure: ParityError | None = None
) -> tuple[list[EpochRecord], Stop | None]:
    """Return the epochs that a job has finished, and where and why it did not go on.

    Raises
    ------
    ParityError
        Not even the first epoch was finished, or a run cannot go on from it, or its file is malformed or of another
        precision.
    """
    paths = sorted(results.glob("epoch_*.mat"))
    if not paths:
        raise failure or ParityError(f"{results}: expected the files of some epochs, got none. Run it again.")
    records, unread = _records(job, paths)
    if unread is not None:
        if not records or isinstance(unread, OtherPrecision):
            raise unread
        return records, _stop(job, records, str(unread), getattr(unread, "cause", ""))
    if failure is not None:
        return records, _stop(job, records, str(failure), _noted_cause(results))
    last = records[-1]
    if job.mode == "kernels" and not last.steps:
        reason, cause = f"epoch {last.epoch}: {_NOTHING_RECORDED}", "nothing recorded"
        return records, Stop(
            epoch=last.epoch, reason=reason, cause=cause, theta=last.theta, start=last.start, lam=last.lam
        )
    return records, None


def _records(job: Job, paths: Sequence[Path]) -> tuple[list[EpochRecord], ParityError | None]:
    """Return the epochs up to the first one that cannot be read or gone on from, and why not."""
    records: list[EpochRecord] = []
    raw, unread = _read_all(job, paths)
    for at, this in enumerate(raw):
        before = None if len(job.starts) > 1 else (records[-1] if records else None)
        following = raw[at + 1] if at + 1 < len(raw) and job.mode == "free" else None
        try:
            record = _record(job, this, before, following, at)
            _require_finite(record, job.precision, int(np.sum(this.get("underflow", 0))))
        except ParityError as error:
            return records, error
        records.append(record)
    return records, unread


def _read_all(job: Job, paths: Sequence[Path]) -> tuple[list[Mapping[str, Any]], ParityError | None]:
    raw: list[Mapping[str, Any]] = []
    for path in paths:
        try:
            this = only_real(read_variables(path))
            require_epoch(this, job.case.arguments["paramsp"].size, finished=job.mode != "kernels")
            if this["b"].dtype != job.dtype:
                raise OtherPrecision(
                    f"{job.precision} precision {REFUSED}: it computes in {this['b'].dtype} however it is called. "
                    "Compare in the precision it has."
                )
        except ParityError as error:
            return raw, error
        raw.append(this)
    return raw, None


def _stop(job: Job, records: Sequence[EpochRecord], reason: str, cause: str) -> Stop:
    """Return the stop in the epoch after the last one, from the state which that one left."""
    last = records[-1]
    if cause == "nothing recorded":
        reason = f"epoch {last.epoch + 1}: {_NOTHING_RECORDED}; nnet_train_2 goes on with the last one all the same"
    stop = Stop(epoch=last.epoch + 1, reason=reason, cause=cause)
    if last.theta_after is None or last.d_after is None:
        return stop
    start = job.dtype(job.case.arguments["decay"]) * last.d_after
    return replace(stop, theta=last.theta_after, start=start, lam=last.figures["lam"])


def _noted_cause(results: Path) -> str:
    path = results / "stopped.mat"
    noted = path.exists() and np.any(read_variables(path).get("nothing_recorded", 0))
    return "nothing recorded" if noted else ""


def read_variables(path: Path) -> dict[str, Any]:
    """Return the variables in a file of the driver's.

    Raises
    ------
    ParityError
        It is damaged.
    """
    try:
        return {name: from_octave(value) for name, value in load_mat(path).items()}
    except ParityError as error:
        raise ParityError(f"{path.name}: {error}. It is not what the driver writes.") from error
    except CheckpointError as error:
        raise ParityError(f"{path.name}: cannot be read: {error} Was the disk full?") from error


def _record(
    job: Job, this: Mapping[str, Any], before: EpochRecord | None, following: Mapping[str, Any] | None, at: int
) -> EpochRecord:
    epoch = int(this["epoch"].item())
    lines = epoch_lines(this.get("log", ""), epoch)
    figures: dict[str, float] = {}
    if "llrecord" in this:
        asked = {name: float(this[name].item()) for name in ASKED_OF_CG if np.size(this.get(name, ())) == 1}
        figures = {**_read_figures(this, lines, epoch), **asked}
    theta, lam = _state(job, this, before, at)
    return EpochRecord(
        epoch=epoch,
        theta=theta,
        start=this["x0"].ravel(),
        lam=lam,
        kernels=_kernels(job, this, before),
        steps=[int(step) for step in this["is"].ravel()],
        iterates=list(np.asarray(this["xs"]).T),
        figures=figures,
        theta_after=_theta_after(job, this, following, theta, figures),
        d_after=this["last"].ravel(),
        log_lines=_comparable_lines(job, lines),
    )


def _comparable_lines(job: Job, lines: Sequence[str]) -> list[str]:
    """Return the lines of an epoch that the log of this package has as well."""
    return list(lines) if job.has_test_set else without_test_lines(lines)


def _read_figures(this: Mapping[str, Any], lines: Sequence[str], epoch: int) -> dict[str, float]:
    """Return the figures of an epoch, from its lines of the log, the printed numbers, and the records."""
    figures = printed_figures(lines, this["words"], np.ravel(this["numbers"]).tolist())
    figures = {name: value for name, value in figures.items() if name not in ("epoch", "total_cg_steps")}
    # the records have every digit, whatever the log prints
    figures["log_likelihood"], figures["test_log_likelihood"] = (float(value) for value in this["llrecord"][epoch - 1])
    figures["error"], figures["test_error"] = (float(value) for value in this["errrecord"][epoch - 1])
    figures["lam"] = float(np.ravel(this["lambdarecord"])[epoch - 1])
    return figures


def _state(job: Job, this: Mapping[str, Any], before: EpochRecord | None, at: int) -> tuple[Vector, float]:
    """Return θ and λ at the start: as seen, else as the epoch before left them, else as they were given."""
    start = job.starts[at if len(job.starts) > 1 else 0] if job.starts else None
    theta, lam = np.asarray(job.case.arguments["paramsp"]), initial_lambda(this.get("log", ""))
    if before is not None and before.theta_after is not None:
        theta, lam = before.theta_after, before.figures.get("lam", lam)
    elif start is not None:
        theta, lam = start["paramsp"], float(start["lambda"])
    if np.size(this.get("seen_paramsp", ())) == np.size(theta):
        theta = this["seen_paramsp"]
    if np.size(this.get("seen_lambda", ())) == 1:
        lam = float(np.asarray(this["seen_lambda"]).item())
    if lam is None:
        lam = float(job.case.constants.get("initlambda", 45.0))
    return np.asarray(theta, job.dtype).ravel(), lam


def _kernels(job: Job, this: Mapping[str, Any], before: EpochRecord | None) -> dict[str, Any]:
    size = this["b"].size
    kernels: dict[str, Any] = {
        name: this[theirs].ravel() for name, theirs in _VECTORS.items() if np.size(this.get(theirs, ())) == size
    }
    kernels |= {"v": job.probes.astype(job.dtype), "model": np.ravel(this["model"])}
    kernels |= {name: this[theirs] for name, theirs in _PRODUCTS.items() if theirs in this}
    if "forward" in this:
        kernels["forward"] = list(this["forward"])
    if np.size(this.get("seen_oldll", ())) == 1:
        kernels["oldll"] = float(np.asarray(this["seen_oldll"]).item())
    if "ll" in this and "err" in this:
        kernels |= {name: float(np.asarray(this[name]).item()) for name in ("ll", "err")}
    elif before is not None and before.figures.get("rate"):
        kernels |= {"ll": before.figures["log_likelihood"], "err": before.figures["error"]}
    return kernels


def _theta_after(
    job: Job, this: Mapping[str, Any], following: Mapping[str, Any] | None, theta: Vector, figures: Mapping[str, float]
) -> Vector | None:
    if "llrecord" not in this:
        return None  # stopped after CG
    if following is None and "paramsp_returned" in this:
        return np.asarray(this["paramsp_returned"], job.dtype).ravel()
    if following is not None and np.size(following.get("seen_paramsp", ())) == theta.size:
        return np.asarray(following["seen_paramsp"], job.dtype).ravel()
    steps = np.ravel(this["is"]).tolist()
    if figures.get("chosen_step") not in steps or "rate" not in figures:
        return None  # its log does not tell
    chosen = np.asarray(this["xs"])[:, steps.index(figures["chosen_step"])]
    return theta + job.dtype(figures["rate"]) * chosen


def _require_finite(record: EpochRecord, precision: str, underflow: int) -> None:
    """Refuse an epoch that no run goes on from; `underflow` is the step of CG after which r'y is 0.

    Raises
    ------
    NotFinite
        A vector of the epoch is not finite.
    ParityError
        The log-likelihood is NaN.
    """
    parts = {"gradient": record.kernels["grad"], "preconditioner": record.kernels["precon"]}
    parts |= {"CG iterates": record.iterates, "parameters": () if record.theta_after is None else record.theta_after}
    where = f"epoch {record.epoch}, {precision} precision"
    for name, values in parts.items():
        if not np.isfinite(np.asarray(values)).all():
            known = bool(underflow) and name == "CG iterates"
            why = (
                f": after step {underflow} of its CG r'y underflows to 0 in {precision} precision, and the original "
                "goes on to divide 0 by 0. This package stops CG there, a deviation that docs/quirks.md lists"
            )
            said = f"{where}: the reference's {name} are not finite (NaN or Inf){why * known}."
            raise NotFinite(said, "underflow" * known)
    if np.isnan(record.figures.get("log_likelihood", 0.0)):
        raise ParityError(f"{where}: the reference's log-likelihood is NaN.")


def read_continuity(job: Job, chain: Sequence[EpochRecord], results: Path) -> Continuity | None:
    """Compare the one call of a job with its chain of resumed calls; None where it was not made.

    Every epoch of a lockstep run is a fresh call, resumed from the state that the one before left. State that a
    trainer keeps to itself from one epoch to the next (a momentum, a running average, a counter) is in none of these
    calls, and in all that its users make.

    Raises
    ------
    ParityError
        Its file cannot be read.
    """
    path = results / "whole.mat"
    if job.mode != "lockstep" or not path.exists():
        return None
    whole, last = read_variables(path), chain[-1]
    require_whole(whole, job.case.arguments["paramsp"].size)
    ended = int(np.asarray(whole["epoch"]).item())
    lam = (float(last.figures["lam"]), float(np.ravel(whole["lambdarecord"])[ended - 1]))
    theta = distance(np.asarray(whole["paramsp"], job.dtype), last.theta_after)
    d = distance(whole["last"], last.d_after)
    apart = [record.epoch for record in chain if not _same_epoch(job, record, whole, chain[0].epoch)]
    ends_apart = theta > 0 or d > 0 or lam[0] != lam[1]
    first_apart = apart[0] if apart else (last.epoch if ends_apart else None)
    return Continuity(epochs=ended - chain[0].epoch + 1, theta=theta, d=d, lam=lam, first_apart=first_apart)


def _same_epoch(job: Job, record: EpochRecord, whole: Mapping[str, Any], first: int) -> bool:
    """Return whether both printed the same, in every digit, and recorded the same."""
    at = record.epoch - first
    if at >= len(whole["numbers"]) or record.epoch > len(whole["llrecord"]):
        return False  # the one call ended earlier
    lines = epoch_lines(whole["log"], record.epoch)
    figures = _read_figures(
        {**whole, "words": whole["words"][at], "numbers": whole["numbers"][at]}, lines, record.epoch
    )
    names = (figures.keys() | record.figures.keys()) - {*ASKED_OF_CG}
    return _comparable_lines(job, lines) == list(record.log_lines) and all(
        distance(figures.get(name, ()), record.figures.get(name, ())) == 0 for name in names
    )
