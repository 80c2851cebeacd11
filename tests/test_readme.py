"""The README says what the code says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import app
from hf_matlab_compat.legacy.packing import unpackPARAMS
from hf_matlab_compat.matlab.octave.session import run_octave
from tools import readme_tables

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_are_those_the_code_makes() -> None:
    assert readme_tables.rewritten(TEXT) == TEXT, "run python tools/readme_tables.py"


def test_every_folder_of_the_package_is_on_the_map() -> None:
    folders = {path.parent.name for path in (ROOT / "hf_matlab_compat").glob("*/__init__.py")}
    missing = {name for name in folders if f"{name}/" not in TEXT}
    assert missing == set()


def test_every_make_target_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z-]+)", TEXT))
    assert named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def first_epochs(call: str, epochs: int) -> str:
    """The README's call with fewer epochs than its 30."""
    assert call.count("[], 30, indata") == 1
    return call.replace("[], 30, indata", f"[], {epochs}, indata")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the README's snippets find what a clone has."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_python(snippet: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), names)
    return names["paramsp"]


def test_there_is_one_call_in_each_language() -> None:
    assert [len(blocks(language)) for language in ("matlab", "python")] == [1, 1]


def test_the_python_call_runs_as_printed(clone: Path) -> None:
    paramsp = run_python(blocks("python")[0])
    W, _ = unpackPARAMS(paramsp, [64, 50, 25, 6, 25, 50, 64])
    assert W[2].shape == (6, 25)
    checkpoints = ["digits_nnet_running", *(f"digits_nnet_epoch{k}" for k in (10, 20, 30))]
    expected = {"digits.txt", *(f"{stem}{end}" for stem in checkpoints for end in (".mat", ".sidecar.npz"))}
    assert {path.name for path in clone.glob("digits*")} == expected


@pytest.mark.octave
@pytest.mark.parametrize(("epochs", "apart"), [(0, 0.0), (1, 1e-3)])
def test_both_columns_are_the_same_run(epochs: int, apart: float, clone: Path) -> None:
    matlab, python = (first_epochs(blocks(language)[0], epochs) for language in ("matlab", "python"))
    (clone / "column.m").write_text(f"function paramsp = column()\n{matlab}\nend\n", encoding="utf-8")
    (theirs,) = run_octave("column", path=[clone, ROOT / "reference_matlab"], workdir=clone)
    ours = run_python(python)
    # single precision: conjugate gradients part mathematically identical runs by up to 6e-4 of a step
    assert np.linalg.norm(ours - theirs) <= apart * np.linalg.norm(theirs)
    assert np.linalg.norm(theirs) > 1


def test_every_command_is_in_the_readme_and_every_command_in_it_exists() -> None:
    commands = {name for name in app if not name.startswith("-")}
    assert set(re.findall(r"`hf-compat ([a-z]+)", TEXT)) == commands


@pytest.mark.parametrize("line", re.findall(r"^hf-compat .*", TEXT, re.MULTILINE))
def test_command_lines_of_the_readme_are_understood(line: str) -> None:
    command, _bound, *_ = app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)
    assert command is app[shlex.split(line)[1]].default_command


def test_every_file_it_points_to_is_there() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)|`((?:tests|examples|docs)/[\w/.]+\.\w+)`", TEXT)
    assert named
    assert [path for pair in named for path in pair if path and not (ROOT / path).exists()] == []
