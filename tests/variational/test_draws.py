"""Draws are normal, keyed, and have the moments that they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from hf_matlab_compat.variational.draws import Draws, normals


def test_they_are_independent_standard_normal_numbers() -> None:
    made = normals((0, 1), 0, 4000, 3)
    for column in made.T:
        assert kstest(column, "norm").pvalue > 0.01
    np.testing.assert_allclose(np.corrcoef(made.T), np.eye(3), atol=0.05)
    squares = np.corrcoef((made**2).T)  # Box and Muller's two numbers share a radius
    np.testing.assert_allclose(squares, np.eye(3), atol=0.05)


def test_an_odd_count_is_the_beginning_of_an_even_one() -> None:
    np.testing.assert_array_equal(normals((4, 2), 7, 3, 3).ravel(), normals((4, 2), 7, 5, 2).ravel()[:9])


@pytest.mark.parametrize(("first", "second"), [((0, 1, 0), (1, 1, 0)), ((0, 1, 0), (0, 2, 0)), ((0, 1, 0), (0, 1, 1))])
def test_seed_purpose_and_epoch_key_them(first, second) -> None:
    one, other = (normals(key[:2], key[2], 50, 2) for key in (first, second))
    np.testing.assert_array_equal(one, normals(first[:2], first[2], 50, 2))
    assert np.abs(one - other).min() > 0


def test_antithetic_draws_have_mean_zero_and_the_half_is_drawn() -> None:
    made = Draws(10, 3).of(0)
    assert made.shape == (10, 3)
    np.testing.assert_array_equal(made[:5], -made[5:])
    np.testing.assert_array_equal(made[:5], Draws(5, 3, antithetic=False).of(0))


def test_matched_draws_have_the_covariance_of_the_normal_distribution() -> None:
    made = Draws(8, 4, matched=True).of(0)
    np.testing.assert_allclose(made.T @ made / 8, np.eye(4), atol=1e-14)
    np.testing.assert_array_equal(made[:4], -made[4:])


def test_fixed_draws_are_the_same_always_and_fresh_ones_in_an_epoch_and_update() -> None:
    fixed, fresh = Draws(4, 2), Draws(4, 2, fresh=True)
    np.testing.assert_array_equal(fixed.of(1, 0), fixed.of(9, 3))
    np.testing.assert_array_equal(fresh.of(2, 1), fresh.of(2, 1))
    all_of_them = [fresh.of(epoch, update).tobytes() for epoch in range(4) for update in range(4)]
    assert len(set(all_of_them)) == 16
