"""The whole comparison in one call: find the reference, record it, measure its rounding, judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from time import monotonic

from hf_matlab_compat.errors import OptionError, ParityError
from hf_matlab_compat.matlab.octave.session import octave_available
from hf_matlab_compat.parity.cases import builtin_case, builtin_names, case_from_mat
from hf_matlab_compat.parity.certificate import NO_OCTAVE, NOT_MEASURED, STAGES, Certificate, Line, Verdict
from hf_matlab_compat.parity.divergence import keep_divergence
from hf_matlab_compat.parity.engines import Engine, OctaveEngine, RecordedEngine, is_ours, read_tape
from hf_matlab_compat.parity.judge import backend_missing, judge
from hf_matlab_compat.parity.made_cases import MADE_CASES, made_case
from hf_matlab_compat.parity.progress import Progress
from hf_matlab_compat.parity.reference_run import Case, Recording, nothing_recorded

MODES = ("kernels", "lockstep", "free")
PRECISIONS = ("double", "single")
DEFAULT_CASES = (
    "ae_logistic",
    "ae_tanh_linear",
    "class_softmax",
    "k_logistic_rms0_hess_hy1_lam1",
    "k_logistic_rms1_hess_hy1_lam1",
    "k_tanh_rms1_gn_hy1_lam1",
    "k_logistic_rms0_gn_hy0_lam1",
    "k_logistic_rms0_empfish_hy1_lam1",
    "s_hess_negative_curvature",
)
"""Run in the modes asked for, and with them `MADE_CASES`: the chunks wrap around, and the last case rejects a step."""
KERNEL_CASES = (
    "k_linear_rms0_empfish_hy1_lam1",
    "k_linear_rms0_hess_hy1_lam1",
    "k_linear_rms1_gn_hy1_lam1",
    "k_linear_rms1_hess_hy1_lam1",
    "k_logistic_rms1_gn_hy1_lam1",
    "k_softmax_rms0_empfish_hy1_lam1",
    "k_softmax_rms0_hess_hy1_lam1",
    "k_softmax_rms1_hess_hy1_lam1",
    "s_ae_tiny_lambda",
)
"""Combinations of mattype, output and rms that those lack, and CG of 250 steps: seen in the kernels of one epoch."""
DEFAULT_EPOCHS = 5
"""One more than there are chunks in the default cases."""
LONGER: Mapping[str, int] = {"s_hess_negative_curvature": 7, **dict.fromkeys(MADE_CASES, 3)}
"""Epochs of cases that come later, or sooner, to what they are there for, where no number is asked for."""
QUICK_CASES = (
    "ae_logistic",
    "class_softmax",
    "k_logistic_rms1_hess_hy1_lam1",
    "k_logistic_rms0_empfish_hy1_lam1",
    "made_gn_blocks",
)
"""Of the default run against a live reference, so that it takes about a minute even where no envelope is known yet."""
QUICK_IN_BOTH = 2
"""So many of these in single precision as well, where both are asked for."""
LONG_CASES = ("ae_logistic",)
LONG_EPOCHS = 12
LONG_LAMBDAS = (1e-12, 1e12)
"""Of a long run: more epochs; and starts of lambda at which a floor or a ceiling under or over it would be reached."""
EXTENTS = ("quick", "thorough", "long")
ENGINES = ("auto", "octave", "recorded")
_GET_OCTAVE = (
    "Get GNU Octave (apt install octave, brew install octave, or octave.org/download), or use a machine that has "
    "MATLAB: hf-compat parity pack."
)
EXIT_CODES = {Verdict.AGREES: 0, Verdict.DIFFERS: 1, Verdict.NOT_RUN: 2}


@dataclass(frozen=True, kw_only=True)
class ParityRun:
    """A certificate, and what it was made from.

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
        Folder of somebody's nnet_train_2.m and conjgrad_1.m; it is only read. By default reference_matlab.
    engine : {'auto', 'octave', 'recorded'} or Engine
        'auto': Octave where it can be started or a reference is named, or else the recorded numbers.
    tape : path, optional
        Folder brought back from a machine with MATLAB; takes the place of reference, engine, cases and modes.
    run_code : bool
        Measure the tape's envelope on the trainer that it brought along, which Octave executes as any program of
        yours. Without this, nothing of a tape is executed (unless all of its .m files are those of reference_matlab,
        byte for byte), and it has no envelope.
    cases : sequence of names, paths or Case
        Built-in cases ('all' for every one), .mat files with the 22 arguments, or cases. By default what `extent`
        says.
    modes : sequence of {'kernels', 'lockstep', 'free'}
    precisions : sequence of {'double', 'single'}
    epochs : int, optional
        Of every run; by default `DEFAULT_EPOCHS`, or what `LONGER` says.
    extent : sequence of {'quick', 'thorough', 'long'}
        What is run where no case is asked for. 'quick': `QUICK_CASES`. 'thorough', which recorded numbers always are:
        `DEFAULT_CASES`, where a reference can be run `MADE_CASES`, and in kernels `KERNEL_CASES` (unless the modes are
        'free' alone). 'long', beside either of them or the cases asked for: `LONG_EPOCHS` epochs in lockstep of these
        cases or of `LONG_CASES`, and two epochs from each of `LONG_LAMBDAS`.
    envelope : bool
        Measure how far rounding moves the reference. Without it the tabulated bounds hold, and this package's own
        runs where those are too narrow: badly conditioned cases (`ae_tanh_linear`) are then flagged for rounding.
    timeout : float
        Seconds on the wall clock that a run of the reference may take.
    backend : {'numpy', 'numba', 'cupy'}
        Where this package runs.
    stages : sequence of str
        Those of `STAGES` to compare.
    divergence_file : path, optional
        A .npz file that keeps the first divergence, if there is one.
    say, watch : callables
        Told of progress, and of every line.

    Returns
    -------
    ParityRun

    Raises
    ------
    ParityError
        The reference, a case or a tape cannot be run or read. Of several runs, one that could not be made is a line
        that says so, and the others are judged.
    OptionError, DataError
        An argument means nothing, or this package refuses a case.
    """
    _check("modes", modes, MODES)
    _check("precisions", precisions, PRECISIONS)
    _check("stages", stages, STAGES)
    _check("extent", extent, EXTENTS)
    if epochs is not None and epochs < 1:
        raise OptionError("epochs", expected="at least 1", got=epochs)
    if not 0 < timeout < inf:
        raise OptionError("timeout", expected="a number of seconds above 0", got=timeout)
    backend_missing(backend)  # what cannot be had at all is refused before the reference runs
    if tape is not None:
        recordings = list(_from_tape(Path(tape), envelope, run_code, timeout, say))
    else:
        source = _engine(engine, reference, timeout)
        runs = _runs(source, cases, modes, precisions, extent)
        runs = [run if epochs is None else replace(run, epochs=epochs) for run in runs]
        recordings = _recorded(source, runs, envelope, say)
        if engine == "auto" and not runs_live(source):
            recordings = [_instead(recording) for recording in recordings]
    progress = Progress(say, len(recordings))

    def judged(line: Line) -> None:
        progress.judging(line)
        watch(line)

    certificate = judge(recordings, backend=backend, stages=stages, watch=judged)
    script = keep_divergence(divergence_file, certificate, recordings) if divergence_file is not None else ""
    return ParityRun(certificate=certificate, recordings=recordings, script=script)


def _instead(recording: Recording) -> Recording:
    """With a word on why recorded numbers are taken."""
    told = {NO_OCTAVE: octave_available() or "not asked for"}
    return replace(recording, provenance={**recording.provenance, **told})


def exit_code(certificate: Certificate) -> int:
    """0: agrees; 1: differs; 2: of a run nothing could be compared, or no decision was."""
    return EXIT_CODES[certificate.verdict]


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


@dataclass(frozen=True)
class _Run:
    """What to ask an engine for."""

    case: Case
    mode: str
    precision: str
    epochs: int

    @property
    def name(self) -> str:
        return f"{self.case.name}, {self.precision}, {self.mode}"


def _runs(
    engine: Engine,
    cases: Sequence[str | os.PathLike[str] | Case] | None,
    modes: Sequence[str],
    precisions: Sequence[str],
    extent: Sequence[str],
) -> list[_Run]:
    """All runs, in order."""
    if cases is not None:
        asked = _live(cases, engine)
        runs = [_Run(case, mode, p, _epochs(case, mode)) for case in asked for mode in modes for p in precisions]
    else:
        asked = find_cases(LONG_CASES)
        quick = runs_live(engine) and "thorough" not in extent
        runs = _quick_runs(modes, precisions) if quick else _thorough_runs(modes, precisions, engine)
    return [*_long_runs(asked, precisions), *_others(runs, asked)] if "long" in extent else runs


def _quick_runs(modes: Sequence[str], precisions: Sequence[str]) -> list[_Run]:
    """A few cases in the first precision, and fewer of them in the other."""
    counts = {p: QUICK_IN_BOTH if number else len(QUICK_CASES) for number, p in enumerate(precisions)}
    return [
        _Run(case, mode, p, _epochs(case, mode))
        for number, case in enumerate(find_cases(QUICK_CASES))
        for mode in modes
        for p in precisions
        if number < counts[p]
    ]


def _thorough_runs(modes: Sequence[str], precisions: Sequence[str], engine: Engine) -> list[_Run]:
    names = (*DEFAULT_CASES, *(MADE_CASES if runs_live(engine) else ()))
    asked = [(case, mode) for case in find_cases(names) for mode in modes]
    asked += [(case, "kernels") for case in find_cases(KERNEL_CASES) if {*modes} & {"lockstep", "kernels"}]
    return [_Run(case, mode, p, _epochs(case, mode)) for case, mode in asked for p in precisions]


def _long_runs(asked: Sequence[Case], precisions: Sequence[str]) -> list[_Run]:
    """More epochs of these cases; and of each, in the first precision, two epochs from other values of lambda."""
    longer = [_Run(case, "lockstep", p, LONG_EPOCHS) for case in asked for p in precisions]
    starts = [
        replace(case, name=f"{case.name}, lambda {lam:g}", constants={**case.constants, "initlambda": lam})
        for case in asked
        for lam in LONG_LAMBDAS
    ]
    return longer + [_Run(case, "lockstep", precisions[0], 2) for case in starts]


def _others(runs: Sequence[_Run], long: Sequence[Case]) -> list[_Run]:
    """Those that are not in the longer runs."""
    names = {case.name for case in long}
    return [run for run in runs if run.mode != "lockstep" or run.case.name not in names]


def runs_live(engine: Engine) -> bool:
    """Whether it runs a reference on any case; recorded numbers are there for some."""
    return engine.name != "recorded"


def _live(cases: Sequence[str | os.PathLike[str] | Case], engine: Engine) -> list[Case]:
    """Those asked for; 'all' of what was recorded, where nothing else can be had."""
    every = (*builtin_names(), *MADE_CASES) if runs_live(engine) else builtin_names()
    return find_cases([name for one in cases for name in (every if one == "all" else (one,))])


def find_cases(asked: Sequence[str | os.PathLike[str] | Case]) -> list[Case]:
    """Cases by name ('all' for every recorded one), by .mat file, or as they are; each once.

    Raises
    ------
    ParityError
        There is no such case, or two files have the same name.
    """
    named = [name for one in asked for name in (builtin_names() if one == "all" else (one,))]
    found: dict[str, Case] = {}
    for one in (one for at, one in enumerate(named) if isinstance(one, Case) or one not in named[:at]):
        case = _case(one)
        if case.name in found:
            raise ParityError(f"case: expected cases of different names, got two called {case.name}. Rename a file.")
        found[case.name] = case
    return list(found.values())


def _case(one: str | os.PathLike[str] | Case) -> Case:
    if isinstance(one, Case):
        return one
    if isinstance(one, str) and one in builtin_names():
        return builtin_case(one)
    if isinstance(one, str) and one in MADE_CASES:
        return made_case(one)
    if os.fspath(one).endswith(".mat"):
        return case_from_mat(os.fspath(one))
    names = ", ".join((*builtin_names(), *MADE_CASES))
    raise ParityError(f"case: expected a built-in one, got {os.fspath(one)!r}. There are: {names}.")


def _recorded(engine: Engine, runs: Sequence[_Run], envelope: bool, say: Callable[[str], None]) -> list[Recording]:
    """All runs; one that could not be made is without epochs, and says why.

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
                raise  # whatever else is asked for would take as long
            progress.tell(f": {error}")
            errors.append(error)
            made.append(nothing_recorded(run.case, run.precision, run.mode, str(error)))
    if len(errors) == len(made):
        raise errors[0]
    return made


