import errno
import gzip
import os
import shutil
import struct
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.atomic_file import temporary_path
from hf_matlab_compat.matlab.checkpoint import CheckpointWarning, read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.checkpoint_variables import VARIABLES, to_variables
from hf_matlab_compat.matlab.double_sidecar import sidecar_path
from hf_matlab_compat.matlab.mat_formats import FileFormat, read_variables, sniff
from tests.matlab.checkpoint_files import NEEDS_OCTAVE, assert_same, make_state, octave, save_mat, save_mat73

GOLDENS = Path(__file__).parents[1] / "goldens"


def rounded(state):
    return replace(state, theta=state.theta.astype(np.float32), d=state.d.astype(np.float32))


def widened(state):
    return replace(state, theta=state.theta.astype(np.float64), d=state.d.astype(np.float64))


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


# --- formats


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"MATLAB 5.0 MAT-file, Platform: PCWIN".ljust(124) + b"\x00\x01IM", FileFormat.MAT5),
        (b"written by another program".ljust(124) + b"\x01\x00MI", FileFormat.MAT5),
        (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", FileFormat.MAT73),
        (b"\x89HDF\r\n\x1a\n", FileFormat.MAT73),
        (struct.pack("<5i", 10, 3, 1, 0, 8), FileFormat.MAT4),
        (struct.pack(">5i", 1000, 3, 1, 0, 8), FileFormat.MAT4),
        (struct.pack("<5i", 0, -3, 1, 0, 8), FileFormat.UNKNOWN),
        (b"# Created by Octave 6.4.0", FileFormat.OCTAVE_TEXT),
        (b"Octave-1-L", FileFormat.OCTAVE_BINARY),
        (b"\x1f\x8b\x08", FileFormat.GZIP),
        (b"PK\x03\x04", FileFormat.UNKNOWN),
        (bytes(600), FileFormat.UNKNOWN),
        (b"", FileFormat.EMPTY),
    ],
)
def test_formats_are_told_by_their_first_bytes(head, expected):
    assert sniff(head) is expected


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_v5_v6_and_v7_are_read(tmp_path, compressed):
    save_mat(tmp_path / "plain.mat", make_state(3))
    variables = {name: scipy.io.loadmat(tmp_path / "plain.mat")[name] for name in VARIABLES}
    scipy.io.savemat(tmp_path / "a.dat", variables, do_compression=compressed)
    assert_same(read_checkpoint(tmp_path / "a.dat"), make_state(3))


@pytest.mark.parametrize("path", sorted(GOLDENS.glob("*.mat")), ids=lambda path: path.stem)
def test_numbers_that_octave_and_scipy_wrote_are_read_as_scipy_reads_them(path):
    numeric = {name for name, _, kind in scipy.io.whosmat(path) if kind in ("double", "single", "int64", "uint8")}
    found = read_variables(path, numeric)
    expected = scipy.io.loadmat(path, mat_dtype=True)
    assert set(found) == numeric
    for name in numeric:
        np.testing.assert_array_equal(found[name], expected[name], strict=True)


def big_endian_v5(name, value):
    """A file of one double array as a big-endian machine wrote it."""
    flags, sizes = struct.pack(">4I", 6, 8, 6, 0), struct.pack(">2I2i", 5, 8, *value.shape)
    label = struct.pack(">HH4s", len(name), 1, name.encode().ljust(4, b"\0"))
    data = struct.pack(">2I", 9, value.nbytes) + value.astype(">f8").tobytes(order="F")
    body = flags + sizes + label + data
    return b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + struct.pack(">2I", 14, len(body)) + body


def test_v5_of_a_big_endian_machine_is_read(tmp_path):
    value = np.arange(6.0).reshape(2, 3)
    (tmp_path / "a.mat").write_bytes(big_endian_v5("xy", value))
    np.testing.assert_array_equal(scipy.io.loadmat(tmp_path / "a.mat")["xy"], value)
    np.testing.assert_array_equal(read_variables(tmp_path / "a.mat", ["xy"])["xy"], value, strict=True)


