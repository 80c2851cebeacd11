"""`hf-compat log`, `checkpoint`, `plot`: read the files of earlier runs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter, Token
from rich.console import Console

from hf_matlab_compat.cli.app import app
from hf_matlab_compat.errors import OptionError

if TYPE_CHECKING:
    from hf_matlab_compat.matlab.logs.parser import LoggedRun

TOGETHER = Parameter(consume_multiple=True, negative=())
"""A list of values after its option: ``--hidden 30 6 30``."""


def _whole_numbers(kind: object, tokens: Sequence[Token]) -> list[int]:
    # read ``64 30 64`` from one value or several, separated by spaces or commas
    del kind
    words = [word for token in tokens for word in re.split(r"[\s,]+", token.value) if word]
    if not words or not all(map(str.isdecimal, words)):
        raise ValueError(f"expected whole numbers, got {' '.join(words) or 'none'}")
    return [int(word) for word in words]


SIZES = Parameter(consume_multiple=True, negative=(), converter=_whole_numbers)
"""Sizes of layers after their option, as several values or one: ``--layersizes "64 30 64"``."""

plot = App(name="plot", help="Draw learning curves, reconstructions or codes (.png, .svg or .pdf).")
app.command(plot)


@app.command
def log(files: list[Path], /, *, csv: Path | None = None, json: Path | None = None, curves: Path | None = None) -> int:
    """Read text logs of this family, check them against the rules of the method, export or plot them.

    The exit code is 1 if a log breaks a rule.

    Parameters
    ----------
    files
        Logs of any fork; each may hold several runs.
    csv
        Write the epochs of all runs to this file.
    json
        Write all runs to this file.
    curves
        Draw the learning curves of all runs to this file.
    """
    from hf_matlab_compat.matlab.logs.audit import UNCHECKABLE, audit_log
    from hf_matlab_compat.matlab.logs.export import to_csv, to_json
    from hf_matlab_compat.matlab.logs.parser import read_log

    runs = {file: read_log(file) for file in files}
    flat = [run for found in runs.values() for run in found]
    broken = 0
    for file, found in runs.items():
        for number, (run, findings) in enumerate(zip(found, audit_log(found), strict=True), 1):
            broken += len(findings)
            _say(f"{file}, run {number} of {len(found)}: {_run_in_words(run)}; rules broken: {len(findings)}")
            for finding in findings:
                _say(f"  {finding}")
            if lacking := run.lines_not_logged():
                _say(f"  not checked, since no epoch has a readable line of this kind: {', '.join(lacking)}")
    _say(UNCHECKABLE)
    for option, target, text in (("--csv", csv, to_csv), ("--json", json, to_json)):
        if target is not None:
            _write(option, target, text(flat))
    if curves is not None:
        _curves(curves, files)
    return int(broken > 0)


@app.command
def checkpoint(
    file: Path,
    /,
    *,
    layersizes: Annotated[list[int] | None, SIZES] = None,
    split: bool = False,
    to: Literal["v5", "v7", "npz"] | None = None,
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Describe a checkpoint; convert it, or split its parameters into W and b.

    The exit code is 1 if no run can continue from it: another program's file, NaN parameters, an epoch of -3.

    Parameters
    ----------
    file
        MATLAB v4 to v7.3, Octave text, or .npz.
    layersizes
        Sizes of all layers, input and output included: writes W and b as cell arrays.
    split
        The same with the layer sizes from the checkpoint's sidecar.
    to
        Write the variables in this format.
    out
        Where to write; by default next to the file.
    overwrite
        Replace existing files.

    Raises
    ------
    OptionError
        There is nothing to write, or the layers are unknown.
    """
    from hf_matlab_compat.matlab.files.checkpoint_conversion import convert
    from hf_matlab_compat.matlab.files.checkpoint_summary import summarise

    if not file.exists() and (named := file.with_name(f"{file.name}.mat")).is_file():
        file = named  # MATLAB's load and a resumed run find it this way too
    if split and not layersizes:
        layersizes = _layersizes(file)
    if out is not None and to is None and not layersizes:
        raise OptionError("--out", expected="--to, --split or --layersizes with it", got="nothing to write")
    hidden = layersizes[1:-1] if layersizes else ()
    summary = summarise(file, hidden=hidden, inputs=layersizes[0] if layersizes else None)
    for line in summary.in_words():
        _say(line)
    if to is not None:
        target = out or file.with_name(f"{file.stem}_{to}{'.npz' if to == 'npz' else '.mat'}")
        made = convert(file, target, to, overwrite=overwrite)
        _say(f"written: {made.path} ({', '.join(made.kept)})")
        for name, reason in made.left_out.items():
            _say(f"left out: {name}, {reason}")
    if layersizes:
        _split(file, layersizes, out if to is None and out else file.with_name(f"{file.stem}_W_b.mat"), overwrite)
    # with --split a file with sound weights is fine, even if no run can continue from it
    return int(not summary.can_go_on and (not layersizes or bool(summary.faults)))


