"""Data that stays in its file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import DataError
from hf_matlab_compat.matlab import mapped_data
from hf_matlab_compat.matlab.mapped_data import map_matrix

DATA = np.random.default_rng(0).random((5, 40)).astype(np.float32)


def write_mat73(path: Path, compressed: bool, **variables: Any) -> Path:
    """As MATLAB lays variables out in v7.3: transposed."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, value in variables.items():
            file.create_dataset(name, data=value.T, **({"compression": "gzip", "chunks": (7, 5)} if compressed else {}))
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
