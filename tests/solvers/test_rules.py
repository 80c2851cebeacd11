"""Backtracking, line search, damping and preconditioner: exact on made-up figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.method import silent
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.solvers.backtracking import Backtracking, walk_down
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.damping import damp
from hf_matlab_compat.solvers.line_search import FullStep
from hf_matlab_compat.solvers.preconditioners import MartensDiagonal, NoPreconditioner
from hf_matlab_compat.solvers.reduction_ratio import predicted_change, reduction_ratio
from hf_matlab_compat.solvers.rules import Path
from hf_matlab_compat.state import Score

INF, NAN = math.inf, math.nan


def made(kind: str, **settings: Any) -> Any:
    """The rule of this kind that these options make."""
    return getattr(method_of(Options(**settings), get_backend()), kind)


def adapt(lam: float, rho: float, **settings: Any) -> float:
    return made("damping", **settings).adapt(lam, rho, np.ones(2))


def path_of(count: int) -> Path:
    """Iterates that are their own position: the first is [0.]."""
    iterates = [np.array([float(j)]) for j in range(count)]
    return Path([10 * j for j in range(count)], iterates, CGStop.CONVERGED, 10 * count)


def score_by_position(values: list[float]) -> Any:
    return lambda p: Score(log_likelihood=values[int(p[0])], error=100 * p[0])


# --- backtracking


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        *[([1.0, 2.0, 3.0], 2), ([3.0, 2.0, 1.0], 0), ([1.0, 3.0, 2.0], 1), ([9.0, 1.0, 2.0], 2)],
        *[([5.0, 5.0, 5.0], 0), ([4.0, 5.0, 5.0], 1), ([5.0, 4.0, 5.0], 2)],  # ties move down
        *[([7.0], 0), ([NAN, 1.0], 0), ([1.0, NAN], 0), ([-INF, -INF], 0)],  # NaN is never less, as in MATLAB
    ],
)
def test_the_walk_goes_down_until_the_likelihood_falls(values: list[float], chosen: int) -> None:
    took = walk_down(path_of(len(values)), score_by_position(values))
    assert (took.step, took.p[0], took.score.error) == (10 * chosen, chosen, 100 * chosen)


def test_the_walk_evaluates_nothing_below_the_first_fall() -> None:
    asked: list[int] = []

    def score(p: Any) -> Score:
        asked.append(int(p[0]))
        return score_by_position([9.0, 9.0, 1.0, 2.0])(p)

    walk_down(path_of(4), score)
    assert asked == [3, 2]


def scores(on: Cases, p: Any) -> Score:
    """On all cases the first iterate is best, on chunk 7 the second, and nothing else is asked for."""
    return score_by_position({None: [3.0, 2.0, 1.0], 7: [1.0, 3.0, 2.0]}[on.chunk])(p)


@pytest.mark.parametrize(("cases", "chosen"), [("all", 0), ("target_chunk", 1), ("none", 2)])
def test_backtracking_looks_at_the_cases_it_is_told_and_scores_its_choice_on_all(cases: str, chosen: int) -> None:
    took = Backtracking(cases).choose(path_of(3), scores, Cases(7, 1), silent)
    assert took.step == 10 * chosen
    assert took.score.log_likelihood == [3.0, 2.0, 1.0][chosen]


# --- line search


def search(values: list[float], before: Any = 0.0, slope: float = 1.0, **settings: Any) -> tuple[Any, list[float]]:
    """Search where the n-th length tried has the n-th value (the last value for ever); error counts the trials."""
    rates: list[float] = []

    def score_at(rate: float) -> Score:
        rates.append(rate)
        return Score(log_likelihood=values[min(len(rates), len(values) - 1)], error=float(len(rates)))

    first = Score(log_likelihood=values[0], error=0.0)
    rule = made("line_search", **settings)
    return rule.search(score_at, first, before, slope, silent), rates


def test_a_full_step_that_will_do_is_taken_without_a_trial() -> None:
    step, rates = search([0.01])
    assert (step.rate, step.reductions, step.score.log_likelihood, rates) == (1.0, 0, 0.01, [])
    assert search([math.nextafter(0.01, 0)])[0].reductions == 1


def test_a_step_is_shortened_until_it_will_do() -> None:
    step, rates = search([-1.0, -1.0, 0.0, 0.01])
    assert rates == [0.8, 0.8 * 0.8, 0.8 * 0.8 * 0.8]
    assert (step.rate, step.reductions) == (0.8 * 0.8 * 0.8, 3)
    assert step.score == Score(log_likelihood=0.01, error=3.0)


def test_what_is_asked_of_a_step_shrinks_with_it() -> None:
    step, _ = search([0.0099, 0.0079, 0.0065])  # 0.01 · 0.8 = 0.008 refuses the second, 0.0064 takes the third
    assert step.reductions == 2


def test_constant_and_factor_are_options() -> None:
    assert search([0.4], line_search_c=0.5)[0].reductions == 1
    assert search([0.4], line_search_c=0.5, line_search_factor=0.1)[1] == [0.1]


def test_a_step_is_rejected_at_the_limit_with_the_error_of_the_last_trial() -> None:
    step, rates = search([-5.0], before=2.0)
    assert (step.rate, step.reductions, len(rates)) == (0.0, INF, 60)
    assert step.score == Score(log_likelihood=2.0, error=60.0)
    assert rates[-1] == pytest.approx(0.8**60)


def test_a_success_at_the_very_limit_is_still_a_rejection() -> None:
    step, rates = search([-1.0, -1.0, 9.0], max_reductions=2)
    assert (step.rate, step.reductions, len(rates)) == (0.0, INF, 2)
    assert step.score.log_likelihood == 0.0
    assert search([-1.0, -1.0, 9.0], max_reductions=3)[0].reductions == 2


def test_a_nan_is_shortened_and_so_is_minus_infinity() -> None:
    assert search([NAN, -INF, 1.0])[0].reductions == 2
    assert search([NAN])[0].reductions == INF


def test_against_a_single_the_comparison_is_made_in_single_precision() -> None:
    just_below = 1.0 - 1e-9
    assert search([just_below], before=np.float32(1), slope=0.0)[0].reductions == 0
    assert search([just_below], before=1.0, slope=0.0)[0].reductions == INF


def test_a_rejected_step_gives_a_plain_float_whatever_it_was_compared_to() -> None:
    assert type(search([-1.0], before=np.float32(1))[0].score.log_likelihood) is float


# --- damping


@pytest.mark.parametrize(
    ("rho", "factor"),
    [
        *[(0.25, 1), (math.nextafter(0.25, 0), 1.5), (0.75, 1), (math.nextafter(0.75, 1), 2 / 3), (0.5, 1)],
        *[(NAN, 1.5), (INF, 2 / 3), (-INF, 1.5), (0.0, 1.5), (-0.0, 1.5), (-3.0, 1.5), (1e9, 2 / 3)],
    ],
)
def test_lambda_is_boosted_below_a_quarter_and_dropped_above_three_quarters(rho: float, factor: float) -> None:
    assert adapt(45.0, rho) == 45 * factor


def test_factors_and_thresholds_of_the_lambda_rule_are_options() -> None:
    settings = {"lam_drop": 0.5, "rho_low": 0.1, "rho_high": 0.2}
    assert [adapt(8.0, rho, **settings) for rho in (0.05, 0.15, 0.25)] == [16.0, 8.0, 4.0]
    assert adapt(8.0, 0.05, lam_boost=10.0) == 80.0
    assert [adapt(8.0, rho, damping=False) for rho in (-INF, 0.5, 2.0)] == [8.0] * 3


@pytest.mark.parametrize(
    ("before", "after", "predicted", "rho"),
    [
        *[(-2.0, -1.0, -2.0, 0.5), (-2.0, -1.0, 4.0, -0.25), (-1.0, -2.0, -2.0, -INF), (-1.0, -2.0, 2.0, -INF)],
        *[(-1.0, -1.0, -2.0, 0.0), (-1.0, -1.0, 0.0, NAN), (-1.0, -1.0, -0.0, NAN)],
        *[(-2.0, -1.0, 0.0, -INF), (-2.0, -1.0, -0.0, INF), (-1.0, -2.0, 0.0, -INF), (-1.0, -2.0, -0.0, -INF)],
        *[(NAN, -1.0, -1.0, NAN), (-1.0, NAN, 0.0, NAN), (-1.0, -INF, -1.0, -INF), (-1.0, INF, -1.0, INF)],
        *[(-2.0, -1.0, NAN, NAN), (-2.0, -1.0, -INF, 0.0)],
    ],
)
def test_the_reduction_ratio_is_that_of_ieee_division_but_for_a_loss(
    before: float, after: float, predicted: float, rho: float
) -> None:
    np.testing.assert_array_equal(reduction_ratio(before, after, predicted), rho)
    if not before > after:
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(np.float64(before - after) / np.float64(predicted), rho)


def test_the_ratio_of_no_change_has_the_sign_of_ieee_division() -> None:
    assert math.copysign(1, reduction_ratio(-1.0, -1.0, -2.0)) == -1
    assert math.copysign(1, reduction_ratio(-1.0, -1.0, 2.0)) == 1


def test_the_predicted_change_is_that_of_the_quadratic_model() -> None:
    g, p, G = np.array([1.0, 2.0]), np.array([3.0, -1.0]), np.array([[2.0, 1.0], [1.0, 4.0]])
    assert predicted_change(g, p, G @ p) == 0.5 * 16 - 1
    single = predicted_change(np.float32([1e8, 1]), np.float32([1, 1]), np.float32([0, 0]))
    assert single == -1e8  # both dot products in working precision


def test_damping_adds_lambda_times_the_vector() -> None:
    G = np.array([[2.0, 1.0], [1.0, 4.0]])
    v = np.array([3.0, -1.0])
    np.testing.assert_array_equal(damp(lambda d: G @ d, 0.5)(v), G @ v + 0.5 * v)
    single = damp(lambda d: d.copy(), 1 / 3)(np.float32([1, 2]))
    assert single.dtype == np.float32


class Diagonal:
    """A curvature of which only the diagonal is asked for."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def diagonal(self, lam: float) -> Any:
        return self.values + lam


def test_the_preconditioner_is_a_power_of_the_damped_diagonal() -> None:
    G: Any = Diagonal(np.array([15.5, 80.0]))
    M = MartensDiagonal(0.75)(G, None, 0.5)
    np.testing.assert_allclose(M, [16**0.75, 80.5**0.75], rtol=1e-15)
    np.testing.assert_array_equal(MartensDiagonal(0.0)(G, None, 0.5), 1.0)
    assert MartensDiagonal(0.75)(Diagonal(np.float32([1])), None, 0.1).dtype == np.float32
    assert NoPreconditioner()(G, None, 0.5) is None


def test_the_whole_step_is_taken_where_it_helps_and_none_where_it_does_not() -> None:
    def at(rate: float) -> Score:
        return Score(log_likelihood=7.0, error=rate)

    good, bad = (FullStep().search(at, Score(log_likelihood=ll, error=9.0), 1.0, 1.0, silent) for ll in (1.0, 0.9))
    assert (good.rate, good.reductions, good.score.error) == (1.0, 0, 9.0)
    assert (bad.rate, bad.reductions, bad.score.error) == (0.0, INF, 0.0)
