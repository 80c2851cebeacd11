"""The page on parity: its commands are commands, its examples run, its numbers are the ones in force."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hf_matlab_compat.cli.app import app
from hf_matlab_compat.legacy.case_file import write_case
from hf_matlab_compat.matlab.octave.session import octave_available
from hf_matlab_compat.parity import envelope_rule as rule
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines.envelope import MEMBERS
from hf_matlab_compat.parity.report_json import SCHEMA, SCHEMA_VERSION
from tests.parity.engines import test_trainers_in_other_words
from tests.parity.engines.trainers import ONE_FILE, SMALL
from tests.parity.judge.test_harmless_rewrites import REWRITES
from tests.parity.judge.test_planted_bugs import BUGS

PAGE = (Path(__file__).parents[2] / "docs" / "parity.md").read_text(encoding="utf-8")

WITHOUT_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Starts pytest without the plugins that are installed here, which takes less time."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("command", [line for block in blocks("console") for line in block.splitlines()])
def test_every_command_is_one(command: str) -> None:
    words = command.partition("#")[0].split()
    assert words[0] == "hf-compat"
    app.parse_args(words[1:], exit_on_error=False, print_error=False)


def test_the_test_suite_of_the_page_runs(tmp_path: Path) -> None:
    if missing := octave_available():
        pytest.skip(missing)
    suite = next(block for block in blocks("python") if "assert_parity" in block)
    (tmp_path / "test_parity.py").write_text(suite, encoding="utf-8")
    shutil.copytree(ONE_FILE, tmp_path / "matlab")
    write_case(tmp_path / "our_data.mat", dict(builtin_case(SMALL).arguments))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "tmp")]
    plain = {**os.environ, **WITHOUT_PLUGINS}
    done = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=120, check=False)
    assert "2 passed" in done.stdout, done.stdout


def test_without_octave_the_test_suite_of_the_page_is_skipped(tmp_path: Path) -> None:
    suite = next(block for block in blocks("python") if "assert_parity" in block)
    (tmp_path / "test_parity.py").write_text(suite, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    alone = {"PATH": "/nowhere", **WITHOUT_PLUGINS}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=120, check=False)
    assert "2 skipped" in done.stdout, done.stdout
    assert "parity needs Octave: octave-cli is not on the PATH" in done.stdout


def test_the_numbers_on_the_page_are_the_ones_in_force() -> None:
    assert f"{rule.KERNEL_FACTOR}·max(E, {rule.FLOOR}u)" in PAGE
    assert f"{rule.TRAJECTORY_FACTOR}·max(E, {rule.FLOOR}u)" in PAGE
    gradients, kernels = ([f"{table[p]:.0e}".replace("e-0", "e-") for p in ("double", "single")] for table in TABLES)
    assert f"gradients {' or '.join(gradients)}, other kernels {' or '.join(kernels)}" in PAGE
    assert f"{MEMBERS} runs with" in PAGE
    assert f"`{SCHEMA}`, `version` is {SCHEMA_VERSION}" in PAGE
    assert f"{len(BUGS)} bugs" in PAGE
    rewrites = (
        len(REWRITES) + len(test_trainers_in_other_words.REWRITES) + len(test_trainers_in_other_words.OF_A_FOLDER)
    )
    assert f"{rewrites} rewrites" in PAGE


TABLES = (rule.GRADIENT, rule.KERNEL)
