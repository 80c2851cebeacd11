"""E: how far rounding alone moves the reference, measured by running it on the same mathematics in another order.

The plain run is repeated as well, from the same states: if the results differ, the reference draws random numbers or
keeps state to itself, and E is not its rounding.

A member of the ensemble has the cases of every chunk permuted. Some have their units renumbered in every layer as
well (so that products with W add in another order), some another `exp` and `tanh`, and where Octave's BLAS is
OpenBLAS, some other kernels or another number of threads of it. In free runs in double precision, some begin with
noise of 2e-16. Beside a run in single precision goes one of the same epochs in double: members in another order miss
what all of them round alike, which after CG is the larger part (3e-2 of step 11, where orders differ by 2e-5). E is
the largest distance of a member from the plain run; after another decision or another chosen iterate, what depends on
it is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from hf_matlab_compat.backends.workers import default_threads
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.octave.process import one_line, scratch
from hf_matlab_compat.parity.cases import rounded
from hf_matlab_compat.parity.comparisons import distances
from hf_matlab_compat.parity.engines.job import Job, TrainerStopped, make_job, run_octave_driver, write_job
from hf_matlab_compat.parity.engines.order import Order, identity, permuted_cases, renumbered_units
from hf_matlab_compat.parity.engines.provenance import octave_facts
from hf_matlab_compat.parity.engines.reference import SHIMS, Reference
from hf_matlab_compat.parity.engines.results import OtherPrecision, read_until_stop
from hf_matlab_compat.parity.envelope_rule import DECISIONS
from hf_matlab_compat.parity.recording import (
    AGAIN,
    AND_AGAIN,
    BY_CASES,
    PLACE,
    REFUSED,
    EpochRecord,
    Recording,
    distance,
)

MEMBERS = 16
_FORMAT = 5
"""Of the cached files."""

SUSPICIOUS = {"single": 1e-6, "double": 1e-14}
"""Distances beyond this may be more than rounding, so that those of members by cases alone are kept beside E."""

NOISE = 2e-16

OTHER_EXP = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}
"""Makes glibc take its `exp` and `tanh` for a processor without these."""

CORES = tuple({"OPENBLAS_CORETYPE": core} for core in ("Prescott", "Nehalem", "Sandybridge", "Haswell"))
THREADS = ({"OPENBLAS_NUM_THREADS": "2"},)


@dataclass(frozen=True)
class Member:
    """One way of running the same mathematics."""

    seed: int
    renumbered: bool = False
    precise: bool = False
    noise: float = 0.0
    environment: Mapping[str, str] | None = None
    again: bool = False

    @property
    def by_cases_alone(self) -> bool:
        """True if it differs from the plain run in the order of cases and nothing else."""
        return not (self.renumbered or self.precise or self.noise or self.environment or self.again)

    def order(self, arguments: Mapping[str, Any]) -> Order:
        """Return its order of cases and units."""
        if self.again or self.seed == 0:
            return identity(arguments)
        return (renumbered_units if self.renumbered else permuted_cases)(arguments, self.seed)


def measure_envelope(
    reference: Reference,
    recording: Recording,
    *,
    members: int = MEMBERS,
    timeout: float = 600.0,
    watch: Callable[[int, int], None] = lambda done, of: None,
) -> dict[tuple[int, str], float]:
    """Measure E of every quantity of a live recording, by ``(epoch, name)``.

    Parameters
    ----------
    reference : Reference
        The reference that made the recording.
    recording : Recording
        The plain run.
    members : int
        Number of runs in another order.
    timeout : float
        Seconds that a member may take.
    watch : callable
        (done, of): told how many members are done.

    Raises
    ------
    ParityError
        A member could not be run; all others are stopped.
    """
    with scratch() as folder:
        reference.copy_to(folder / "reference")

        def run(asked: Sequence[Member]) -> Iterator[Sequence[EpochRecord]]:
            return _run_all(reference, recording, folder, asked, timeout)

        return envelope_of(recording, ensemble(recording, members), run, watch)


def envelope_of(
    recording: Recording,
    asked: Sequence[Member],
    run: Callable[[Sequence[Member]], Iterator[Sequence[EpochRecord]]],
    watch: Callable[[int, int], None],
) -> dict[tuple[int, str], float]:
    """Return E of every quantity from runs of the members; `run` yields their epochs in the plain run's order."""
    envelope: dict[tuple[int, str], float] = {}
    again: Sequence[EpochRecord] | None = None
    for number, (member, records) in enumerate(zip(asked, run(asked), strict=True), start=1):
        watch(number, len(asked))
        if member.again:
            again = records
            _add(envelope, recording.epochs, records, AGAIN)
            continue
        _add(envelope, recording.epochs, records)
        if member.by_cases_alone:
            _add(envelope, recording.epochs, records, BY_CASES, SUSPICIOUS[recording.precision])
    if again is not None and any(name.startswith(AGAIN) for _, name in envelope):
        (once_more,) = run([Member(-1, again=True)])
        _add(envelope, again, once_more, AND_AGAIN)
    return envelope


