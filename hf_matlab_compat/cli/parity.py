"""`hf-compat parity`: run the comparison, or pack and check a tape for a machine that has MATLAB."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console

from hf_matlab_compat.cli.app import MaybeWhole, Whole, app
from hf_matlab_compat.errors import OptionError, ParityError
from hf_matlab_compat.observers.screen import spinner_of

if TYPE_CHECKING:
    from hf_matlab_compat.parity.run_parity import ParityRun


parity = App(name="parity", help="Prove that a run here is the MATLAB run, and find where the two first part.")
app.command(parity)

EPOCHS = 5
"""Of a tape: one more than there are chunks in the default cases."""
FIRST_DIVERGENCE = Path("first_divergence.npz")
SEVERAL = Parameter(consume_multiple=True, negative=())
ONE_EACH = Parameter(negative=())
"""Where an argument without a name may follow, which would be taken for one more."""


@parity.default
def run(
    *,
    reference: Path | None = None,
    case: Annotated[list[str] | None, SEVERAL] = None,
    mode: Annotated[list[Literal["kernels", "lockstep", "free"]] | None, SEVERAL] = None,
    precision: Annotated[list[Literal["double", "single"]] | None, SEVERAL] = None,
    engine: Literal["auto", "octave", "recorded"] = "auto",
    epochs: MaybeWhole = None,
    thorough: bool = False,
    long: bool = False,
    envelope: bool = True,
    timeout: float = 600.0,
    backend: Literal["numpy", "numba", "cupy"] = "numpy",
    lines: bool = False,
    json: Path | None = None,
    html: Path | None = None,
    divergence: Path = FIRST_DIVERGENCE,
) -> int:
    """Compare this package with a reference, stage by stage.

    Exits with 0 where all agrees, 1 where something differs, 2 where a run could not be made, or nothing of it or no
    decision be compared.

    Parameters
    ----------
    reference
        Folder of an unedited or edited nnet_train_2.m with its conjgrad_1.m; it is only read. By default our own
        reference_matlab.
    case
        Built-in cases ('all' for every one), or .mat files with the 22 arguments under their own names. By default
        a few, which take about a minute.
    mode
        By default lockstep, which has all kernels in it.
    precision
        By default both.
    engine
        Octave, or recorded numbers; 'auto' takes Octave where it is.
    epochs
        Of every run; by default 5, and 7 of s_hess_negative_curvature, which rejects a step then.
    thorough
        Where no case is named: cases of every kind, some minutes the first time.
    long
        Besides, 12 epochs of the cases named (or of ae_logistic), and two from a very small and a very large lambda:
        what changes in later epochs, and bounds on lambda, are seen then.
    envelope
        Measure how far rounding moves the reference; slow the first time, then remembered.
    timeout
        Seconds that a run of the reference may take.
    backend
        Where this package runs: numpy and numba (passes compiled) on the CPU, cupy on the GPU.
    lines
        Show every comparison instead of a summary.
    json
        Write the certificate there.
    html
        Write the certificate there, as one page.
    divergence
        Where something differs, keep what shows it again there.
    """
    from hf_matlab_compat.parity.run_parity import run_parity

    _require_targets(json=json, html=html, divergence=divergence)
    with _progress() as say:
        done = run_parity(
            reference=reference,
            engine=engine,
            cases=case or None,
            modes=mode or ["lockstep"],
            precisions=precision or ["double", "single"],
            epochs=epochs,
            extent=["thorough" if thorough else "quick", *(["long"] if long else [])],
            envelope=envelope,
            timeout=timeout,
            backend=backend,
            say=say,
        )
    return _report(done, lines, json, html, divergence)


@parity.command
def pack(
    out: Path,
    /,
    *,
    case: Annotated[list[str] | None, ONE_EACH] = None,
    precision: Annotated[list[Literal["double", "single"]] | None, ONE_EACH] = None,
    mode: Literal["kernels", "lockstep", "free"] = "lockstep",
    epochs: Whole = EPOCHS,
) -> int:
    """Write a folder to take to a machine that has MATLAB; run_me.m there leaves its outputs in it.

    Parameters
    ----------
    out
        A folder that does not exist yet, or is empty.
    case
        A built-in case, or a .mat file with the 22 arguments; again for another one.
    precision
        By default both.
    mode
        What to record.
    epochs
        Of every run.
    """
    from hf_matlab_compat.parity.cases import find_cases
    from hf_matlab_compat.parity.engines import pack as write_tape
    from hf_matlab_compat.parity.runs import DEFAULT_CASES

    path = write_tape(
        out, find_cases(case or DEFAULT_CASES), precisions=precision or ["double", "single"], mode=mode, epochs=epochs
    )
    Console(soft_wrap=True).print(
        f"written: {path}. Copy the folder to the other machine, beside your nnet_train_2.m and conjgrad_1.m (or put "
        f"those on the path), run run_me.m there, bring the folder back, and run: hf-compat parity check {out}",
        markup=False,
        emoji=False,
        highlight=False,
    )
    return 0


@parity.command
def check(
    out: Path,
    /,
    *,
    run_code: bool = False,
    envelope: bool | None = None,
    timeout: float = 600.0,
    backend: Literal["numpy", "numba", "cupy"] = "numpy",
    lines: bool = False,
    json: Path | None = None,
    html: Path | None = None,
    divergence: Path = FIRST_DIVERGENCE,
) -> int:
    """Judge a tape that was brought back.

    Nothing of the tape is executed unless you ask for it (or its .m files are those of our reference_matlab, byte for
    byte): to measure how far rounding moves a trainer, Octave has to run it, and it can do whatever a program of yours
    can.

    Parameters
    ----------
    out
        The folder.
    run_code
        Run the .m files that the tape brought along in Octave, to measure how far rounding moves them.
    envelope
        The same request; --no-envelope does without even for our own files.
    timeout
        Seconds that a run of it may take.
    backend
        Where this package runs: numpy and numba (passes compiled) on the CPU, cupy on the GPU.
    lines
        Show every comparison instead of a summary.
    json
        Write the certificate there.
    html
        Write the certificate there, as one page.
    divergence
        Where something differs, keep what shows it again there.
    """
    from hf_matlab_compat.parity.run_parity import run_parity

    _require_targets(json=json, html=html, divergence=divergence)
    with _progress() as say:
        done = run_parity(
            tape=out,
            run_code=run_code or envelope is True,
            envelope=envelope is not False,
            timeout=timeout,
            backend=backend,
            say=say,
        )
    return _report(done, lines, json, html, divergence)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Somewhere to say what is being done: one line that changes in a terminal, else a line each."""
    console = Console(stderr=True, soft_wrap=True)
    if not console.is_terminal:
        yield lambda sentence: console.print(sentence, markup=False, emoji=False, highlight=False)
        return
    with console.status("starting", spinner=spinner_of(console.encoding)) as status:
        yield status.update


