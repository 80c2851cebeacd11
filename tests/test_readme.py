"""The README says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

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
