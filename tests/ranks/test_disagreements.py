"""Ranks that differ, and errors of one rank: one sentence on all of them, and no rank waits for ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ranks.mpi import NEEDS_MPI, PROGRAM, start

pytestmark = NEEDS_MPI
TELLS = str(Path(__file__).parent / "disagreements.py")
SENTENCES = {
    "nan_on_the_second": ("RankError: rank 1 (", "inputs: expected finite numbers, got nan at (0, 0)"),
    "other_option": (
        "RanksDisagree: ranks: expected the same option initial_lam on all ranks before",
        "44.0 on rank 2",
    ),
    "other_data": ("RanksDisagree: ranks: expected the same data in targets", "another on rank 1 (", "same files."),
    "other_version": ("expected the same version of hf_matlab_compat", "got 0.1.0 on rank 0", "0.0.9 on rank 2"),
    "other_result": ("RanksDisagree: ranks: expected the same theta on all ranks after epoch 1", "OPENBLAS_CORETYPE"),
    "full_disk": ("CheckpointError: ", "No space left on device", "the previous checkpoint is whole"),
    "no_folder": ("OptionError: run_name: expected a stem in a directory that exists",),
    "locked_twice": ("OptionError: run_name: expected a name of no other run",),
    "own_problem": ("OptionError: ranks: expected 'none' beside a problem of your own",),
    "no_seed_at_all": ("all epochs were run: 3",),
    "stopped": ("stopped by an observer: 2, AtTwo: two are enough",),
}


def test_what_differs_between_ranks_is_named_on_all_of_them(tmp_path: Path) -> None:
    done = start(3, TELLS, str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(SENTENCES)
    for name, told in found.items():
        assert len(told) == 3
        assert len(set(told)) == 1, name
        assert all(part in told[0] for part in SENTENCES[name]), told[0]


def test_a_start_that_could_leave_ranks_waiting_is_refused(tmp_path: Path) -> None:
    specs = tmp_path / "specs.json"
    specs.write_text(json.dumps([{"name": "plain", "ranks": "mpi"}]))
    done = start(2, PROGRAM, str(specs), str(tmp_path), runner=())
    assert done.returncode != 0
    assert "ranks: expected a start as `mpiexec -n R python -m mpi4py script.py`" in done.stderr


def test_processors_of_different_kinds_are_refused_by_name(tmp_path: Path) -> None:
    specs = tmp_path / "specs.json"
    specs.write_text(json.dumps([{"name": "plain", "ranks": "mpi"}]))
    kinds = [["-n", "1", "-env", "OPENBLAS_CORETYPE", kind] for kind in ("Haswell", "Nehalem")]
    done = start(2, PROGRAM, str(specs), str(tmp_path), kinds=kinds)
    if "unrecognized" in done.stderr:
        pytest.skip("this mpiexec sets no variables for single ranks")
    assert done.returncode != 0
    assert "ranks: expected the same BLAS kernels on all ranks before the first epoch, got Haswell" in done.stderr
