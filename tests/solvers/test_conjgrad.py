"""Conjugate gradients: the solution, when it stops and what it records."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hf_matlab_compat.solvers.conjgrad import CGStop, ConjugateGradients, conjgrad, progress_is_small

Vector = NDArray[Any]
NEVER = {"cg_tolerance": 0.0}
"""With a tolerance of 0 CG goes on as long as φ falls at all."""


def system(size: int = 30, seed: int = 0, condition: float = 100.0) -> tuple[Vector, Vector, Vector]:
    """A, b and x0, with A symmetric positive definite."""
    random = np.random.default_rng(seed)
    Q = np.linalg.qr(random.standard_normal((size, size)))[0]
    A = Q @ np.diag(np.geomspace(1, condition, size)) @ Q.T
    return (A + A.T) / 2, random.standard_normal(size), random.standard_normal(size)


def times(A: Vector) -> Callable[[Vector], Vector]:
    return lambda v: A @ v


@given(st.integers(1, 25), st.integers(0, 50), st.booleans())
def test_conjgrad_solves_a_system_in_as_many_steps_as_unknowns(size: int, seed: int, preconditioned: bool) -> None:
    A, b, x0 = system(size, seed)
    M = np.diag(A).copy() if preconditioned else None
    path = conjgrad(times(A), b, x0, M, ConjugateGradients(max_cg_steps=2 * size + 1, cg_tolerance=0.0, min_cg_steps=0))
    np.testing.assert_allclose(path.iterates[-1], np.linalg.solve(A, b), atol=1e-8)


def krylov_minimiser(A: Vector, b: Vector, x0: Vector, M: Vector, i: int) -> Vector:
    """The minimum of φ over x0 + span{M⁻¹r, (M⁻¹A) M⁻¹r, …}: what the i-th iterate is by definition."""
    v, basis = (b - A @ x0) / M, []
    for _ in range(i):
        basis.append(v / np.linalg.norm(v))
        v = A @ basis[-1] / M
    K = np.linalg.qr(np.array(basis).T)[0]
    return x0 + K @ np.linalg.solve(K.T @ A @ K, K.T @ (b - A @ x0))


def test_every_recorded_iterate_minimises_the_model_on_its_krylov_space() -> None:
    A, b, x0 = system(12, condition=5.0)
    M = np.linspace(1, 2, 12)
    path = conjgrad(times(A), b, x0, M, ConjugateGradients(max_cg_steps=10, **NEVER))
    assert path.steps == [5, 7, 9, 10]
    for step, x in zip(path.steps, path.iterates, strict=True):
        np.testing.assert_allclose(x, krylov_minimiser(A, b, x0, M, step), atol=1e-9)


def test_conjgrad_leaves_its_arguments_alone_and_records_copies() -> None:
    A, b, x0 = system()
    M = np.ones_like(b)
    before = [A.copy(), b.copy(), x0.copy(), M.copy()]
    path = conjgrad(times(A), b, x0, M, ConjugateGradients(max_cg_steps=20, **NEVER))
    for was, now in zip(before, (A, b, x0, M), strict=True):
        np.testing.assert_array_equal(was, now)
    assert len({x.tobytes() for x in path.iterates}) == len(set(path.steps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conjgrad_stays_in_the_precision_it_was_given(dtype: type) -> None:
    A, b, x0 = (a.astype(dtype) for a in system())
    path = conjgrad(times(A), b, x0, np.ones_like(b), ConjugateGradients())
    assert {x.dtype for x in path.iterates} == {np.dtype(dtype)}


def test_watch_hears_of_every_step_that_was_done() -> None:
    A, b, x0 = system()
    heard: list[int] = []
    conjgrad(times(A), b, x0, None, ConjugateGradients(max_cg_steps=8), heard.append)
    assert heard == [1, 2, 3, 4, 5, 6, 7, 8]


# --- the stopping rule, on values computed by hand


def first_stop(phi: Callable[[int], float], **settings: Any) -> int | None:
    """The first step at which CG would stop if φ after step i were phi(i)."""
    options = ConjugateGradients(**{"max_cg_steps": 10**6, **settings})
    values: list[float] = []
    for i in range(1, 400):
        values.append(phi(i))
        if progress_is_small(values, options):
            return i
    return None


def test_a_model_that_stands_still_stops_after_eleven_steps() -> None:
    assert first_stop(lambda i: -1.0) == 11
    assert first_stop(lambda i: -1.0, cg_min_gap=3) == 4


def test_the_gap_grows_with_a_tenth_of_the_steps_done_beyond_a_hundred() -> None:
    # Falls until step 150 and stands still from there: the gap of step i spans i - 0.1 i. It lies in the flat part
    # where i - ceil(0.1 i) >= 150, first at i = 167 (gap 17); with a gap of 10 it would be at 160.
    def phi(i: int) -> float:
        return -(1.0 + min(i, 150))

    assert first_stop(phi, cg_tolerance=1e-12) == 167
    assert first_stop(phi, cg_tolerance=1e-12, cg_gap_ratio=0.0) == 160


@pytest.mark.parametrize(("gap_ratio", "at", "gap"), [(0.1, 100, 10), (0.1, 101, 11), (0.1, 110, 11), (0.1, 111, 12)])
def test_the_gap_is_a_ceiling(gap_ratio: float, at: int, gap: int) -> None:
    values = [-1.0] * at
    values[-1 - gap] = -0.5  # progress over exactly this gap, and over no other
    assert not progress_is_small(values, ConjugateGradients(cg_gap_ratio=gap_ratio))
    values[-1 - gap], values[-2 - gap], values[-gap] = -1.0, -0.5, -0.5
    assert progress_is_small(values, ConjugateGradients(cg_gap_ratio=gap_ratio))


def test_progress_is_measured_against_the_tolerance_times_the_gap() -> None:
    for progress, stops in ((0.00499, True), (0.00501, False)):  # tolerance · gap = 5e-4 · 10
        values = [-1.0 + progress, *[-1.0] * 10]
        assert progress_is_small(values, ConjugateGradients()) is stops
    on_the_bound = [-0.75, *[-1.0] * 10]
    assert not progress_is_small(on_the_bound, ConjugateGradients(cg_tolerance=0.025))


@pytest.mark.parametrize(("steps", "gap", "settings"), [(11, 4, {"cg_min_gap": 4}), (111, 12, {})])
def test_the_tolerance_is_one_per_step_of_the_gap(steps: int, gap: int, settings: dict[str, Any]) -> None:
    for progress, stops in ((5e-4 * gap - 1e-6, True), (5e-4 * gap + 1e-6, False)):
        values = [-1.0] * steps
        values[-1 - gap] = -1.0 + progress
        assert progress_is_small(values, ConjugateGradients(**settings)) is stops


def test_the_model_must_have_been_below_zero_a_gap_ago() -> None:
    assert not progress_is_small([0.0, *[-1e-9] * 10], ConjugateGradients(cg_tolerance=2.0))
    assert not progress_is_small([1.0, *[1.0] * 10], ConjugateGradients())
    assert progress_is_small([-1e-300, *[-1e-300] * 10], ConjugateGradients())


def test_no_test_is_made_before_the_least_number_of_steps_nor_within_the_first_gap() -> None:
    assert first_stop(lambda i: -1.0, min_cg_steps=11) == 11
    assert first_stop(lambda i: -1.0, min_cg_steps=12) == 12
    assert first_stop(lambda i: -1.0, min_cg_steps=200) == 200


def test_a_model_that_gets_worse_stops_and_a_nan_does_not() -> None:
    assert progress_is_small([-1.0, *[-0.9] * 10], ConjugateGradients())
    assert not progress_is_small([-1.0, *[math.nan] * 10], ConjugateGradients())


def test_conjgrad_stops_where_the_rule_says_on_its_own_values() -> None:
    A, b, x0 = system(60, condition=1e3)
    path = conjgrad(times(A), b, 0 * x0, None, ConjugateGradients())
    values = [phi_of(A, b, krylov) for krylov in prefixes(A, b, path.last_step)]
    assert path.stop is CGStop.CONVERGED
    assert [i for i in range(1, len(values) + 1) if progress_is_small(values[:i], ConjugateGradients())] == [
        path.last_step
    ]


def phi_of(A: Vector, b: Vector, x: Vector) -> float:
    return float(0.5 * x @ A @ x - b @ x)


def prefixes(A: Vector, b: Vector, last: int) -> list[Vector]:
    """The iterates 1 … last of textbook conjugate gradients from zero."""
    x, r = np.zeros_like(b), b.copy()
    p, iterates = r.copy(), []
    for _ in range(last):
        alpha = r @ r / (p @ A @ p)
        x = x + alpha * p
        r_next = r - alpha * A @ p
        p = r_next + (r_next @ r_next) / (r @ r) * p
        r = r_next
        iterates.append(x)
    return iterates


# --- what is recorded


GRID = [5, 7, 9, 11, 15, 19, 25, 32, 41, 54, 69, 90, 117, 152, 197]


def recorded_steps(steps: int, **settings: Any) -> list[int]:
    A, b, x0 = system(300, condition=1e4)
    options = ConjugateGradients(**{"max_cg_steps": steps, "min_cg_steps": 0, **NEVER, **settings})
    path = conjgrad(times(A), b, x0, None, options)
    assert (path.stop, path.last_step) == (CGStop.MAX_STEPS, steps)
    return path.steps


def test_iterates_are_recorded_on_a_grid_that_thins_out_and_at_the_end() -> None:
    assert recorded_steps(250) == [*GRID, 250]
    assert recorded_steps(4) == [4]
    assert recorded_steps(8) == [5, 7, 8]


def test_the_last_iterate_is_recorded_twice_where_it_lies_on_the_grid() -> None:
    assert recorded_steps(5) == [5, 5]
    assert recorded_steps(11) == [5, 7, 9, 11, 11]
    assert recorded_steps(11, faithful=False) == [5, 7, 9, 11]


def test_start_and_ratio_of_the_grid_are_options() -> None:
    assert recorded_steps(30, iterate_grid_start=2.0, iterate_grid_base=2.0) == [2, 4, 8, 16, 30]
    assert recorded_steps(7, iterate_grid_start=1.0, iterate_grid_base=1.5) == [1, 2, 3, 4, 6, 7]


def curved(bad: int, curvature: float = -1.0) -> tuple[Callable[[Vector], Vector], Vector, list[int]]:
    """An operator that turns bad at the given step, and a right-hand side that needs every step before it."""
    A, b, _ = system(40, condition=1e4)
    calls: list[int] = []

    def product(v: Vector) -> Vector:
        calls.append(1)
        return curvature * v if len(calls) == bad + 1 else A @ v  # the first product makes the residual

    return product, b, calls


@pytest.mark.parametrize(
    ("bad", "faithful", "steps"),
    [
        *[(1, True, [1]), (1, False, [1]), (2, True, [2]), (4, False, [4])],
        *[(6, True, [5, 6]), (6, False, [5, 6]), (8, True, [5, 7, 8]), (12, False, [5, 7, 9, 11, 12])],
        *[(5, True, [5]), (5, False, [5])],  # the original stops with an error here
        *[(7, True, [5]), (7, False, [5, 7]), (11, True, [5, 7, 9]), (11, False, [5, 7, 9, 11])],
    ],
)
def test_a_bail_out_records_the_iterate_before_it_under_the_failed_steps_number(
    bad: int, faithful: bool, steps: list[int]
) -> None:
    product, b, _ = curved(bad)
    path = conjgrad(product, b, 0 * b, None, ConjugateGradients(faithful=faithful, **NEVER))
    assert (path.stop, path.last_step, path.steps) == (CGStop.NEGATIVE_CURVATURE, bad, steps)
    product, b, _ = curved(1000)
    if path.steps[-1] == bad and bad > 1:
        before = conjgrad(product, b, 0 * b, None, ConjugateGradients(max_cg_steps=bad - 1, **NEVER)).iterates[-1]
        np.testing.assert_array_equal(path.iterates[-1], before)


def test_a_faithful_bail_out_on_the_grid_ends_the_path_at_an_earlier_iterate() -> None:
    product, b, _ = curved(9)
    path = conjgrad(product, b, 0 * b, None, ConjugateGradients(**NEVER))
    product, b, _ = curved(1000)
    seven = conjgrad(product, b, 0 * b, None, ConjugateGradients(max_cg_steps=8, **NEVER)).iterates[1]
    np.testing.assert_array_equal(path.iterates[-1], seven)


def test_zero_curvature_is_not_stepped_along() -> None:
    product, b, _ = curved(3, curvature=0.0)
    assert conjgrad(product, b, 0 * b, None, ConjugateGradients()).stop is CGStop.NEGATIVE_CURVATURE


def test_a_residual_of_zero_is_exact_and_no_negative_curvature() -> None:
    path = conjgrad(lambda v: 2 * v, np.zeros(3), np.zeros(3), None, ConjugateGradients())
    assert (path.stop, path.steps) == (CGStop.EXACT, [1])
    np.testing.assert_array_equal(path.iterates[0], 0)
    b = np.array([4.0, 8.0])
    path = conjgrad(lambda v: 2 * v, b, np.zeros(2), None, ConjugateGradients())
    assert (path.stop, path.steps) == (CGStop.EXACT, [2])
    np.testing.assert_array_equal(path.iterates[-1], b / 2)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("bad", [1, 6])
def test_a_product_that_is_not_finite_is_named(value: float, bad: int) -> None:
    product, b, _ = curved(bad, curvature=value)
    path = conjgrad(product, np.abs(b), 0 * b, None, ConjugateGradients(**NEVER))
    assert path.stop is CGStop.NOT_FINITE
    assert path.last_step == bad


def test_the_path_says_when_all_steps_were_used() -> None:
    A, b, x0 = system()
    path = conjgrad(times(A), b, x0, None, ConjugateGradients(max_cg_steps=3))
    assert path.stop is CGStop.MAX_STEPS


def test_the_preconditioner_changes_the_path_but_not_the_solution() -> None:
    A, b, x0 = system(20, condition=1e3)
    A = A + np.diag(np.geomspace(1, 1e5, 20))
    few = ConjugateGradients(max_cg_steps=15, **NEVER)
    far = [
        np.linalg.norm(conjgrad(times(A), b, x0, M, few).iterates[-1] - np.linalg.solve(A, b))
        for M in (None, np.diag(A).copy())
    ]
    assert far[1] < 1e-2 * far[0]


def test_a_residual_whose_square_underflows_is_exactly_solved_whatever_the_curvature() -> None:
    b = np.full(3, 1e-25, np.float32)  # rᵀy = 0 in single precision, while p and pᵀAp are not
    path = conjgrad(lambda v: v * np.float32(1e30), b, 0 * b, None, ConjugateGradients())
    assert (path.stop, path.steps) == (CGStop.EXACT, [1])
    np.testing.assert_array_equal(path.iterates[0], 0)