def test_matlab_v4_is_read_where_all_numbers_are_doubles(tmp_path):
    state = make_state(3)
    variables = scipy.io.loadmat(save_mat(tmp_path / "5.mat", state))
    doubles = {name: np.asarray(variables[name], dtype=np.float64) for name in VARIABLES}
    scipy.io.savemat(tmp_path / "4.mat", doubles, format="4")
    assert_same(read_checkpoint(tmp_path / "4.mat"), widened(state))


@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_matlab_v73_is_read(tmp_path, epochs):
    assert_same(read_checkpoint(save_mat73(tmp_path / "a.mat", make_state(epochs))), make_state(epochs))


def test_without_h5py_matlab_v73_says_what_to_install(tmp_path, monkeypatch):
    path = save_mat73(tmp_path / "a.mat", make_state())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CheckpointError, match=r'pip install "hf_matlab_compat\[mat73\]"'):
        read_checkpoint(path)


def test_the_extension_is_tried_when_it_is_left_out(tmp_path):
    save_mat(tmp_path / "run.mat", make_state(3))
    assert_same(read_checkpoint(tmp_path / "run"), make_state(3))
    (tmp_path / "run").mkdir()
    assert_same(read_checkpoint(str(tmp_path / "run")), make_state(3))
    shutil.rmtree(tmp_path / "run")
    save_mat(tmp_path / "other.mat", make_state(5)).rename(tmp_path / "run")
    assert_same(read_checkpoint(tmp_path / "run"), make_state(5))


@pytest.mark.parametrize("name", ["nowhere", "", "a\0b", "x" * 300])
def test_a_path_without_a_file_is_named(tmp_path, name):
    with pytest.raises(CheckpointError, match=r"expected a checkpoint, got (no such file|a directory)"):
        read_checkpoint(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    "kind", ["single", "double", "int32", "uint8", "int64", "logical"], ids=lambda kind: f"epoch_{kind}"
)
def test_scalars_of_any_class_become_plain_numbers(tmp_path, kind):
    value = np.array([[1]], dtype={"single": "f4", "double": "f8", "logical": "?"}.get(kind, kind))
    save_mat(tmp_path / "a.mat", make_state(1), **{"epoch": value, "totalpasses": value, "lambda": value})
    state = read_checkpoint(tmp_path / "a.mat")
    assert [type(x) for x in (state.epoch, state.total_cg_steps, state.lam)] == [int, int, float]
    assert (state.epoch, state.total_cg_steps, state.lam) == (1, 1, 1.0)


# --- shapes


def test_records_that_matlab_preallocated_are_cut_to_the_epochs(tmp_path):
    state = make_state(3)
    longer = {
        "llrecord": np.vstack([state.records.log_likelihood, np.zeros((97, 2))]),
        "errrecord": np.vstack([state.records.error, np.zeros((97, 2))]),
        "times": np.append(state.records.seconds, np.zeros(97)),
        "lambdarecord": np.append(state.records.lam, np.zeros(97))[None],
    }
    assert_same(read_checkpoint(save_mat(tmp_path / "a.mat", state, **longer)), state)


def test_records_without_a_test_column_get_nan(tmp_path):
    state = make_state(3)
    short = {"llrecord": state.records.log_likelihood[:, :1], "errrecord": state.records.error[:, :1]}
    found = read_checkpoint(save_mat(tmp_path / "a.mat", state, **short)).records
    np.testing.assert_array_equal(found.log_likelihood[:, 0], state.records.log_likelihood[:, 0])
    assert np.isnan(found.log_likelihood[:, 1]).all()
    assert np.isnan(found.error[:, 1]).all()


