"""The published path does not move: every bit of θ, d, figures, logs and checkpoints is what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bits.runs import HASHES, ONE_INSTRUCTION_SET

pytest.importorskip("numba")


def hashes_here() -> dict[str, Any]:
    """What all runs give, in a process that computes with one instruction set."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.bits.runs"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, **ONE_INSTRUCTION_SET}
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_bit_is_what_it_was() -> None:
    """One test, since the runs are made once: 42 runs, one and three threads alike, no two others alike."""
    found = hashes_here()
    runs = found["runs"]
    assert len(runs) >= 24
    for precision in ("single", "double"):
        for backend in ("numpy", "numba"):
            assert runs[f"{backend} {precision} large 1 threads"] == runs[f"{backend} {precision} large 3 threads"]
    assert len({run["theta"] for run in runs.values()}) == len(runs) - 4
    known = json.loads(HASHES.read_text())
    if found["arithmetic"] not in known:
        pytest.skip("this numpy, BLAS or processor rounds otherwise than those of the stored hashes")
    moved = {name: run for name, run in runs.items() if run != known[found["arithmetic"]][name]}
    assert not moved
