"""A user's copy of a published file is read by the names of its variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import DataError
from hf_matlab_compat.matlab.files.mat_formats import write_mat
from hf_matlab_compat.studies.data import published

RANDOM = np.random.default_rng(0)


def _file(folder: Path, **variables: Any) -> Path:
    write_mat(folder / "copy.mat", variables)
    return folder / "copy.mat"


def test_curves_have_cases_in_rows(tmp_path: Path) -> None:
    train, test = RANDOM.random((6, 784)), RANDOM.random((4, 784))
    made = published(_file(tmp_path, bdata=train, bdatatest=test, other=np.ones(3)))
    assert np.array_equal(made.train, train.T)
    assert np.array_equal(made.test, test.T)
    assert made.train_labels is None


def test_mnist_is_divided_by_255_and_has_labels(tmp_path: Path) -> None:
    parts = {f"train{d}": RANDOM.integers(0, 256, (d + 1, 784), dtype=np.uint8) for d in range(10)}
    parts |= {f"test{d}": RANDOM.integers(0, 256, (1, 784), dtype=np.uint8) for d in range(10)}
    made = published(_file(tmp_path, **parts))
    assert made.train.shape == (784, 55)
    assert made.train.dtype == np.float32
    assert np.array_equal(made.train_labels, np.repeat(range(10), range(1, 11)))
    assert np.array_equal(made.test[:, 7], (parts["test7"][0] / 255).astype(np.float32))
    parts["test3"] = parts["test3"][:, :700]
    with pytest.raises(DataError, match=r"test3: expected 784 columns, a picture in each row, got shape \(1, 700\)"):
        published(_file(tmp_path, **parts))


def test_faces_are_split_as_in_the_published_experiments(tmp_path: Path) -> None:
    pictures = RANDOM.normal(size=(625, 80)).astype(np.float32)
    made = published(_file(tmp_path, newfaces_single=pictures))
    assert np.array_equal(made.train, pictures[:, :50])
    assert np.array_equal(made.test, pictures[:, 60:])
    with pytest.raises(DataError, match="newfaces_single: expected 625 rows and at least 40 columns"):
        published(_file(tmp_path, newfaces_single=pictures[:, :39]))


def test_two_variables_of_the_user(tmp_path: Path) -> None:
    file = _file(tmp_path, a=np.ones((5, 7)), b=np.ones((3, 7)), c=np.ones((5, 2)))
    assert published(file, "a", "c").test.shape == (5, 2)
    assert published(file, "a", "b", cases_in="rows").train.shape == (7, 5)
    for given, message in (
        ({}, r"path: expected variables bdata and bdatatest \(CURVES\), .* got the variables a, b, c"),
        ({"variable": "a"}, "test_variable: expected one of a, b, c, got None"),
        ({"variable": "d", "test_variable": "a"}, "variable: expected one of a, b, c, got 'd'"),
        ({"variable": "a", "test_variable": "b"}, "test_variable: expected 5 numbers a case, as in a, got 3"),
        ({"variable": "a", "test_variable": "c", "cases_in": "pages"}, "cases_in: expected 'rows' or 'columns'"),
    ):
        with pytest.raises(DataError, match=message):
            published(file, **given)


def test_what_is_no_data_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copy.mat").write_bytes(b"what is this")
    with pytest.raises(DataError, match=r"path: expected a data file, got '.*copy.mat'"):
        published(tmp_path / "copy.mat")
    with pytest.raises(DataError, match="path: expected a data file"):
        published(tmp_path / "absent.mat")
    with pytest.raises(DataError, match="a: expected a matrix of real numbers"):
        published(_file(tmp_path, a="text", b=np.ones((1, 1))), "a", "b")
