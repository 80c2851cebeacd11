"""A run that was stopped and gone on with equals one that was not, bit for bit, however it was stopped."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import loadmat

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_checkpoint
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Outcome
from tests import run_in_child
from tests.cases import MAIN, PRECISIONS, arguments
from tests.small_run import THETA, field_arguments

RUNNING = "run_nnet_running.mat"


def variables(path: Path) -> dict[str, bytes]:
    """What a checkpoint holds, but for the clock's figures."""
    return {k: v.tobytes() for k, v in loadmat(path).items() if not k.startswith("__") and k != "times"}


def golden_run(name: str, directory: Path, **changes: Any) -> NDArray[np.float64]:
    given = {key: value for key, value in arguments(name).items() if key in TRAINER_ARGUMENTS}
    directory.mkdir(exist_ok=True)
    return nnet_train(**{**given, "runName": str(directory / "run"), "display": "none", **changes})


def small(directory: Path, epochs: int, **changes: Any) -> Result:
    directory.mkdir(exist_ok=True)
    return train(**field_arguments(**{"run_name": directory / "run", "max_epochs": epochs, **changes}))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", MAIN)
def test_four_and_four_epochs_equal_eight(name: str, precision: str, tmp_path: Path) -> None:
    whole = golden_run(name, tmp_path / "whole", precision=precision)
    golden_run(name, tmp_path / "parts", precision=precision, maxepoch=4)
    start = str(tmp_path / "parts" / RUNNING)
    parts = golden_run(name, tmp_path / "parts", precision=precision, resumeFile=start, paramsp=[])
    np.testing.assert_array_equal(parts, whole)
    assert variables(tmp_path / "parts" / RUNNING) == variables(tmp_path / "whole" / RUNNING)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_kept_checkpoint_is_gone_on_from_bit_for_bit(precision: str, tmp_path: Path) -> None:
    whole = small(tmp_path, 6, precision=precision, checkpoint_period=2)
    for k in (2, 4):
        kept = tmp_path / f"run_nnet_epoch{k}.mat"
        np.testing.assert_array_equal(
            small(tmp_path / "on", 6, precision=precision, resume_from=kept).theta, whole.theta
        )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_goes_on_from_the_state_of_a_result(precision: str, tmp_path: Path) -> None:
    whole = train(**field_arguments(max_epochs=8, precision=precision))
    first = train(**field_arguments(max_epochs=4, precision=precision))
    second = train(**field_arguments(max_epochs=8, precision=precision, resume_from=first.state, initial_theta=None))
    np.testing.assert_array_equal(second.theta, whole.theta)
    np.testing.assert_array_equal(second.records.log_likelihood, whole.records.log_likelihood)
    np.testing.assert_array_equal(first.history["epoch"], [1, 2, 3, 4])
    np.testing.assert_array_equal(second.history["epoch"], [5, 6, 7, 8])


def test_records_and_totals_go_on(tmp_path: Path) -> None:
    first = small(tmp_path, 3)
    second = small(tmp_path, 5, resume_from=tmp_path / RUNNING)
    assert second.records.lam.shape == second.records.seconds.shape == (5,)
    assert second.records.error.shape == (5, 2)
    np.testing.assert_array_equal(second.records.lam[:3], first.records.lam)
    np.testing.assert_array_equal(second.records.seconds[:3], first.records.seconds)
    steps = [*first.history["cg_steps"], *second.history["cg_steps"]]
    assert second.state.total_cg_steps == sum(steps)
    np.testing.assert_array_equal(second.history["total_cg_steps"], np.cumsum(steps)[3:])


def test_the_log_is_appended_to_and_names_the_checkpoint(tmp_path: Path) -> None:
    small(tmp_path, 3)
    before = (tmp_path / "run.txt").read_bytes()
    small(tmp_path, 5, resume_from=tmp_path / RUNNING)
    assert (tmp_path / "run.txt").read_bytes().startswith(before)
    first, second = read_log(tmp_path / "run.txt")
    assert (first.resume_from, second.resume_from) == ("", str(tmp_path / RUNNING))
    assert [*first.epochs["epoch"], *second.epochs["epoch"]] == [1, 2, 3, 4, 5]
    assert second.epochs["total_cg_steps"][0] == first.epochs["total_cg_steps"][-1] + second.epochs["cg_steps"][0]
    assert second.total_time == pytest.approx(read_checkpoint(tmp_path / RUNNING).records.seconds.sum(), rel=1e-3)


@pytest.mark.parametrize("last", [3, 2, 0])
def test_there_is_nothing_to_do_when_the_last_epoch_is_reached(last: int, tmp_path: Path) -> None:
    first = small(tmp_path, 3)
    checkpoint = (tmp_path / RUNNING).read_bytes()
    again = small(tmp_path, last, resume_from=tmp_path / RUNNING)
    assert again.outcome is Outcome.NOTHING_TO_DO
    np.testing.assert_array_equal(again.theta, first.theta)
    assert again.history["epoch"].size == 0
    assert (tmp_path / RUNNING).read_bytes() == checkpoint


