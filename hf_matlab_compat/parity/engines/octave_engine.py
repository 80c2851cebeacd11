"""Somebody's trainer, run live in Octave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave.process import one_line, scratch
from hf_matlab_compat.parity.engines.constants import Constant
from hf_matlab_compat.parity.engines.envelope import MEMBERS, EnvelopeCache, ensemble_in_words, measure_envelope
from hf_matlab_compat.parity.engines.job import Job, TrainerStopped, make_job, run_octave_driver, write_job
from hf_matlab_compat.parity.engines.provenance import not_shown, provenance
from hf_matlab_compat.parity.engines.reference import Reference, open_reference
from hf_matlab_compat.parity.engines.results import continuity_and_stop, read_checkpoint_bytes, read_until_stop
from hf_matlab_compat.parity.recording import Case, Continuity, EpochRecord, Recording, Stop

_Played = tuple[list[EpochRecord], Stop | None, bytes | None, Continuity | None]


class OctaveEngine:
    """Runs a reference in Octave, as often as it is asked.

    Parameters
    ----------
    reference : path-like, optional
        The folder of an nnet_train_2.m and its conjgrad_1.m, which is only read; `reference_matlab` by default.
    timeout : float
        Seconds that a run may take.
    cache : path-like, optional
        Folder for measured envelopes; the user's cache folder by default.
    members : int
        Runs that an envelope is measured with.

    Attributes
    ----------
    watch : callable
        Told how many of these runs are done, and of how many.

    Raises
    ------
    ParityError
        The folder has no trainer that can be called.
    """

    name = "octave"

    def __init__(
        self,
        reference: str | Path | None = None,
        *,
        timeout: float = 600.0,
        cache: str | Path | None = None,
        members: int = MEMBERS,
    ) -> None:
        self.reference = open_reference(reference)
        self.timeout = timeout
        self.members = members
        self.watch: Callable[[int, int], None] = lambda done, of: None
        self._cache = EnvelopeCache(cache)

    @property
    def constants(self) -> Mapping[str, Constant]:
        """Constants of the reference, by `nnet_train`'s keywords."""
        return self.reference.constants

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Run the reference on a case; see `Engine`."""
        job = make_job(self.reference, case, precision=precision, mode=mode, epochs=epochs)
        with scratch() as folder:
            records, stop, checkpoint, continuity = self._play(job, folder)
        return Recording(
            case=job.case,
            precision=precision,
            mode=mode,
            epochs=only_kernels(records) if mode == "kernels" else records,
            envelope={},
            checkpoint=checkpoint,
            provenance={**provenance(self.reference, job, self.timeout), **not_shown(records)},
            continuity=continuity,
            stop=stop,
        )

    def with_envelope(self, recording: Recording) -> Recording:
        """The same recording with E, measured now or at an earlier time; see `measure_envelope`."""
        key = self._cache.key(recording, self.members)
        envelope = self._cache.get(key)
        if envelope is None:
            envelope = measure_envelope(
                self.reference, recording, members=self.members, timeout=self.timeout, watch=self.watch
            )
            self._cache.put(key, envelope)
        told = {f"ensemble, {recording.precision}": ensemble_in_words(recording, self.members)}
        return replace(recording, envelope=envelope, provenance={**recording.provenance, **told})

    def _play(self, job: Job, folder: Path) -> _Played:
        write_job(job, folder / "job")
        self.reference.copy_to(folder / "reference")
        try:
            failure = self._run(folder)
            results = folder / "job" / "results"
            records, stop = read_until_stop(job, results, failure)
            if stop is not None:
                stop = replace(stop, reason=in_users_words(stop.reason, folder, self.reference))
            continuity, stop = continuity_and_stop(job, records, results, stop)
            return records, stop, read_checkpoint_bytes(results), continuity
        except ParityError as error:
            raise ParityError(f"{job.case.name}: {in_users_words(str(error), folder, self.reference)}") from error

    def _run(self, folder: Path) -> TrainerStopped | None:
        """Do the job; what the trainer stopped with, where it did."""
        try:
            run_octave_driver(folder / "job", folder / "reference", timeout=self.timeout)
        except TrainerStopped as error:
            return error
        return None


def in_users_words(message: str, folder: Path, reference: Reference) -> str:
    """The message, with the user's folder for the copy that was run."""
    return one_line(message.replace(str(folder / "reference"), str(reference.folder)))


def only_kernels(records: Sequence[EpochRecord]) -> list[EpochRecord]:
    """The states and what was computed at them, without what came of it."""
    blank: dict[str, Any] = {"figures": {}, "theta_after": None, "d_after": None, "log_lines": ()}
    return [replace(record, **blank) for record in records]