def _add(
    envelope: dict[tuple[int, str], float],
    plain: Sequence[EpochRecord],
    member: Sequence[EpochRecord],
    prefix: str = "",
    beyond: float = 0.0,
) -> None:
    """Widen the envelope; under a prefix, only by distances beyond a limit."""
    # a member that meets a known fault of the original an epoch earlier has fewer
    for a, b in zip(plain, member, strict=False):
        for name, apart in rounding(b, a).items():
            key = (a.epoch, prefix + name)
            if not prefix or not apart <= beyond:
                envelope[key] = max(envelope.get(key, 0.0), apart)


def rounding(member: EpochRecord, plain: EpochRecord) -> dict[str, float]:
    """Return by quantity how far a member is from the plain run, without what depends on a decision that differs."""
    apart = {name: E for name, E in distances(member, plain, _model).items() if name not in ("start", "steps")}
    ours, theirs = member.figures, plain.figures
    if "chosen_step" in ours and "chosen_step" in theirs:
        apart["chosen_step"] = distance(ours["chosen_step"], theirs["chosen_step"])
    dependent: set[str] = set()
    if ours.get("cg_steps") != theirs.get("cg_steps"):
        dependent |= {"d", "d_norm"}
    if any(ours.get(name) != theirs.get(name) for name in ("chosen_step", "reductions")):
        dependent |= {"theta", *theirs} - {*DECISIONS, "d", "d_norm", "chosen_step"}
    return {name: E for name, E in apart.items() if name not in dependent}


def _model(record: EpochRecord, at: int) -> float:
    """Return the value of the quadratic model as the reference computed it."""
    values = np.ravel(record.kernels.get("model", ()))
    return float(values[at]) if at < values.size else np.nan


