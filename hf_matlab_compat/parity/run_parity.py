"""The whole comparison in one call: find the reference, record it, measure its rounding, judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from time import monotonic

from hf_matlab_compat.errors import OptionError, ParityError
from hf_matlab_compat.matlab.octave.session import octave_available
from hf_matlab_compat.parity.certificate import NO_OCTAVE, NOT_MEASURED, Certificate, Line, Verdict
from hf_matlab_compat.parity.divergence import keep_divergence
from hf_matlab_compat.parity.engines import Engine, OctaveEngine, RecordedEngine, is_ours, read_tape
from hf_matlab_compat.parity.judge import backend_missing, judge
from hf_matlab_compat.parity.recording import MODES, PRECISIONS, Case, Recording, nothing_recorded
from hf_matlab_compat.parity.runs import EXTENTS, Run, planned_runs, runs_live
from hf_matlab_compat.parity.stages import STAGES

ENGINES = ("auto", "octave", "recorded")
_GET_OCTAVE = (
    "Get GNU Octave (apt install octave, brew install octave, or octave.org/download), or use a machine that has "
    "MATLAB: hf-compat parity pack."
)
EXIT_CODES = {Verdict.AGREES: 0, Verdict.DIFFERS: 1, Verdict.NOT_RUN: 2}
_SELDOM = 10.0
"""Seconds between two sentences of progress within one run."""


@dataclass(frozen=True, kw_only=True)
class ParityRun:
    """A certificate, and the recordings that it was made from.

    Attributes
    ----------
    certificate : Certificate
    recordings : list of Recording
    script : str
        Two lines of Python that reproduce the first divergence; empty without one, or without a file to keep it in.
    """

    certificate: Certificate
    recordings: Sequence[Recording]
    script: str


def run_parity(  # noqa: PLR0913 - what a comparison is made of
    *,
    reference: str | os.PathLike[str] | None = None,
    engine: str | Engine = "auto",
    tape: str | os.PathLike[str] | None = None,
    run_code: bool = False,
    cases: Sequence[str | os.PathLike[str] | Case] | None = None,
    modes: Sequence[str] = ("lockstep",),
    precisions: Sequence[str] = PRECISIONS,
    epochs: int | None = None,
    extent: Sequence[str] = ("quick",),
    envelope: bool = True,
    timeout: float = 600.0,
    backend: str = "numpy",
    stages: Sequence[str] = STAGES,
    divergence_file: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = lambda sentence: None,
    watch: Callable[[Line], None] = lambda line: None,
) -> ParityRun:
    """Compare this package with a reference.

    Parameters
    ----------
    reference : path, optional
        Folder of a user's nnet_train_2.m and conjgrad_1.m; it is only read. By default reference_matlab.
    engine : {'auto', 'octave', 'recorded'} or Engine
        'auto': Octave where it can be started or a reference is named, or else the recorded numbers.
    tape : path, optional
        Folder brought back from a machine with MATLAB; it replaces reference, engine, cases and modes.
    run_code : bool
        Measure the tape's envelope with the trainer that it brought along, which Octave executes with all rights that
        your programs have. Without this, nothing of a tape is executed (unless all of its .m files are those of
        reference_matlab, byte for byte), and it has no envelope.
    cases : sequence of names, paths or Case
        Built-in cases ('all' for every one), .mat files with the 22 arguments, or cases. By default those of `extent`.
    modes : sequence of {'kernels', 'lockstep', 'free'}
        As in `Recording`.
    precisions : sequence of {'double', 'single'}
        Precisions in which each case is run.
    epochs : int, optional
        Number of epochs of every run; by default `DEFAULT_EPOCHS`, or that of `LONGER`.
    extent : sequence of {'quick', 'thorough', 'long'}
        The runs where no case is asked for. 'quick': `QUICK_CASES`. 'thorough', which recorded numbers always are:
        `DEFAULT_CASES`, where a reference can be run `MADE_CASES`, and in kernels `KERNEL_CASES` (unless the modes are
        'free' alone). 'long', beside either of them or the cases asked for: `LONG_EPOCHS` epochs in lockstep of these
        cases or of `LONG_CASES`, and two epochs from each of `LONG_LAMBDAS`.
    envelope : bool
        Measure how far rounding moves the reference. Without it the tabulated bounds hold, and this package's own
        runs where those are too narrow: badly conditioned cases (`ae_tanh_linear`) are then flagged for rounding.
    timeout : float
        Seconds of wall-clock time that a run of the reference may take.
    backend : {'numpy', 'numba', 'cupy'}
        Backend of this package.
    stages : sequence of str
        Members of `STAGES` to compare.
    divergence_file : path, optional
        A .npz file that keeps the first divergence, if there is one.
    say : callable
        Told of progress, in sentences.
    watch : callable
        Told of every line.

    Returns
    -------
    ParityRun

    Raises
    ------
    ParityError
        The reference, a case or a tape cannot be run or read. Of several runs, one that could not be made is a line
        that says so, and the others are judged.
    OptionError
        An argument is unknown, or this package refuses an option of a case.
    DataError
        This package refuses the data of a case.
    """
    for name, given, known in (
        ("modes", modes, MODES),
        ("precisions", precisions, PRECISIONS),
        ("stages", stages, STAGES),
        ("extent", extent, EXTENTS),
    ):
        _check(name, given, known)
    if epochs is not None and epochs < 1:
        raise OptionError("epochs", expected="at least 1", got=epochs)
    if not 0 < timeout < inf:
        raise OptionError("timeout", expected="a number of seconds above 0", got=timeout)
    backend_missing(backend)  # a backend that cannot be had is refused before the reference runs
    if tape is not None:
        recordings = list(_from_tape(Path(tape), envelope, run_code, timeout, say))
    else:
        source = _engine(engine, reference, timeout)
        runs = planned_runs(source, cases, modes, precisions, extent)
        runs = [run if epochs is None else replace(run, epochs=epochs) for run in runs]
        recordings = _recorded(source, runs, envelope, say)
        if engine == "auto" and not runs_live(source):
            recordings = [_with(r, NO_OCTAVE, octave_available() or "not asked for") for r in recordings]
    progress = Progress(say, len(recordings))

    def judged(line: Line) -> None:
        progress.judging(line)
        watch(line)

    certificate = judge(recordings, backend=backend, stages=stages, watch=judged)
    script = keep_divergence(divergence_file, certificate, recordings) if divergence_file is not None else ""
    return ParityRun(certificate=certificate, recordings=recordings, script=script)


def exit_code(certificate: Certificate) -> int:
    """Return 0 for agreement, 1 for a difference, 2 where nothing of a run could be compared, or no decision was."""
    return EXIT_CODES[certificate.verdict]


def _with(recording: Recording, name: str, said: str) -> Recording:
    return replace(recording, provenance={**recording.provenance, name: said})


def _check(name: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = [value for value in given if value not in known]
    if unknown or not given:
        raise OptionError(name, expected=f"some of {', '.join(known)}", got=", ".join(map(repr, unknown)) or "none")


def _engine(engine: str | Engine, reference: str | os.PathLike[str] | None, timeout: float) -> Engine:
    if not isinstance(engine, str):
        return engine
    if engine not in ENGINES:
        raise OptionError("engine", expected=f"one of {', '.join(map(repr, ENGINES))}", got=repr(engine))
    if engine == "recorded" and reference is not None:
        raise OptionError("engine", expected="'octave' to run {reference}", got="'recorded'")
    missing = octave_available()
    if engine == "octave" or reference is not None:
        if missing:
            raise ParityError(f"octave: {missing}. {_GET_OCTAVE}")
        return OctaveEngine(None if reference is None else Path(reference), timeout=timeout)
    return RecordedEngine() if engine == "recorded" or missing else OctaveEngine(timeout=timeout)


def _recorded(engine: Engine, runs: Sequence[Run], envelope: bool, say: Callable[[str], None]) -> list[Recording]:
    """Return the recordings of all runs; one that could not be made is without epochs, and says why.

    Raises
    ------
    ParityError
        None could be made.
    """
    made: list[Recording] = []
    errors: list[ParityError] = []
    progress = Progress(say, len(runs))
    for run in runs:
        began = monotonic()
        try:
            made.append(_of_engine(engine, run, envelope, progress))
        except ParityError as error:
            hung = monotonic() - began >= getattr(engine, "timeout", inf)
            if len(errors) == len(made) and (hung or len(runs) == 1):
                raise  # all other runs would take as long
            progress.tell(f": {error}")
            errors.append(error)
            made.append(nothing_recorded(run.case, run.precision, run.mode, str(error)))
    if len(errors) == len(made):
        raise errors[0]
    return made


def _of_engine(engine: Engine, run: Run, envelope: bool, progress: Progress) -> Recording:
    progress.begin(f"{engine.name}: {run.name}")
    recording = engine.record(run.case, precision=run.precision, mode=run.mode, epochs=run.epochs)
    if not envelope:
        return _with(recording, "envelope", f"{NOT_MEASURED} (--no-envelope)")
    if isinstance(engine, OctaveEngine):
        engine.watch = progress.part
    progress.tell(": how far rounding moves it")
    return engine.with_envelope(recording)


def _from_tape(
    tape: Path, envelope: bool, run_code: bool, timeout: float, say: Callable[[str], None]
) -> Iterable[Recording]:
    """Yield the recordings of a tape, with an envelope where its trainer can be, and may be, run here as well."""
    missing = octave_available() if envelope else "--no-envelope"
    if not (missing or run_code or is_ours(tape)):
        missing = "the tape's own .m files were not run here: --run-code runs them in Octave"
    for recording in read_tape(tape):
        why = missing or ("" if recording.epochs else "nothing was recorded")
        if not why:
            say(f"tape: {recording.case.name}, {recording.precision}: how far rounding moves it")
            try:
                yield OctaveEngine(tape / "reference", timeout=timeout).with_envelope(recording)
                continue
            except ParityError as error:
                why = str(error)
        yield _with(recording, "envelope", f"{NOT_MEASURED} ({why})")


class Progress:
    """Says a sentence a run, with the time left, and now and then one within a long run.

    Parameters
    ----------
    say : callable
        Called with each sentence.
    runs : int
        Number of runs.
    """

    def __init__(self, say: Callable[[str], None], runs: int) -> None:
        self._say, self._runs = say, runs
        self._began = self._last = monotonic()
        self._run, self._part, self._about = 0, 0.0, ""

    def begin(self, about: str) -> None:
        """Count one more run, and say what it is about."""
        self._run, self._part, self._about = self._run + 1, 0.0, about
        self.tell()

    def tell(self, more: str = "") -> None:
        """Say what is being done in this run."""
        self._last = monotonic()
        done, left = self._run - 1 + self._part, 0.0
        if done > 0:  # the others take as long each as the runs so far
            left = (monotonic() - self._began) / done * (self._runs - done)
        about = f", about {in_words(left)} left" if left >= 1 else ""
        self._say(f"{self._run} of {self._runs}{about}: {self._about}{more}")

    def part(self, done: int, of: int) -> None:
        """Count the parts of this run that are done, and say so now and then."""
        self._part = done / of
        if monotonic() - self._last > _SELDOM:
            self.tell(f": how far rounding moves it, {done} of {of}")

    def judging(self, line: Line) -> None:
        """Say that a run is being judged, at its first line."""
        about = f"judging {line.case}, {line.precision}, {line.mode}"
        if about != self._about:
            self._run = self._run + 1 if self._about.startswith("judging ") else 1
            self._about = about
            self._say(f"{about} ({self._run} of {self._runs})")


def in_words(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours, whichever reads best."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
