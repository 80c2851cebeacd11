"""A job for the driver in shims/drive: a folder with the questions for a trainer, and Octave runs that answer them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.files.mat_formats import write_mat
from hf_matlab_compat.matlab.octave.process import one_line, quoted, require_octave, require_small_files, run_code
from hf_matlab_compat.matlab.octave.values import to_octave
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.cases import rounded
from hf_matlab_compat.parity.engines.constants import published
from hf_matlab_compat.parity.engines.reference import SHIMS, Reference
from hf_matlab_compat.parity.recording import MODES, PRECISIONS, Case

OVERRIDES: Mapping[str, str] = {
    **{name: name for name in ("initlambda", "autodamp", "drop", "boost", "rho_low", "rho_high")},
    **{name: name for name in ("maxiters", "miniters", "linesearch_c", "linesearch_factor", "numconn", "initcoeff")},
    "linesearch_max": "linesearch_max_reductions",
    "precon_exponent": "preconditioner_exponent",
    "checkpoint_every": "checkpoint_period",
    "decay_biases": "mask_biases",
}
"""`nnet_train`'s keywords, and what `reference_matlab`'s 23rd argument calls them."""

_RECORDS = {"llrecord": 2, "errrecord": 2, "lambdarecord": 1, "times": 1}


class TrainerStopped(ParityError):
    """The trainer ran into an error or ended Octave. The epochs that it had finished are in the job's results."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """The questions for a trainer.

    Attributes
    ----------
    case : Case
        With the constants of the reference.
    precision, mode : str
    epochs : int
    overrides : mapping or None
        For the 23rd argument, where there is one.
    probes : (P, k) array
        Vectors to be multiplied by the curvature.
    starts : sequence of states
        Variables of checkpoints: several to do one epoch from each; one to begin at; none to begin afresh.
    names_device : bool
        Whether arrays are asked for by the word 'gpuArray'.
    """

    case: Case
    precision: str
    mode: str
    epochs: int
    overrides: Mapping[str, Any] | None
    probes: NDArray[np.float64]
    starts: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    names_device: bool = False

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """The class of the vectors."""
        return np.float32 if self.precision == "single" else np.float64

    @property
    def has_test_set(self) -> bool:
        """True if there are test cases."""
        return self.case.arguments["intest"].size > 0

    @property
    def route(self) -> list[str]:
        """The folders of shims, the last one first on the path."""
        folders = ["gpu", "look", "drive", *["device"] * self.names_device]
        if self.precision == "double" and self.overrides is None:
            folders.append("double")
            if not self.case.arguments["hybridmode"]:
                folders.append("shadow")
        return folders


def probe_vectors(size: int, count: int = 2) -> NDArray[np.float64]:
    """Return random vectors, (size, count), the same for every run, that single precision represents exactly."""
    return np.random.default_rng(0).standard_normal((size, count)).astype(np.float32).astype(np.float64)


def make_job(reference: Reference, case: Case, *, precision: str, mode: str, epochs: int, probes: int = 2) -> Job:
    """Make a job for a reference, with some random vectors as probes.

    Raises
    ------
    ParityError
        The precision or mode is unknown, or the case wants constants that this reference cannot be given.
    """
    for name, value, known in (("precision", precision, PRECISIONS), ("mode", mode, MODES)):
        if value not in known:
            raise ParityError(f"{name}: expected one of {', '.join(known)}, got {value!r}.")
    if epochs < 1:
        raise ParityError(f"epochs: expected at least 1, got {epochs}.")
    settled, overrides = _settled(reference, case, precision)
    size = settled.arguments["paramsp"].size
    return Job(
        case=settled,
        precision=precision,
        mode=mode,
        epochs=epochs,
        overrides=overrides,
        probes=probe_vectors(size, probes),
        starts=_beginning(reference, settled, case),
        names_device=reference.names_device,
    )


def write_job(job: Job, folder: Path) -> None:
    """Write ``request.mat`` into a folder, which is made."""
    folder.mkdir(parents=True)
    request = {
        "arguments": _arguments(job),
        "overrides": job.overrides,
        "starts": [_typed(job, start) for start in job.starts] or [None],
        "epochs": job.epochs,
        "mode": job.mode,
        "probes": job.probes,
        "precision": job.precision,
        "route": job.route,
    }
    write_mat(folder / "request.mat", {"request": to_octave(request)}, long_field_names=True)


def run_octave_driver(
    job: Path,
    reference: Path,
    *,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    stop: Event | None = None,
) -> None:
    """Run the job in a folder, in an Octave of its own.

    Parameters
    ----------
    job : Path
        Folder with the request.mat; the results are written there.
    reference : Path
        A copy of the trainer's folder.
    timeout : float
        Seconds of wall-clock time, after which Octave and what it started are killed.
    environment : mapping, optional
        Environment variables of Octave in addition to the present ones.
    stop : Event, optional
        Once it is set, Octave is killed.

    Raises
    ------
    ParityError
        Octave is missing or was stopped at one of its limits.
    TrainerStopped
        The trainer ran into an error or ended Octave.
    """
    require_octave(", or check against the recorded numbers: --engine recorded")

    def watch() -> None:
        require_small_files(job / "work")
        if stop is not None and stop.is_set():
            raise ParityError("Octave was stopped, since another run failed.")

    names = (quoted(path) for path in (job, reference, SHIMS))
    code = f"addpath({quoted(SHIMS / 'drive')}); hf_play({', '.join(names)});"
    whole = {**os.environ, "TMPDIR": str(job), **(environment or {})}
    ended = run_code(code, job, timeout=timeout, environment=whole, watch=watch, keep_output=False)
    results = job / "results"
    if (results / "failure.txt").exists():
        raise TrainerStopped(one_line((results / "failure.txt").read_text(errors="replace")))
    if not (results / "done.txt").exists():
        raise TrainerStopped(one_line(f"Octave {ended.in_words()} in the middle of its run. {ended.words}"))


def _settled(reference: Reference, case: Case, precision: str) -> tuple[Case, dict[str, Any] | None]:
    """Return the case as this reference runs it, and the overrides that make it do so.

    Raises
    ------
    ParityError
        The case wants constants that this reference cannot be given.
    """
    theirs = {name: constant.value for name, constant in reference.constants.items()}
    wanted = {name: value for name, value in case.constants.items() if value != theirs.get(name, published(name))}
    overrides: dict[str, Any] | None = None
    if reference.takes_overrides:
        overrides = {"precision": precision}
        for name in [name for name in wanted if name in OVERRIDES]:
            value = wanted.pop(name)
            overrides[OVERRIDES[name]] = float(not value if name == "decay_biases" else value)
    else:
        wanted.pop("initlambda", None)  # goes in by a checkpoint of epoch 0
        case = rounded(case)
    if wanted:
        told = ", ".join(f"{name} = {value}" for name, value in wanted.items())
        raise ParityError(f"{case.name}: wants {told}, which {reference.name} has otherwise and cannot be told.")
    constants = {**theirs, **case.constants}
    if "boost" not in case.constants and constants["boost"] == 1 / theirs["drop"]:
        constants["boost"] = 1 / constants["drop"]
    return Case(name=case.name, arguments=case.arguments, constants=_changed(constants)), overrides


def _changed(constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constants that are not the published ones; boost where it is not 1/drop."""
    changed = {name: value for name, value in constants.items() if name != "boost" and value != published(name)}
    if constants["boost"] != 1 / constants["drop"]:
        changed["boost"] = constants["boost"]
    return changed


