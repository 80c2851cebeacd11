"""PCA against numpy's eigenvectors."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.demo.pca import PCA, squared_error

X = np.random.default_rng(0).normal(size=(7, 200)) * np.arange(1, 8)[:, None] + 3


def test_the_error_is_the_sum_of_the_variances_left_out() -> None:
    pca = PCA.of(X, 4)
    variances = np.linalg.eigvalsh(np.cov(X, bias=True))
    assert squared_error(pca.reconstruct(X), X) == pytest.approx(variances[:3].sum())


def test_with_all_components_nothing_is_lost() -> None:
    np.testing.assert_allclose(PCA.of(X, 7).reconstruct(X), X)


def test_squared_error_is_summed_over_pixels_and_averaged_over_pictures() -> None:
    assert squared_error(np.zeros((2, 3)), np.array([[1.0, 0, 0], [2.0, 0, 1]])) == pytest.approx(2)
