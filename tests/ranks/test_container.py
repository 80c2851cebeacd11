"""The container's files and default command, tried without docker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ranks.mpi import NEEDS_MPI, environment

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text().splitlines()
COPIED = [line.split()[1:] for line in LINES if line.startswith("COPY ")]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    allowed = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()]
    sources = [source for *sources, _ in COPIED for source in sources]
    assert sources
    assert [source for source in sources if source not in allowed or not (ROOT / source).exists()] == []


@NEEDS_MPI
@pytest.mark.study
def test_the_default_command_finds_what_it_needs_and_all_bits_equal(tmp_path: Path) -> None:
    for *sources, target in COPIED:
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, tmp_path / target)
    program, *words = json.loads(LINES[-1].removeprefix("CMD "))
    assert program == "python"
    where = environment(PYTHONPATH=str(tmp_path), PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].endswith("the same bits")