@plot.command(name="curves")
def plot_curves(
    target: Path, logs: list[Path], /, *, against: Literal["epoch", "cg-steps", "seconds"] = "epoch"
) -> int:
    """Draw the learning curves of one or more text logs over each other.

    Parameters
    ----------
    target
        The picture.
    logs
        Text logs.
    against
        The horizontal axis: epochs, CG steps so far, or seconds of training. Seconds need the checkpoint
        RUN_nnet_running.mat next to each log.
    """
    _picture_first(target, logs)
    return _curves(target, logs, against)


@plot.command(name="reconstructions")
def plot_reconstructions(
    target: Path,
    checkpoint: Path,
    data: Path,
    /,
    *,
    hidden: Annotated[list[int] | None, SIZES] = None,
    units: Annotated[list[str] | None, TOGETHER] = None,
    variable: str = "indata",
) -> int:
    """Draw cases and their reconstructions by an autoencoder.

    Parameters
    ----------
    target
        The picture.
    checkpoint
        The trained network: a checkpoint, or a file that Result.save wrote.
    data
        A .mat file with the cases in columns.
    hidden
        Sizes of the hidden layers; needed only for a checkpoint without a sidecar, such as MATLAB's.
    units
        Kinds of units, output included; needed only for a checkpoint without a sidecar.
    variable
        Name of the cases in the data file.
    """
    from hf_matlab_compat.plots import draw_reconstructions

    _picture_first(target, [checkpoint, data])
    cases = _cases(data, variable)
    path = draw_reconstructions(target, _network(checkpoint, hidden, units, len(cases)), cases)
    _say(f"written: {path}")
    return 0


@plot.command(name="codes")
def plot_codes(
    target: Path,
    checkpoint: Path,
    data: Path,
    /,
    *,
    hidden: Annotated[list[int] | None, SIZES] = None,
    units: Annotated[list[str] | None, TOGETHER] = None,
    variable: str = "indata",
    labels: str | None = None,
) -> int:
    """Draw the codes of cases in the plane.

    Parameters
    ----------
    target
        The picture.
    checkpoint
        The trained network: a checkpoint, or a file that Result.save wrote.
    data
        A .mat file with the cases in columns.
    hidden
        Sizes of the hidden layers; needed only for a checkpoint without a sidecar, such as MATLAB's.
    units
        Kinds of units, output included; needed only for a checkpoint without a sidecar.
    variable
        Name of the cases in the data file.
    labels
        Name of their labels in the data file, for colours.
    """
    from hf_matlab_compat.plots import draw_codes

    _picture_first(target, [checkpoint, data])
    cases = _cases(data, variable)
    classes = None if labels is None else _cases(data, labels)
    path = draw_codes(target, _network(checkpoint, hidden, units, len(cases)), cases, labels=classes)
    _say(f"written: {path}")
    return 0


