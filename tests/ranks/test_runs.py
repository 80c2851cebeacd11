"""A run that ranks share has the bits of a run in one process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ranks.many_runs import run
from tests.ranks.mpi import NEEDS_MPI, PROGRAM, start, written

pytestmark = NEEDS_MPI

SPECS: list[dict[str, Any]] = [
    {"name": "plain"},
    {"name": "threads", "num_threads": 2, "backend": "numba"},
    {"name": "hessian", "curvature": "hessian", "num_chunks": 4},
    {"name": "fisher", "curvature": "empirical_fisher", "precision": "double"},
    {"name": "all_cases", "curvature_cases": "all", "num_chunks": 4},
    {"name": "tree", "sum_lanes": 16},
    {"name": "noise", "input_blankout": 0.2, "num_chunks": 2},
    {"name": "recurrent", "sequences": True, "precision": "double"},
    {"name": "recurrent_tree", "sequences": True, "sum_lanes": 16},
    {"name": "network_problem", "network_problem": True, "sum_lanes": 16},
    {"name": "autodiff", "autodiff": True, "precision": "double"},
    {"name": "adam", "method": "adam", "num_chunks": 4},
]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        for spec in SPECS:
            run(spec, folder, patch.setattr)
    return written(folder)


def shared(ranks: int, folder: Path, specs: list[dict[str, Any]], **env: str) -> dict[str, Any]:
    file = folder / "specs.json"
    file.write_text(json.dumps([{**spec, "ranks": "mpi"} for spec in specs]))
    done = start(ranks, PROGRAM, str(file), str(folder / "out"), env=env)
    assert done.returncode == 0, done.stderr
    return written(folder / "out")


@pytest.mark.parametrize("ranks", [3])
def test_theta_log_and_checkpoints_are_those_of_one_process(ranks: int, alone: Any, tmp_path: Path) -> None:
    assert shared(ranks, tmp_path, SPECS) == alone


def test_a_plain_allreduce_in_its_place_has_other_bits(alone: Any, tmp_path: Path) -> None:
    found = shared(3, tmp_path, SPECS[:1], HF_TEST_PLANT="allreduce")
    name = "plain/run_nnet_running.mat"
    assert found[name]["paramsp"] != alone[name]["paramsp"]
