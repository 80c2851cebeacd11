"""`hf-compat migrate`: translate scripts, folders of scripts, and edited trainers."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from hf_matlab_compat.cli.app import app
from hf_matlab_compat.errors import MigrationError

if TYPE_CHECKING:
    from hf_matlab_compat.migrate import Translation


@app.command
def migrate(
    source: Path,
    /,
    *,
    out: Path | None = None,
    style: Literal["legacy", "modern"] = "legacy",
    streams: Literal["octave", "matlab"] = "octave",
    check: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
    original: Path | None = None,
) -> int:
    """Translate a MATLAB script, a folder of scripts, or an edited nnet_train_2.m to Python.

    Edits of a trainer next to a script become options of the call. The exit code is 1 if something is left to do by
    hand or a check found a difference, and 2 if nothing could be done.

    Parameters
    ----------
    source
        A script, a folder, or a copy of the trainer.
    out
        Where to write: a file for a script, a folder for a folder. By default next to the source.
    style
        The call: with the 22 names, or train(...).
    streams
        The random number generators of the seeds.
    check
        Run the MATLAB script in Octave and the Python script on the same data, and compare every argument that
        reaches the trainer. This executes the MATLAB script.
    force
        Overwrite existing files.
    original
        For a copy of the trainer, or a folder with one: an unedited trainer, so that every edit is found.

    Raises
    ------
    MigrationError
        The options do not fit the source, or nothing could be translated.
    """
    from hf_matlab_compat.migrate.beside import is_part_of_trainer

    if check and streams != "octave":
        raise MigrationError("--check: expected --streams octave, got matlab. Octave cannot draw MATLAB's numbers.")
    if source.is_file() and is_part_of_trainer(source):
        _refuse(source, "reads a copy of the trainer and writes nothing", out=out, check=check)
        return _trainer(source, original)
    if source.is_dir():
        place = source if source.name not in ("", "..") else source.resolve()  # "." has no name to add to
        target = out or place.with_name(f"{place.resolve().name}_python")
        return _folder(source, target, (style, streams, original), check, force)
    _refuse(source, "is no copy of the trainer", original=original)
    return _script(source, _target(source, out), style, streams, check, force)


def _refuse(source: Path, reason: str, **options: object) -> None:
    # refuse options that would have no effect
    for name, value in options.items():
        if value:
            raise MigrationError(f"--{name}: expected no such option, since {source} {reason}. Leave it out.")


def _target(source: Path, out: Path | None) -> Path:
    from hf_matlab_compat.migrate.context import module_name

    file = f"{module_name(source.stem)}.py"
    if out is None:
        return source.with_name(file)
    return out / file if out.is_dir() else out


def _keep(targets: Iterable[Path], force: bool) -> None:
    # refuse to overwrite existing files
    there = [path for path in targets if path.exists()]
    if there and not force:
        others = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise MigrationError(
            f"{there[0]}{others}: expected no such file, got one. Use --force to overwrite it, or --out for another "
            "place."
        )


def _script(source: Path, out: Path, style: str, streams: str, check: bool, force: bool) -> int:
    from hf_matlab_compat.migrate import migrate_script

    migrate_script(source, style=style, streams=streams)
    _keep([out], force)
    out.parent.mkdir(parents=True, exist_ok=True)
    made = migrate_script(source, out, style=style, streams=streams)
    _tell(made)
    _tell_unknown([made])
    _say(f"written: {out}")
    _tell_data([source], out.parent)
    if check and not _runs_by_itself(made):
        _say(_nothing_to_run(made))
        return 2
    if check and not made.runs:
        _say("not checked: lines are left to do")
    agrees = not (check and made.runs) or _agrees(source, style)
    return int(not (made.runs and agrees) or made.trains_otherwise)


def _folder(source: Path, out: Path, how: tuple[str, str, Path | None], check: bool, force: bool) -> int:
    from hf_matlab_compat.migrate import migrate_directory
    from hf_matlab_compat.migrate.context import module_name
    from hf_matlab_compat.migrate.directory import scripts_in

    style, streams, original = how
    scripts = scripts_in(source)
    _keep([*(out / f"{module_name(path.stem)}.py" for path in scripts), out / "REPORT.md", out / "REPORT.json"], force)
    translations, failures = migrate_directory(source, out, style=style, streams=streams, original=original)
    for made in translations:
        _tell(made)
    for name, why in failures:
        _say(f"{name}.m: not translated. {why}")
    _tell_unknown(translations)
    complete = not failures and all(made.runs for made in translations)
    agree = _all_agree(source, translations, style) if check else True
    trainers = _trainers_of(source, original)
    _say(f"written: {len(translations)} scripts and REPORT.md in {out}")
    _tell_data(scripts, out)
    return int(not (complete and agree and trainers))


def _all_agree(source: Path, translations: Sequence[Translation], style: str) -> bool:
    """Check every script, or say why it is not checked."""
    checked = [made for made in translations if made.runs and _runs_by_itself(made)]
    agree = [_agrees(source / f"{made.name}.m", style) for made in checked]
    for made in (each for each in translations if each not in checked):
        if made.runs:
            _say(_nothing_to_run(made))
            agree += [] if made.name not in _reaching(translations) else [_is_called(made, checked, translations)]
        else:
            _say(f"{made.name}.m: not checked. Its translation: {made.state}.")
    return bool(checked) and all(agree)


def _is_called(made: Translation, checked: Sequence[Translation], translations: Sequence[Translation]) -> bool:
    """Return whether a checked script calls this function, or another function that calls it."""
    return any(_calls(each, {made.name} | _callers(made.name, translations)) for each in checked)


def _reaching(translations: Iterable[Translation]) -> set[str]:
    """Return the names of scripts that call the trainer, or a function that calls it."""
    listed = list(translations)
    return _callers("nnet_train", listed) | _callers("nnet_train_2", listed) | _callers("train", listed)


def _callers(name: str, translations: Iterable[Translation]) -> set[str]:
    """Return the names of files that call a function, or another function that calls it."""
    listed = list(translations)
    found = set[str]()
    while more := {each.name for each in listed if each.name not in found and _calls(each, {name, *found})}:
        found |= more
    return found


def _calls(made: Translation, names: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![\w.]){name}\(", made.python) for name in names if name != made.name)


def _runs_by_itself(made: Translation) -> bool:
    """Return whether the file is more than functions with arguments."""
    body = ast.parse(made.python).body[1:]  # after the docstring
    functions = [each for each in body if isinstance(each, ast.FunctionDef)]
    rest = [each for each in body if not isinstance(each, ast.FunctionDef | ast.Import | ast.ImportFrom)]
    return not functions or any(not ast.unparse(each).startswith("random = ") for each in rest)


def _nothing_to_run(made: Translation) -> str:
    """Return why a file of functions is not checked."""
    first = next(each for each in ast.parse(made.python).body if isinstance(each, ast.FunctionDef))
    waits = ", ".join(each.arg for each in first.args.args)
    return (
        f"{made.name}.m: not checked. There is nothing to run, since the file holds functions only and {first.name} "
        f"needs {waits}. Check a script that calls it."
    )


def _agrees(script: Path, style: str) -> bool:
    """Run a script in Octave and in Python, print the comparison and return whether they agree."""
    from hf_matlab_compat.migrate import check

    try:
        result = check(script, style=style)
    except MigrationError as error:
        _say(f"{script.name}: not checked. {error}")
        return False
    for said in (*result.differences, *result.notes):
        _say(f"  {said}")
    verdict = "agree" if result.agrees else "DIFFER" if result.differences else "were seen"
    at_end = f"{result.variables} variables at the end"
    seen = f"{at_end} {verdict}: the trainer was never reached"
    if result.calls:
        with_others = f", with {at_end}" if result.variables else ""
        seen = f"{result.arguments} arguments in {_times(result.calls)} {verdict}{with_others}"
    _say(f"{script.name}: checked in Octave, {seen}")
    return result.agrees


def _times(calls: int) -> str:
    return "1 call of the trainer" if calls == 1 else f"{calls} calls of the trainer"


def _tell(made: Translation) -> None:
    from hf_matlab_compat.migrate.context import module_name

    file = module_name(made.name)
    if file != made.name:
        _say(f"{made.name}.m: becomes {file}.py, since {made.name}.py would hide a module of Python")
    parts = f", with the statements of {', '.join(f'{each}.m' for each in made.parts)}" if made.parts else ""
    _say(f"{made.name}.m: {len(made.lines)} lines{parts}, {made.state}")
    for each in made.todos:
        _say(f"  {each.where}: {' '.join(each.text.split())}  ({each.remark})")
    for line in made.to_verify:
        _say(f"  verify line {line.number}: {line.text.strip()}  ({line.remark})")
    for line in made.offered:
        _say(f"  line {line.number}: {line.text.strip()}  ({line.remark})")


def _tell_data(scripts: Sequence[Path], out: Path) -> None:
    """If the scripts move to another folder, print the command that copies the files that they name."""
    folder = scripts[0].parent
    text = "\n".join(map(_text_of, scripts))
    words = {word.rsplit("/", 1)[-1] for word in re.findall(r"[\w./-]+", text)}
    starts = tuple(each for each in re.findall(r"['\"](\w{3,})['\"]", text) if each not in ("mat", "txt", "csv"))
    named = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix not in (".m", ".py", ".md", ".json") and not (out / path.name).exists()
        if {path.name, path.stem} & words or path.name.startswith(starts)
    ]
    if named and out.resolve() != folder.resolve():
        files = " ".join(shlex.quote(str(each)) for each in named)
        _say(f"the scripts need their data: cp {files} {shlex.quote(str(out))}")


def _text_of(script: Path) -> str:
    """Return the text of a script; empty if it cannot be read, which was reported before."""
    from hf_matlab_compat.migrate.directory import read_script

    try:
        return read_script(script)
    except MigrationError:
        return ""


def _tell_unknown(translations: Sequence[Translation]) -> None:
    """Print the functions that are not known here, once for all scripts."""
    from hf_matlab_compat.migrate.translation import unknown_functions

    found = unknown_functions(translations)
    if found:
        _say(f"functions that are not known here: {', '.join(found)}")


def _trainers_of(folder: Path, original: Path | None) -> bool:
    """Print what the trainers of a folder imply; return whether options express all of it."""
    from hf_matlab_compat.migrate.directory import compared_copies

    whole = True
    for name, copy in compared_copies(folder, original).items():
        if copy.refusal:
            _say(f"{name}.m: not a trainer that this package replaces. {copy.refusal}")
        if copy.report is not None:
            _say(f"{name}.m: the trainer; its edits as options: {_in_words(copy.report.legacy_options)}")
            for words in copy.report.in_words():
                _say(f"  {words}")
            for one in copy.report.unexpressed:
                _say(f"  line {one.line}: {one.text.strip()}  ({one.why})")
        whole = whole and not copy.refusal and not (copy.report and copy.report.unexpressed)
    return whole


def _in_words(options: dict[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.items()) or "none"


def _trainer(source: Path, original: Path | None) -> int:
    from hf_matlab_compat.migrate.beside import PUBLISHED, SOLVER, files_of
    from hf_matlab_compat.migrate.directory import read_beside

    trainer = source.with_name(f"{PUBLISHED}.m") if source.stem == SOLVER else source
    files, report = files_of(trainer), read_beside(trainer, original)
    _say(f"options of nnet_train that this copy implies: {_in_words(report.legacy_options)}")
    if report.gpu:
        _say(f"written for {report.gpu}: jacket=1 asks for the GPU here")
    for one in report.unexpressed:
        _say(f"  {files[one.file].name}, line {one.line}: {one.text.strip()}  ({one.why})")
    for words in report.in_words():
        _say(words)
    return int(bool(report.unexpressed))


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, markup=False, emoji=False, highlight=False)