def _require_targets(**targets: Path | None) -> None:
    """Before minutes are spent on what cannot be written."""
    seen: dict[Path, str] = {}
    for name, target in targets.items():
        if target is None:
            continue
        if not target.absolute().parent.is_dir():
            raise OptionError(name, expected="a file in a folder that exists", got=str(target), advice="Make it first.")
        if target.is_dir():
            raise OptionError(name, expected="a file that can be written", got=f"{target}: Is a directory")
        if other := seen.get(target.resolve()):
            raise OptionError(name, expected="another file than that of {" + other + "}", got=str(target))
        seen[target.resolve()] = name


def _report(done: ParityRun, lines: bool, json: Path | None, html: Path | None, divergence: Path) -> int:
    from hf_matlab_compat.parity.divergence import keep_divergence
    from hf_matlab_compat.parity.rendering import certificate_table, to_html
    from hf_matlab_compat.parity.report_json import to_json
    from hf_matlab_compat.parity.run_parity import exit_code

    certificate, said = done.certificate, []
    try:
        script = keep_divergence(divergence, certificate, done.recordings)
        said += [f"written: {divergence}"] if script else []
    except ParityError as error:
        script = ""
        said.append(str(error))
    with _standard_output():
        Console(emoji=False).print(certificate_table(certificate, every_line=lines, script=script), crop=False)
        sys.stdout.flush()
    for name, target, text in (("json", json, to_json(certificate)), ("html", html, to_html(certificate, script))):
        if target is not None:
            _write(name, target, text)
            said.append(f"written: {target}")
    with _standard_output():
        for sentence in said:
            Console(soft_wrap=True).print(sentence, markup=False, emoji=False, highlight=False)
        sys.stdout.flush()
    return exit_code(certificate)


@contextmanager
def _standard_output() -> Iterator[None]:
    """Where a full disk is one sentence; a pipe that was closed is for `cli.app` to deal with."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # what is left in the buffer would fail once more when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ParityError(f"standard output: expected to write it, got '{error.strerror}'.") from error


def _write(name: str, target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise OptionError(name, expected="a file that can be written", got=f"{target}: {reason}") from error
