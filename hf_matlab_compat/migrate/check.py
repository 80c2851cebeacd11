"""Compare a MATLAB script with its translation: both run with a recorder as trainer, in Octave and in Python."""

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

import numpy as np

from hf_matlab_compat.errors import CheckpointError, MigrationError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.octave.process import octave_available, run_code, run_program
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.beside import PUBLISHED, trainers_beside
from hf_matlab_compat.migrate.context import module_name, python_name
from hf_matlab_compat.migrate.directory import StrPath, migrate_directory, read_script, whole_script
from hf_matlab_compat.migrate.parsing import parse
from hf_matlab_compat.migrate.recorder import UNSEEDED, is_empty
from hf_matlab_compat.migrate.runtime.arrays import two_dimensional
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
"""Saves each variable that can be saved; handles of functions cannot."""
_STUB = "function varargout = {name}(varargin)\n  varargout = cell(1, nargout);\nend\n"


@dataclass(frozen=True)
class CheckResult:
    """Result of a check.

    Attributes
    ----------
    calls : int
        Calls of the trainer in the MATLAB script.
    arguments : int
        Arguments that were compared.
    differences : tuple of str
        A sentence for each difference; empty if the scripts agree.
    notes : tuple of str
        A sentence for each thing that could not be compared, but is no difference.
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
        """True if arguments of the trainer or variables at the end were compared, and all are the same."""
        return self.calls + self.variables > 0 and not self.differences


def check(script: StrPath, *, style: str = "legacy", timeout: float = 300.0) -> CheckResult:
    """Run a MATLAB script in Octave and its translation in Python, and compare every argument of the trainer.

    Both run in copies of the script's directory. The trainer does not train: it records its arguments and returns the
    same made-up parameters on either side. **The user's own MATLAB code is run.**

    Parameters
    ----------
    script : path
        The .m file, beside its data and functions.
    style : {'legacy', 'modern'}
        As for `translate`.
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
        compared, differences = _compare_calls(theirs, ours)
        differences += _compare_tables(matlab, python)
        variables, others = _compare_variables(source, work, positions)
        differences += others
        undrawn = [f"call {number}: {_NO_STREAM}" for number in _calls_without_draws(theirs, ours)]
    if _seeds(source):
        return CheckResult(len(theirs), compared, (*differences, *undrawn), variables=variables)
    return CheckResult(len(theirs), compared, tuple(differences), tuple(undrawn), variables)


def _is_work(work: Path, folder: str, names: list[str]) -> list[str]:
    # the script's directory may hold TMPDIR, and so the directory of the check
    return [name for name in names if (Path(folder) / name).resolve() == work]


def _compare_variables(source: Path, work: Path, positions: frozenset[str]) -> tuple[int, list[str]]:
    """Return the number of compared variables at the end of both scripts, and a sentence for each difference.

    Variables that depend on the time, positions (from 0 in Python), structs and unreadable values are not compared.
    """
    kept = work / "calls.workspace"
    ours = pickle.loads(kept.read_bytes()) if kept.exists() else {}
    aside = positions | _told_by_clock(whole_script(source)[0].body)
    compared, differences = 0, list[str]()
    for path in sorted((work / "workspace").glob("*.mat")):
        name, python = path.stem, python_name(path.stem)
        try:
            expected = _plain(load_mat(path)[name]) if name not in aside and python in ours else None
        except (CheckpointError, KeyError):
            continue
        if _is_of_numbers(expected):
            compared += 1
            difference = _difference(name, expected, ours[python], _LOOSE)
            differences += [f"{name}, at the end: {difference}"] if difference else []
    return compared, differences


_CLOCK = frozenset({"tic", "toc", "clock", "cputime", "now", "datestr", "date", "time", "pwd", "tempname", "fopen"})


def _told_by_clock(body: Sequence[syntax.Statement]) -> frozenset[str]:
    """Return the variables that depend on the time or the place of the run."""
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
    "its random numbers were not compared, since the translated call has no seed: its first parameters are not "
    "MATLAB's."
)
_SEEDING = re.compile(r"\b(?:rand|randn|randi)\s*\(\s*['\"](?:state|seed|twister)['\"]|\brng\b|\bRandStream\b")


def _seeds(script: Path) -> bool:
    """Return whether a script or a file that it may call seeds; without a seed, each MATLAB session draws others."""
    lines = (line for path in whole_script(script)[1] for line in read_script(path).splitlines())
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
    return _octave_calls(records)


def _functions_into_files(script: Path) -> None:
    """Write the functions of a script as files beside it, as Octave does not find them after the statements."""
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
    # returns the calls of the trainer, and the script's variables that hold positions
    made, _ = migrate_directory(source.parent, folder, style=style, only=source.stem)
    own = [each for each in made if each.name == source.stem]
    todos = [todo for each in own for todo in each.todos]
    if todos:
        raise MigrationError(f"{source.name}: expected a complete translation, got {len(todos)} lines left to do.")
    records = work / "calls.pickle"
    recorder = "hf_matlab_compat.migrate.recorder"
    command = [sys.executable, "-m", recorder, f"{module_name(source.stem)}.py", str(records)]
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


