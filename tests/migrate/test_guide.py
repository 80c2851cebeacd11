"""docs/migration.md says what the code does: its commands and its Python run, its tables are the code's."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.legacy.dialects import FORMS
from hf_matlab_compat.migrate import translate
from hf_matlab_compat.migrate.writer import formatted
from hf_matlab_compat.presets import PRESETS
from tests.migrate.sample_data import make_data
from tests.migrate.trainer.trainer_text import SOLVER, TRAINER

pytest.importorskip("tree_sitter_matlab")

TEXT = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(console|python)\n(.*?)```", TEXT, flags=re.DOTALL)
ROWS = re.findall(r"^\| `(.*?)` \| (`.*`) \|$", TEXT, flags=re.MULTILINE)
LINES = [(matlab, re.findall(r"`(.+?)`", python)) for matlab, python in ROWS]
SETUP = "x = zeros(4, 6); r = 1:6; n = 3; s = 'abc';\n"


@pytest.mark.octave
def test_the_commands_and_the_python_of_the_guide_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _old_folder(tmp_path / "old")
    (tmp_path / "unedited.m").write_text(TRAINER + SOLVER)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    assert len(BLOCKS) >= 6
    for kind, block in BLOCKS:
        if kind == "python":
            exec(compile(block, "guide", "exec"), names)
            _two_runs(tmp_path)
        for line in block.splitlines() if kind == "console" else ():
            assert line.startswith("$ hf-compat ")
            assert main(shlex.split(line)[2:]) == 0, line
    assert {path.name for path in tmp_path.iterdir()} >= {"epochs.csv", "epochs.json", "curves.png", "new"}


@pytest.mark.parametrize(("matlab", "python"), LINES, ids=[matlab for matlab, _ in LINES])
def test_the_table_shows_what_becomes_of_a_line(matlab: str, python: list[str]) -> None:
    (text,) = formatted(translate(SETUP + matlab + "\n").python)
    made = [line.strip() for line in text.splitlines() if line.strip()]
    assert made[-len(python) :] == python


def test_the_table_of_lines_is_there() -> None:
    assert len(LINES) > 30


def test_every_preset_and_every_form_of_the_call_is_listed() -> None:
    assert [name for name, preset in PRESETS.items() if f"| `{name}` | {preset.source} |" not in TEXT] == []
    assert [form.name for form in FORMS if f"| {form.name} | " not in TEXT] == []


def _two_runs(folder: Path) -> None:
    """Files that the guide's Python wrote, in two folders, whose curves are drawn side by side."""
    for name in ("a", "b"):
        for path in folder.glob("run*.*"):
            (folder / name).mkdir(exist_ok=True)
            shutil.copy(path, folder / name)


def _old_folder(folder: Path) -> None:
    folder.mkdir()
    make_data(folder)
    for name in ("denoising", "digit_classifier"):
        (folder / f"{name}.m").write_text((Path(__file__).parent / "scripts" / f"{name}.m").read_text())
    (folder / "nnet_train_2.m").write_text(TRAINER.replace("initlambda = 45.0", "initlambda = 10"))
    (folder / "conjgrad_1.m").write_text(SOLVER)
