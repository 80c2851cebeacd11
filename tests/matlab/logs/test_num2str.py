"""num2str against recorded and live Octave text, and printed figures as intervals that hold what prints so."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.num2str import Interval, half_unit, num2str
from tests.octave import octave


def live_octave(tmp_path: Path, rows: np.ndarray) -> list[str]:
    rows.tofile(tmp_path / "rows.bin")
    shape, kind = f"[{rows.shape[1]}, Inf]", "single" if rows.dtype == np.float32 else "double"
    read = f"f = fopen('rows.bin'); x = fread(f, {shape}, '{kind}=>{kind}'); fclose(f);"
    write = "f = fopen('rows.txt', 'w'); for i = 1:columns(x), fprintf(f, '%s\\n', num2str(x(:, i)')); end; fclose(f);"
    octave(read + write, tmp_path)
    return (tmp_path / "rows.txt").read_text().split("\n")[:-1]


def spread(rng: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
    return rng.choice([-1, 1], count) * 10 ** rng.uniform(low, high, count)


def near_powers_of_ten() -> np.ndarray:
    nines = [float(f"{'9' * whole}.{'9' * fraction}") for whole in range(1, 16) for fraction in range(1, 16)]
    powers = np.array([float(f"1e{k}") for k in range(-300, 301)])
    return np.concatenate([nines, powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf), powers - 0.5])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "-0"),
        (250, "250"),
        (-7, "-7"),
        (10**10, "10000000000"),
        (1e15, "1000000000000000"),
        (1e16, "1e+16"),
        (123456789012345678, "1.234567890123457e+17"),
        (True, "1"),
        (np.inf, "Inf"),
        (-np.inf, "-Inf"),
        (np.nan, "NaN"),
    ],
)
def test_whole_and_non_finite_numbers_print_as_in_octave(value: float, text: str) -> None:
    assert num2str(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (2 / 3, "0.66667"),
        (-385.14321, "-385.1432"),
        (107.22401, "107.224"),
        (9.99999, "10"),
        (9.9999, "9.9999"),
        (99999.5, "99999.5"),
        (1e5 + 1 / 3, "100000.3333"),
        (1e15 + 0.5, "1000000000000000"),
        (0.000012345678, "1.2346e-05"),
        (5e-324, "4.9407e-324"),
        (float(np.float32(0.1)), "0.1"),
        (np.float32(1234.56789), "1234.5679"),
        (np.float32(99.99999), "99.99999"),
    ],
)
def test_fractions_print_with_the_digits_octave_gives_them(value: float, text: str) -> None:
    assert num2str(value) == text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([64, 20, 5, 20, 64], "64  20   5  20  64"),
        ([10, 100], "10  100"),
        ([0, 0, 0], "0  0  0"),
        ([1707, -273], "1707  -273"),
        ([-2574, 7631, -8760], "-2574  7631 -8760"),
        ([[-5, 3]], "-5  3"),
        ([1e16, 1], "1e+16                      1"),
        ([7], "7"),
        ([], ""),
    ],
)
def test_rows_of_integers_stand_in_equal_fields(row: list[float], text: str) -> None:
    assert num2str(row) == text


@pytest.mark.parametrize("value", [[1.5, 2], [1, np.inf], [1, np.nan], [[1], [2]], np.zeros((2, 2)), "7", 1j])
def test_what_the_log_never_prints_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match="value: expected a real number or a row of finite integers, got"):
        num2str(value)  # pyright: ignore[reportArgumentType]


@pytest.mark.octave
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_thousands_of_numbers_of_every_size_print_as_in_live_octave(tmp_path: Path, dtype: type) -> None:
    rng = np.random.default_rng(0)
    largest = 300 if dtype is np.float64 else 37
    values = np.concatenate([spread(rng, 2000, -largest, largest), spread(rng, 4000, -9, 18)])
    values = np.concatenate([values, np.round(spread(rng, 1000, 0, 25)), [0.0, -0.0, np.inf, -np.inf, np.nan]])
    values = values.astype(dtype)
    assert [num2str(x) for x in values] == live_octave(tmp_path, values[:, None])


@pytest.mark.octave
def test_numbers_next_to_powers_of_ten_print_as_in_live_octave(tmp_path: Path) -> None:
    values = near_powers_of_ten()
    assert [num2str(x) for x in values] == live_octave(tmp_path, values[:, None])


@pytest.mark.octave
@pytest.mark.parametrize("largest", [1e2, 1e6, 1e15, 1e19])
def test_rows_of_integers_print_as_in_live_octave(tmp_path: Path, largest: float) -> None:
    rng = np.random.default_rng(1)
    scale = largest ** rng.uniform(0, 1, (600, 1))
    rows = np.round(rng.uniform(rng.choice([-1, 0], (600, 1)) * scale, scale, (600, 5)))
    assert [num2str(row) for row in rows] == live_octave(tmp_path, rows)


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