BAD = [
    ({"paramsp": np.ones((1, 7))}, r"paramsp: expected a column \(P×1\), got a row of 1×7"),
    ({"ch": np.ones((1, 7))}, r"ch: expected a column \(P×1\), got a row of 1×7. MATLAB's trainer fails"),
    ({"ch": np.ones((6, 1))}, "ch: expected 7 values, got 6"),
    ({"paramsp": np.ones((7, 1)) + 1j}, "paramsp: expected real numbers, got complex"),
    ({"ch": np.full((7, 1), np.nan)}, "ch: expected finite numbers, got NaN or Inf"),
    ({"paramsp": "text"}, "paramsp: expected a full array of numbers, got the class 'char'"),
    (
        {"paramsp": np.array([[1, "a"]], dtype=object)},
        "paramsp: expected a full array of numbers, got the class 'cell'",
    ),
    ({"epoch": 2.5}, "epoch: expected a whole number, got 2.5"),
    ({"epoch": -1.0}, "epoch: expected a finite number of at least 0, got -1.0"),
    ({"epoch": 1e300}, "epoch: expected a whole number"),
    ({"epoch": np.zeros((0, 0))}, "epoch: expected a finite number of at least 0, got 0×0"),
    ({"lambda": np.nan}, "lambda: expected a finite number of at least 0, got nan"),
    ({"totalpasses": np.ones((2, 1))}, "totalpasses: expected a finite number of at least 0, got 2×1"),
    ({"llrecord": np.ones((2, 2))}, r"llrecord: expected 3 rows \(epochs\) and 2 columns, got 2×2"),
    ({"errrecord": np.ones((3, 3))}, r"errrecord: expected 3 rows \(epochs\) and 2 columns, got 3×3"),
    ({"times": np.ones((2, 1))}, r"times: expected a column of 3 \(epochs\), got 2×1"),
    ({"lambdarecord": np.ones((2, 2))}, r"lambdarecord: expected a column of 3 \(epochs\), got 2×2"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path, changes, sentence):
    with pytest.raises(CheckpointError, match=rf"a\.mat: {sentence}"):
        read_checkpoint(save_mat(tmp_path / "a.mat", make_state(3), **changes))


@pytest.mark.parametrize("name", VARIABLES)
def test_a_missing_variable_is_named(tmp_path, name):
    with pytest.raises(CheckpointError, match=rf"a\.mat: variables: expected .*, got no {name}\. "):
        read_checkpoint(save_mat(tmp_path / "a.mat", make_state(), without=name))


def test_a_checkpoint_of_another_network_says_both_sizes(tmp_path):
    save_mat(tmp_path / "a.mat", make_state(size=7))
    with pytest.raises(
        CheckpointError, match=r"paramsp: expected 8 values, got 7. This is a checkpoint of another net"
    ):
        read_checkpoint(tmp_path / "a.mat", num_parameters=8)


def test_a_recording_that_is_no_checkpoint_says_so():
    with pytest.raises(CheckpointError, match=r"variables: expected .*, got no .*This is no checkpoint"):
        read_checkpoint(GOLDENS / "trace_ae_logistic_single.mat")


# --- damage


def test_complex_and_linked_and_huge_variables_of_v73_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = save_mat73(tmp_path / "a.mat", make_state(3))
    for place, sentence in (
        (np.zeros(7, dtype=[("real", "f8"), ("imag", "f8")]), "got complex"),
        (None, "expected what"),
    ):
        with h5py.File(path, "r+") as file:
            del file["ch"]
            if place is None:
                file.create_dataset("ch", shape=(1, 2**40), dtype="f8", chunks=(1, 1024))
            else:
                file["ch"] = place
        with pytest.raises(CheckpointError, match=f"ch: .*{sentence}"):
            read_checkpoint(path)
    with h5py.File(path, "r+") as file:
        del file["ch"]
        file["ch"] = h5py.ExternalLink("other.mat", "/ch")
    with pytest.raises(CheckpointError, match="ch: expected it in this file, got a link"):
        read_checkpoint(path)


def test_a_v4_file_that_points_backwards_does_not_hang(tmp_path):
    first = struct.pack("<5i", 0, 1, 1, 0, 2) + b"x\0" + struct.pack("<d", 1.0)
    second = struct.pack("<5i", 0, -5, 1, 0, 10) + b"yyyyyyyyy\0"
    (tmp_path / "a.mat").write_bytes(first + second)
    with pytest.raises(CheckpointError, match="expected a matrix at byte 30 of a v4 file"):
        read_checkpoint(tmp_path / "a.mat")


@pytest.mark.parametrize("rows", [2**31 - 1, 2**20])
def test_a_v4_file_that_claims_more_than_it_has_is_refused(tmp_path, rows):
    (tmp_path / "a.mat").write_bytes(struct.pack("<5i", 0, rows, rows, 0, 8) + b"paramsp\0")
    with pytest.raises(CheckpointError, match=r"expected [0-9]+ bytes, got a file of 28"):
        read_checkpoint(tmp_path / "a.mat")


def test_a_v5_file_that_claims_more_than_it_has_is_refused(tmp_path):
    content = save_mat(tmp_path / "a.mat", make_state(3, size=7)).read_bytes()
    claimed = content.replace(struct.pack("<2i", 7, 1), struct.pack("<2i", 2**31 - 1, 2**31 - 1))
    assert claimed != content
    (tmp_path / "a.mat").write_bytes(claimed)
    with pytest.raises(
        CheckpointError, match=r"expected a possible shape|paramsp: expected [0-9]+ numbers, got 28 bytes"
    ):
        read_checkpoint(tmp_path / "a.mat")


def test_packed_numbers_with_a_wrong_or_missing_checksum_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.arange(9.0)}, do_compression=True)
    content = (tmp_path / "a.mat").read_bytes()
    length = struct.unpack_from("<I", content, 132)[0]
    shorter = content[:132] + struct.pack("<I", length - 4) + content[136:-4]
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), shorter):
        (tmp_path / "b.mat").write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"zlib cannot unpack|bytes when unpacked"):
            read_variables(tmp_path / "b.mat", ["x"])


