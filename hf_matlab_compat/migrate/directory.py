"""Migrate a script or a directory: read .m files, write .py files and the report."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from hf_matlab_compat.errors import CheckpointError, MigrationError
from hf_matlab_compat.matlab.files.mat_formats import list_variables
from hf_matlab_compat.matlab.files.regular_file import kind_of_file
from hf_matlab_compat.migrate import recurrent_call, syntax
from hf_matlab_compat.migrate.beside import (
    UNEDITED,
    Beside,
    BodyOf,
    Copy,
    NamesIn,
    added_folders,
    files_of,
    is_part_of_trainer,
    trainers_beside,
)
from hf_matlab_compat.migrate.context import module_name
from hf_matlab_compat.migrate.inlining import inlined
from hf_matlab_compat.migrate.parsing import parse
from hf_matlab_compat.migrate.scripts import translate
from hf_matlab_compat.migrate.trainer import TrainerReport, read_trainer
from hf_matlab_compat.migrate.translation import Translation, as_json, as_markdown, with_unfinished
from hf_matlab_compat.migrate.writer import formatted

StrPath = str | os.PathLike[str]
_ANY_NAME = {"encoding": "utf-8", "errors": "backslashreplace"}
"""Encoding of a report, as the name of a file need not be valid UTF-8."""


def read_script(path: StrPath) -> str:
    """Read a .m file in UTF-8, or in Latin-1 if it is not valid UTF-8.

    Raises
    ------
    MigrationError
        The file does not exist or is not text.
    """
    try:
        kind = kind_of_file(os.stat(path).st_mode)
        if kind:
            raise MigrationError(f"{path}: expected a MATLAB script, got {kind}.")
        data = Path(path).read_bytes()
    except OSError as error:
        raise MigrationError(f"{path}: expected a MATLAB script, got {error.strerror or error}.") from error
    if b"\0" in data:
        raise MigrationError(f"{path}: expected the text of a MATLAB script, got a binary file. Name a .m file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def migrate_script(
    path: StrPath, out: StrPath | None = None, *, style: str = "legacy", streams: str = "octave"
) -> Translation:
    """Translate one file.

    Parameters
    ----------
    path : path
        The .m file. Functions in files beside it are known by their names.
    out : path, optional
        The .py file to write; nothing is written without it.
    style, streams : str
        As for `translate`.

    Raises
    ------
    MigrationError
        The script cannot be read, or is not a script.
    """
    script = Path(path)
    made = _translated(script, script.parent, style, streams)
    if made.calls:
        made = with_unfinished([made, *_called_files(made, script, style, {made.name})])[0]
    made = replace(made, python=formatted(made.python)[0])
    if out is not None:
        Path(out).write_text(made.python, encoding="utf-8")
    return made


def _translated(script: Path, root: Path, style: str, streams: str) -> Translation:
    files = files_on_path(root)
    unclear = _in_several_folders(root)
    functions = _functions_of(path for name, path in files.items() if path != script and name not in unclear)
    others = frozenset(files) - functions.keys() - {script.stem}
    trainers: dict[str, Copy] = {}
    for folder in reversed(folders_on_path(root)):
        trainers |= trainers_beside(folder)
    outputs = {name: count for name, (count, _) in functions.items()}
    makers = frozenset(name for name, (_, makes) in functions.items() if makes)
    names_in = variables_beside(root / script.name)
    beside = Beside(outputs, trainers, names_in, others, scripts_on_path(root), makers)
    return translate(read_script(script), style=style, streams=streams, name=script.stem, beside=beside)


def _called_files(made: Translation, script: Path, style: str, seen: set[str]) -> Iterator[Translation]:
    """Yield the translations of the files that a script calls, directly or through other files."""
    for name in made.calls:
        if name not in seen:
            seen.add(name)
            called = _translated(files_on_path(script.parent)[name], script.parent, style, "octave")
            yield called
            yield from _called_files(called, script, style, seen)


def migrate_directory(
    directory: StrPath,
    out: StrPath,
    *,
    style: str = "legacy",
    streams: str = "octave",
    original: StrPath | None = None,
    only: str | None = None,
) -> tuple[list[Translation], list[tuple[str, str]]]:
    """Translate every .m file of a directory, and write REPORT.md and REPORT.json beside the scripts.

    Copies of the trainer are left out, as the package replaces them; their edits become options of the calls.

    Parameters
    ----------
    directory, out : path
        Where the scripts are, and where the Python files go.
    style, streams : str
        As for `translate`.
    original : path, optional
        An unedited copy of the trainer, with which the copies in the directory are compared.
    only : str, optional
        Name of a script: translate it and the files that it calls, directly or through others, and no more.

    Returns
    -------
    translations : list of Translation
    failures : list of (str, str)
        Names of files that could not be translated at all, and why.

    Raises
    ------
    MigrationError
        The directory does not exist or holds no script.
    """
    scripts = scripts_in(directory)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Translation] = []
    failed: list[tuple[str, str]] = []
    waiting = [path for path in scripts if only in (None, path.stem)]
    for path in waiting:
        try:
            made.append(_translated(path, Path(directory), style, streams))
        except MigrationError as error:
            failed.append((path.stem, str(error)))
        else:
            waiting += [each for each in scripts if each.stem in made[-1].calls and each not in waiting]
    made = _without_parts(made)
    made = [replace(each, python=text) for each, text in zip(made, formatted(*(m.python for m in made)), strict=True)]
    for each in made:
        (folder / f"{module_name(each.name)}.py").write_text(each.python, encoding="utf-8")
    unclear = _in_several_folders(Path(directory))
    failed += [each for each in unclear.items() if not (Path(directory) / f"{each[0]}.m").is_file()]
    made = with_unfinished(made, (name for name, _ in failed))
    copies = compared_copies(directory, original)
    (folder / "REPORT.md").write_text(as_markdown(made, failed, copies), **_ANY_NAME)
    (folder / "REPORT.json").write_text(as_json(made, failed, copies), **_ANY_NAME)
    return made, failed


def _without_parts(made: list[Translation]) -> list[Translation]:
    """Return the translations without incomplete scripts whose statements are part of another script."""
    callers = {each.name: [other.name for other in made if each.name in other.parts] for each in made}
    return [each for each in made if each.runs or not set(callers[each.name]) - {each.name, *each.parts}]


def compared_copies(directory: StrPath, original: StrPath | None) -> dict[str, Copy]:
    """Return the copies of the trainer in a directory by name, compared with the unedited one if given.

    Raises
    ------
    MigrationError
        An unedited copy is given, but there is no other to compare with it.
    """
    folder = Path(directory)
    copies = {name: copy for name, copy in trainers_beside(folder).items() if copy != UNEDITED.get(name)}
    if original is None:
        return copies
    edited = {n: copy for n, copy in copies.items() if (folder / f"{n}.m").resolve() != Path(original).resolve()}
    if not any(copy.report for copy in edited.values()):
        raise MigrationError(f"--original: expected a copy of the trainer in {folder}, got none. Leave it out.")
    return {
        name: replace(copy, report=read_beside(folder / f"{name}.m", original)) if copy.report else copy
        for name, copy in edited.items()
    }


def read_beside(trainer: Path, original: StrPath | None) -> TrainerReport:
    """Read a copy of the trainer with its solver, compared with an unedited one if given."""
    files = files_of(trainer)
    return read_trainer(*files, original=None if original is None else files_of(Path(original))[: len(files)])


def scripts_in(directory: StrPath) -> list[Path]:
    """Return the .m files of a directory and of the folders that its scripts add to the path, without trainers.

    Raises
    ------
    MigrationError
        The directory itself holds none.
    """
    unclear = _in_several_folders(Path(directory))
    found = files_on_path(Path(directory)).items()
    clear = (path for name, path in found if path.parent == Path(directory) or name not in unclear)
    scripts = sorted(path for path in clear if not is_part_of_trainer(path))
    if not any(path.parent == Path(directory) for path in scripts):
        raise MigrationError(f"{directory}: expected a directory with scripts (.m files), got none.")
    return scripts


def files_on_path(root: Path) -> dict[str, Path]:
    """Return the .m files that a script in `root` finds, by name; the first folder has precedence.

    Those of the public trainer of recurrent nets are left out.
    """
    found: dict[str, Path] = {}
    for folder in folders_on_path(root):
        found = {path.stem: path for path in sorted(folder.glob("*.m"))} | found
    left_out = recurrent_call.FILES if recurrent_call.TRAINER in found else frozenset[str]()
    return {name: path for name, path in found.items() if name not in left_out}


def _in_several_folders(root: Path) -> dict[str, str]:
    """Return a sentence for each name of a file that several folders of the path hold."""
    folders: dict[str, list[str]] = {}
    for folder in folders_on_path(root):
        for path in folder.glob("*.m"):
            folders.setdefault(path.stem, []).append(str(folder.relative_to(root)))
    return {
        name: f"{name}.m: expected it in one folder of the path, got {', '.join(found)}. Migrate with one of them only."
        for name, found in sorted(folders.items())
        if len(found) > 1
    }


def folders_on_path(root: Path) -> list[Path]:
    """Return a folder and those inside it that its scripts add to MATLAB's path."""
    found = [root]
    for script in sorted(root.glob("*.m")):
        for name, is_deep in added_folders(_body_where_said("addpath", script)):
            for folder in sorted(root.glob(name)) if name else [root]:
                inner = sorted(folder.rglob("*")) if is_deep else []
                found += [each for each in (folder, *inner) if each not in found and _is_on_path(each)]
    return found


