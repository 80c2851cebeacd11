"""Ranks that differ, and errors of one rank: one sentence on all of them, and no rank waits for ever."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.legacy.case_file import write_case
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
    "nested": ("OptionError: ranks: expected 'none' in an observer, which only the first rank runs, got 'mpi'.",),
    "no_error_but_a_users_own": ("LookupError: no such cases",),
    "another_seed": (
        "expected the same theta on all ranks before the first epoch",
        "Give all ranks the same arguments",
    ),
    "doubtful_targets_in_the_share_of_the_second": ("[['The targets of the training cases are not all", "], [], []]"),
    "observed_by_the_first_alone": ("[([1, 2, 3], True), ([], False), ([], False)]",),
    "nan_in_the_share_of_the_second": ("RankError: rank 1 (", "inputs: expected finite numbers, got nan at (1, 69999)"),
    "threads_by_the_scheduler": ("[1, 2]",),
    "stopped": ("stopped by an observer: 2, AtTwo: two are enough",),
}


FAILS_ON_ONE = """
import numpy as np
from mpi4py import MPI
from hf_matlab_compat import train
from hf_matlab_compat.ranks import failing

def corrupt(inputs, cases, epoch):
    if MPI.COMM_WORLD.rank == 1 and epoch == 2:
        raise ValueError("no such cases")
    return inputs

failing.SECONDS = 1.0
X = np.random.default_rng(0).random((4, 12))
for _ in range(2):
    try:
        train(inputs=X, targets=X, hidden_sizes=[3], unit_types=["logistic"] * 2, corrupt=corrupt, seed=0, ranks="mpi")
    except ValueError:
        pass
"""


def test_what_differs_between_ranks_is_named_on_all_of_them(tmp_path: Path) -> None:
    done = start(3, TELLS, str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(SENTENCES)
    for name, told in found.items():
        assert len(told) == 3
        assert len(set(told)) == 1, name
        assert all(part in told[0] for part in SENTENCES[name]), told[0]


def test_an_error_of_one_rank_ends_the_job_though_the_script_catches_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(FAILS_ON_ONE)
    done = start(2, str(program), timeout=30)
    assert done.returncode == 1
    assert "ValueError: no such cases\nThe other ranks have no error, so the job ends." in done.stderr
    assert "in corrupt" in done.stderr


def test_the_first_rank_alone_prints_the_mistakes_of_a_command_line(tmp_path: Path) -> None:
    sentences = {
        "--seed: expected a whole number, got one.": ["--seed", "one"],
        "which cannot be read": ["--seed", "1"],
    }
    for sentence, words in sentences.items():
        done = start(3, "-m", "hf_matlab_compat", "train", str(tmp_path / "no.mat"), "--ranks", "mpi", *words)
        assert done.returncode == 2
        assert done.stderr.count(sentence) == 1


ONE_HAS_NO_FILE = """
import os, sys
from hf_matlab_compat.cli import main
rank = int(os.environ.get("PMI_RANK") or os.environ["OMPI_COMM_WORLD_RANK"])
sys.exit(main(["train", sys.argv[1 + rank], "--out", sys.argv[3], "--seed", "1"]))
"""


def test_processes_that_were_not_told_to_share_a_run_do_not_wait_for_each_other(tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((4, 12))
    layers = {"layersizes": [3], "layertypes": ["logistic"] * 2, "maxepoch": 2}
    write_case(tmp_path / "a.mat", {"indata": X, "outdata": X, **layers})
    program = tmp_path / "program.py"
    program.write_text(ONE_HAS_NO_FILE)
    done = start(2, *map(str, (program, tmp_path / "a.mat", tmp_path / "none.mat", tmp_path / "out")), timeout=30)
    assert done.returncode == 2
    assert "none.mat, which cannot be read" in done.stderr


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