def test_text_in_the_place_of_numbers_is_refused(tmp_path):
    text = octave_text(make_state()) + b"# name: ch\n# type: string\n# elements: 1\n# length: 2\nab\n"
    (tmp_path / "a.mat").write_bytes(text.replace(b"# name: ch\n# type: float", b"# name: other\n# type: float", 1))
    with pytest.raises(CheckpointError, match="ch: expected real numbers, got text"):
        read_checkpoint(tmp_path / "a.mat")


def test_a_gzip_bomb_is_refused(tmp_path):
    with gzip.open(tmp_path / "a.mat", "wb") as stream:
        for _ in range(80):
            stream.write(bytes(1 << 20))
    with pytest.raises(CheckpointError, match=r"expected at most [0-9]+ bytes in the gzip file, got more"):
        read_checkpoint(tmp_path / "a.mat")


def test_gzip_within_gzip_is_refused(tmp_path):
    (tmp_path / "a.mat").write_bytes(gzip.compress(gzip.compress(b"# Created by Octave")))
    with pytest.raises(CheckpointError, match="packed once, got gzip within gzip"):
        read_checkpoint(tmp_path / "a.mat")


def octave_text(state):
    """The checkpoint as Octave's text, written here."""
    lines = ["# Created by Octave 7.3.0, Mon Jan 01 00:00:00 2024 UTC <user@host>"]
    for name, value in to_variables(state).items():
        lines.append(f"# name: {name}")
        if value.size == 1:
            lines += ["# type: scalar", repr(value.item())]
        else:
            prefix = "float " if value.dtype == np.float32 else ""
            lines += [f"# type: {prefix}matrix", f"# rows: {value.shape[0]}", f"# columns: {value.shape[1]}"]
            lines += [" " + " ".join(repr(float(x)) for x in row) for row in value]
        lines += ["", ""]
    return "\n".join([*lines, ""]).encode()


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """One small checkpoint in each format."""
    directory, state = tmp_path_factory.mktemp("samples"), make_state(2, size=3)
    variables = scipy.io.loadmat(save_mat(directory / "v6.mat", state))
    kept = {name: variables[name] for name in VARIABLES}
    scipy.io.savemat(directory / "v7.mat", kept, do_compression=True)
    scipy.io.savemat(directory / "v4.mat", {name: value.astype(float) for name, value in kept.items()}, format="4")
    save_mat73(directory / "v73.mat", state)
    (directory / "text.mat").write_bytes(octave_text(state))
    (directory / "gzip.mat").write_bytes(gzip.compress(octave_text(state), mtime=0))
    return {path.stem: path.read_bytes() for path in directory.glob("*.mat")}


