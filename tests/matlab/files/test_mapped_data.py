"""Data that stays in its file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import DataError
from hf_matlab_compat.matlab.files import mapped_data
from hf_matlab_compat.matlab.files.mapped_data import map_matrix

DATA = np.random.default_rng(0).random((5, 40)).astype(np.float32)


def write_mat73(path: Path, compressed: bool, **variables: Any) -> Path:
    """As MATLAB lays variables out in v7.3: transposed."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, value in variables.items():
            file.create_dataset(name, data=value.T, **({"compression": "gzip", "chunks": (5, 4)} if compressed else {}))
        file.create_group("#refs#")
    return path


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files_are_mapped(tmp_path: Path, order: str) -> None:
    np.save(tmp_path / "x.npy", np.asarray(DATA, order=order))
    mapped = map_matrix(tmp_path / "x.npy")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, DATA)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0] = 1


@pytest.mark.parametrize("name", ["x", ""])
def test_an_uncompressed_variable_is_mapped_where_it_lies(tmp_path: Path, name: str) -> None:
    mapped = map_matrix(write_mat73(tmp_path / "a.mat", False, x=DATA), name)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, DATA)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mat"]


def test_a_compressed_variable_is_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_data, "_BYTES_AT_A_TIME", 4 * 5 * 3)  # three cases at a time
    file = write_mat73(tmp_path / "a.mat", True, x=DATA, y=DATA + 1)
    mapped = map_matrix(file, "x")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, DATA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mat", "a.mat.x.npy"]
    made = (tmp_path / "a.mat.x.npy").stat().st_mtime_ns
    map_matrix(file, "x")
    assert (tmp_path / "a.mat.x.npy").stat().st_mtime_ns == made
    write_mat73(file, True, x=DATA * 2)
    os.utime(tmp_path / "a.mat.x.npy", (1, 1))
    np.testing.assert_array_equal(map_matrix(file), DATA * 2)


def test_the_copy_goes_where_it_is_told(tmp_path: Path) -> None:
    file = write_mat73(tmp_path / "a.mat", True, x=DATA)
    np.testing.assert_array_equal(map_matrix(file, copy=tmp_path / "there.npy"), DATA)
    assert (tmp_path / "there.npy").exists()


