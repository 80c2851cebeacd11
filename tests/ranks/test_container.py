"""The container's files and default command, tried without docker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.ranks.mpi import NEEDS_MPI, environment

ROOT = Path(__file__).parents[2]
pytestmark = NEEDS_MPI


def test_the_default_command_finds_what_it_needs_and_all_bits_equal(tmp_path: Path) -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()]
    for *sources, target in (line.split()[1:] for line in lines if line.startswith("COPY ")):
        for source in sources:
            assert source in allowed
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, tmp_path / target)
    program, *words = json.loads(lines[-1].removeprefix("CMD "))
    assert program == "python"
    where = environment(PYTHONPATH=str(tmp_path), PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].endswith("the same bits")