def _is_on_path(folder: Path) -> bool:
    return folder.is_dir() and folder.name != "private" and folder.name[:1] not in ("@", "+", ".")


@lru_cache(maxsize=256)  # each script of a folder asks several questions about each other file
def _parsed(text: str) -> syntax.Script:
    return parse(text)


def _body_where_said(word: str, script: Path) -> tuple[syntax.Statement, ...]:
    """Return the statements of a file if it contains a word; none if it cannot be read."""
    try:
        text = read_script(script)
        return _parsed(text).body if word in text else ()
    except MigrationError:
        return ()


def _function_file(path: Path) -> tuple[int, bool] | None:
    """Return what `_function_in` finds in a file; None for a trainer and for a file that cannot be read."""
    try:
        return None if is_part_of_trainer(path) else _function_in(read_script(path))
    except MigrationError:
        return None


@lru_cache(maxsize=256)
def _function_in(text: str) -> tuple[int, bool] | None:
    """Return the number of outputs of a file's function, and whether they may be functions; None for a script."""
    first = next((each for each in _parsed(text).body if not isinstance(each, syntax.Comment)), None)
    if not isinstance(first, syntax.Function):
        return None
    outputs = set(map(syntax.Name, first.outputs))
    assigned = (node for node in first.walk() if isinstance(node, syntax.Assign) and outputs & {*node.targets})
    return len(outputs), any(isinstance(node.value, syntax.Handle | syntax.Lambda) for node in assigned)


