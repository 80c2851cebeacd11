"""How far apart two values are."""

from __future__ import annotations

import math

import pytest

from hf_matlab_compat.parity.recording import distance


def test_the_distance_is_relative_and_unequal_shapes_are_infinitely_apart() -> None:
    assert distance([3.0, 4.0], [3.0, 5.0]) == pytest.approx(1 / math.sqrt(34))
    assert distance([1.0], [1.0, 2.0]) == math.inf


def test_equal_infinities_are_no_distance_apart_and_what_has_no_ratio_is_infinitely_far() -> None:
    assert distance(-math.inf, -math.inf) == 0
    assert distance(math.nan, math.nan) == 0
    assert distance(1.0, 0.0) == math.inf
    assert distance(math.nan, 1.0) == math.inf
