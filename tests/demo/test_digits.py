"""The pictures of the demo."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.demo import digits as digits_module
from hf_matlab_compat.demo.digits import load_digits, shuffled_digits
from hf_matlab_compat.errors import DataError


def test_there_are_1797_digits_from_white_to_black() -> None:
    digits = load_digits()
    assert digits.images.shape == (64, 1797)
    assert digits.images.dtype == np.float32
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_first_digit_is_a_zero_with_a_hole() -> None:
    first = load_digits()[:1]
    assert first.labels[0] == 0
    picture = first.images.reshape(8, 8)
    assert picture[3:5, 3:5].max() < 0.1 < picture[3:5, 2].min()


def test_training_and_held_out_digits_have_none_in_common() -> None:
    training, held_out = shuffled_digits(train=1440, test=357)
    assert training.images.shape[1] + held_out.images.shape[1] == load_digits().images.shape[1]
    together = np.hstack([training.images, held_out.images])
    assert np.array_equal(np.sort(together.sum(axis=0)), np.sort(load_digits().images.sum(axis=0)))


def test_another_seed_draws_others() -> None:
    assert not np.array_equal(shuffled_digits(9, 1, seed=0)[0].labels, shuffled_digits(9, 1, seed=1)[0].labels)


def test_one_hot_targets_have_a_one_in_the_row_of_the_label() -> None:
    digits = load_digits()
    assert np.array_equal(digits.one_hot().argmax(axis=0), digits.labels)
    assert np.array_equal(digits.one_hot().sum(axis=0), np.ones(1797))


def test_missing_pictures_are_told(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(digits_module, "_PLACES", (tmp_path / "digits.mat",))
    with pytest.raises(DataError, match="no such file"):
        load_digits()