def _of_engine(engine: Engine, run: _Run, envelope: bool, progress: Progress) -> Recording:
    progress.begin(f"{engine.name}: {run.name}")
    recording = engine.record(run.case, precision=run.precision, mode=run.mode, epochs=run.epochs)
    if not envelope:
        return _not_measured(recording, "--no-envelope")
    if isinstance(engine, OctaveEngine):
        engine.watch = progress.part
    progress.tell(": how far rounding moves it")
    return engine.with_envelope(recording)


def _epochs(case: Case, mode: str) -> int:
    """Of a run, where no number is asked for."""
    if mode == "kernels" and case.name in KERNEL_CASES:
        return 1
    return LONGER.get(case.name, DEFAULT_EPOCHS)


def _from_tape(
    tape: Path, envelope: bool, run_code: bool, timeout: float, say: Callable[[str], None]
) -> Iterable[Recording]:
    """What the tape brought back; with an envelope where its trainer can be, and may be, run here as well."""
    missing = octave_available() if envelope else "--no-envelope"
    if not (missing or run_code or is_ours(tape)):
        missing = "the tape's own .m files were not run here: --run-code runs them in Octave"
    for recording in read_tape(tape):
        if missing or not recording.epochs:
            yield _not_measured(recording, missing or "nothing was recorded")
            continue
        say(f"tape: {recording.case.name}, {recording.precision}: how far rounding moves it")
        try:
            yield OctaveEngine(tape / "reference", timeout=timeout).with_envelope(recording)
        except ParityError as error:
            yield _not_measured(recording, str(error))


def _not_measured(recording: Recording, why: str) -> Recording:
    return replace(recording, provenance={**recording.provenance, "envelope": f"{NOT_MEASURED} ({why})"})