Call = dict[str, Any]

_TOLERANCE = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
_FLAT = ("layersizes",)
_DRAWS = ("uniforms", "normals")


def _octave_calls(folder: Path) -> list[Call]:
    """Read the calls that the recorder in Octave wrote.

    Raises
    ------
    MigrationError
        A record cannot be read.
    """
    calls: list[Call] = []
    for path in sorted(folder.glob("call_*.mat")):
        try:
            content = load_mat(path)
        except CheckpointError as error:
            raise MigrationError(f"{path.name}: {error}") from error
        given = [_plain(entry) for entry in content["arguments"].ravel()]
        draws = {name: content[name] for name in _DRAWS if content[name].size}
        calls.append(dict(zip(TRAINER_ARGUMENTS, given, strict=False)) | draws)
    return calls


def _compare_calls(theirs: list[Call], ours: list[Call]) -> tuple[int, list[str]]:
    """Return the number of compared arguments and a sentence for each difference."""
    if len(theirs) != len(ours):
        return 0, [f"calls: expected {len(theirs)}, as in Octave, got {len(ours)}."]
    compared, differences = 0, list[str]()
    for number, (expected, got) in enumerate(zip(theirs, ours, strict=True), 1):
        for name in expected:
            untested = name == "numchunks_test" and is_empty(expected["intest"])  # `train` does not get it then
            if name not in got and (name in _DRAWS or untested):
                continue
            compared += 1
            difference = _difference(name, expected[name], got.get(name))
            if difference:
                differences.append(f"call {number}, {name}: {difference}")
    return compared, differences


def _calls_without_draws(theirs: list[Call], ours: list[Call]) -> list[int]:
    """Return the calls, from 1, that draw first parameters in MATLAB but have no random stream in Python."""
    pairs = enumerate(zip(theirs, ours, strict=False), 1)
    return [number for number, (expected, got) in pairs if any(n in expected and n not in got for n in _DRAWS)]


def _compare_tables(theirs: Path, ours: Path) -> list[str]:
    """Return a sentence for each .csv file that is missing on one side or differs."""
    differences: list[str] = []
    for name in sorted({path.name for folder in (theirs, ours) for path in folder.glob("*.csv")}):
        if not (theirs / name).exists() or not (ours / name).exists():
            differences.append(f"{name}: written on one side only.")
            continue
        one, other = (np.loadtxt(folder / name, delimiter=",", ndmin=2) for folder in (theirs, ours))
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-4, atol=1e-12):
            differences.append(f"{name}: the tables differ.")
    return differences


_LOOSE = 1e4
"""Factor on the tolerance for variables at the end: a whole script sums in another order."""


def _is_of_numbers(value: Any) -> bool:
    """Return whether a value is numbers, a string, or cells of these."""
    if isinstance(value, list):
        return all(map(_is_of_numbers, value))
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind in "biufc")


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return "".join(str(row) for row in array.ravel())
    if array.dtype.kind == "O":
        return [_plain(entry) for entry in array.ravel(order="F")]
    return array


def _difference(name: str, expected: Any, got: Any, loose: float = 1.0) -> str:
    if is_empty(expected) and is_empty(got):
        return ""
    if isinstance(expected, str) or isinstance(got, str):
        return "" if expected == got else f"expected {expected!r}, got {got!r}."
    if isinstance(expected, list) and isinstance(got, list):
        return _cells_difference(name, expected, got, loose)
    if isinstance(expected, list) or isinstance(got, list):
        return f"expected {'cells' if isinstance(expected, list) else 'an array'}, got something else."
    return _array_difference(name, expected, got, loose)


def _cells_difference(name: str, expected: list[Any], got: list[Any], loose: float) -> str:
    if len(expected) != len(got):
        return f"expected {len(expected)} cells, got {len(got)}."
    found = (_difference(name, one, other, loose) for one, other in zip(expected, got, strict=True))
    return next((difference for difference in found if difference), "")


def _array_difference(name: str, expected: Any, got: Any, loose: float) -> str:
    one, other = two_dimensional(expected), two_dimensional(got)
    if name in _FLAT:
        one, other = one.reshape(1, -1), other.reshape(1, -1)
    if one.shape != other.shape:
        return f"expected shape {one.shape}, got {other.shape}."
    singles = [array.dtype == np.float32 for array in (one, other)]
    if one.size > 1 and singles[0] != singles[1]:
        return f"expected class {one.dtype}, got {other.dtype}."
    one, other = (array if array.dtype.kind == "c" else array.astype(float) for array in (one, other))
    with np.errstate(invalid="ignore"):
        gap = np.where(one == other, 0.0, np.abs(one - other))
    gap = np.where(np.isnan(one) & np.isnan(other), 0.0, gap)
    finite = np.abs(one[np.isfinite(one)])
    scale = max(float(finite.max(initial=0.0)), 1e-300)
    bound = loose * _TOLERANCE[np.dtype(np.float32) if singles[0] else np.dtype(np.float64)]
    if not np.array_equal(one, other, equal_nan=True) and not float(gap.max()) <= bound * scale:
        return f"expected the same numbers, got a difference of {float(np.nanmax(gap)):g}."
    return ""
