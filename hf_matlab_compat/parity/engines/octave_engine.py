"""A user's trainer, run live in Octave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave.process import one_line, scratch
from hf_matlab_compat.parity.engines.envelope import MEMBERS, EnvelopeCache, ensemble_in_words, measure_envelope
from hf_matlab_compat.parity.engines.job import TrainerStopped, make_job, run_octave_driver, write_job
from hf_matlab_compat.parity.engines.provenance import octave_provenance
from hf_matlab_compat.parity.engines.recurrent_octave import has_recurrent, record_recurrent, recurrent_envelope
from hf_matlab_compat.parity.engines.reference import open_reference
from hf_matlab_compat.parity.engines.results import read_recording
from hf_matlab_compat.parity.recording import Case, Recording
from hf_matlab_compat.parity.recurrent_cases import is_recurrent


class OctaveEngine:
    """Runs a reference in Octave.

    Parameters
    ----------
    reference : path-like, optional
        The folder of an nnet_train_2.m and its conjgrad_1.m, which is only read; `reference_matlab` by default.
    timeout : float
        Seconds that a run may take.
    cache : path-like, optional
        Folder for measured envelopes; the user's cache folder by default.
    members : int
        Number of runs that an envelope is measured with.

    Attributes
    ----------
    watch : callable
        (done, of): told how many of these runs are done.

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
    def trains_recurrent(self) -> bool:
        """True if the reference has a trainer of recurrent nets, as `reference_matlab` has."""
        return has_recurrent(self.reference)

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Run the reference on a case; see `Engine`.

        Raises
        ------
        ParityError
            The run cannot be made.
        """
        if is_recurrent(case):
            return record_recurrent(
                self.reference, case, precision=precision, mode=mode, epochs=epochs, timeout=self.timeout
            )
        job = make_job(self.reference, case, precision=precision, mode=mode, epochs=epochs)
        with scratch() as folder:
            copy, failure = folder / "reference", None

            def of_user(message: str) -> str:
                return one_line(message.replace(str(copy), str(self.reference.folder)))

            write_job(job, folder / "job")
            self.reference.copy_to(copy)
            try:
                try:
                    run_octave_driver(folder / "job", copy, timeout=self.timeout)
                except TrainerStopped as error:
                    failure = error
                recording = read_recording(job, folder / "job" / "results", self.reference, failure)
            except ParityError as error:
                raise ParityError(f"{case.name}: {of_user(str(error))}") from error
        stop = recording.stop
        return replace(
            recording,
            provenance=octave_provenance(self.reference, self.timeout) | dict(recording.provenance),
            stop=None if stop is None else replace(stop, reason=of_user(stop.reason)),
        )

    def with_envelope(self, recording: Recording) -> Recording:
        """Return the recording with E, measured now or at an earlier time; see `measure_envelope`."""
        key = self._cache.key(recording, self.members)
        envelope = self._cache.get(key)
        if envelope is None:
            measure = recurrent_envelope if is_recurrent(recording.case) else measure_envelope
            envelope = measure(self.reference, recording, members=self.members, timeout=self.timeout, watch=self.watch)
            self._cache.put(key, envelope)
        told = {f"ensemble, {recording.precision}": ensemble_in_words(recording, self.members)}
        return replace(recording, envelope=envelope, provenance={**recording.provenance, **told})
