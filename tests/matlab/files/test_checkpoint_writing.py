"""What is written, what can go wrong while it is, and doubles beside singles."""

import errno
import os
import subprocess
import sys
import time
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import (
    CheckpointWarning,
    read_checkpoint,
    read_description,
    write_checkpoint,
)
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_variables
from hf_matlab_compat.matlab.files.sidecar import path_of_doubles, sidecar_path
from tests.matlab.files.checkpoint_files import (
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


def test_each_state_has_one_sidecar_and_those_of_earlier_versions_go(tmp_path):
    (tmp_path / "a.double.npz").write_bytes(b"of an earlier version")
    for epoch, kind in ((1, np.float64), (2, np.float32)):
        write_checkpoint(tmp_path / "a.mat", make_state(epoch, kind=kind))
        assert sorted(os.listdir(tmp_path)) == ["a.mat", "a.sidecar.npz"]
        assert (path_of_doubles(tmp_path / "a.mat") is not None) == (kind is np.float64)


def test_the_file_that_matlab_reads_is_what_it_was_without_a_sidecar(tmp_path):
    state = make_state(3, kind=np.float64)
    write_checkpoint(tmp_path / "a.mat", state, {"sizes": [1, 2]})
    save_mat(tmp_path / "plain.mat", state)
    ours, plain = ((tmp_path / name).read_bytes() for name in ("a.mat", "plain.mat"))
    assert ours[128:] == plain[128:]  # the first 128 bytes hold the time


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_private_checkpoint_stays_private_and_so_does_its_sidecar(tmp_path, kind):
    save_mat(tmp_path / "a.mat", make_state(1, kind=np.float32))  # of MATLAB, without a sidecar
    os.chmod(tmp_path / "a.mat", 0o600)
    for epoch in (2, 3):
        write_checkpoint(tmp_path / "a.mat", make_state(epoch, kind=kind))
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        assert len(list(tmp_path.iterdir())) == 2


class _DeviceVector:
    dtype, shape, ndim = np.dtype(np.float32), (7,), 1


@pytest.mark.parametrize("theta", [_DeviceVector(), [1.0], np.ones((7, 1)), np.ones(7, dtype=int), np.float64(1)])
def test_only_host_vectors_of_floats_are_written(tmp_path, theta):
    with pytest.raises(CheckpointError, match=r"theta: expected a numpy vector of floats, got .* Copy it to the host"):
        write_checkpoint(tmp_path / "a.mat", replace(make_state(), theta=theta))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_what_could_not_be_resumed_from_does_not_replace_a_good_checkpoint(tmp_path, value):
    write_checkpoint(tmp_path / "a.mat", make_state(1))
    with pytest.raises(CheckpointError, match="d: expected numbers that are finite in single precision"):
        write_checkpoint(tmp_path / "a.mat", make_state(2).remembering(d=np.full(7, value)))
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
    assert sorted(os.listdir(tmp_path)) == ["a.mat", "a.sidecar.npz"]
    assert_same(read_checkpoint(tmp_path / "a.mat"), make_state(1))


def test_a_missing_directory_is_named_with_what_to_do(tmp_path):
    with pytest.raises(CheckpointError, match=r"missing/a\.mat: expected to write it, .* Make the directory first\."):
        write_checkpoint(tmp_path / "missing" / "a.mat", make_state())


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
from tests.matlab.files.checkpoint_files import make_state
from hf_matlab_compat.matlab.files.checkpoint import write_checkpoint
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
    with pytest.warns(CheckpointWarning, match=r"a\.sidecar\.npz, got the sidecar of another state") as caught:
        state = read_checkpoint(tmp_path / "a.mat")
    assert_same(state, make_state(4))
    assert caught[0].filename == __file__


# --- checksums


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", VARIABLES)
def test_one_changed_bit_of_any_variable_is_refused(tmp_path, name, kind):
    state = make_state(3, kind=kind)
    write_checkpoint(tmp_path / "a.mat", state)
    moved = to_variables(state)[name]
    moved.flat[-1] = 2 if name == "epoch" else moved.flat[-1] + 1 if name == "totalpasses" else -moved.flat[-1]
    if name == "lambda":
        moved.flat[0] = np.nextafter(state.lam, 99)
    save_mat(tmp_path / "a.mat", state, **{name: moved})
    with pytest.raises(CheckpointError, match=rf"a\.mat: {name}: expected the value that was written with a\.sidecar"):
        read_checkpoint(tmp_path / "a.mat")
    sidecar_path(tmp_path / "a.mat").unlink()  # as the sentence says, where it was changed on purpose
    assert read_checkpoint(tmp_path / "a.mat").theta.size == 7


def test_a_damaged_piece_over_neighbours_is_refused(tmp_path):
    state = make_state(5)
    write_checkpoint(tmp_path / "a.mat", state)
    variables = to_variables(state)
    wrong = {name: variables[name] + 1 for name in ("lambda", "totalpasses", "llrecord")}
    save_mat(tmp_path / "a.mat", state, **wrong)
    with pytest.raises(CheckpointError, match="lambda: expected the value"):
        read_checkpoint(tmp_path / "a.mat")


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_no_flipped_bit_passes(tmp_path, kind):
    state, draw = make_state(4, size=30, kind=kind), np.random.default_rng(2)
    write_checkpoint(tmp_path / "a.mat", state)
    files = [tmp_path / "a.mat"] if kind is np.float32 else [tmp_path / "a.mat", sidecar_path(tmp_path / "a.mat")]
    for file in files:
        whole = file.read_bytes()
        for _ in range(150):
            damaged = bytearray(whole)
            damaged[draw.integers(len(whole))] ^= 1 << draw.integers(8)
            file.write_bytes(damaged)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    found = read_checkpoint(tmp_path / "a.mat")
                except CheckpointError:
                    continue
            assert_same(found, rounded(state) if caught else state)  # a bit of the header, or a warning
        file.write_bytes(whole)


def test_what_matlab_rewrote_is_read_without_a_word_in_single(tmp_path):
    for epoch in (3, 4):
        write_checkpoint(tmp_path / "a.mat", make_state(3))
        other = make_state(epoch, seed=1)
        save_mat(tmp_path / "a.mat", other.remembering(lam=make_state(3).lam))
        assert read_checkpoint(tmp_path / "a.mat").epoch == epoch


def test_a_file_without_its_sidecar_is_read_without_a_word(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(3))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.mat").write_bytes((tmp_path / "a.mat").read_bytes())
    assert_same(read_checkpoint(tmp_path / "elsewhere" / "b.mat"), make_state(3))


def test_doubles_of_an_earlier_version_are_read(tmp_path):
    state, before = make_state(3, kind=np.float64), make_state(2, kind=np.float64)
    save_mat(tmp_path / "a.mat", rounded(state))
    arrays = {f"{n}_{k}": v for k, s in enumerate((before, state)) for n, v in (("theta", s.theta), ("d", s.d))}
    np.savez(tmp_path / "a.double.npz", epoch_0=np.float64(2), epoch_1=np.float64(3), **arrays)
    assert_same(read_checkpoint(tmp_path / "a.mat"), state)
    assert path_of_doubles(tmp_path / "a.mat") == tmp_path / "a.double.npz"
    write_checkpoint(tmp_path / "a.mat", make_state(4, kind=np.float64))
    assert_same(read_checkpoint(tmp_path / "a.mat"), make_state(4, kind=np.float64))
    assert not (tmp_path / "a.double.npz").exists()


def test_doubles_that_an_earlier_version_wrote_beside_a_sidecar_are_read(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(2, kind=np.float64))
    state = make_state(3, kind=np.float64)
    save_mat(tmp_path / "a.mat", rounded(state))
    np.savez(tmp_path / "a.double.npz", epoch_0=np.float64(3), theta_0=state.theta, d_0=state.d)
    assert_same(read_checkpoint(tmp_path / "a.mat"), state)


def test_what_a_later_version_adds_to_a_sidecar_is_passed_over(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(3, kind=np.float64), {"sizes": [2, 1]})
    with zipfile.ZipFile(sidecar_path(tmp_path / "a.mat"), "a") as archive:
        archive.writestr("later.json", "{}")
        archive.writestr("later.bin", b"")
    assert_same(read_checkpoint(tmp_path / "a.mat"), make_state(3, kind=np.float64))
    assert read_description(tmp_path / "a.mat") == {"sizes": [2, 1]}


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
    found = read_checkpoint(tmp_path / "a.mat", precision="single")
    sidecar_path(tmp_path / "a.mat").unlink()
    assert_same(read_checkpoint(tmp_path / "a.mat", precision="single"), found)
    assert_same(found, rounded(make_state(3, kind=np.float64)))


def test_doubles_in_the_file_itself_are_kept(tmp_path):
    state = make_state(3, kind=np.float64)
    save_mat(tmp_path / "a.mat", state, paramsp=state.theta[:, None], ch=state.d[:, None])
    assert_same(read_checkpoint(tmp_path / "a.mat", precision="double"), state)