def _arguments(job: Job) -> list[Any]:
    given = dict(job.case.arguments)
    given["layersizes"] = np.asarray(given["layersizes"], np.float64).reshape(1, -1)
    given["paramsp"] = np.asarray(given["paramsp"], job.dtype).reshape(-1, 1)
    given["runDesc"] = given["runDesc"] or "parity"
    # the doubles of the GPU's toolbox are the way to a double-precision run
    given["jacket"] = int("double" in job.route)
    for name in ("indata", "outdata", "intest", "outtest"):
        given[name] = np.asarray(given[name], job.dtype)
    return [given[name] for name in TRAINER_ARGUMENTS]


def _beginning(reference: Reference, settled: Case, case: Case) -> tuple[dict[str, Any], ...]:
    """Return a checkpoint of epoch 0 where the case begins with a lambda that the reference cannot be told."""
    lam = case.constants.get("initlambda")
    if reference.takes_overrides or lam is None or lam == reference.constants["initlambda"].value:
        return ()
    theta = settled.arguments["paramsp"]
    return ({"paramsp": theta, "ch": 0 * theta, "lambda": lam, "epoch": 0, "totalpasses": 0},)


def _typed(job: Job, start: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nine variables of a checkpoint, in the classes that trainers save."""
    epoch = int(start["epoch"])
    # room for all epochs, as a trainer that begins by itself makes it: what is indexed linearly would grow as a row
    rows = max(epoch + 1, job.epochs)
    records = {name: start.get(name, np.zeros((rows, width))) for name, width in _RECORDS.items()}
    vectors = {name: np.asarray(start[name], job.dtype).reshape(-1, 1) for name in ("paramsp", "ch")}
    scalars = {name: float(start[name]) for name in ("epoch", "lambda", "totalpasses")}
    return {**vectors, **scalars, **records}
