"""What is written, what can go wrong while it is, and doubles beside singles."""

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.atomic_file import temporary_path
from hf_matlab_compat.matlab.checkpoint import CheckpointWarning, read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.double_sidecar import sidecar_path
from tests.matlab.checkpoint_files import (
    assert_same,
    make_state,
    rounded,
    save_mat,
    widened,
)

# --- what is written


@pytest.mark.parametrize("epochs", [0, 1, 12])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_was_written_is_read_back_bit_for_bit(tmp_path, epochs, kind):
    state = make_state(epochs, kind=kind)
    write_checkpoint(tmp_path / "a.mat", state)
    assert_same(read_checkpoint(tmp_path / "a.mat", num_parameters=7), state)


def test_the_file_holds_the_nine_variables_in_matlabs_shapes_and_classes(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(3, size=7, kind=np.float64))
    assert {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(tmp_path / "a.mat")} == {
        "paramsp": ((7, 1), "single"),
        "ch": ((7, 1), "single"),
        "epoch": ((1, 1), "double"),
        "lambda": ((1, 1), "double"),
        "totalpasses": ((1, 1), "double"),
        "llrecord": ((3, 2), "double"),
        "times": ((3, 1), "double"),
        "errrecord": ((3, 2), "double"),
        "lambdarecord": ((3, 1), "double"),
    }


def test_only_a_double_state_has_a_sidecar_and_a_single_one_removes_it(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(1, kind=np.float64))
    assert sorted(os.listdir(tmp_path)) == ["a.double.npz", "a.mat"]
    write_checkpoint(tmp_path / "a.mat", make_state(2, kind=np.float32))
    assert os.listdir(tmp_path) == ["a.mat"]


class _DeviceVector:
    dtype, shape, ndim = np.dtype(np.float32), (7,), 1


@pytest.mark.parametrize("theta", [_DeviceVector(), [1.0], np.ones((7, 1)), np.ones(7, dtype=int), np.float64(1)])
def test_only_host_vectors_of_floats_are_written(tmp_path, theta):
    with pytest.raises(CheckpointError, match=r"theta: expected a numpy vector of floats, got .* Bring it to the host"):
        write_checkpoint(tmp_path / "a.mat", replace(make_state(), theta=theta))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_what_could_not_be_resumed_from_does_not_replace_a_good_checkpoint(tmp_path, value):
    write_checkpoint(tmp_path / "a.mat", make_state(1))
    with pytest.raises(CheckpointError, match="d: expected numbers that are finite in single precision"):
        write_checkpoint(tmp_path / "a.mat", replace(make_state(2), d=np.full(7, value)))
    assert_same(read_checkpoint(tmp_path / "a.mat"), make_state(1))


# --- what can go wrong when writing


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "Free some disk space"), (errno.EROFS, "Make the directory writable")]
)
def test_a_disk_that_refuses_leaves_the_previous_checkpoint(tmp_path, monkeypatch, number, advice):
    write_checkpoint(tmp_path / "a.mat", make_state(1))

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CheckpointError, match=rf"a\.mat: expected to write it, got '{os.strerror(number)}'. {advice}"):
        write_checkpoint(tmp_path / "a.mat", make_state(2))
    assert os.listdir(tmp_path) == ["a.mat"]
    assert_same(read_checkpoint(tmp_path / "a.mat"), make_state(1))


def test_a_missing_directory_is_named_with_what_to_do(tmp_path):
    with pytest.raises(CheckpointError, match=r"missing/a\.mat: expected to write it, .* Make the directory first\."):
        write_checkpoint(tmp_path / "missing" / "a.mat", make_state())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_disk_that_is_really_full_is_a_checkpoint_error(tmp_path):
    temporary_path(tmp_path / "a.mat").symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match=r"a\.mat: expected to write it, got 'No space left on device'"):
        write_checkpoint(tmp_path / "a.mat", make_state(size=100_000))
    assert os.listdir(tmp_path) == []


class Killed(BaseException):
    """Stands for SIGKILL: nothing runs after it."""


def kill_at_replace(monkeypatch, which):
    """Let the process die just before its which-th os.replace."""
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == which:
            raise Killed
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize(("which", "epoch"), [(1, 5), (2, 5), (3, 6)])
def test_a_kill_between_sidecar_and_checkpoint_loses_no_bit(tmp_path, monkeypatch, which, epoch):
    states = {k: make_state(k, kind=np.float64) for k in (4, 5, 6)}
    write_checkpoint(tmp_path / "a.mat", states[4])
    write_checkpoint(tmp_path / "a.mat", states[5])
    with monkeypatch.context() as patch:
        kill_at_replace(patch, which)
        try:
            write_checkpoint(tmp_path / "a.mat", states[6])
        except Killed:
            assert which < 3
    assert_same(read_checkpoint(tmp_path / "a.mat"), states[epoch])


