"""The README and the pages of docs/ say what the code says."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import app
from hf_matlab_compat.legacy.packing import unpackPARAMS
from hf_matlab_compat.matlab.octave.session import run_octave
from tools import readme_tables

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
EVERYTHING = "\n".join([README, *PAGES.values()])
EPOCHS = 12


def test_the_tables_are_those_the_code_makes() -> None:
    for page, tables in readme_tables.PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert readme_tables.rewritten(text, tables) == text, "run python tools/readme_tables.py"


def test_the_readme_fits_two_screens() -> None:
    assert len(README.split()) < 900


def test_every_folder_of_the_package_is_on_the_page_of_modules() -> None:
    folders = {path.parent.name for path in (ROOT / "hf_matlab_compat").glob("*/__init__.py")}
    assert {name for name in folders if f"## {name}/" not in PAGES["modules.md"]} == set()
    assert "docs/modules.md" in README


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", EVERYTHING, re.MULTILINE))
    assert named >= {"demo", "test", "docs", "bench", "agreement"}
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_every_extra_is_on_the_page_of_limits() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"]
    assert {name for name in extras if f"`{name}`" not in PAGES["limits.md"]} == set()


# --- the two columns


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def with_epochs(call: str, epochs: int) -> str:
    """The README's call with another number of epochs."""
    assert call.count(f"[], {EPOCHS}, indata") == 1
    return call.replace(f"[], {EPOCHS}, indata", f"[], {epochs}, indata")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the README's snippets find what a clone has."""
    for name in ("examples", "reference_matlab"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_python(snippet: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), names)
    return names["paramsp"]


def run_matlab(snippet: str, folder: Path) -> Any:
    (folder / "column.m").write_text(f"function paramsp = column()\n{snippet}\nend\n", encoding="utf-8")
    (paramsp,) = run_octave("column", path=[folder], workdir=folder)
    return paramsp


def log_lines(folder: Path) -> list[str]:
    """The log that a column wrote, without its times; the log is removed."""
    path = folder / "digits.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith(("Start time: ", "Total time: "))]
    path.unlink()
    return lines


def test_there_is_one_call_in_each_language_and_a_log_below_each() -> None:
    assert [len(blocks(language)) for language in ("matlab", "python", "text")] == [1, 1, 2]


def test_the_python_call_runs_as_printed_and_prints_its_log(clone: Path) -> None:
    paramsp = run_python(blocks("python")[0])
    W, _ = unpackPARAMS(paramsp, [64, 50, 25, 6, 25, 50, 64])
    assert W[2].shape == (6, 25)
    stems = ["digits_nnet_running", "digits_nnet_epoch10"]
    expected = {"digits.txt", *(f"{stem}{end}" for stem in stems for end in (".mat", ".sidecar.npz"))}
    assert {path.name for path in clone.glob("digits*")} == expected
    assert [line for line in log_lines(clone) if line.startswith("epoch: ")] == blocks("text")[1].splitlines()


@pytest.mark.octave
def test_the_two_logs_agree_digit_for_digit_in_double_precision(clone: Path) -> None:
    theirs = run_matlab(blocks("matlab")[0], clone)
    their_log = log_lines(clone)
    ours = run_python(blocks("python")[0])
    assert log_lines(clone) == their_log
    assert [line for line in their_log if line.startswith("epoch: ")] == blocks("text")[0].splitlines()
    assert len(blocks("text")[0].splitlines()) == EPOCHS
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.octave
@pytest.mark.parametrize(("epochs", "apart"), [(0, 0.0), (1, 1e-3)])
def test_in_single_precision_both_columns_are_the_same_run_within_rounding(
    epochs: int, apart: float, clone: Path
) -> None:
    matlab, python = (with_epochs(blocks(language)[0], epochs) for language in ("matlab", "python"))
    in_single = python.replace(', precision="double"', "")
    assert in_single != python
    theirs = run_matlab(re.sub(r", \.\.\.\n +struct\('precision', 'double'\)", "", matlab), clone)
    ours = run_python(in_single)
    # single precision: conjugate gradients part mathematically identical runs by up to 6e-4 of a step
    assert np.linalg.norm(ours - theirs) <= apart * np.linalg.norm(theirs)
    assert np.linalg.norm(theirs) > 1


def test_the_call_beside_that_of_the_other_package_learns_xor() -> None:
    block = next(
        each for each in re.findall(r"```python\n(.*?)```", PAGES["coming_from.md"], re.DOTALL) if "train(" in each
    )
    X, T = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    names: dict[str, Any] = {"X": X, "T": T}
    exec(compile(block, "coming_from.md", "exec"), names)
    np.testing.assert_allclose(names["result"].predict(X.T), T.T, atol=0.1)


# --- commands and files


def test_every_command_is_on_its_page_and_every_command_named_exists() -> None:
    commands = {name for name in app if not name.startswith("-")}
    assert set(re.findall(r"`hf-compat ([a-z]+)", PAGES["files_and_commands.md"])) == commands
    assert set(re.findall(r"`hf-compat ([a-z]+)", EVERYTHING)) == commands


LINES = re.findall(r"`(hf-compat [a-z][^`]*)`|^(?:\$ )?(hf-compat .*?)(?: *#.*)?$", EVERYTHING, re.MULTILINE)
WRITTEN = sorted({quoted or alone for quoted, alone in LINES if "COMMAND" not in quoted})


@pytest.mark.parametrize("line", WRITTEN)
def test_command_lines_of_the_pages_are_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    if len(words) == 1:  # a command by its name alone
        assert words[0] in app
        return
    command, _bound, *_ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert command is not None


def test_every_file_named_is_there() -> None:
    named = set(re.findall(r"`((?:tests|examples|docs|tools|benchmarks)/[\w/.]+\.\w+)`", EVERYTHING))
    named |= {f"hf_matlab_compat/{path}" for path in re.findall(r"`hf_matlab_compat/([\w/.]+\.py)`", EVERYTHING)}
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
