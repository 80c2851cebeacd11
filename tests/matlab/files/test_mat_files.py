"""The one way into a user's .mat file: every class of every format, against scipy's reader and Octave's writer."""

from __future__ import annotations

import gzip
import io
import os
import signal
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat_formats import list_variables, load_mat, write_mat
from hf_matlab_compat.matlab.files.mat_values import MOST_VALUES, Skipped, full_array
from tests.octave import NEEDS_OCTAVE, octave


def cell(*entries: Any, shape: tuple[int, ...] = ()) -> Any:
    made = np.empty(len(entries), dtype=object)
    for place, entry in enumerate(entries):
        made[place] = entry
    return made.reshape(shape or (1, -1), order="F")


def values() -> dict[str, Any]:
    """A value of each class."""
    draw = np.random.default_rng(0)
    return {
        "double": draw.standard_normal((3, 2)),
        "single": draw.standard_normal((2, 2)).astype(np.float32),
        **{kind: np.array([[1, 100]], dtype=kind) for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32")},
        **{"int64": np.array([[-(2**62)]]), "uint64": np.array([[2**63 + 1]], dtype=np.uint64)},
        **{"logical": np.array([[True, False]]), "empty": np.zeros((0, 0)), "cube": np.arange(24.0).reshape(2, 3, 4)},
        **{"text": "line", "no_text": "", "rows": np.array(["ab ", "cde"]), "accent": "é∂𝛼"},
        "cells": cell("logistic", np.float64(2), cell("a", np.zeros((0, 0))), np.eye(2), shape=(2, 2)),
        "no_cells": np.empty((0, 0), dtype=object),
        "struct": {"a": 1.0, "b": "x", "c": {"deep": cell("y")}},
        "structs": np.array([[(1.0, "p"), (2.0, "q")]], dtype=[("n", object), ("t", object)]),
        "sparse": scipy.sparse.csc_matrix(np.array([[0, 1.5, 0], [2, 0, 0]])),
        "no_entries": scipy.sparse.csc_matrix((3, 2)),
    }


def assert_same(found: Any, expected: Any) -> None:
    if scipy.sparse.issparse(expected):
        assert type(found) is type(expected)
        found, expected = found.toarray(), expected.toarray()
    assert found.dtype.kind == expected.dtype.kind
    assert found.shape == expected.shape
    if expected.dtype.names:
        assert found.dtype.names == expected.dtype.names
        for name in expected.dtype.names:
            assert_same(found[name], expected[name])
    elif expected.dtype == object:
        for one, other in zip(found.ravel(), expected.ravel(), strict=True):
            assert_same(one, other)
    else:
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("compressed", [False, True])
def test_every_class_of_v5_comes_as_scipy_reads_it(tmp_path: Path, compressed: bool) -> None:
    scipy.io.savemat(tmp_path / "a.mat", values(), do_compression=compressed)
    expected = scipy.io.loadmat(tmp_path / "a.mat", mat_dtype=True)
    found = load_mat(tmp_path / "a.mat")
    assert list(found) == list(values())
    for name, value in found.items():
        assert_same(value, expected[name])


def test_v4_files_come_as_scipy_reads_them(tmp_path: Path) -> None:
    kept = {name: values()[name] for name in ("double", "text", "rows", "sparse")}
    scipy.io.savemat(tmp_path / "a.mat", kept, format="4")
    expected = scipy.io.loadmat(tmp_path / "a.mat", mat_dtype=True)
    for name, value in load_mat(tmp_path / "a.mat").items():
        assert_same(full_array(value), full_array(expected[name]))


@pytest.mark.parametrize("form", ["4", "5"])
def test_complex_numbers_stay_complex(tmp_path: Path, form: str) -> None:
    scipy.io.savemat(
        tmp_path / "a.mat", {"z": np.array([[1 + 2j, 3]]), "s": scipy.sparse.csc_matrix([[2j, 0]])}, format=form
    )
    found = load_mat(tmp_path / "a.mat")
    np.testing.assert_array_equal(found["z"], [[1 + 2j, 3]])
    np.testing.assert_array_equal(found["s"].toarray(), [[2j, 0]])


@pytest.mark.parametrize("form", ["v4", "v5", "v7", "v7.3", "npz"])
def test_the_listing_says_what_reading_gives(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.mat"
    if form == "v7.3":
        save_mat73_values(path)
    elif form == "npz":
        np.savez(path.with_suffix(".npz"), x=np.eye(2), text=np.array(["a"]), z=np.ones(3, complex))
        path = path.with_suffix(".npz")
    else:
        given = {**values(), "z": np.array([[1j, 2]])}
        fits_v4 = ("double", "text", "rows", "sparse", "z")
        given = {name: value for name, value in given.items() if form != "v4" or name in fits_v4}
        scipy.io.savemat(path, given, format="4" if form == "v4" else "5", do_compression=form == "v7")
    listing, found = list_variables(path), load_mat(path)
    assert [variable.name for variable in listing.variables] == list(found)
    for variable in listing.variables:
        value = found[variable.name]
        assert variable.is_numeric == (isinstance(value, np.ndarray) and value.dtype.kind in "fiub")
        assert not variable.is_numeric or variable.shape == value.shape
    np.testing.assert_equal(
        listing.numbers(), {each.name: found[each.name] for each in listing.variables if each.is_numeric}
    )
    assert {"v4": "MATLAB v4", "v5": "MATLAB v5 or v6", "v7": "MATLAB v7"}.get(form, listing.form) == listing.form


def test_only_the_variables_that_are_asked_for_are_read(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", values())
    assert list(load_mat(tmp_path / "a.mat", ["text", "nowhere", "cells"])) == ["text", "cells"]


def test_the_content_of_a_file_does_as_well_as_its_name(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"x": 5.0})
    assert load_mat((tmp_path / "a.mat").read_bytes()) == {"x": np.array([[5.0]])}


SCRIPT = """
number = pi; single_ = single([1 2.5]); ints = int8([1 -2]); wide = uint64(2)^60; flag = true; flags = true(2, 2);
z = [1+2i 3]; zs = single(1+2i); cube = ones(2, 2, 2); none = []; line = 'café'; rows = ['ab'; 'cd']; no_text = '';
cells = {1, 'a'; {2, 'in'}, []}; no_cells = {}; two_rows = {['ab'; 'cd'], 5, ['ef'; 'gh']};
s.deep.er = {1, 'q'}; structs = struct('x', {1, 2, 't'}, 'y', {[], 2, 3});
sp = sparse([1 0; 0 2.5]); spz = sparse([1i 0]); spb = sparse([1 0; 0 1] > 0); spn = sparse(3, 0); id = eye(3);
span = 0:4; blank = struct('k', {});
"""


@pytest.mark.octave
@NEEDS_OCTAVE
def test_what_octave_saves_is_the_same_packed_and_as_text(tmp_path: Path) -> None:
    octave(SCRIPT + "save -v7 v7.mat; save -text text.mat; save -text -zip zip.mat", tmp_path)
    packed, text, zipped = (load_mat(tmp_path / f"{name}.mat") for name in ("v7", "text", "zip"))
    assert set(packed) == set(text) == set(zipped)
    for name, value in text.items():
        assert_same(full_array(packed[name]), full_array(value))
        assert_same(full_array(zipped[name]), full_array(value))
    assert text["line"].tolist() == ["café"]
    assert text["two_rows"][0, 2].tolist() == ["ef", "gh"]
    assert text["s"]["deep"].item()["er"].item()[0, 1].tolist() == ["q"]
    assert [entry.tolist() for entry in text["structs"]["x"].ravel()] == [[[1.0]], [[2.0]], ["t"]]
    np.testing.assert_array_equal(text["spb"].toarray(), [[True, False], [False, True]])
    np.testing.assert_array_equal(text["id"], np.eye(3))
    np.testing.assert_array_equal(text["z"], [[1 + 2j, 3]])


def save_mat73_values(path: Path) -> None:
    """Cells, structs, text and a sparse matrix as MATLAB lays them out in HDF5."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        places = file.create_group("#refs#")

        def put(parent: Any, name: str, value: Any, kind: str) -> Any:
            node = parent.create_dataset(name, data=value, dtype=h5py.ref_dtype if kind in ("cell", "") else None)
            if kind:
                node.attrs["MATLAB_class"] = np.bytes_(kind)
            return node

        def text(parent: Any, name: str, value: str) -> Any:
            node = put(parent, name, np.array([[ord(letter)] for letter in value], dtype=np.uint16), "char")
            node.attrs["MATLAB_int_decode"] = 2
            return node

        one, two = text(places, "a", "logistic"), put(places, "b", np.arange(6.0).reshape(3, 2), "double")
        put(file, "cells", np.array([[one.ref], [two.ref]], dtype=h5py.ref_dtype), "cell")
        text(file, "text", "gn")
        put(file, "flag", np.array([[1]], dtype=np.uint8), "logical").attrs["MATLAB_int_decode"] = 1
        put(file, "none", np.array([0, 0], dtype=np.uint64), "double").attrs["MATLAB_empty"] = np.uint8(1)
        put(file, "no_text", np.array([0, 0], dtype=np.uint64), "char").attrs["MATLAB_empty"] = np.uint8(1)
        put(file, "z", np.array([[(1, 2)]], dtype=[("real", "f8"), ("imag", "f8")]), "double")
        holder = file.create_group("s")
        holder.attrs["MATLAB_class"] = np.bytes_("struct")
        put(holder, "n", np.array([[7.0]]), "double")
        text(holder, "t", "x")
        several = file.create_group("structs")
        several.attrs["MATLAB_class"] = np.bytes_("struct")
        put(several, "v", np.array([[two.ref], [one.ref]], dtype=h5py.ref_dtype), "")
        sparse = file.create_group("sp")
        sparse.attrs["MATLAB_class"], sparse.attrs["MATLAB_sparse"] = np.bytes_("double"), np.uint64(3)
        put(sparse, "data", np.array([4.0, 5.0]), "double")
        put(sparse, "ir", np.array([2, 0], dtype=np.uint64), "uint64")
        put(sparse, "jc", np.array([0, 1, 2], dtype=np.uint64), "uint64")
        handle = file.create_group("f")
        handle.attrs["MATLAB_class"] = np.bytes_("function_handle")
    content = bytearray(path.read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(content)


def test_every_class_of_v73_is_read(tmp_path: Path) -> None:
    save_mat73_values(tmp_path / "a.mat")
    found = load_mat(tmp_path / "a.mat")
    assert found["cells"].shape == (1, 2)
    assert found["cells"][0, 0].tolist() == ["logistic"]
    np.testing.assert_array_equal(found["cells"][0, 1], np.arange(6.0).reshape(3, 2).T)
    assert (found["text"].tolist(), found["no_text"].tolist()) == (["gn"], [])
    assert found["flag"].dtype == bool
    assert found["none"].shape == (0, 0)
    assert found["z"].tolist() == [[1 + 2j]]
    assert found["s"]["n"].item().tolist() == [[7.0]]
    assert found["s"]["t"].item().tolist() == ["x"]
    assert found["structs"]["v"][0, 1].tolist() == ["logistic"]
    np.testing.assert_array_equal(found["sp"].toarray(), [[0, 5], [0, 0], [4, 0]])
    assert found["f"] == Skipped("function_handle")


def test_what_is_not_stored_as_its_class_says_is_no_number(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("x", data=np.array([[b"abc"]])).attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("i", data=np.zeros((1, 1), [("real", "i1"), ("imag", "i1")])).attrs["MATLAB_class"] = (
            b"int8"
        )
    listing = list_variables(tmp_path / "a.mat")
    assert [variable.kind for variable in listing.variables] == ["int8 (complex)", "double stored as |S3"]
    assert listing.numbers() == {}
    with pytest.raises(CheckpointError, match="x: expected numbers, got"):
        load_mat(tmp_path / "a.mat", ["x"])


def test_a_listing_does_not_follow_links_to_other_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    for name in ("a.mat", "b.mat"):
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("x", data=np.eye(2))
            if name == "a.mat":
                file["y"] = h5py.ExternalLink("b.mat", "/x")
    with pytest.raises(CheckpointError, match="y: expected it in this file, got a link to elsewhere"):
        list_variables(tmp_path / "a.mat")
    assert list(load_mat(tmp_path / "a.mat", ["x"])) == ["x"]


def test_a_cell_of_v73_that_holds_itself_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w") as file:
        node = file.create_dataset("c", (1, 2), dtype=h5py.ref_dtype)
        node.attrs["MATLAB_class"] = np.bytes_("cell")
        node[0, 0] = node[0, 1] = node.ref
    with pytest.raises(CheckpointError, match="nested at most 50 deep"):
        load_mat(tmp_path / "a.mat")


def array5(kind: int, *parts: bytes, shape: tuple[int, ...] = (1, 1), flags: int = 0, name: bytes = b"") -> bytes:
    """An array of a v5 file, of parts that are elements."""
    head = element(6, struct.pack("<2I", kind | flags, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, head + element(1, name) + b"".join(parts))


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<2I", kind, len(data)) + data + bytes(-len(data) % 8)


def file5(*arrays: bytes, packed: bool = False) -> bytes:
    if packed:
        arrays = tuple(struct.pack("<2I", 15, len(data)) + data for data in map(zlib.compress, arrays))
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(arrays)


EMPTY = struct.pack("<2I", 14, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (array5(1, shape=(2**28, 1), name=b"c"), "c: expected 268435456 arrays, got 0 bytes"),
        (
            array5(2, element(5, b"\1\0\0\0"), element(1, b"a"), shape=(2**31 - 1, 9), name=b"s"),
            "s: .*(arrays|at most)",
        ),
        (array5(2, element(5, b"\0\0\0\0"), element(1, b""), name=b"s"), "s: expected names of fields"),
        (array5(2, element(5, b"\1\0\0\0"), element(1, b"aa"), EMPTY, EMPTY, name=b"s"), "s: .*different names"),
        (array5(4, element(4, b"a\0b\0"), shape=(3, 3), name=b"t"), "t: expected 9 characters, got 2"),
        (array5(4, element(4, b"a\0b"), name=b"t"), "t: expected characters in utf-16-le"),
        (array5(4, element(9, bytes(8)), name=b"t"), "t: expected characters, got numbers of type 9"),
        (array5(6, element(9, bytes(8)), shape=(2**31 - 1, 2**31 - 1), name=b"x"), "x: expected [0-9]+ numbers, got 8"),
        (array5(6, element(9, bytes(8)), shape=(-1, -1), name=b"x"), "x: expected sizes of 0 or more"),
        (array5(6, element(9, bytes(8)), flags=0x800, name=b"x"), "x: expected a whole element"),
        (
            array5(5, element(5, bytes(4)), element(5, bytes(8)), element(9, bytes(8)), shape=(1, 2), name=b"s"),
            "other col",
        ),
        (
            array5(5, element(5, b"\7\0\0\0"), element(5, b"\0\0\0\0\1\0\0\0"), element(9, bytes(8)), name=b"s"),
            "s: expected indices of a sparse matrix",
        ),
        (array5(1, array5(6, element(9, bytes(8))), shape=(1, 2), name=b"c"), "c: expected an array"),
        (array5(6, name=b"x"), "x: expected a whole element"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_array_that_claims_what_is_not_there_is_refused(content: bytes, sentence: str, packed: bool) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        load_mat(file5(content, packed=packed))


def test_a_deep_nest_is_refused() -> None:
    nest = array5(6, element(9, bytes(8)))
    for _ in range(60):
        nest = array5(1, nest)
    with pytest.raises(CheckpointError, match="nested at most 50 deep"):
        load_mat(file5(array5(1, nest, name=b"c")))


def test_a_small_file_of_endless_empty_cells_is_refused() -> None:
    cells = EMPTY * (MOST_VALUES + 1)
    content = file5(array5(1, cells, shape=(len(cells) // 8, 1), name=b"c"), packed=True)
    assert len(content) < 10_000
    with pytest.raises(CheckpointError, match=f"at most {MOST_VALUES} variables, cells and fields"):
        load_mat(content)


def test_what_is_no_value_is_passed_over() -> None:
    found = load_mat(file5(array5(16, array5(6), name=b"f"), array5(6, element(9, bytes(8)), name=b"x")))
    assert found == {"f": Skipped("function_handle"), "x": np.zeros((1, 1))}


OCTAVE = b"# Created by Octave 7.3.0\n# name: x\n# type: "


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"sparse matrix\n# nnz: 1\n# rows: 2\n# columns: 2\n3 1 1\n", "x: expected indices"),
        (b"sparse matrix\n# nnz: 1\n# rows: 2\n# columns: 2\nNaN 1 1\n", "x: expected a sparse matrix"),
        (b"sparse matrix\n# nnz: 9\n# rows: 2\n# columns: 2\n1 1 1\n", "x: expected 27 numbers"),
        (b"cell\n# rows: 100000000\n# columns: 100000000\n", "x: expected 10000000000000000 nested values"),
        (b"string\n# elements: 2\n# length: 3\nabc\n# length: 0\n\n", "x: expected rows of 3 characters"),
        (
            b"struct\n# ndims: 2\n 1 3\n# length: 1\n# name: a\n# type: cell\n# rows: 1\n# columns: 0\n",
            "x: expected 3 val",
        ),
        (b"complex matrix\n# rows: 1\n# columns: 2\n (1.5,2.5)\n", "x: expected 4 whole lines"),
        (b"diagonal matrix\n# rows: 3\n# columns: 3\n1\n2\n", "x: expected 3"),
    ],
)
def test_a_text_that_claims_what_is_not_there_is_refused(text: bytes, sentence: str) -> None:
    for content in (OCTAVE + text, gzip.compress(OCTAVE + text)):
        with pytest.raises(CheckpointError, match=sentence):
            load_mat(content)


@pytest.mark.parametrize("form", ["text", "4", "5"])
def test_a_sparse_matrix_that_memory_would_not_hold_stays_sparse(form: str) -> None:
    if form == "text":
        content = OCTAVE + b"sparse matrix\n# nnz: 1\n# rows: 2000000000\n# columns: 50\n1 1 1\n"
    else:
        stream = io.BytesIO()
        scipy.io.savemat(
            stream, {"x": scipy.sparse.csc_matrix(([1.0], ([0], [0])), shape=(2 * 10**9, 50))}, format=form
        )
        content = stream.getvalue()
    found = load_mat(content)["x"]
    assert found.shape == (2 * 10**9, 50)
    with pytest.raises(CheckpointError, match="fits memory when full, got 2000000000 by 50 with 1 entries"):
        full_array(found)


def test_a_name_full_of_line_ends_is_told_in_one_line() -> None:
    with pytest.raises(CheckpointError, match=r"^a\?b: expected a whole element"):
        load_mat(file5(array5(6, name=b"a\nb")))


def test_a_text_of_endless_comments_is_refused() -> None:
    with pytest.raises(CheckpointError, match=f"at most {MOST_VALUES} variables"):
        load_mat(OCTAVE + b"function handle\n" + b"# length: 0\n" * (MOST_VALUES + 1))


class SlowFile(io.BytesIO):
    """A file that is written while another thread tries to write one of its own."""

    def __init__(self, other: threading.Thread) -> None:
        super().__init__()
        self._other = other

    def write(self, content: Any, /) -> int:
        if not self._other.ident:
            self._other.start()
            self._other.join(0.1)
        return super().write(content)


def test_two_threads_write_one_after_the_other() -> None:
    content = {"request": {"cells": cell(*(np.ones((k, 3)) for k in range(9))), "route": "x"}}
    theirs = io.BytesIO()
    other = threading.Thread(target=write_mat, args=(theirs, {"a": np.eye(40)}))
    ours = SlowFile(other)
    write_mat(ours, content)
    before = theirs.getvalue()
    other.join()
    assert before == b""
    assert load_mat(theirs.getvalue())["a"].shape == (40, 40)
    assert list(load_mat(ours.getvalue())["request"].dtype.names) == ["cells", "route"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_forked_while_a_thread_writes_can_write(tmp_path: Path) -> None:
    def fork() -> None:
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            write_mat(tmp_path / "child.mat", {"a": 1.0})
            os._exit(0)
        children.append(child)

    children: list[int] = []
    write_mat(SlowFile(threading.Thread(target=fork)), {"a": 1.0})
    assert os.waitpid(children[0], 0)[1] == 0
    assert load_mat(tmp_path / "child.mat")["a"] == 1.0