def _functions_of(paths: Iterable[Path]) -> dict[str, tuple[int, bool]]:
    found = {path.stem: _function_file(path) for path in paths if path.stem.isidentifier()}
    return {name: facts for name, facts in found.items() if facts is not None}


def scripts_on_path(root: Path) -> BodyOf:
    """Return a function that reads the scripts that a script in `root` may call by name."""
    files, unclear = files_on_path(root), _in_several_folders(root)

    def body_of(name: str) -> tuple[syntax.Statement, ...] | None:
        path = files.get(name)
        if path is None or name in unclear or is_part_of_trainer(path) or _function_file(path) is not None:
            return None
        return _body_where_said("", path) or None

    return body_of


def whole_script(path: Path) -> tuple[syntax.Script, list[Path]]:
    """Read a script with the statements of the scripts that it calls; return it, and its files and functions."""
    files = files_on_path(path.parent)
    script, called = inlined(parse(read_script(path)), scripts_on_path(path.parent), path.stem)
    used = (files[name] for name in (*_functions_of(files.values()), *called))
    return script, [path, *(each for each in used if each != path)]


def variables_beside(script: Path) -> NamesIn:
    """Return a function that lists the variables of .mat files, given a name as the script writes it."""

    @cache
    def names_in(file: str) -> list[frozenset[str]] | None:
        name = file.replace("\\", "/")
        name = name if "." in name.split("/")[-1].split("*")[-1] else f"{name}.mat"
        fits = [script.parent / name] if "*" not in name else script.parent.glob(re.sub(r"\*+", "*", name))
        paths = [path for path in fits if path.is_file()] if name else []
        try:
            return [frozenset(each.name for each in list_variables(path).variables) for path in paths] or None
        except CheckpointError:
            return None  # the script's own load will report what is wrong with the file

    return names_in
