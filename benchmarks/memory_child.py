"""`python -m benchmarks.memory_child CHUNKS CASES`: train A for an epoch and print what was resident, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import A, Workload
from hf_matlab_compat import train
from hf_matlab_compat.solvers import rules
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients

CG_STEPS = 30


def main(chunks: int, cases: int) -> None:
    """Train on this number of chunks and cases."""
    _load_everything()
    before = resident("VmRSS")
    workload = Workload("A", A.sizes, chunks * cases)
    recorded: list[int] = []

    class Counted(ConjugateGradients):
        def solve(self, *given: Any) -> rules.Path:
            path = super().solve(*given)
            recorded.append(len(path.iterates))
            return path

    train(
        inputs=workload.inputs,
        targets=workload.inputs,
        hidden_sizes=workload.sizes[1:-1],
        unit_types=workload.unit_types,
        initial_theta=workload.theta,
        num_chunks=chunks,
        max_epochs=1,
        max_cg_steps=CG_STEPS,
        solver=Counted(max_cg_steps=CG_STEPS),
    )
    print(json.dumps({"before": before, "peak": resident("VmHWM"), "iterates": max(recorded)}))


def _load_everything() -> None:
    """Libraries that a run imports when it needs them, and BLAS's own memory, belong to neither data nor network."""
    x = np.zeros((4, 8))
    train(inputs=x, targets=x, hidden_sizes=[2], unit_types=["logistic", "logistic"], max_epochs=1, max_cg_steps=1)
    square = np.ones((1024, 1024), np.float32)
    np.matmul(square, square)


def resident(entry: str) -> int:
    """Bytes under this name in /proc/self/status."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(entry)).split()[1])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
