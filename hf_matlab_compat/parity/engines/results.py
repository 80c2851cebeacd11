"""What the driver wrote, as epochs: the same whether it ran a moment ago or on another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.octave.values import from_octave
from hf_matlab_compat.parity.engines.job import Job
from hf_matlab_compat.parity.engines.printed import epoch_lines, initial_lambda, printed_figures, without_test_lines
from hf_matlab_compat.parity.engines.returned import only_real, require_epoch, require_whole
from hf_matlab_compat.parity.recording import ASKED_OF_CG, REFUSED, Continuity, EpochRecord, Stop, distance

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


def read_results(job: Job, results: Path) -> list[EpochRecord]:
    """The epochs of a job that was done to its end, in order.

    Raises
    ------
    ParityError
        A file cannot be read, or holds NaN or Inf where a run could not go on from it.
    """
    records, stop = read_until_stop(job, results)
    if stop is not None:
        raise ParityError(stop.reason)
    return records


def read_until_stop(
    job: Job, results: Path, failure: ParityError | None = None
) -> tuple[list[EpochRecord], Stop | None]:
    """The epochs that a job has finished, and where and why it did not go on.

    Parameters
    ----------
    job : Job
    results : Path
    failure : ParityError, optional
        What the driver ended with, if it ended so.

    Raises
    ------
    ParityError
        Not even the first epoch was finished, or it cannot be read or gone on from; or the precision is another.
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
    if job.mode == "kernels" and not records[-1].steps:
        return records, _before_cg(records[-1])
    return records, None


def _records(job: Job, paths: Sequence[Path]) -> tuple[list[EpochRecord], ParityError | None]:
    """The epochs up to the first one that cannot be read or gone on from, and why not."""
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
            _require_precision(job, this)
        except ParityError as error:
            return raw, error
        raw.append(this)
    return raw, None


def _stop(job: Job, records: Sequence[EpochRecord], reason: str, cause: str) -> Stop:
    """In the epoch after the last one; the state is what that one left."""
    last = records[-1]
    if cause == "nothing recorded":
        reason = f"epoch {last.epoch + 1}: {_NOTHING_RECORDED}; nnet_train_2 goes on with the last one all the same"
    if last.theta_after is None or last.d_after is None:
        return Stop(epoch=last.epoch + 1, reason=reason, cause=cause)
    return Stop(
        epoch=last.epoch + 1,
        reason=reason,
        cause=cause,
        theta=last.theta_after,
        start=job.dtype(job.case.arguments["decay"]) * last.d_after,
        lam=last.figures["lambda"],
    )


def _before_cg(record: EpochRecord) -> Stop:
    """In an epoch of which no more than the kernels was asked for."""
    reason = f"epoch {record.epoch}: {_NOTHING_RECORDED}"
    where = {"theta": record.theta, "start": record.start, "lam": record.lam}
    return Stop(epoch=record.epoch, reason=reason, cause="nothing recorded", **where)


def _noted_cause(results: Path) -> str:
    path = results / "stopped.mat"
    if not path.exists():
        return ""
    return "nothing recorded" if np.any(read_variables(path).get("nothing_recorded", 0)) else ""


def read_checkpoint_bytes(results: Path) -> bytes | None:
    """The last checkpoint that the run wrote."""
    path = results / "running.mat"
    return path.read_bytes() if path.exists() else None


