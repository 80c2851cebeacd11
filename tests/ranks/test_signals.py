"""A signal to one rank: all leave the epoch at the same place, and the run goes on from its last epoch."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.ranks.mpi import NEEDS_MPI, start

pytestmark = NEEDS_MPI

PROGRAM = """
import os, signal, sys
import numpy as np
from mpi4py import MPI
from hf_matlab_compat import train
from hf_matlab_compat.objective import cases
from hf_matlab_compat.ranks.mpi import MPIRanks
from hf_matlab_compat.ranks.ranked_sum import RankedSum

cases.WORTH_SHARING, cases.CASES_PER_BLOCK = 0, 7
real, sums = RankedSum.total, [0]

def total(self, *given, **named):
    sums[0] += 1
    if sums[0] == 30 and MPI.COMM_WORLD.rank == 1:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    return real(self, *given, **named)

def after_the_last_epoch(self, what, when):
    compare(self, what, when)
    if when == "after epoch 4" and MPI.COMM_WORLD.rank == 1 and told == []:
        os.kill(os.getpid(), signal.SIGINT)

compare, told = MPIRanks.compare, []
if sys.argv[1] == "LATE":
    MPIRanks.compare = after_the_last_epoch
else:
    RankedSum.total = total
X = np.random.default_rng(0).random((4, 90))
for _ in range(2):
    r = train(inputs=X, targets=X, hidden_sizes=[3], unit_types=["logistic"] * 2, max_epochs=4, seed=0, ranks="mpi")
    told.append([r.state.epoch, r.interrupted, r.theta.sum().hex(), sums[0]])
told = MPI.COMM_WORLD.gather(told)
if MPI.COMM_WORLD.rank == 0:
    assert all(each == told[0] for each in told), told
    print([each[:2] for each in told[0]])
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return str(path)


def test_ctrl_c_in_one_rank_ends_one_run_of_a_loop_on_all(program: str) -> None:
    done = start(3, program, "SIGINT")
    assert done.returncode == 0, done.stderr
    (epochs, interrupted), second = json.loads(done.stdout.lower())
    assert (epochs < 4, interrupted) == (True, True)
    assert second == [4, False]
    assert done.stderr.count("press Ctrl-C twice") == 1


def test_ctrl_c_in_one_rank_after_the_last_epoch_is_known_to_all(program: str) -> None:
    done = start(3, program, "LATE")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.lower()) == [[4, True], [4, False]]


def test_sigterm_in_one_rank_ends_the_job(program: str) -> None:
    done = start(3, program, "SIGTERM")
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "Traceback" not in done.stderr
