"""A run that is killed at any operation on files, or refused it: what is left, and how it goes on.

The default run takes the operations of one epoch, of many writes to a file the first and the last ones. `make torture`
takes every operation of a whole run.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import sys
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Outcome
from tests import file_operations
from tests.cases import PRECISIONS
from tests.file_operations import EPOCHS, Operations, operations_of, refuse_with, trained
from tests.small_run import field_arguments

RUNNING = "run_nnet_running.mat"
STEMS = ["run_nnet_running", "run_nnet_epoch2"]
LEFT = {"run.txt", *(f"{stem}{ending}" for stem in STEMS for ending in (".mat", ".sidecar.npz"))}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the operations are counted as Linux has them")


@pytest.fixture(scope="module")
def whole() -> dict[str, list[Result]]:
    """What an undisturbed run has after each epoch, by precision."""
    options = {"checkpoint_period": 2}
    return {
        precision: [train(**field_arguments(max_epochs=n, precision=precision, **options)) for n in range(EPOCHS + 1)]
        for precision in PRECISIONS
    }


def chosen(names: list[str]) -> Iterator[int]:
    """Operations that stand for all: of writes that follow each other the first and the last."""
    for k, name in enumerate(names):
        if name != "write" or names[k - 1] != "write" or names[k + 1 : k + 2] != ["write"]:
            yield k


def killed(folder: Path, precision: str, at: int) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.file_operations"])
    process = context.Process(target=file_operations.run_and_die, args=(str(folder), precision, at))
    process.start()
    process.join(60)
    assert process.exitcode == -9, f"operation {at} was not reached"


def check_what_a_kill_left(folder: Path, precision: str, whole: list[Result]) -> None:
    """Checkpoints are whole, and the run goes on from them as if nothing had been."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in (RUNNING, "run_nnet_epoch2.mat"):
            if (folder / name).exists():
                found = read_checkpoint(folder / name, precision=precision)
                np.testing.assert_array_equal(found.theta, whole[found.epoch].state.theta)
        start = folder / RUNNING if (folder / RUNNING).exists() else None
        result = trained(folder, precision, resume_from=start)
    assert result.outcome in (Outcome.FINISHED, Outcome.NOTHING_TO_DO)
    np.testing.assert_array_equal(result.state.theta, whole[EPOCHS].state.theta)
    np.testing.assert_array_equal(result.state.d, whole[EPOCHS].state.d)
    kept = read_checkpoint(folder / "run_nnet_epoch2.mat", precision=precision)
    np.testing.assert_array_equal(kept.theta, whole[2].state.theta)
    assert set(os.listdir(folder)) == LEFT


def check_log(log: str) -> None:
    """Each epoch is logged, and twice only where the log says so."""
    lines = log.splitlines()
    for epoch in range(1, EPOCHS + 1):
        times = sum(line.startswith(f"epoch: {epoch}, Log likelihood") for line in lines)
        said = any(line.startswith(f"Epoch {epoch} is logged above already") for line in lines)
        before_any_checkpoint = epoch == 1 and "Resuming from file" not in log
        assert times == 2 if said else times == 1 or (before_any_checkpoint and times == 2)


def check_kills(tmp_path: Path, precision: str, whole: list[Result], numbers: list[int]) -> None:
    for at in numbers:
        folder = tmp_path / f"killed{at}"
        folder.mkdir()
        killed(folder, precision, at)
        check_what_a_kill_left(folder, precision, whole)
        check_log((folder / "run.txt").read_bytes().decode())


def check_refusals(tmp_path: Path, precision: str, whole: list[Result], numbers: list[int], error: int) -> int:
    """Let the system refuse each operation; how often that ended the run."""
    ended = 0
    for at in numbers:
        folder = tmp_path / f"refused{at}_{error}"
        folder.mkdir()
        operations = Operations(refuse_with(error), at)
        refused: HessianFreeError | None = None
        try:
            with operations.watched():
                trained(folder, precision)
        except HessianFreeError as caught:
            ended, refused = ended + 1, caught
        assert refused is None or os.strerror(error) in str(refused), operations.done[at]
        assert not [name for name in os.listdir(folder) if name.endswith(".partial")] or operations.done[at] == "unlink"
        assert operations.done[at] == "unlink" or not (folder / "run.lock").exists()
        if (folder / RUNNING).exists():
            found = read_checkpoint(folder / RUNNING, precision=precision)
            np.testing.assert_array_equal(found.theta, whole[found.epoch].state.theta)
            assert refused is None or found.epoch <= refused.result.state.epoch <= found.epoch + 1
    return ended


def of_one_epoch(names: list[str]) -> list[int]:
    """The chosen operations of the second epoch, which writes both checkpoints."""
    logs = [k for k, name in enumerate(names) if name == "fdatasync"]  # of the header and of each epoch
    return [k for k in chosen(names) if logs[1] < k <= logs[2] or logs[2] < k < logs[3] - 2]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_killed_at_any_operation_goes_on_bit_for_bit(precision: str, tmp_path: Path, whole: Any) -> None:
    (tmp_path / "names").mkdir()
    numbers = of_one_epoch(operations_of(tmp_path / "names", precision))
    assert len(numbers) > 25
    check_kills(tmp_path, precision, whole[precision], numbers[:: 4 if precision == "single" else 2])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_that_is_refused_any_operation_ends_in_words(precision: str, tmp_path: Path, whole: Any) -> None:
    (tmp_path / "names").mkdir()
    numbers = of_one_epoch(operations_of(tmp_path / "names", precision))
    assert check_refusals(tmp_path, precision, whole[precision], numbers, errno.ENOSPC) > len(numbers) / 2


# --- all of them


@pytest.mark.torture
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_operation_of_a_whole_run_may_kill(precision: str, tmp_path: Path, whole: Any) -> None:
    (tmp_path / "names").mkdir()
    names = operations_of(tmp_path / "names", precision)
    check_kills(tmp_path, precision, whole[precision], list(range(len(names))))


@pytest.mark.torture
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_operation_of_a_whole_run_may_be_refused(precision: str, error: int, tmp_path: Path, whole: Any) -> None:
    (tmp_path / "names").mkdir()
    names = operations_of(tmp_path / "names", precision)
    check_refusals(tmp_path, precision, whole[precision], list(range(len(names))), error)


@pytest.mark.torture
def test_kills_in_a_row_lose_nothing(tmp_path: Path, whole: Any) -> None:
    """Each process begins the run again over what the one before left, and is killed a little later in it."""
    names = operations_of(tmp_path, "double")
    for path in tmp_path.iterdir():
        path.unlink()
    for at in islice(chosen(names), 2, 60, 2):
        killed(tmp_path, "double", at)
    check_what_a_kill_left(tmp_path, "double", whole["double"])