def _network(checkpoint: Path, hidden: list[int] | None, units: list[str] | None, num_inputs: int) -> Any:
    from hf_matlab_compat.errors import speaking
    from hf_matlab_compat.plots import load_network

    with speaking({"hidden_sizes": "--hidden", "unit_types": "--units"}):
        return load_network(checkpoint, hidden, units, num_inputs)


def _curves(target: Path, logs: Sequence[Path], against: str = "epoch") -> int:
    from hf_matlab_compat.plots import draw_learning_curves, runs_of_logs, seconds_of_logs

    seconds = seconds_of_logs(logs) if against == "seconds" else None
    _say(f"written: {draw_learning_curves(target, runs_of_logs(logs), against=against, seconds=seconds)}")
    return 0


def _picture_first(target: Path, others: Sequence[Path]) -> None:
    # refuse arguments in another order, with the picture last as for `cp`
    from hf_matlab_compat.plots.canvas import SUFFIXES

    pictures = [other for other in others if other.suffix.lower() in SUFFIXES]
    if target.suffix.lower() not in SUFFIXES and pictures:
        rest = " ".join(str(file) for file in (target, *others) if file is not pictures[0])
        advice = f"Write them in this order: {pictures[0]} {rest}"
        raise OptionError("TARGET", expected="the picture first", got=str(target), advice=advice)


def _run_in_words(run: LoggedRun) -> str:
    epochs = run.epochs
    breaks_off = "" if run.unfinished is None else f", breaks off in epoch {run.unfinished}"
    if not len(epochs):
        return "no finished epoch"
    last = epochs[-1]
    tested = f"test error {last['test_error']:.6g}" if "test_error" in run.figures else "no test cases"
    steps = f"{last['total_cg_steps']} CG steps" if "total_cg_steps" in run.figures else "no CG lines"
    return (
        f"epochs {epochs[0]['epoch']} to {last['epoch']}, log-likelihood {last['log_likelihood']:.6g}, "
        f"error {last['error']:.6g}, {tested}, {steps}{breaks_off}"
    )


def _layersizes(file: Path) -> list[int]:
    from hf_matlab_compat.matlab.files.checkpoint import problem_in_words, read_description

    run = read_description(file)
    sizes, other = run.get("sizes"), problem_in_words(run)
    if other:
        advice = "result.sequences.weights(theta) splits the parameters of a recurrent net."
        raise OptionError("--split", expected="a feed-forward network", got=other, advice=advice)
    if not sizes:
        advice = "Copy the sidecar along with the checkpoint, or give this option."
        raise OptionError("--layersizes", expected="all layers, since there is no sidecar", got="none", advice=advice)
    return list(sizes)


def _split(file: Path, layersizes: Sequence[int], target: Path, overwrite: bool) -> None:
    from hf_matlab_compat.matlab.files.checkpoint_conversion import split_layers, write_layers

    W, b = split_layers(file, layersizes)
    _say(f"written: {write_layers(target, W, b, overwrite=overwrite)} (W, b)")


def _cases(file: Path, name: str) -> Any:
    from hf_matlab_compat.matlab.files.mat_formats import read_variable

    return read_variable(file, name)


def _write(option: str, target: Path, text: str) -> None:
    try:
        # O_NONBLOCK refuses a pipe without a reader at once; writes to a pipe may block
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0), 0o666)
        with open(descriptor, "w", encoding="utf-8") as stream:
            if hasattr(os, "set_blocking"):
                os.set_blocking(descriptor, True)
            stream.write(text)
    except OSError as error:
        got = f"{str(target)!r} ({error.strerror})"
        advice = "Make its folder first, or choose another place."
        raise OptionError(option, expected="a file that can be written", got=got, advice=advice) from error
    _say(f"written: {target}")


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, markup=False, emoji=False, highlight=False)