def test_a_checkpoint_is_named_by_string_or_path_with_or_without_mat(tmp_path: Path) -> None:
    small(tmp_path, 2)
    names = [tmp_path / RUNNING, str(tmp_path / RUNNING), tmp_path / "run_nnet_running", str(tmp_path / RUNNING)[:-4]]
    finals = [train(**field_arguments(max_epochs=4, resume_from=name)).theta for name in names]
    assert all(np.array_equal(final, finals[0]) for final in finals)


def test_a_checkpoint_wins_over_initial_parameters_and_initial_damping(tmp_path: Path) -> None:
    small(tmp_path, 2)
    plain = train(**field_arguments(max_epochs=4, resume_from=tmp_path / RUNNING))
    others = {"initial_theta": 0 * THETA, "initial_lam": 1e6}
    given = train(**field_arguments(max_epochs=4, resume_from=tmp_path / RUNNING, **others))
    np.testing.assert_array_equal(given.theta, plain.theta)


def test_a_double_run_is_gone_on_with_in_single_from_its_singles(tmp_path: Path) -> None:
    double = small(tmp_path, 3, precision="double")
    with pytest.warns(CheckpointWarning, match=r"precision: was double, is single"):
        on = train(**field_arguments(max_epochs=5, resume_from=tmp_path / RUNNING))
    assert on.state.theta.dtype == np.float32
    (tmp_path / "run_nnet_running.sidecar.npz").unlink()
    np.testing.assert_array_equal(
        on.theta, train(**field_arguments(max_epochs=5, resume_from=tmp_path / RUNNING)).theta
    )
    at_start = train(**field_arguments(max_epochs=3, resume_from=tmp_path / RUNNING)).theta
    np.testing.assert_array_equal(at_start, double.theta.astype(np.float32))


def test_a_single_run_is_gone_on_with_in_double_and_a_warning(tmp_path: Path) -> None:
    single = small(tmp_path, 3)
    with pytest.warns(CheckpointWarning, match="will not continue bit for bit"):
        on = train(**field_arguments(max_epochs=5, precision="double", resume_from=tmp_path / RUNNING))
    expected = train(**field_arguments(max_epochs=5, precision="double", resume_from=single.state))
    assert on.state.theta.dtype == np.float64
    np.testing.assert_array_equal(on.theta, expected.theta)


# --- a real process, killed


def child(directory: Path, precision: str) -> Any:
    """A process that trains in the directory, from its checkpoint where there is one; it has begun its first epoch."""
    directory.mkdir(exist_ok=True)
    log, checkpoint = directory / "run.txt", directory / RUNNING
    size = log.stat().st_size if log.exists() else 0
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.run_in_child"])
    process = context.Process(target=run_in_child.run, args=(str(directory), precision, checkpoint.exists()))
    process.start()
    while process.is_alive() and not (log.exists() and log.stat().st_size > size):
        time.sleep(0.0005)
    return process


def seconds_to_the_end(directory: Path, precision: str) -> float:
    """Let a run come to its end."""
    process, began = child(directory, precision), time.monotonic()
    process.join(60)
    assert process.exitcode == 0
    return time.monotonic() - began


def epochs_logged(directory: Path) -> int:
    return (directory / "run.txt").read_bytes().count(b"\r\nepoch: ")


def killed_on_the_way(directory: Path, precision: str, draw: random.Random, seconds: float) -> bool:
    """Kill a run after none to two more epochs and a part of one; whether it had not come to its end before."""
    process = child(directory, precision)
    last = epochs_logged(directory) + draw.randrange(3)
    while process.is_alive() and epochs_logged(directory) < last:
        time.sleep(0.0005)
    time.sleep(draw.uniform(0, seconds))
    on_the_way = process.is_alive()
    process.kill()
    process.join()
    if (directory / RUNNING).exists():
        assert 1 <= read_checkpoint(directory / RUNNING, precision=precision).epoch <= run_in_child.EPOCHS
    return on_the_way


def check_equal_ends(one: Path, other: Path) -> None:
    np.testing.assert_array_equal(np.load(one / "final.npy"), np.load(other / "final.npy"))
    for name in ("running", *(f"epoch{k}" for k in range(10, run_in_child.EPOCHS + 1, 10))):
        assert variables(one / f"run_nnet_{name}.mat") == variables(other / f"run_nnet_{name}.mat")


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_killed_at_random_moments_equals_one_never_interrupted(precision: str, tmp_path: Path) -> None:
    whole, draw, killed, runs = tmp_path / "whole", random.Random(5), [0], [tmp_path / "killed0"]
    seconds_an_epoch = seconds_to_the_end(whole, precision) / run_in_child.EPOCHS
    while sum(killed) < 22:  # where a run comes to its end before, another one is begun
        if killed_on_the_way(runs[-1], precision, draw, seconds_an_epoch):
            killed[-1] += 1
        else:
            runs.append(tmp_path / f"killed{len(runs)}")
            killed.append(0)
    seconds_to_the_end(runs[-1], precision)
    assert max(killed) > 1
    for run in runs:
        check_equal_ends(run, whole)
