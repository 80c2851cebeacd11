"""`hf-compat parity`: run the comparison, or pack and check a tape for a machine that has MATLAB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App
from rich.console import Console

from hf_matlab_compat.cli.app import app

if TYPE_CHECKING:
    from hf_matlab_compat.parity.run_parity import ParityRun

parity = App(name="parity", help="Prove that a run here is the MATLAB run, and find where the two first part.")
app.command(parity)

DEFAULT_CASES = ["ae_logistic", "ae_hess", "ae_tanh_linear", "class_softmax"]


@parity.default
def run(
    *,
    reference: Path | None = None,
    case: list[str] | None = None,
    mode: list[Literal["kernels", "lockstep", "free"]] | None = None,
    precision: list[Literal["double", "single"]] | None = None,
    engine: Literal["auto", "octave", "recorded"] = "auto",
    epochs: int = 8,
    envelope: bool = True,
    backend: Literal["numpy", "cupy"] = "numpy",
    lines: bool = False,
    json: Path | None = None,
    html: Path | None = None,
) -> int:
    """Compare this package with a reference, stage by stage.

    Exits with 0 where all agrees, 1 where something differs, 2 where nothing could be compared.

    Parameters
    ----------
    reference
        Folder of an unedited or edited nnet_train_2.m with its conjgrad_1.m; it is only read. By default our own
        reference_matlab.
    case
        Built-in cases ('all' for every one), or .mat files with the 22 arguments under their own names.
    mode
        By default kernels and lockstep.
    precision
        By default both.
    engine
        Octave, or recorded numbers; 'auto' takes Octave where it is.
    epochs
        Of every run.
    envelope
        Measure how far rounding moves the reference; slow the first time, then remembered.
    backend
        Where this package runs.
    lines
        Show every comparison instead of a summary.
    json
        Write the certificate there.
    html
        Write the certificate there, as one page.
    """
    from hf_matlab_compat.parity.run_parity import run_parity

    console = Console()
    with console.status("starting") as status:
        done = run_parity(
            reference=reference,
            engine=engine,
            cases=case or DEFAULT_CASES,
            modes=mode or ["kernels", "lockstep"],
            precisions=precision or ["double", "single"],
            epochs=epochs,
            envelope=envelope,
            backend=backend,
            divergence_file="first_divergence.npz",
            say=status.update,
        )
    return _report(console, done, lines, json, html)


@parity.command
def pack(
    out: Path,
    /,
    *,
    case: list[str] | None = None,
    precision: list[Literal["double", "single"]] | None = None,
    mode: Literal["kernels", "lockstep", "free"] = "lockstep",
    epochs: int = 8,
) -> int:
    """Write a folder to take to a machine that has MATLAB; run_me.m there leaves its outputs in it.

    Parameters
    ----------
    out
        A folder that does not exist yet, or is empty.
    case
        Built-in cases, or .mat files with the 22 arguments.
    precision
        By default both.
    mode
        What to record.
    epochs
        Of every run.
    """
    from hf_matlab_compat.parity.engines import pack as write_tape
    from hf_matlab_compat.parity.run_parity import find_cases

    path = write_tape(
        out, find_cases(case or DEFAULT_CASES), precisions=precision or ["double", "single"], mode=mode, epochs=epochs
    )
    Console(soft_wrap=True).print(
        f"written: {path}. Copy the folder to the other machine, put nnet_train_2.m and conjgrad_1.m into its folder "
        f"reference, run run_me.m there, bring the folder back, and run: hf-compat parity check {out}",
        markup=False,
        highlight=False,
    )
    return 0


@parity.command
def check(out: Path, /, *, lines: bool = False, json: Path | None = None, html: Path | None = None) -> int:
    """Judge a tape that was brought back.

    Parameters
    ----------
    out
        The folder.
    lines
        Show every comparison instead of a summary.
    json
        Write the certificate there.
    html
        Write the certificate there, as one page.
    """
    from hf_matlab_compat.parity.run_parity import run_parity

    console = Console()
    with console.status("starting") as status:
        done = run_parity(tape=out, divergence_file="first_divergence.npz", say=status.update)
    return _report(console, done, lines, json, html)


def _report(console: Console, done: ParityRun, lines: bool, json: Path | None, html: Path | None) -> int:
    from hf_matlab_compat.parity.divergence import divergence_screen
    from hf_matlab_compat.parity.report_html import to_html
    from hf_matlab_compat.parity.report_json import to_json
    from hf_matlab_compat.parity.report_table import certificate_table
    from hf_matlab_compat.parity.run_parity import exit_code

    certificate = done.certificate
    console.print(certificate_table(certificate, every_line=lines))
    if screen := divergence_screen(certificate, done.script):
        console.print(screen, markup=False, highlight=False)
    for target, text in ((json, to_json(certificate)), (html, to_html(certificate, done.script))):
        if target is not None:
            target.write_text(text, encoding="utf-8")
            console.print(f"written: {target}", markup=False, highlight=False)
    return exit_code(certificate)