def test_kills_again_and_again_at_the_same_place_lose_no_bit(tmp_path, monkeypatch):
    standing = make_state(5, kind=np.float64)
    write_checkpoint(tmp_path / "a.mat", standing)
    for seed in range(4):  # another machine repeats epoch 6 with other bits each time
        with monkeypatch.context() as patch:
            kill_at_replace(patch, 2)
            with pytest.raises(Killed):
                write_checkpoint(tmp_path / "a.mat", make_state(6, kind=np.float64, seed=seed))
        assert_same(read_checkpoint(tmp_path / "a.mat"), standing)


_WRITE_FOR_EVER = """
import itertools, sys, numpy as np
from tests.matlab.checkpoint_files import make_state
from hf_matlab_compat.matlab.checkpoint import write_checkpoint
for k in itertools.count(1):
    write_checkpoint(sys.argv[1], make_state(k % 50, size=2000, kind=np.float64))
    print(k, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.011, 0.023])
def test_a_process_killed_while_writing_leaves_a_whole_checkpoint(tmp_path, delay):
    path = str(tmp_path / "a.mat")
    with subprocess.Popen([sys.executable, "-c", _WRITE_FOR_EVER, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.stdout.readline()
        time.sleep(delay)
        writer.kill()
    found = read_checkpoint(path)
    assert_same(found, make_state(found.epoch, size=2000, kind=np.float64))


# --- single and double


def test_a_checkpoint_that_matlab_rewrote_beside_our_sidecar_is_read_with_a_warning(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(3, kind=np.float64))
    save_mat(tmp_path / "a.mat", make_state(4))
    with pytest.warns(CheckpointWarning, match=r"a\.double\.npz, got a file that is of another state") as caught:
        state = read_checkpoint(tmp_path / "a.mat")
    assert_same(state, make_state(4))
    assert caught[0].filename == __file__


def test_an_entry_of_the_same_epoch_but_other_bits_is_not_taken(tmp_path):
    state = make_state(3, kind=np.float64)
    write_checkpoint(tmp_path / "a.mat", state)
    moved = rounded(state)
    moved.d[0] = np.nextafter(moved.d[0], np.float32(9))
    save_mat(tmp_path / "a.mat", moved)
    with pytest.warns(CheckpointWarning):
        assert_same(read_checkpoint(tmp_path / "a.mat"), moved)


def test_an_entry_of_the_same_bits_but_another_epoch_is_not_taken(tmp_path):
    state = make_state(3, kind=np.float64)
    write_checkpoint(tmp_path / "a.mat", state)
    save_mat(tmp_path / "a.mat", state, epoch=2.0)
    with pytest.warns(CheckpointWarning):
        assert read_checkpoint(tmp_path / "a.mat").theta.dtype == np.float32


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_a_damaged_sidecar_costs_the_doubles_but_not_the_checkpoint(tmp_path, damage):
    write_checkpoint(tmp_path / "a.mat", make_state(3, kind=np.float64))
    sidecar_path(tmp_path / "a.mat").write_bytes(damage)
    with pytest.warns(CheckpointWarning, match="got a damaged file"):
        assert_same(read_checkpoint(tmp_path / "a.mat"), rounded(make_state(3, kind=np.float64)))
    write_checkpoint(tmp_path / "a.mat", make_state(4, kind=np.float64))
    assert_same(read_checkpoint(tmp_path / "a.mat"), make_state(4, kind=np.float64))


def test_a_run_in_double_precision_is_warned_where_there_are_only_singles(tmp_path):
    save_mat(tmp_path / "a.mat", make_state(3))
    with pytest.warns(CheckpointWarning, match="got no such file"):
        state = read_checkpoint(tmp_path / "a.mat", precision="double")
    assert_same(state, widened(make_state(3)))


def test_a_run_in_single_precision_is_given_singles_without_a_word(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(3, kind=np.float64))
    sidecar_path(tmp_path / "a.mat").write_bytes(b"damaged")
    found = read_checkpoint(tmp_path / "a.mat", precision="single")
    assert_same(found, rounded(make_state(3, kind=np.float64)))


def test_doubles_in_the_file_itself_are_kept(tmp_path):
    state = make_state(3, kind=np.float64)
    save_mat(tmp_path / "a.mat", state, paramsp=state.theta[:, None], ch=state.d[:, None])
    assert_same(read_checkpoint(tmp_path / "a.mat", precision="double"), state)