def ensemble(recording: Recording, members: int) -> list[Member]:
    """Return the members: the plain run once more, one in double for single precision, and as many as are asked for."""
    openblas = "openblas" in octave_facts()["blas"]
    free_double = recording.mode == "free" and recording.precision == "double"
    precise = recording.mode != "free" and recording.precision == "single"
    made = [Member(0, again=True), *([Member(0, precise=True)] if precise else [])]
    for seed in range(1, members + 1):
        last = seed % 4 == 0
        environment = OTHER_EXP if seed % 8 == 3 else None
        if openblas and last:
            environment = (*CORES, *THREADS)[(seed // 4 - 1) % 5]
        noise = NOISE if free_double and seed % 4 == 1 else 0.0
        made.append(Member(seed, renumbered=last, noise=noise, environment=environment))
    return made


def ensemble_in_words(recording: Recording, members: int) -> str:
    """Return the composition of the ensemble in words."""
    made = ensemble(recording, members)
    plain = [member for member in made if member.seed]
    environments = [member.environment for member in plain if member.environment]
    parts = {
        "units renumbered as well": sum(member.renumbered for member in plain),
        "another exp and tanh": environments.count(OTHER_EXP),
        "other kernels or threads of OpenBLAS": sum(each != OTHER_EXP for each in environments),
        "noise of 2e-16 on the start": sum(bool(member.noise) for member in plain),
    }
    said = "".join(f", {count} with {what}" for what, count in parts.items() if count)
    precise = "; one more in double" if any(member.precise for member in made) else ""
    again = "; the plain run once more" if any(member.again for member in made) else ""
    return f"{len(plain)} runs with the cases of each chunk permuted{said}{precise}{again}"


def _run_all(
    reference: Reference, recording: Recording, folder: Path, members: Sequence[Member], timeout: float
) -> Iterator[Sequence[EpochRecord]]:
    """Yield the members' epochs, put back in the plain run's order.

    Raises
    ------
    ParityError
        As `measure_envelope`.
    """
    stop = Event()

    def run(member: Member) -> Sequence[EpochRecord]:
        place = folder / f"member{member.seed}{'_again' * member.again}"
        order = member.order(recording.case.arguments)
        job = _job(reference, recording, member, order)
        write_job(job, place)
        failure = None
        try:
            run_octave_driver(place, folder / "reference", timeout=timeout, environment=member.environment, stop=stop)
        except TrainerStopped as error:
            failure = error
        try:
            records, stopped = read_until_stop(job, place / "results", failure)
        except ParityError as error:
            if member.precise and (isinstance(error, OtherPrecision) or REFUSED in str(error)):
                return recording.epochs  # it has no double precision: as if there were no such member
            raise
        if stopped is not None and not stopped.cause:
            raise ParityError(stopped.reason)
        shutil.rmtree(place)
        return [order.undo(record) for record in records]

    with ThreadPoolExecutor(max_workers=default_threads()) as pool:
        runs = [pool.submit(run, member) for member in members]
        try:
            for each in runs:
                yield each.result()
        except ParityError as error:
            told = str(error).replace(str(folder / "reference"), str(reference.folder))
            raise ParityError(f"{recording.case.name}, with its cases in another order: {one_line(told)}") from error
        finally:
            stop.set()
            for each in runs:
                each.cancel()


def _job(reference: Reference, recording: Recording, member: Member, order: Order) -> Job:
    """Return the plain run's job in another order: each of its epochs from its state, or all of them freely."""
    case = replace(recording.case, arguments=order.apply(recording.case.arguments))
    case, precision = (rounded(case), "double") if member.precise else (case, recording.precision)
    job = make_job(reference, case, precision=precision, mode=recording.mode, epochs=len(recording.epochs))
    job = replace(job, probes=job.probes[order.parameters])
    if recording.mode != "free":
        starts = tuple(
            {
                "paramsp": record.theta[order.parameters],
                "ch": record.start[order.parameters],
                "lambda": record.lam,
                "epoch": record.epoch - 1,
                "totalpasses": 0,
            }
            for record in recording.epochs
        )
        # the recorded start of CG is decayed already
        return replace(_with(job, decay=1.0), starts=starts)
    if not member.noise:
        return job
    theta = np.asarray(job.case.arguments["paramsp"], np.float64)
    theta = theta * (1 + member.noise * np.random.default_rng(member.seed).standard_normal(theta.shape))
    return replace(_with(job, paramsp=theta), starts=tuple({**start, "paramsp": theta} for start in job.starts))


def _with(job: Job, **arguments: Any) -> Job:
    return replace(job, case=replace(job.case, arguments={**job.case.arguments, **arguments}))


def user_cache() -> Path:
    """Return the user's cache folder of this package, by XDG's rules."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hf_matlab_compat"


class EnvelopeCache:
    """A folder of measured envelopes; one that cannot be read or written counts as missing.

    Parameters
    ----------
    folder : path-like, optional
        By default `user_cache`.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder)

    def key(self, recording: Recording, members: int) -> str:
        """Return the hash of all that an envelope depends on, from the files to the number of members."""
        digest = hashlib.sha256()
        plain = [_FORMAT, members, recording.precision, recording.mode, len(recording.epochs)]
        depends_on = [item for item in recording.provenance.items() if not item[0].startswith(PLACE)]
        plain += [sorted(depends_on), sorted(recording.case.constants.items())]
        digest.update(repr(plain).encode())
        for shim in sorted(SHIMS.rglob("*.m")):
            digest.update(shim.read_bytes())
        for name in sorted(recording.case.arguments):
            _digest(digest, recording.case.arguments[name])
        for record in recording.epochs:
            _digest(digest, [record.theta, record.start, record.lam])
        return digest.hexdigest()

    def get(self, key: str) -> dict[tuple[int, str], float] | None:
        """Return the envelope, or None where there is none yet."""
        try:
            rows = json.loads(self._path(key).read_text(encoding="ascii"))
            return {(int(epoch), str(name)): float(E) for epoch, name, E in rows}
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, envelope: Mapping[tuple[int, str], float]) -> None:
        """Keep an envelope."""
        rows = [[epoch, name, E] for (epoch, name), E in envelope.items()]
        path = self._path(key)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as stream:
                stream.write(json.dumps(rows).encode("ascii"))

    def _path(self, key: str) -> Path:
        return (self._folder or user_cache()) / f"envelope-{key[:32]}.json"


def _digest(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _digest(digest, entry)
    else:
        digest.update(repr(value).encode())