FORMATS = ["v4", "v6", "v7", "v73", "text", "gzip"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_sample_is_a_whole_checkpoint(samples, tmp_path, name):
    (tmp_path / "a").write_bytes(samples[name])
    expected = make_state(2, size=3)
    assert_same(read_checkpoint(tmp_path / "a"), widened(expected) if name == "v4" else expected)


def read_or_refuse(path, content):
    """Reading ends soon, with a proper State or with one sentence."""
    path.write_bytes(content)
    start, refusal, state = time.perf_counter(), "", None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            state = read_checkpoint(path)
        except CheckpointError as error:
            refusal = str(error)
    assert time.perf_counter() - start < 5
    assert "\n" not in refusal
    if state is not None:
        assert state.theta.shape == state.d.shape
        assert np.isfinite(state.theta).all()
        assert state.records.log_likelihood.shape == (state.epoch, 2)


FUZZ = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", FORMATS)
@FUZZ
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_read_or_refused(samples, tmp_path, name, share):
    read_or_refuse(tmp_path / "a.mat", samples[name][: int(share * len(samples[name]))])


@pytest.mark.parametrize("name", FORMATS)
@FUZZ
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=4))
def test_a_file_with_flipped_bits_is_read_or_refused(samples, tmp_path, name, places):
    content = bytearray(samples[name])
    for share, bit in places:
        content[int(share * len(content))] ^= 1 << bit
    read_or_refuse(tmp_path / "a.mat", bytes(content))


@FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    read_or_refuse(tmp_path / "a.mat", content)


# --- Octave itself


@pytest.mark.octave
@NEEDS_OCTAVE
def test_octave_loads_our_file_with_the_nine_names_classes_and_sizes(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state(3, size=7, kind=np.float64))
    script = "s = load('a.mat'); for [v, k] = s, printf('%s %s %d %d\\n', k, class(v), size(v)); end"
    expected = {
        *("paramsp single 7 1", "ch single 7 1", "epoch double 1 1", "lambda double 1 1", "totalpasses double 1 1"),
        *("llrecord double 3 2", "times double 3 1", "errrecord double 3 2", "lambdarecord double 3 1"),
    }
    assert set(octave(script, tmp_path).splitlines()) == expected


@pytest.mark.octave
@NEEDS_OCTAVE
@pytest.mark.parametrize("option", ["", "-text", "-v6", "-v7", "-zip", "-zip -v6"])
@pytest.mark.parametrize("epochs", [0, 1, 12])
def test_what_octave_saved_again_comes_back_bit_for_bit(tmp_path, option, epochs):
    write_checkpoint(tmp_path / "a.mat", make_state(epochs, size=50))
    octave(f"load a.mat; save {option} b.mat {' '.join(VARIABLES)}", tmp_path)
    assert_same(read_checkpoint(tmp_path / "b.mat"), make_state(epochs, size=50))


@pytest.mark.octave
@NEEDS_OCTAVE
@pytest.mark.parametrize("option", ["-v4", "-zip -v4"])
def test_what_octave_saved_as_v4_comes_back_in_doubles(tmp_path, option):
    state = make_state(3)
    write_checkpoint(tmp_path / "a.mat", state)
    octave(f"load a.mat; paramsp = double(paramsp); ch = double(ch); save {option} b.mat", tmp_path)
    assert_same(read_checkpoint(tmp_path / "b.mat"), widened(state))


@pytest.mark.octave
@NEEDS_OCTAVE
@pytest.mark.parametrize("option", ["-binary", "-zip -binary", "-hdf5"])
def test_octaves_own_binary_formats_are_refused_with_the_way_out(tmp_path, option):
    write_checkpoint(tmp_path / "a.mat", make_state())
    octave(f"load a.mat; save {option} b.mat {' '.join(VARIABLES)}", tmp_path)
    with pytest.raises(CheckpointError, match=r"Load it in Octave and save it again with save -v7\."):
        read_checkpoint(tmp_path / "b.mat")


@pytest.mark.octave
@NEEDS_OCTAVE
def test_other_variables_in_an_octave_file_do_no_harm(tmp_path):
    write_checkpoint(tmp_path / "a.mat", make_state())
    octave("load a.mat; c = {1, 'paramsp'}; s.paramsp = 1; f = @(x) x + epoch; z = 1i; save b.mat", tmp_path)
    assert_same(read_checkpoint(tmp_path / "b.mat"), make_state())
