"""The strokes like CURVES are the recorded ones, whole sets and single pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.studies.data import curves
from hf_matlab_compat.studies.data.curves import TRAIN_SEED, drawn, pictures_of

RECORDED = Path(__file__).parents[2] / "goldens" / "data"
FIGURES = json.loads((RECORDED / "figures.json").read_text())["curves"]


def _entropy(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=0)


def test_the_first_pictures_are_the_recorded_ones_for_any_count() -> None:
    recorded, made = load_mat(RECORDED / "curves.mat"), curves(52, 3)
    assert np.allclose(made.train[:, :3], recorded["train_first3"].T, rtol=0, atol=1e-12)
    assert np.allclose(made.test, recorded["test_first3"].T, rtol=0, atol=1e-12)
    assert np.array_equal(curves(3, 1).train, made.train[:, :3])
    assert made.train[:, 0].sum() == pytest.approx(FIGURES["first_image_sum"], rel=1e-12)
    assert made.train[:, 0].max() == pytest.approx(FIGURES["first_image_max"], rel=1e-12)


def test_single_pictures_of_the_whole_set_have_the_recorded_ink() -> None:
    some = [int(k) for k in FIGURES["sample_rows"]]
    made = pictures_of(drawn(20_000, TRAIN_SEED)[some])
    assert made.sum(axis=0).tolist() == pytest.approx(list(FIGURES["sample_rows"].values()), rel=1e-12)


@pytest.mark.study
def test_all_pictures_have_the_recorded_figures() -> None:
    made = curves()
    mean = made.train.mean(axis=1, keepdims=True)
    assert np.allclose(mean, load_mat(RECORDED / "curves.mat")["mean_image"], rtol=0, atol=1e-12)
    of = {f"sample_rows.{k}": made.train[:, int(k)].sum() for k in FIGURES["sample_rows"]}
    of |= {"mean_pixel": made.train.mean(), "sum_all": made.train.sum(), "test_sum": made.test.sum()}
    of |= {"ink": made.train.sum(axis=0).mean(), "Hm": _entropy(mean)[0]}
    for part, pictures in (("train", made.train), ("test", made.test)):
        of[f"V_{part}"] = ((pictures - mean) ** 2).sum(axis=0).mean()
        of[f"Ht_{part}"] = _entropy(pictures).mean()
    vectors = np.linalg.eigh((made.train - mean) @ (made.train - mean).T)[1]
    for part, pictures in (("train", made.train), ("test", made.test)):
        for count in FIGURES[f"pca_{part}"]:
            codes = vectors[:, -int(count) :].T @ (pictures - mean)
            of[f"pca_{part}.{count}"] = of[f"V_{part}"] - (codes**2).sum(axis=0).mean()
    recorded = {}
    for name, value in FIGURES.items():
        recorded |= {f"{name}.{k}": each for k, each in value.items()} if isinstance(value, dict) else {name: value}
    recorded = {name: value for name, value in recorded.items() if not name.startswith("first_image")}
    assert of == pytest.approx(recorded, rel=1e-9)


def test_a_number_below_one_is_refused() -> None:
    with pytest.raises(OptionError, match="test: expected a whole number of at least 1, got 0"):
        curves(1, 0)
