"""`hf-compat migrate`: scripts, folders of scripts, edited trainers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from hf_matlab_compat.cli.app import app
from hf_matlab_compat.errors import MigrationError

if TYPE_CHECKING:
    from hf_matlab_compat.migrate import Translation

TRAINERS = ("nnet_train_2", "conjgrad_1")
"""Names of the trainer's own files: these are read for edits, not translated."""


@app.command
def migrate(
    source: Path,
    /,
    *,
    out: Path | None = None,
    style: Literal["legacy", "modern"] = "legacy",
    streams: Literal["octave", "matlab"] = "octave",
    check: Annotated[bool, Parameter(negative=())] = False,
    original: Path | None = None,
) -> int:
    """Bring a MATLAB script, a folder of them, or an edited nnet_train_2.m over to Python.

    Exits with 1 where something is left to do by hand, or where a check found a difference.

    Parameters
    ----------
    source
        A script, a folder, or a copy of the trainer.
    out
        Where the Python goes: a file for a script, a folder for a folder. By default beside the script.
    style
        The call with the 22 names, or train(...).
    streams
        Whose random numbers the seeds mean.
    check
        Run the MATLAB script in Octave and the Python one on the same data, and compare every argument that
        reaches the trainer. This executes the MATLAB script.
    original
        For a copy of the trainer: an unedited one, so that every edit is accounted for.
    """
    if source.is_dir():
        return _folder(source, out or source.with_name(f"{source.name}_python"), style, streams)
    if source.stem in TRAINERS:
        return _trainer(source, original)
    return _script(source, out or source.with_suffix(".py"), style, streams, check)


def _script(source: Path, out: Path, style: str, streams: str, check: bool) -> int:
    from hf_matlab_compat.migrate import check as compare
    from hf_matlab_compat.migrate import migrate_script

    made = migrate_script(source, out, style=style, streams=streams)
    _tell(made)
    _say(f"written: {out}")
    if not check:
        return int(not made.runs)
    result = compare(source, style=style)
    for difference in result.differences:
        _say(f"  {difference}")
    verdict = "agree" if result.agrees else "differ" if result.calls else "never reached the trainer"
    _say(f"checked in Octave: {result.arguments} arguments in {result.calls} calls of the trainer {verdict}")
    return int(not (made.runs and result.agrees))


def _folder(source: Path, out: Path, style: str, streams: str) -> int:
    from hf_matlab_compat.migrate import migrate_directory

    translations, failures = migrate_directory(source, out, style=style, streams=streams)
    for made in translations:
        _tell(made)
    for name, why in failures:
        _say(f"{name}: not translated. {why}")
    _say(f"written: {len(translations)} scripts and REPORT.md in {out}")
    return int(bool(failures) or not all(made.runs for made in translations))


def _tell(made: Translation) -> None:
    todos = made.todos
    _say(f"{made.name}: {len(made.lines)} lines, {len(todos)} left to do")
    for line in todos:
        _say(f"  line {line.number}: {line.text.strip()}  ({line.remark})")


def _trainer(source: Path, original: Path | None) -> int:
    from hf_matlab_compat.migrate.trainer import read_trainer

    files = [source.with_name(f"{name}.m") for name in TRAINERS if source.with_name(f"{name}.m").is_file()]
    if not files:
        raise MigrationError(f"{source}: expected a copy of the trainer, got no such file.")
    report = read_trainer(*files, original=original)
    options = ", ".join(f"{name}={value!r}" for name, value in report.legacy_options.items())
    _say(f"options of nnet_train that this copy implies: {options or 'none, it has the published values'}")
    if report.gpu:
        _say(f"written for {report.gpu}: jacket=1 asks for the GPU here")
    for one in report.unexpressed:
        _say(f"  {files[one.file].name}, line {one.line}: {one.text.strip()}  ({one.why})")
    if not report.compared:
        _say("only what the rules know was looked for; --original UNEDITED.m accounts for every edit")
    return int(bool(report.unexpressed))


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