def test_training_on_mapped_data_is_training_on_the_data(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", DATA.T.astype(np.float64))
    mapped = map_matrix(tmp_path / "x.npy").T
    run = {"hidden_sizes": [3], "unit_types": ["logistic"] * 2, "num_chunks": 4, "max_epochs": 3, "seed": 0}
    ours, theirs = train(inputs=mapped, targets=mapped, **run), train(inputs=DATA, targets=DATA, **run)
    np.testing.assert_array_equal(ours.theta, theirs.theta)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("ending", ["npy", "mat", "h5"])
def test_cases_in_rows_or_columns_of_any_file_come_in_columns(
    ending: str, rows: bool, compressed: bool, tmp_path: Path
) -> None:
    """A file of MATLAB holds MATLAB's rows as HDF5's columns; h5py's own files do not."""
    stored = DATA.T if rows else DATA
    file = tmp_path / f"a.{ending}"
    if ending == "npy":
        np.save(file, stored)
    else:
        write_mat73(file, compressed, x=stored if ending == "mat" else stored.T)
    np.testing.assert_array_equal(map_matrix(file, rows=rows), DATA)


def test_data_sets_in_groups_have_names_with_slashes(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/images"] = DATA
        file.create_dataset("test/images", data=DATA * 2, compression="gzip")
        file["train/ring"] = file["train"]
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    np.testing.assert_array_equal(map_matrix(tmp_path / "a.h5", "train/images"), DATA)
    np.testing.assert_array_equal(map_matrix(tmp_path / "a.h5", "/test/images"), DATA * 2)
    assert (tmp_path / "a.h5.test.images.npy").exists()
    with pytest.raises(DataError, match="name: expected one of test/images, train/images"):
        map_matrix(tmp_path / "a.h5")
    with pytest.raises(DataError, match=r"name: expected one of test/images, .*, got 'elsewhere'"):
        map_matrix(tmp_path / "a.h5", "elsewhere")


def broken(tmp_path: Path) -> dict[str, tuple[Path, str, str]]:
    """File, name of the variable, and the sentence that refuses it."""
    np.save(tmp_path / "3d.npy", np.zeros((2, 2, 2)))
    np.save(tmp_path / "text.npy", np.array([["a"]]))
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (tmp_path / "not.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    two = write_mat73(tmp_path / "two.mat", False, x=DATA, y=DATA)
    return {
        "missing": (tmp_path / "no.npy", "", "not a file"),
        "three dimensions": (tmp_path / "3d.npy", "", r"shape \(2, 2, 2\)"),
        "text": (tmp_path / "text.npy", "", "type <U1"),
        "objects": (tmp_path / "objects.npy", "", "expected a .npy file of numbers"),
        "truncated": (tmp_path / "short.npy", "", "expected a .npy file of numbers"),
        "not v7.3": (tmp_path / "not.mat", "", "version 7.3"),
        "which variable": (two, "", "name: expected one of x, y, got ''"),
        "no such variable": (two, "z", "name: expected one of x, y, got 'z'"),
    }


@pytest.mark.parametrize(
    "case",
    [
        "missing",
        "three dimensions",
        "text",
        "objects",
        "truncated",
        "not v7.3",
        "which variable",
        "no such variable",
    ],
)
def test_what_cannot_be_mapped_is_refused(case: str, tmp_path: Path) -> None:
    file, name, sentence = broken(tmp_path)[case]
    with pytest.raises(DataError, match=sentence):
        map_matrix(file, name)


def test_an_older_file_in_the_place_of_a_newer_one_is_copied_again(tmp_path: Path) -> None:
    old, new = write_mat73(tmp_path / "old.mat", True, x=DATA), write_mat73(tmp_path / "a.mat", True, x=DATA * 2)
    os.utime(old, (1_000_000, 1_000_000))
    np.testing.assert_array_equal(map_matrix(new), DATA * 2)
    shutil.copy2(old, new)  # which keeps the time
    np.testing.assert_array_equal(map_matrix(new), DATA)
    os.replace(write_mat73(old, True, x=DATA * 3), new)
    os.utime(new, (1_000_000, 1_000_000))
    np.testing.assert_array_equal(map_matrix(new), DATA * 3)


def test_two_variables_do_not_share_a_copy(tmp_path: Path) -> None:
    file = write_mat73(tmp_path / "a.mat", True, x=DATA, y=DATA + 1)
    np.testing.assert_array_equal(map_matrix(file, "x", copy=tmp_path / "c.npy"), DATA)
    np.testing.assert_array_equal(map_matrix(file, "y", copy=tmp_path / "c.npy"), DATA + 1)


def test_a_copy_does_not_replace_a_file_that_is_no_copy(tmp_path: Path) -> None:
    file = write_mat73(tmp_path / "a.mat", True, x=DATA)
    np.save(tmp_path / "mine.npy", DATA)
    before = (tmp_path / "mine.npy").read_bytes()
    with pytest.raises(DataError, match="copy: expected no file, or an earlier copy"):
        map_matrix(file, copy=tmp_path / "mine.npy")
    assert (tmp_path / "mine.npy").read_bytes() == before


def test_several_processes_map_one_compressed_file(tmp_path: Path) -> None:
    file = write_mat73(tmp_path / "a.mat", True, x=np.tile(DATA, 500))
    script = (
        "import sys; from hf_matlab_compat.matlab.files.mapped_data import map_matrix; sys.stdin.read(1); "
        "print(repr(float(map_matrix(sys.argv[1]).sum(dtype=float))))"
    )
    command = [sys.executable, "-c", script, str(file)]
    several = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in several:  # each of them has started, and waits
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in several]
    assert [process.returncode for process in several] == [0, 0, 0]
    assert said == [repr(float(np.tile(DATA, 500).sum(dtype=float)))] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mat", "a.mat.x.npy"]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    file = write_mat73(tmp_path / "a.mat", True, x=np.tile(DATA, 500))
    script = (
        "import resource, signal, sys; from hf_matlab_compat.matlab.files.mapped_data import map_matrix; "
        "from hf_matlab_compat.errors import DataError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: map_matrix(sys.argv[1])\n"
        "except DataError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("copy: expected a file that can be written, got")
    assert "File too large" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["a.mat"]


def test_what_a_killed_copy_left_is_removed(tmp_path: Path) -> None:
    file = write_mat73(tmp_path / "a.mat", True, x=DATA)
    for name, age in (("old", 7200), ("young", 10)):
        (tmp_path / f"a.mat.x.npy.{name}.partial").write_bytes(b"x")
        os.utime(tmp_path / f"a.mat.x.npy.{name}.partial", (time.time() - age,) * 2)
    map_matrix(file)
    assert sorted(path.name for path in tmp_path.glob("*.partial")) == ["a.mat.x.npy.young.partial"]


def test_the_head_that_matlab_puts_before_hdf5_is_counted(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["x"] = DATA.T
    np.testing.assert_array_equal(map_matrix(tmp_path / "a.mat"), DATA)


@pytest.mark.parametrize("damage", ["cut", "linked", "flipped"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    h5py = pytest.importorskip("h5py")
    file = write_mat73(tmp_path / "a.mat", False, x=DATA)
    if damage == "linked":
        with h5py.File(file, "r+") as content:
            del content["x"]
            content["x"] = h5py.ExternalLink("other.mat", "/x")
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[40:200] = bytes(160)
    file.write_bytes(content[: len(content) // 3 if damage == "cut" else None])
    with pytest.raises(DataError, match=r"(path|name): expected .*, got"):
        map_matrix(file)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(DataError, match="not a file"):
        map_matrix(tmp_path / "x.npy")
