"""Does the Python script hand the trainer what the MATLAB script does? Both run, with the trainer a recorder."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hf_matlab_compat.errors import MigrationError, ParityError
from hf_matlab_compat.matlab.octave.process import octave_available, run_code, run_program
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.comparison import (
    calls_without_draws,
    compare_calls,
    compare_tables,
    compare_variables,
    octave_calls,
    octave_variables,
)
from hf_matlab_compat.migrate.context import module_name, python_name
from hf_matlab_compat.migrate.copies import PUBLISHED, trainers_beside
from hf_matlab_compat.migrate.directory import StrPath, files_taken_in, migrate_directory, read_script, whole_script
from hf_matlab_compat.migrate.parsing import parse
from hf_matlab_compat.migrate.recorder import UNSEEDED
from hf_matlab_compat.migrate.usage import base_name

_MOST_BYTES = 2 * 1024**3
_DRAWING = (
    *("figure", "plot", "semilogy", "semilogx", "loglog", "hold", "title", "xlabel", "ylabel", "legend", "imagesc"),
    *("imshow", "colormap", "axis", "drawnow", "print", "saveas", "subplot", "close", "clf", "colorbar", "grid"),
    *("hist", "scatter", "xlim", "ylim", "gpuDevice", "ginfo", "gselect", "gactivate", "gsync"),
)
_KEEP_VARIABLES = """
hf_names__ = who; hf_folder__ = getenv('HF_WORK');
for hf_k__ = 1:numel(hf_names__)
  try, save('-v7', fullfile(hf_folder__, [hf_names__{hf_k__} '.mat']), hf_names__{hf_k__}); catch, end
end
"""
"""Writes each variable down that can be written; handles of functions cannot."""
_STUB = "function varargout = {name}(varargin)\n  varargout = cell(1, nargout);\nend\n"


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    calls : int
        Calls of the trainer in the MATLAB script.
    arguments : int
        Arguments that were compared.
    differences : tuple of str
        A sentence for each difference; empty where the scripts agree.
    notes : tuple of str
        A sentence for whatever could not be compared and is no difference.
    variables : int
        Variables at the end of the script that were compared.
    """

    calls: int
    arguments: int
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()
    variables: int = 0

    @property
    def agrees(self) -> bool:
        """Whether arguments of the trainer or variables at the end were compared, and all are the same."""
        return self.calls + self.variables > 0 and not self.differences


def check(script: StrPath, *, style: str = "legacy", timeout: float = 300.0) -> CheckResult:
    """Run a MATLAB script in Octave and its translation in Python, and compare every argument of the trainer.

    Both run in copies of the script's directory. The trainer does not train: it writes down its arguments and
    returns the same made-up parameters on either side. **The user's own MATLAB code is run.**

    Parameters
    ----------
    script : path
        The .m file, beside its data and functions.
    style : {'legacy', 'modern'}
    timeout : float
        Seconds each side may take.

    Returns
    -------
    CheckResult

    Raises
    ------
    MigrationError
        Octave is missing, one of the scripts fails or takes too long, or the directory is too large to copy.
    """
    source = Path(script)
    if missing := octave_available():
        raise MigrationError(f"check: {missing}. Install GNU Octave 6 or newer.")
    _require_script(source)
    with TemporaryDirectory(prefix="hf_check_") as name:
        work = Path(name)
        matlab, python = work / "matlab", work / "python"
        for folder in (matlab, python):
            shutil.copytree(source.parent, folder, ignore=partial(_is_work, work.resolve()))
        theirs = _run_octave(source.stem, matlab, work, timeout)
        ours, positions = _run_python(source, python, work, style, timeout)
        compared, differences = compare_calls(theirs, ours)
        differences += compare_tables(matlab, python)
        variables, others = _compare_variables(source, work, positions)
        differences += others
        undrawn = [f"call {number}: {_NO_STREAM}" for number in calls_without_draws(theirs, ours)]
    if _seeds(source):
        return CheckResult(len(theirs), compared, (*differences, *undrawn), variables=variables)
    return CheckResult(len(theirs), compared, tuple(differences), tuple(undrawn), variables)


def _is_work(work: Path, folder: str, names: list[str]) -> list[str]:
    """The check's own directory, which lies in the script's where TMPDIR does."""
    return [name for name in names if (Path(folder) / name).resolve() == work]


def _compare_variables(source: Path, work: Path, positions: frozenset[str]) -> tuple[int, list[str]]:
    """How many variables there are at the end of both scripts and were compared, and a sentence for each that differs.

    What tells the time, and positions, which count from 0 in Python, are left aside.
    """
    kept = work / "calls.workspace"
    ours = pickle.loads(kept.read_bytes()) if kept.exists() else {}
    body = whole_script(source).body
    aside = positions | _told_by_clock(body)
    names = {name: python_name(name) for name in octave_variables(work / "workspace") if name not in aside}
    pairs = {name: ours[python] for name, python in names.items() if python in ours}
    return compare_variables(work / "workspace", pairs)


_CLOCK = frozenset({"tic", "toc", "clock", "cputime", "now", "datestr", "date", "time", "pwd", "tempname", "fopen"})


