"""A run file: the arguments of `nnet_train_2` in a .mat file, under their MATLAB names."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, DataError, OptionError, Terminated, speaking
from hf_matlab_compat.legacy.arguments import SPOKEN, to_field_terms
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.mat_formats import load_mat, write_mat
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_MATLAB, TRAINER_ARGUMENTS
from hf_matlab_compat.preflight.folder import folder_for
from hf_matlab_compat.preflight.keywords import why_none
from hf_matlab_compat.ranks.ranks import ranks_named
from hf_matlab_compat.result import Result
from hf_matlab_compat.training import train

SPOKEN_AT_THE_COMMAND_LINE = {
    **SPOKEN,
    **{ours: f"--set {theirs}" for theirs, ours in CONSTANTS.items()},
    "precision": "--precision",
    "backend": "--backend",
    "backend='numpy'": "--backend numpy",
    "seed": "--seed",
}
"""Names of arguments in messages of `hf-compat train`."""

REQUIRED = ("indata", "outdata", "layersizes", "layertypes")
"""Arguments that a run file must have; the others have the defaults of `nnet_train`."""


@dataclass(frozen=True)
class Case:
    """The content of a run file.

    Attributes
    ----------
    name : str
        Name of the file without its suffix.
    arguments : dict of str to object
        Under MATLAB's names.
    ignored : list of str
        Variables of the file that are no arguments.
    """

    name: str
    arguments: dict[str, Any]
    ignored: list[str]


def read_case(path: Path) -> Case:
    """Read a run file.

    Parameters
    ----------
    path : Path
        A .mat file of MATLAB or Octave, in any format that `load_mat` reads.

    Raises
    ------
    DataError
        There is no such file, it has another format, is damaged, or lacks an argument that has no default.
    """
    try:
        content = load_mat(path)
        known = {name: full_array(value) for name, value in content.items() if name in TRAINER_ARGUMENTS}
    except CheckpointError as error:
        raise DataError(
            "case", expected="a .mat file", got=f"{path}, which cannot be read ({str(error).rstrip('.')})"
        ) from error
    missing = [name for name in REQUIRED if name not in content]
    if missing:
        raise DataError("case", expected=f"variables {', '.join(REQUIRED)}", got=f"{path} without {', '.join(missing)}")
    unread = next((name for name, value in known.items() if isinstance(value, Skipped)), None)
    if unread is not None:
        got = f"a variable {unread} of class {known[unread].kind}"
        raise DataError("case", expected="numbers, texts and cells of them", got=f"{path} with {got}")
    return Case(path.stem, known, sorted(set(content) - set(known)))


def write_case(path: Path, arguments: Mapping[str, Any]) -> None:
    """Write arguments so that `read_case`, MATLAB and Octave can read them; None becomes ``[]``."""
    content = {name: [] if value is None else value for name, value in arguments.items()}
    cells = {name: _cell(content[name]) for name in ("layertypes", "Win", "bin") if name in content}
    write_mat(path, {**content, **cells}, oned_as="column", do_compression=True)


def train_case(
    case: Case, out: Path, run_name: str = "", display: str = "legacy", **instead: Any
) -> tuple[Result, Path]:
    """Train a run file as `nnet_train_2` does, and write its final parameters in double precision.

    Parameters
    ----------
    case : Case
        The run file.
    out : Path
        Folder for all files; made if missing, after the run file has passed its checks.
    run_name : str
        Stem of the files, in place of the file's runName.
    display : {'legacy', 'rich', 'none'}
        What the screen shows.
    **instead
        Arguments of `nnet_train`, under MATLAB's names, that replace those of the file.

    Returns
    -------
    result : Result
    path : Path
        ``<run name>_paramsp.mat``, with the one variable ``paramsp``, (P, 1).

    Raises
    ------
    OptionError, DataError, CheckpointError, NonFiniteError
        As `nnet_train_2`.
    Terminated
        After SIGTERM or SIGHUP; the parameters of the finished epochs are written before.
    """
    with speaking(SPOKEN_AT_THE_COMMAND_LINE):
        ranks = ranks_named(instead.get("ranks", "none"))
        given = to_field_terms({**case.arguments, **instead})
        stem = out / run_name if run_name else _inside(out, str(given.get("run_name", "")) or case.name)
        path = stem.with_name(f"{stem.name}_paramsp.mat")
        written = path.absolute()  # the working directory may change during the run
        with ranks.held_by_first(folder_for(stem.parent)):
            try:
                result = train(**{**given, "run_name": stem}, display=display)
            except Terminated as stop:
                ended = stop.result
                ranks.on_first(lambda: _write_parameters(written, ended))
                raise
            ranks.on_first(lambda: _write_parameters(written, result))
    return result, path


def _inside(out: Path, run_name: str) -> Path:
    # return the stem that a run file names. The file may come from anywhere, so it may only write below `out`
    stem = out / run_name
    if not stem.parent.resolve().is_relative_to(out.resolve()):
        advice = "Choose another name with --run-name."
        raise OptionError("run_name", expected=f"a name inside {str(out)!r}", got=repr(run_name), advice=advice)
    return stem


def _write_parameters(path: Path, result: Result) -> None:
    try:
        with atomic_file(path) as stream:
            write_mat(stream, {"paramsp": result.theta.reshape(-1, 1)})
    except OSError as error:
        got = f"{str(path)!r} ({error.strerror or error})"
        raise OptionError("out", expected="a folder that can be written to", got=got) from error


def constants_from(assignments: Iterable[str]) -> dict[str, Any]:
    """Return keywords of `nnet_train` from texts like ``maxiters=100``.

    Raises
    ------
    OptionError
        A text has no ``=``, or there is no such constant; the message suggests the nearest one.
    """
    found: dict[str, Any] = {}
    for text in assignments:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or name not in CONSTANTS:
            raise OptionError(
                "--set",
                expected="NAME=VALUE with the name of a constant that hf-compat names lists",
                got=repr(text),
                advice=_constant_instead(name, value),
            )
        found[name] = value_of(value)
    return found


def _constant_instead(name: str, value: str) -> str:
    if name in TRAINER_ARGUMENTS:
        return f"{name} is an argument in the case file."
    near = difflib.get_close_matches(name, CONSTANTS, n=1)
    return why_none(name, TO_MATLAB) or (f"Did you mean {near[0]}={value or '...'}?" if near else "")


def value_of(text: str) -> Any:
    """Return the number, True, False or None that the text stands for, or else the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _cell(values: Any) -> Any:
    cell = np.empty((1, len(values)), dtype=object)
    cell[0, :] = list(values)
    return cell
