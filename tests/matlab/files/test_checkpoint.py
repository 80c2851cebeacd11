"""Checkpoints of every format and shape are read, Octave's own among them."""

import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.mat_formats import FileFormat, read_variables, sniff
from tests.matlab.files.checkpoint_files import assert_same, make_state, save_mat, save_mat73, widened
from tests.octave import NEEDS_OCTAVE, octave

GOLDENS = Path(__file__).parents[2] / "goldens"


# --- formats


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"MATLAB 5.0 MAT-file, Platform: PCWIN".ljust(124) + b"\x00\x01IM", FileFormat.MAT5),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM\x0f\0\0\0", FileFormat.MAT7),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI\0\0\0\x0f", FileFormat.MAT7),
        (b"written by another program".ljust(124) + b"\x01\x00MI", FileFormat.MAT5),
        (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", FileFormat.MAT73),
        (b"\x89HDF\r\n\x1a\n", FileFormat.MAT73),
        (struct.pack("<5i", 10, 3, 1, 0, 8), FileFormat.MAT4),
        (struct.pack(">5i", 1000, 3, 1, 0, 8), FileFormat.MAT4),
        (struct.pack("<5i", 0, -3, 1, 0, 8), FileFormat.UNKNOWN),
        (b"# Created by Octave 6.4.0", FileFormat.OCTAVE_TEXT),
        (b"Octave-1-L", FileFormat.OCTAVE_BINARY),
        (b"\x1f\x8b\x08", FileFormat.GZIP),
        (b"PK\x03\x04", FileFormat.NPZ),
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
    ({"ch": np.ones((1, 7))}, r"ch: expected a column \(P×1\), got a row of 1×7. MATLAB's trainer also fails"),
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
    with pytest.raises(CheckpointError, match=r"variables: expected .*, got no .*The file is not a checkpoint"):
        read_checkpoint(GOLDENS / "trace_ae_logistic_single.mat")


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