def _told_by_clock(body: Sequence[syntax.Statement]) -> frozenset[str]:
    """Variables that depend on the time or the place at which a script runs."""
    parts = [node for each in body for node in each.walk() if isinstance(node, syntax.Assign)]
    told = set(_CLOCK)
    for _ in range(len(parts) + 1):
        before = len(told)
        for node in parts:
            if any(isinstance(part, syntax.Name) and part.name in told for part in node.value.walk()):
                told.update(base_name(target) for target in node.targets)
        if len(told) == before:
            break
    return frozenset(told)


_NO_STREAM = (
    "its random numbers were not compared, since the translated call has no seed: the first parameters are drawn "
    "otherwise than in MATLAB."
)
_SEEDING = re.compile(r"\b(?:rand|randn|randi)\s*\(\s*['\"](?:state|seed|twister)['\"]|\brng\b|\bRandStream\b")


def _seeds(script: Path) -> bool:
    """Whether a script or what it may call seeds; what is drawn without a seed is other in each MATLAB session."""
    lines = (line for path in files_taken_in(script) for line in read_script(path).splitlines())
    return any(_SEEDING.search(line.split("%")[0]) for line in lines)


def _require_script(source: Path) -> None:
    if not source.is_file() or source.suffix != ".m":
        raise MigrationError(f"{source}: expected a MATLAB script, got no .m file.")
    if not (source.stem.isascii() and source.stem.isidentifier()):
        raise MigrationError(f"{source}: expected a script whose name MATLAB can call, got {source.stem!r}. Rename it.")
    size = sum(path.stat().st_size for path in source.parent.rglob("*") if path.is_file())
    if size > _MOST_BYTES:
        raise MigrationError(
            f"{source.parent}: expected at most 2 GiB to copy, got {size / 1024**3:.1f} GiB. Put the script and its "
            "data into a directory of their own."
        )


def _run_octave(name: str, folder: Path, work: Path, timeout: float) -> list[dict[str, Any]]:
    recorder, records = work / "recorder", work / "octave"
    recorder.mkdir()
    records.mkdir()
    for routine in files("hf_matlab_compat.migrate").joinpath("octave").iterdir():
        (recorder / routine.name).write_text(routine.read_text(encoding="utf-8"), encoding="utf-8")
    stub = (recorder / f"{PUBLISHED}.m").read_text(encoding="utf-8")
    for trainer in trainers_beside(folder):
        (folder / f"{trainer}.m").unlink(missing_ok=True)
        (recorder / f"{trainer}.m").write_text(stub.replace(PUBLISHED, trainer), encoding="utf-8")
    _functions_into_files(folder / f"{name}.m")
    for function in _DRAWING:
        (recorder / f"{function}.m").write_text(_STUB.format(name=function), encoding="utf-8")
    seeds = f"rand('twister', {UNSEEDED}); randn('state', {UNSEEDED}); "
    workspace = work / "workspace"
    workspace.mkdir()
    start = "warning('off', 'all'); page_screen_output(false); addpath(getenv('HF_RECORDER'));"
    code = f"{start} {seeds}{name}\n{_KEEP_VARIABLES}"
    environment = {**os.environ, "HF_RECORDER": str(recorder), "HF_RECORDS": str(records), "HF_WORK": str(workspace)}
    with _failing_as_migration("Octave"):
        run_code(code, folder, timeout=timeout, environment=environment, keep_output=False).checked()
    return octave_calls(records)


def _functions_into_files(script: Path) -> None:
    """Octave does not know functions behind a script's statements; as files beside it they mean the same."""
    text = read_script(script)
    functions = [each for each in parse(text).body if isinstance(each, syntax.Function)]
    if not functions or all(isinstance(each, syntax.Function | syntax.Comment) for each in parse(text).body):
        return
    lines = text.replace("\r\n", "\n").split("\n")
    for each in functions:
        script.with_name(f"{each.name}.m").write_text(each.place.text + "\n", encoding="utf-8")
        lines[each.place.first - 1 : each.place.last] = [""] * (each.place.last - each.place.first + 1)
    script.write_text("\n".join(lines), encoding="utf-8")


def _run_python(
    source: Path, folder: Path, work: Path, style: str, timeout: float
) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The calls of the trainer, and the script's variables that hold positions."""
    made, _ = migrate_directory(source.parent, folder, style=style)
    own = [each for each in made if each.name == source.stem]
    todos = [todo for each in own for todo in each.todos]
    if todos:
        raise MigrationError(f"{source.name}: expected a complete translation, got {len(todos)} lines left to do.")
    records = work / "calls.pickle"
    command = [
        sys.executable,
        "-m",
        "hf_matlab_compat.migrate.recorder",
        f"{module_name(source.stem)}.py",
        str(records),
    ]
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with _failing_as_migration("Python"):
        run_program(command, folder, timeout=timeout, environment=environment, keep_output=False).checked()
    calls = pickle.loads(records.read_bytes()) if records.exists() else []
    return calls, frozenset[str]().union(*(each.positions for each in own))


@contextmanager
def _failing_as_migration(who: str) -> Iterator[None]:
    try:
        yield
    except ParityError as error:
        raise MigrationError(f"{who}: expected the script to run to its end, got: {error}") from error
