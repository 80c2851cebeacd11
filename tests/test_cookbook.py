"""The cookbook: every recipe runs as it stands, and none is longer than it says."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n\n(?:(?!```)[^\n]*\n)*```python\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("wish", RECIPES)
def test_a_recipe_runs(wish: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "data" / "digits.mat", tmp_path)
    for package in ("sklearn", "optuna", "cmaes", "onnx", "safetensors", "tensorboardX"):
        uses = {
            "optuna": "search import",
            "cmaes": "search import",
            "onnx": "interchange",
            "safetensors": "interchange",
        }
        needs = uses.get(package, "tensorboard" if package == "tensorboardX" else f"{package}")
        if needs in RECIPES[wish] and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    exec(compile(RECIPES[wish], f"docs/cookbook.md, {wish}", "exec"), {"__name__": "__main__"})


def test_there_are_twenty_wishes_of_at_most_15_lines() -> None:
    assert len(RECIPES) >= 20
    for wish, code in RECIPES.items():
        ast.parse(code)
        assert len([line for line in code.splitlines() if line.strip()]) <= 15, wish
