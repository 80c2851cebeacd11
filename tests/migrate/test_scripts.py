"""The sample scripts: complete, clean, they run, and they hand the trainer what Octave hands it."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hf_matlab_compat.migrate import Fate, check, migrate_directory, migrate_script

pytest.importorskip("tree_sitter_matlab")

SCRIPTS = Path(__file__).parent / "scripts"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.m"))
EXPERIMENTS = [name for name in NAMES if not name.startswith("load")]
STYLES = ["legacy", "modern"]


@pytest.fixture(scope="session", params=STYLES)
def migrated(samples: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    out = tmp_path_factory.mktemp(request.param)
    shutil.copytree(samples, out, dirs_exist_ok=True)
    migrate_directory(samples, out, style=request.param)
    return out


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_script_is_translated_completely(samples: Path, name: str) -> None:
    made = migrate_script(samples / f"{name}.m")
    assert made.todos == ()
    assert "TODO" not in made.python
    compile(made.python, name, "exec")


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_script_has_one_entry_in_the_report(samples: Path, name: str) -> None:
    text = (samples / f"{name}.m").read_text().split("\n")
    made = migrate_script(samples / f"{name}.m")
    assert [line.number for line in made.lines] == list(range(1, len(text) + 1))
    assert [line.text for line in made.lines] == text
    assert all((line.fate is Fate.BLANK) == (not line.text.strip()) for line in made.lines)


@pytest.mark.parametrize("name", NAMES)
def test_every_comment_of_a_script_is_kept(samples: Path, name: str) -> None:
    made = migrate_script(samples / f"{name}.m")
    for line in made.lines:
        if line.fate is Fate.COMMENT:
            assert line.text.strip().lstrip("%").strip() in made.python


COMPARES_CONSTANTS = "PLR0133"
"""Of ruff: semantics.m itself compares a constant with a constant."""


@pytest.mark.parametrize(("command", "option"), [("check", f"--ignore={COMPARES_CONSTANTS}"), ("format", "--check")])
def test_the_python_scripts_are_clean_under_ruff(migrated: Path, command: str, option: str) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=os.path.dirname(sys.executable))
    if ruff is None:
        pytest.skip("ruff is not installed")
    done = subprocess.run([ruff, command, "--isolated", option, "."], cwd=migrated, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.filterwarnings("ignore:There are 14 cases of 30 numbers each")  # as faces_patches has them
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_migrated_script_runs_with_the_real_trainer(
    migrated: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(migrated)
    monkeypatch.syspath_prepend(str(migrated))
    variables = runpy.run_path(f"{name}.py", run_name="__main__")
    assert variables.get("__name__") == "__main__"
    assert list(migrated.glob("*_nnet_running.mat"))


@pytest.mark.octave
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_trainer_gets_what_octave_gives_it(samples: Path, name: str) -> None:
    result = check(samples / f"{name}.m")
    assert result.differences == ()
    assert result.calls > 0
    assert result.arguments >= 22 * result.calls


@pytest.mark.octave
@pytest.mark.parametrize("name", ["deep_autoencoder", "pretrained", "ugly"])
def test_the_modern_call_gets_the_same(samples: Path, name: str) -> None:
    assert check(samples / f"{name}.m", style="modern").agrees


@pytest.mark.octave
def test_a_wrong_translation_is_caught(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hf_matlab_compat.migrate import check as _function  # noqa: F401
    from hf_matlab_compat.migrate import directory

    right = directory.translate

    def wrong(*args: object, **options: object) -> object:
        made = right(*args, **options)  # type: ignore[arg-type]
        return type(made)(made.name, made.python.replace("[:40, :]", "[1:41, :]"), made.lines)

    monkeypatch.setattr(directory, "translate", wrong)
    result = check(samples / "denoising.m")
    assert any("indata" in difference for difference in result.differences)