def read_variables(path: Path) -> dict[str, Any]:
    """What a file of the driver's holds.

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
    figures = {**read_figures(this, lines, epoch), **_asked_of_cg(this)} if "llrecord" in this else {}
    theta, lam = _state(job, this, before, at)
    steps = [int(step) for step in this["is"].ravel()]
    iterates = list(np.asarray(this["xs"]).T)
    return EpochRecord(
        epoch=epoch,
        theta=theta,
        start=this["x0"].ravel(),
        lam=lam,
        kernels=_kernels(job, this, before),
        steps=steps,
        iterates=iterates,
        figures=figures,
        theta_after=_theta_after(job, this, following, theta, figures),
        d_after=this["last"].ravel(),
        log_lines=comparable_lines(job, lines),
    )


def _asked_of_cg(this: Mapping[str, Any]) -> dict[str, float]:
    """How many steps CG was allowed, at most and at least: seen even where it stops in between."""
    return {name: float(np.asarray(this[name]).item()) for name in ASKED_OF_CG if np.size(this.get(name, ())) == 1}


def comparable_lines(job: Job, lines: Sequence[str]) -> list[str]:
    """The lines of an epoch that the log of this package has as well."""
    return list(lines) if job.has_test_set else without_test_lines(lines)


def read_figures(this: Mapping[str, Any], lines: Sequence[str], epoch: int) -> dict[str, float]:
    """The figures of an epoch, from its lines of the log, what was printed for them, and the records."""
    figures = printed_figures(lines, this["words"], np.ravel(this["numbers"]).tolist())
    figures = {name: value for name, value in figures.items() if name not in ("epoch", "total_cg_steps")}
    # the records have every digit, whatever the log prints
    figures["ll"], figures["test_ll"] = (float(value) for value in this["llrecord"][epoch - 1])
    figures["err"], figures["test_err"] = (float(value) for value in this["errrecord"][epoch - 1])
    figures["lambda"] = float(np.ravel(this["lambdarecord"])[epoch - 1])
    return figures


def _state(job: Job, this: Mapping[str, Any], before: EpochRecord | None, at: int) -> tuple[NDArray[Any], float]:
    """θ and λ at the start: as seen, else as the epoch before left them, else as they were given."""
    start = job.starts[at if len(job.starts) > 1 else 0] if job.starts else None
    theta, lam = np.asarray(job.case.arguments["paramsp"]), initial_lambda(this.get("log", ""))
    if before is not None and before.theta_after is not None:
        theta, lam = before.theta_after, before.figures.get("lambda", lam)
    elif start is not None:
        theta, lam = start["paramsp"], float(start["lambda"])
    seen = this.get("seen_paramsp")
    if seen is not None and np.size(seen) == np.size(theta):
        theta = seen
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
    if "seen_oldll" in this and np.size(this["seen_oldll"]) == 1:
        kernels["oldll"] = float(np.asarray(this["seen_oldll"]).item())
    if "ll" in this and "err" in this:
        kernels |= {name: float(np.asarray(this[name]).item()) for name in ("ll", "err")}
    elif before is not None and before.figures.get("rate"):
        kernels |= {name: before.figures[name] for name in ("ll", "err")}
    return kernels


def _theta_after(
    job: Job, this: Mapping[str, Any], following: Mapping[str, Any] | None, theta: NDArray[Any], figures: Any
) -> NDArray[Any] | None:
    if "llrecord" not in this:
        return None  # stopped after CG
    if following is None and "paramsp_returned" in this:
        return np.asarray(this["paramsp_returned"], job.dtype).ravel()
    if following is not None and np.size(following.get("seen_paramsp", ())) == theta.size:
        return np.asarray(following["seen_paramsp"], job.dtype).ravel()
    steps = np.ravel(this["is"]).tolist()
    if figures.get("chose_iters") not in steps or "rate" not in figures:
        return None  # its log does not tell
    chosen = np.asarray(this["xs"])[:, steps.index(figures["chose_iters"])]
    return theta + job.dtype(figures["rate"]) * chosen


def _require_precision(job: Job, this: Mapping[str, Any]) -> None:
    if this["b"].dtype != job.dtype:
        raise OtherPrecision(
            f"{job.precision} precision {REFUSED}: it computes in {this['b'].dtype} however it is called. "
            "Compare in the precision it has."
        )


def _require_finite(record: EpochRecord, precision: str, underflow: int) -> None:
    parts = {"gradient": record.kernels["grad"], "preconditioner": record.kernels["precon"]}
    parts |= {"CG iterates": record.iterates, "parameters": _or_empty(record.theta_after)}
    for name, values in parts.items():
        if not np.isfinite(np.asarray(values)).all():
            known = bool(underflow) and name == "CG iterates"
            cause = _cause(precision, underflow) if known else ""
            where = f"epoch {record.epoch}, {precision} precision"
            raise NotFinite(
                f"{where}: the reference's {name} are not finite (NaN or Inf){cause}.", "underflow" if known else ""
            )
    if np.isnan(record.figures.get("ll", 0.0)):
        raise ParityError(f"epoch {record.epoch}, {precision} precision: the reference's log-likelihood is NaN.")


def _cause(precision: str, underflow: int) -> str:
    """Why the iterates are not finite; `underflow` is the step of CG after which r'y is 0."""
    return (
        f": after step {underflow} of its CG r'y underflows to 0 in {precision} precision, and the original goes on to "
        "divide 0 by 0. This package stops CG there, a deviation that the README lists"
    )


def _or_empty(values: Any) -> Any:
    return () if values is None else values


def read_continuity(job: Job, chain: Sequence[EpochRecord], results: Path) -> Continuity | None:
    """What the one call of a job has other than its chain; None where it was not made.

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
    lam = (float(last.figures["lambda"]), float(np.ravel(whole["lambdarecord"])[ended - 1]))
    theta = distance(np.asarray(whole["paramsp"], job.dtype), last.theta_after)
    d = distance(whole["last"], last.d_after)
    apart = [record.epoch for record in chain if not _same_epoch(job, record, whole, chain[0].epoch)]
    ends_apart = theta > 0 or d > 0 or lam[0] != lam[1]
    return Continuity(
        epochs=ended - chain[0].epoch + 1,
        theta=theta,
        d=d,
        lam=lam,
        first_apart=apart[0] if apart else (last.epoch if ends_apart else None),
    )


def continuity_and_stop(
    job: Job, chain: Sequence[EpochRecord], results: Path, stop: Stop | None
) -> tuple[Continuity | None, Stop | None]:
    """`read_continuity`; where its file is malformed, that is how the run ended, if it did not stop before.

    None as well where the one call went on and the chain did not.
    """
    try:
        found = read_continuity(job, chain, results)
        went_on = found is not None and stop is not None and found.epochs != len(chain)
        return (None if went_on else found), stop
    except ParityError as error:
        return None, stop or Stop(epoch=chain[-1].epoch + 1, reason=str(error))


def _same_epoch(job: Job, record: EpochRecord, whole: Mapping[str, Any], first: int) -> bool:
    """Whether both printed the same, in every digit, and recorded the same."""
    at = record.epoch - first
    if at >= len(whole["numbers"]) or record.epoch > len(whole["llrecord"]):
        return False  # the one call ended earlier
    lines = epoch_lines(whole["log"], record.epoch)
    printed = {**whole, "words": whole["words"][at], "numbers": whole["numbers"][at]}
    figures = read_figures(printed, lines, record.epoch)
    names = (figures.keys() | record.figures.keys()) - {*ASKED_OF_CG}
    return comparable_lines(job, lines) == list(record.log_lines) and all(
        distance(figures.get(name, ()), record.figures.get(name, ())) == 0 for name in names
    )
