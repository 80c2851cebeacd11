import time

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat_formats import list_variables, load_mat, read_variables
from hf_matlab_compat.matlab.files.mat_values import Skipped
from tests.octave import NEEDS_OCTAVE, octave

HEAD = b"# Created by Octave 7.3.0, Mon Jan 01 00:00:00 2024 UTC <user@host>\n"


def variable(name, kind, body):
    return f"# name: {name}\n# type: {kind}\n{body}\n\n\n".encode()


def read_one(kind, body):
    return load_mat(HEAD + variable("x", kind, body))["x"]


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("scalar", "3.1415926535897931", np.array([[np.pi]])),
        ("scalar", "-Inf", np.array([[-np.inf]])),
        ("scalar", "NA", np.array([[np.nan]])),
        ("global scalar", "2", np.array([[2.0]])),
        ("float scalar", "3.1415927410125732", np.array([[np.pi]], dtype=np.float32)),
        ("bool", "1", np.array([[True]])),
        ("int32 scalar", "-5", np.array([[-5]], dtype=np.int32)),
        ("uint64 scalar", "18446744073709551615", np.array([[2**64 - 1]], dtype=np.uint64)),
        ("matrix", "# rows: 2\n# columns: 3\n 1 2 3\n 4 NaN Inf", np.array([[1, 2, 3], [4, np.nan, np.inf]])),
        ("float matrix", "# rows: 2\n# columns: 1\n 1.5\n -2", np.array([[1.5], [-2]], dtype=np.float32)),
        ("bool matrix", "# rows: 1\n# columns: 2\n 1 0", np.array([[True, False]])),
        ("matrix", "# rows: 0\n# columns: 3", np.zeros((0, 3))),
        ("uint8 matrix", "# ndims: 2\n 2 2\n  1\n  2\n  3\n  4", np.array([[1, 3], [2, 4]], dtype=np.uint8)),
        ("matrix", "# ndims: 3\n 2 1 2\n 1\n 2\n 3\n 4", np.array([[[1.0, 3]], [[2, 4]]])),
        ("range", "# base, limit, increment\n0.5 2 0.5", np.array([[0.5, 1, 1.5, 2]])),
        ("double_range", "# base, limit, increment\n3 1 -1", np.array([[3.0, 2, 1]])),
        ("string", "# elements: 1\n# length: 9\n# name: a", np.array(["# name: a"])),
        ("sq_string", "# elements: 2\n# length: 2\nab\n# length: 2\ncd", np.array(["ab", "cd"])),
        ("sq_string", "# elements: 0", np.array([], dtype="<U1")),
    ],
)
def test_every_class_of_number_and_text_is_read(kind, body, expected):
    np.testing.assert_array_equal(read_one(kind, body), expected, strict=True)


def test_line_ends_of_windows_are_read():
    text = (HEAD + variable("x", "matrix", "# rows: 2\n# columns: 1\n 1\n 2")).replace(b"\n", b"\r\n")
    np.testing.assert_array_equal(load_mat(text)["x"], [[1.0], [2.0]])


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("cell", "# rows: 1\n# columns: 1\n# name: <cell-element>\n# type: scalar\n7\n\n", "the class 'cell'"),
        ("scalar struct", "# ndims: 2\n 1 1\n# length: 1\n# name: y\n# type: scalar\n7\n\n", "the class 'struct'"),
        (
            "function handle",
            "@<anonymous>\n@() y\n# length: 1\n# name: y\n# type: scalar\n7\n\n",
            "the class 'function handle'",
        ),
        ("function handle", "# octaveroot: /usr\n# subtype: simple\nsin", "the class 'function handle'"),
        ("sparse matrix", "# nnz: 1\n# rows: 1\n# columns: 1\n1 1 7", "the class 'sparse'"),
        ("complex matrix", "# rows: 1\n# columns: 1\n (1,2)", "complex ones"),
        ("string", "# elements: 1\n# length: 1\na", "the class 'char'"),
    ],
)
def test_what_is_no_number_is_refused_only_if_it_is_asked_for(kind, body, told):
    text = HEAD + variable("x", kind, body) + variable("y", "scalar", "1")
    np.testing.assert_equal(read_variables(text, ["y"]), {"y": np.array([[1.0]])})
    assert list(load_mat(text)) == ["x", "y"]
    with pytest.raises(CheckpointError, match=f"x: expected .*numbers, got {told}"):
        read_variables(text, ["x", "y"])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("matrix", "# rows: 999999999999\n# columns: 999999999999\n 1"),
        ("matrix", "# rows: 0\n# columns: 9999999999999999999999"),
        ("matrix", "# ndims: 3\n 999999999 0 99999999999\n"),
        ("matrix", "# ndims: 900000000\n 2 2"),
        ("matrix", "# rows: 2\n# columns: 1\n 1"),
        ("matrix", "# rows: 1\n# columns: 1\n 1 2"),
        ("matrix", "# rows: -1\n# columns: 1\n 1"),
        ("matrix", "# columns: 1\n# rows: 1\n 1"),
        ("cell", "# rows: 99999999999\n# columns: 99999999"),
        ("range", "# base, limit, increment\n0 1 1e-300"),
        ("range", "# base, limit, increment\n0 NaN 1"),
        ("string", "# elements: 1\n# length: 9999999999\nab"),
        ("string", "# elements: 9999999999\n# length: 1\na"),
        ("scalar", "1_000"),
        ("scalar", "zwölf"),
        ("scalar", ""),
        ("bool", "300"),
        ("int8 scalar", "128"),
        ("int8 scalar", "1.5"),
    ],
)
def test_damage_is_a_checkpoint_error_at_once(kind, body):
    start = time.perf_counter()
    with pytest.raises(CheckpointError, match=r"expected .*, got .*"):
        read_one(kind, body)
    assert time.perf_counter() - start < 1


