"""Vectors in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.backends import pieces as module
from hf_matlab_compat.backends.pieces import inner, pieces
from tests.backends.strict_namespace import StrictArray


@pytest.mark.parametrize(("length", "sizes"), [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (12, [4, 4, 4])])
def test_pieces_cover_a_vector_in_order(length: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 4)
    vector = np.arange(length)
    parts = [vector[piece] for piece in pieces(vector)]
    assert [len(part) for part in parts] == sizes
    assert np.concatenate([vector[:0], *parts]).tolist() == vector.tolist()


def test_a_vector_of_a_device_is_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 4)
    assert pieces(StrictArray(np.zeros(11))) == [slice(0, 11)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inner_products_stay_in_working_precision(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 4)
    a, b = np.random.default_rng(0).standard_normal((2, 11)).astype(dtype)
    assert inner(a, b).dtype == dtype
    assert inner(a, b) == pytest.approx(float(a.astype(float) @ b), rel=1e-6)
