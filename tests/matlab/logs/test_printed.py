"""Printed figures as intervals: every number that prints so is inside."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.matlab.logs.num2str import num2str
from hf_matlab_compat.matlab.logs.printed import Interval, half_unit


@given(st.floats(1e-20, 1e10))
def test_a_number_lies_in_the_interval_of_its_print(x: float) -> None:
    interval = Interval.of(float(num2str(x)))
    slack = 1e-9 * x
    assert interval.low - slack <= x <= interval.high + slack


@pytest.mark.parametrize(("x", "half"), [(13.3333, 5e-5), (0.66667, 5e-6), (2e-5, 5e-10), (30.0, 0), (math.inf, 0)])
def test_half_a_unit_is_that_of_the_last_printed_place(x: float, half: float) -> None:
    assert half_unit(x) == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize(("printed", "exact"), [(0.66667, 2 / 3), (1.5, 1.5), (0.95, 0.95), (0.33333, 1 / 3), (45, 45)])
def test_a_constant_that_prints_as_a_fraction_is_that_fraction(printed: float, exact: float) -> None:
    interval = Interval.of_constant(printed)
    assert interval.low == interval.high == pytest.approx(exact, rel=1e-12)


def test_a_constant_that_is_no_small_fraction_stays_an_interval() -> None:
    interval = Interval.of_constant(float(num2str(math.sqrt(0.5))))
    assert interval.low < math.sqrt(0.5) < interval.high
