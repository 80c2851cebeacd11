"""`hf-compat parity`: run the comparison, or pack and check a tape for a machine with MATLAB."""

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


parity = App(name="parity", help="Prove that a run here equals the MATLAB run, and find where they first differ.")
app.command(parity)

EPOCHS = 5
"""Epochs of a tape: one more than the number of chunks in the default cases."""
FIRST_DIVERGENCE = Path("first_divergence.npz")
SEVERAL = Parameter(consume_multiple=True, negative=())
ONE_EACH = Parameter(negative=())
"""One value per option, since a positional argument may follow, which would be taken as another value."""


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

    The exit code is 0 if everything agrees, 1 if something differs, and 2 if a run was impossible or nothing could be
    compared.

    Parameters
    ----------
    reference
        Folder of an unedited or edited nnet_train_2.m with its conjgrad_1.m; it is only read. By default our own
        reference_matlab.
    case
        Built-in cases ('all' for every one, 'recurrent' for recurrent nets), or .mat files with the 22 arguments under
        their own names. By default a few, which take about a minute.
    mode
        By default lockstep, which includes all kernels.
    precision
        By default both.
    engine
        Octave, or recorded numbers; 'auto' uses Octave if it is installed.
    epochs
        Epochs of every run; by default 5, and 7 for s_hess_negative_curvature, which then rejects a step.
    thorough
        Without --case: cases of every kind, which take some minutes the first time.
    long
        Also 12 epochs of the given cases (or of ae_logistic), and two from a very small and a very large lambda, which
        test later epochs and the bounds on lambda.
    envelope
        Measure how much rounding changes the reference; slow the first time, then cached.
    timeout
        Seconds that a run of the reference may take.
    backend
        Where this package runs: numpy or numba (compiled passes) on the CPU, cupy on the GPU.
    lines
        Print every comparison instead of a summary.
    json
        Write the certificate to this file.
    html
        Write the certificate to this file, as one page.
    divergence
        If something differs, write to this file what reproduces it.
    """
    from hf_matlab_compat.parity.run_parity import run_parity

    require_targets(json=json, html=html, divergence=divergence)
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
    """Write a folder for a machine with MATLAB; its script run_me.m writes MATLAB's outputs into it.

    Parameters
    ----------
    out
        A folder that does not exist yet, or is empty.
    case
        A built-in case, or a .mat file with the 22 arguments; repeat the option for another one.
    precision
        By default both.
    mode
        What to record.
    epochs
        Epochs of every run.
    """
    from hf_matlab_compat.parity.cases import find_cases
    from hf_matlab_compat.parity.engines import pack as write_tape
    from hf_matlab_compat.parity.runs import DEFAULT_CASES

    path = write_tape(
        out, find_cases(case or DEFAULT_CASES), precisions=precision or ["double", "single"], mode=mode, epochs=epochs
    )
    Console(soft_wrap=True).print(
        f"written: {path}. Copy the folder to the other machine, next to your nnet_train_2.m and conjgrad_1.m (or put "
        f"those on the path), run run_me.m there, copy the folder back, and run: hf-compat parity check {out}",
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
    """Judge a tape that comes back from the other machine.

    Nothing on the tape is executed unless you ask for it, or its .m files equal those of our reference_matlab byte for
    byte. To measure how much rounding changes a trainer, Octave must run it, and it can do whatever a program of yours
    can.

    Parameters
    ----------
    out
        The folder.
    run_code
        Run the .m files on the tape in Octave, to measure how much rounding changes them.
    envelope
        The same request; --no-envelope skips the measurement even for our own files.
    timeout
        Seconds that a run of it may take.
    backend
        Where this package runs: numpy or numba (compiled passes) on the CPU, cupy on the GPU.
    lines
        Print every comparison instead of a summary.
    json
        Write the certificate to this file.
    html
        Write the certificate to this file, as one page.
    divergence
        If something differs, write to this file what reproduces it.
    """
    from hf_matlab_compat.parity.run_parity import run_parity

    require_targets(json=json, html=html, divergence=divergence)
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
    """Yield a function that reports progress: one line that changes in a terminal, otherwise a line each."""
    console = Console(stderr=True, soft_wrap=True)
    if not console.is_terminal:
        yield lambda sentence: console.print(sentence, markup=False, emoji=False, highlight=False)
        return
    with console.status("starting", spinner=spinner_of(console.encoding)) as status:
        yield status.update


def require_targets(**targets: Path | None) -> None:
    """Refuse files that cannot be written, before the work takes minutes.

    Raises
    ------
    OptionError
        There is no folder for a file, or two files are the same.
    """
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
    # report a full disk as one sentence
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # otherwise the rest of the buffer fails again at the end of the interpreter
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ParityError(f"standard output: expected a place that can be written, got '{error.strerror}'.") from error


def _write(name: str, target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise OptionError(name, expected="a file that can be written", got=f"{target}: {reason}") from error
