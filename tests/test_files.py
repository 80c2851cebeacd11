"""Runs whose files cannot be written, and runs whose numbers break: what is left, and what is said."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train, training
from hf_matlab_compat.errors import ArgumentError, CheckpointError, HessianFreeError, MemoryFullError, NonFiniteError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from hf_matlab_compat.state import Outcome, Report, State
from tests.cases import PRECISIONS
from tests.small_run import INPUTS, THETA, field_arguments, legacy_arguments

RUNNING = "run_nnet_running.mat"


class AfterEpoch(Observer):
    """Does something once an epoch is written."""

    def __init__(self, epoch: int, act: Callable[[], None]) -> None:
        self._epoch, self._act = epoch, act

    def epoch(self, report: Report, state: State) -> None:
        if report.epoch == self._epoch:
            self._act()


def check_what_is_left(error: HessianFreeError, directory: Path, epochs: int) -> None:
    """The error carries the finished epochs; the checkpoint is whole and of an epoch that was finished."""
    expected = train(**field_arguments(max_epochs=epochs, precision="double"))
    assert error.result.outcome is Outcome.FAILED
    assert error.result.history["epoch"].size == epochs
    np.testing.assert_array_equal(error.result.theta, expected.theta)
    saved = read_checkpoint(directory / RUNNING, precision="double")
    assert saved.epoch == epochs - 1
    np.testing.assert_array_equal(
        saved.theta, train(**field_arguments(max_epochs=epochs - 1, precision="double")).theta
    )
    assert not list(directory.glob("*.partial"))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "got 'No space left on device'. Free some disk space; the previous checkpoint is whole."),
        (errno.EROFS, "got 'Read-only file system'. Make the directory writable or choose another name."),
        (errno.EIO, "got 'Input/output error'. The previous checkpoint, if there is one, is whole."),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_checkpoint_that_cannot_be_written_ends_the_run_and_keeps_the_last_one(
    call: str, number: int, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    watch = AfterEpoch(2, lambda: monkeypatch.setattr(os, call, refuse))
    with pytest.raises(CheckpointError) as caught:
        train(**field_arguments(run_name=tmp_path / "run", max_epochs=5, precision="double", observers=[watch]))
    monkeypatch.undo()
    assert str(caught.value).endswith(sentence)
    assert str(tmp_path / "run_nnet_running") in str(caught.value)
    check_what_is_left(caught.value, tmp_path, epochs=3)


def test_a_log_that_cannot_be_written_ends_the_run_with_what_was_finished(tmp_path: Path) -> None:
    def replace_by_a_directory() -> None:
        (tmp_path / "run.txt").unlink()
        (tmp_path / "run.txt").mkdir()

    watch = AfterEpoch(2, replace_by_a_directory)
    with pytest.raises(ArgumentError, match=r"run_name: .*run\.txt' \(Is a directory\)") as caught:
        train(**field_arguments(run_name=tmp_path / "run", max_epochs=5, precision="double", observers=[watch]))
    check_what_is_left(caught.value, tmp_path, epochs=3)


def test_the_legacy_call_hands_over_what_was_finished_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.txt").mkdir()
    monkeypatch.setattr(training, "check_destination", str)  # as if it came there after the checks
    with pytest.raises(ArgumentError, match=r"^runName: .*run\.txt' \(Is a directory\)") as caught:
        nnet_train(**legacy_arguments(runName=str(tmp_path / "run")))
    assert caught.value.result.state.epoch == 0
    np.testing.assert_array_equal(caught.value.result.theta, THETA.ravel().astype("f4"))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 96 KiB."""
    command = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(tmp_path)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("this user may not mount a file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_disk_that_is_really_full_keeps_the_last_checkpoint(precision: str, tiny_disk: Path) -> None:
    def fill() -> None:
        with open(tiny_disk / "filler", "wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(512))

    watch = AfterEpoch(2, fill)
    with pytest.raises(HessianFreeError, match=r"No space left on device|make room") as caught:
        train(**field_arguments(run_name=tiny_disk / "run", max_epochs=9, precision=precision, observers=[watch]))
    finished = caught.value.result.state.epoch
    assert finished >= 3
    saved = read_checkpoint(tiny_disk / RUNNING, precision=precision)
    assert 2 <= saved.epoch < finished
    shutil.rmtree(tiny_disk / "filler", ignore_errors=True)


def test_a_directory_that_really_becomes_read_only_ends_the_run_in_words(tiny_disk: Path) -> None:
    remount = ["mount", "-o", "remount,ro", str(tiny_disk)]
    watch = AfterEpoch(2, lambda: subprocess.run(remount, check=True))  # type: ignore[arg-type, return-value]
    with pytest.raises(HessianFreeError, match="Read-only file system") as caught:
        train(**field_arguments(run_name=tiny_disk / "run", max_epochs=5, observers=[watch]))
    assert caught.value.result.state.epoch == 3
    assert read_checkpoint(tiny_disk / RUNNING).epoch == 2
    with pytest.raises(ArgumentError, match="run_name: expected a stem in a directory that can be written to"):
        train(**field_arguments(run_name=tiny_disk / "run"))


def test_a_gradient_that_is_not_finite_stops_with_epoch_and_stage() -> None:
    huge = {"initial_theta": 1e30 * np.ones_like(THETA), "unit_types": ["linear", "linear"]}
    with pytest.raises(NonFiniteError, match=r"^epoch 1: the gradient is not finite \(NaN or Inf\)\.") as caught:
        train(**field_arguments(**huge))
    assert (caught.value.epoch, caught.value.stage) == (1, "gradient")
    assert caught.value.result.state.epoch == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_product_that_is_not_finite_stops_and_keeps_the_last_checkpoint(value: float, tmp_path: Path) -> None:
    class Broken(LevenbergMarquardt):
        """A damping whose third operator is not finite."""

        made = 0

        def operator(self, G: Any, lam: float) -> Any:
            Broken.made += 1
            return super().operator((lambda v: G(v) * value) if Broken.made == 3 else G, lam)

    three = field_arguments(num_chunks=3, max_epochs=6, run_name=tmp_path / "run")
    with pytest.raises(NonFiniteError, match=r"^epoch 3: the curvature product is not finite") as caught:
        train(**three, damping=Broken())
    assert (caught.value.epoch, caught.value.stage) == (3, "curvature product")
    assert caught.value.result.outcome is Outcome.FAILED
    expected = train(**{**three, "max_epochs": 2, "run_name": ""})
    np.testing.assert_array_equal(caught.value.result.theta, expected.theta)
    np.testing.assert_array_equal(read_checkpoint(tmp_path / RUNNING).theta, expected.theta)
    assert read_log(tmp_path / "run.txt")[0].epochs.size == 2


def test_the_legacy_call_stops_in_the_same_words() -> None:
    with pytest.raises(NonFiniteError, match=r"^epoch 1: the gradient is not finite") as caught:
        nnet_train(**legacy_arguments(paramsp=1e30 * THETA, layertypes=["linear", "linear"], indata=1e9 * INPUTS))
    assert caught.value.result.history["epoch"].size == 0


@pytest.mark.parametrize("reason", ["", "Unable to allocate 3.00 GiB"])
def test_a_full_memory_keeps_what_was_finished(reason: str, tmp_path: Path) -> None:
    class Greedy(LevenbergMarquardt):
        """A damping whose third operator finds no room."""

        made = 0

        def operator(self, G: Any, lam: float) -> Any:
            Greedy.made += 1
            if Greedy.made == 3:
                raise MemoryError(reason)
            return super().operator(G, lam)

    three = field_arguments(num_chunks=3, max_epochs=6, run_name=tmp_path / "run")
    with pytest.raises(MemoryFullError, match=r"^epoch 3: expected free memory, got none \(") as caught:
        train(**three, damping=Greedy())
    assert isinstance(caught.value, MemoryError)
    assert reason in str(caught.value)
    expected = train(**{**three, "max_epochs": 2, "run_name": ""})
    assert caught.value.result.outcome is Outcome.FAILED
    np.testing.assert_array_equal(caught.value.result.theta, expected.theta)
    np.testing.assert_array_equal(read_checkpoint(tmp_path / RUNNING).theta, expected.theta)


def test_a_change_of_directory_in_mid_run_does_not_split_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    watch = AfterEpoch(1, lambda: os.chdir(tmp_path / "elsewhere"))
    train(**field_arguments(run_name="run", max_epochs=4, checkpoint_period=2, precision="double", observers=[watch]))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert read_checkpoint(tmp_path / RUNNING).epoch == 4
    assert len(read_log(tmp_path / "run.txt")[0].epochs) == 4
    assert read_checkpoint(tmp_path / "run_nnet_epoch2.mat").epoch == 2
