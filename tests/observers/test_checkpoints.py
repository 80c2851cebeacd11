import os
from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files import checkpoint
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.files.sidecar import path_of_doubles
from hf_matlab_compat.observers import checkpoints
from hf_matlab_compat.observers.checkpoints import CheckpointWriter
from hf_matlab_compat.options import Options
from tests.observers.sample_run import RUN, START, lead, named, report


@pytest.mark.parametrize(("period", "kept"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (3, [3]), (10, [])])
def test_the_running_file_is_written_each_epoch_and_one_of_every_period_is_kept(tmp_path, period, kept):
    last = lead(CheckpointWriter(), named(tmp_path, options=Options(checkpoint_period=period)), epochs=4)
    names = ["curves_nnet_running.mat", *(f"curves_nnet_epoch{k}.mat" for k in kept)]
    assert sorted(name for name in os.listdir(tmp_path) if name.endswith(".mat")) == sorted(names)
    assert sorted(os.listdir(tmp_path)) == sorted(names + [name.replace(".mat", ".sidecar.npz") for name in names])
    assert read_checkpoint(tmp_path / "curves_nnet_running.mat").epoch == last.epoch == 4
    for k in kept:
        assert read_checkpoint(tmp_path / f"curves_nnet_epoch{k}.mat").epoch == k


def test_each_epoch_is_on_the_disk_before_the_next_begins(tmp_path):
    writer, state = CheckpointWriter(), START
    writer.begin(named(tmp_path), state)
    for epoch in (1, 2, 3):
        state = state.after(report(epoch), np.full(3, epoch), state.memory)
        writer.epoch(report(epoch), state)
        np.testing.assert_array_equal(read_checkpoint(tmp_path / "curves_nnet_running.mat").theta, [epoch] * 3)


@pytest.mark.parametrize(("precision", "kind"), [("single", np.float32), ("double", np.float64)])
def test_each_file_has_a_sidecar_with_doubles_in_double_precision_only(tmp_path, precision, kind):
    state = replace(START.remembering(d=np.array([0.4, 0.5, 0.6])), theta=np.array([0.1, 0.2, 0.3]))
    writer = CheckpointWriter()
    writer.begin(named(tmp_path, options=Options(checkpoint_period=1, precision=precision)), state)
    writer.epoch(report(1), state.after(report(1), state.theta, state.memory))
    for name in ("running", "epoch1"):
        doubles = path_of_doubles(tmp_path / f"curves_nnet_{name}.mat")
        expected = tmp_path / f"curves_nnet_{name}.sidecar.npz"
        assert expected.exists()
        assert doubles == (expected if precision == "double" else None)
        found = read_checkpoint(tmp_path / f"curves_nnet_{name}.mat").theta
        np.testing.assert_array_equal(found, state.theta.astype(kind), strict=True)


class _DeviceVector:
    """A vector that numpy cannot get at."""

    def __init__(self, host):
        self.host = host
        self.ndim = host.ndim

    def __array__(self, *_args, **_keywords):
        raise TypeError("implicit conversion to a numpy array is not allowed")


def test_vectors_are_brought_to_the_host_by_the_given_callable(tmp_path):
    state = replace(START.remembering(d=_DeviceVector(np.zeros(3))), theta=_DeviceVector(np.ones(3)))
    writer = CheckpointWriter(to_host=lambda vector: vector.host)
    writer.begin(named(tmp_path), state)
    writer.epoch(report(1), state.after(report(1), state.theta, state.memory))
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "curves_nnet_running.mat").theta, np.ones(3))


def test_a_run_without_a_name_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lead(CheckpointWriter(), replace(RUN, name=""))
    assert os.listdir(tmp_path) == []


def test_a_kill_between_both_files_repeats_the_epoch_that_is_to_be_kept(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def write(path, state, *others):
        if state.epoch == 2 and path.endswith("_running.mat"):
            raise Killed
        return checkpoint.write_checkpoint(path, state, *others)

    monkeypatch.setattr(checkpoints, "write_checkpoint", write)
    with pytest.raises(Killed):
        lead(CheckpointWriter(), named(tmp_path, options=Options(checkpoint_period=2)))
    assert read_checkpoint(tmp_path / "curves_nnet_running.mat").epoch == 1
    assert read_checkpoint(tmp_path / "curves_nnet_epoch2.mat").epoch == 2


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"missing/curves_nnet_running\.mat: expected to write it"):
        lead(CheckpointWriter(), named(tmp_path / "missing"))