def test_a_number_that_was_cut_off_is_not_taken_for_a_shorter_one():
    with pytest.raises(CheckpointError, match="cut off"):
        load_mat(HEAD + b"# name: x\n# type: scalar\n3.14")


def test_a_deep_nest_is_refused_without_exhausting_the_stack():
    nest = b"# type: cell\n# rows: 1\n# columns: 1\n# name: <cell-element>\n" * 5000
    with pytest.raises(CheckpointError, match="nested at most 50 deep"):
        load_mat(HEAD + b"# name: x\n" + nest + b"# type: scalar\n1\n")


def test_a_name_that_occurs_twice_is_refused():
    with pytest.raises(CheckpointError, match="x: expected it once, got it twice"):
        load_mat(HEAD + variable("x", "scalar", "1") + variable("x", "scalar", "2"))


def test_a_file_is_named_in_the_errors_of_its_listing(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"something else")
    with pytest.raises(CheckpointError, match=r"a\.txt: expected a MATLAB or Octave file, got an unknown format"):
        list_variables(tmp_path / "a.txt")
    with pytest.raises(CheckpointError, match=r"b\.txt: expected a readable file, got 'No such file"):
        list_variables(tmp_path / "b.txt")


SAMPLE = (
    HEAD
    + variable("a", "float matrix", "# rows: 2\n# columns: 2\n 1.5 -2e-05\n NaN Inf")
    + variable("b", "cell", "# rows: 1\n# columns: 1\n# name: <cell-element>\n# type: scalar\n7\n\n")
    + variable("c", "string", "# elements: 1\n# length: 2\nab")
    + variable("d", "int8 matrix", "# ndims: 2\n 1 2\n 3\n 4")
    + variable("e", "range", "# base, limit, increment\n0 3 1")
)


@settings(max_examples=400, deadline=None)
@given(cut=st.integers(0, len(SAMPLE)), place=st.integers(0, len(SAMPLE) - 1), bit=st.integers(0, 7))
def test_damaged_text_is_read_or_refused(cut, place, bit):
    flipped = bytearray(SAMPLE)
    flipped[place] ^= 1 << bit
    for text in (SAMPLE[:cut], bytes(flipped)):
        values, refusal = {}, ""
        try:
            values = load_mat(text)
        except CheckpointError as error:
            refusal = str(error)
        assert "\n" not in refusal
        assert all(isinstance(value, np.ndarray | Skipped) for value in values.values())


@pytest.mark.octave
@NEEDS_OCTAVE
def test_random_bits_written_by_octave_come_back_exactly(tmp_path):
    octave(
        "rand('twister', 1); x = typecast(uint32(rand(4000, 1) * 2^32), 'double'); y = single(x); z = rand(3, 4, 2);"
        "i = intmin('int64'); s = \"tes\\nt\"; b = rand(3) > 0.5; r = -1:0.25:2; save all.txt x y z i s b r;"
        "save -v7 all.mat x y z i b; r = r + 0 .* r; r(1) += 0; save -v6 r.mat r",
        tmp_path,
    )
    found = load_mat(tmp_path / "all.txt")
    expected = scipy.io.loadmat(tmp_path / "all.mat", mat_dtype=True) | scipy.io.loadmat(tmp_path / "r.mat")
    for name in "xyzibr":
        np.testing.assert_array_equal(found[name], expected[name])
    assert (found["y"].dtype, found["s"].tolist()) == (np.float32, ["tes\nt"])


@pytest.mark.octave
@NEEDS_OCTAVE
def test_reading_a_million_numbers_takes_seconds(tmp_path):
    octave("x = single(randn(1e6, 1)); save x.txt x", tmp_path)
    start = time.perf_counter()
    assert load_mat(tmp_path / "x.txt")["x"].shape == (1_000_000, 1)
    assert time.perf_counter() - start < 10
