"""The rules of an epoch, from recorded numbers: each is fed what the published program had, and must decide as it did.

The same laws hold inside every log: those recorded, the author's own of 2011, and a run of ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.backtracking import walk_down
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.reduction_ratio import predicted_change, reduction_ratio
from hf_matlab_compat.solvers.rules import Chosen, Path, Step
from hf_matlab_compat.state import Score
from tests.cases import (
    MAIN,
    PRECISIONS,
    STATES,
    UNITS,
    curves_figures,
    golden,
    hessian_free,
    log_figures,
    probe,
    recorded_iterates,
    run_epochs,
    trace,
)
from tests.parity.golden_bounds import FLOOR, RHO_FLOOR, TIE, UNIT_ROUNDOFF, distance, kernel_bound

RUNS = [(name, precision) for name in (*MAIN, *UNITS) for precision in PRECISIONS]
RECORDED = [(name, epoch, precision) for name, epoch in STATES for precision in PRECISIONS]
EVERY_STATE = pytest.mark.parametrize(
    ("name", "epoch", "precision"), RECORDED, ids=[f"{n}-{e}-{p}" for n, e, p in RECORDED]
)
NO_STEP = np.zeros(0)
"""Martens' rule does not look at the step."""
LOGS = ("ae_logistic_long", "class_softmax_long", "ae_tanh_linear_single", "ae_hess_double")


@pytest.mark.parametrize(("name", "precision"), RUNS)
def test_lambda_rule_makes_the_recorded_lambdas_of_the_recorded_rhos(name: str, precision: str) -> None:
    figures, damping = trace(name, precision), hessian_free(golden(name, precision).options).damping
    before = [damping.initial_lam, *figures["lambda_after"][:-1]]
    made = [damping.adapt(lam, rho, NO_STEP) for lam, rho in zip(before, figures["rho"], strict=True)]
    np.testing.assert_array_equal(made, figures["lambda_after"])


@pytest.mark.parametrize(("name", "precision"), RUNS)
def test_reduction_ratio_makes_the_recorded_rhos_of_the_recorded_likelihoods(name: str, precision: str) -> None:
    figures = trace(name, precision)
    parts = zip(figures["oldll_chunk"], figures["ll_chunk_after"], figures["denom"], strict=True)
    made = [reduction_ratio(float(before), float(after), float(predicted)) for before, after, predicted in parts]
    np.testing.assert_array_equal(made, figures["rho"])


@pytest.mark.parametrize(("name", "precision"), RUNS)
def test_recorded_rates_are_powers_of_the_factor_and_rejections_are_zero(name: str, precision: str) -> None:
    figures, factor = trace(name, precision), golden(name, precision).options.line_search_factor
    for rate, reductions in zip(figures["rate"], figures["nred"], strict=True):
        expected = 0.0 if math.isinf(reductions) else math.prod([factor] * int(reductions))
        assert rate == pytest.approx(expected, rel=1e-14)


@EVERY_STATE
def test_iterates_were_recorded_on_the_grid_and_at_the_end(name: str, epoch: int, precision: str) -> None:
    steps = [int(step) for step in probe(name, precision, epoch)["iterses"]]
    grid, following = grid_up_to(steps[-1])
    assert steps == grid + ([] if steps[-1] == following else [steps[-1]])


def grid_up_to(last: int) -> tuple[list[int], int]:
    """5, 7, 9, 11, 15, … up to a step, and the one that follows; each is the ceiling of 1.3 times an exact one."""
    exact, grid = 5.0, []
    while math.ceil(exact) <= last:
        grid.append(math.ceil(exact))
        exact *= 1.3
    return grid, math.ceil(exact)


@EVERY_STATE
def test_backtracking_on_the_recorded_iterates_chooses_the_recorded_one_up_to_ties(
    name: str, epoch: int, precision: str
) -> None:
    chosen, values = walked(name, epoch, precision)
    recorded = probe(name, precision, epoch)
    ours = list(recorded["iterses"]).index(chosen.step)
    theirs = list(recorded["iterses"]).index(trace(name, precision)["chose_iters"][epoch - 1])
    top = max(ours, theirs)  # here the two walks part, at the comparison with the iterate below
    assert ours == theirs or distance(values[top - 1], values[top]) <= TIE[precision]


@cache
def walked(name: str, epoch: int, precision: str) -> tuple[Chosen, list[float]]:
    """Our backtracking on the recorded iterates, and what each is worth in double."""
    case, exact, recorded = golden(name, precision), golden(name, "double"), probe(name, precision, epoch)
    theta, iterates = recorded["paramsp"], recorded_iterates(recorded)
    path = Path([int(s) for s in recorded["iterses"]], iterates, CGStop.CONVERGED, int(recorded["iterses"][-1]))
    chosen = walk_down(path, lambda p: case.problem.score(theta + p, Cases()))
    return chosen, [exact.problem.score((theta + p).astype(float), Cases()).log_likelihood for p in iterates]


def recorded_choice(name: str, epoch: int, precision: str) -> Any:
    """The recorded iterate that was stepped along."""
    recorded = probe(name, precision, epoch)
    return recorded_iterates(recorded)[
        list(recorded["iterses"]).index(trace(name, precision)["chose_iters"][epoch - 1])
    ]


@EVERY_STATE
def test_line_search_along_the_recorded_step_ends_where_it_was_recorded(name: str, epoch: int, precision: str) -> None:
    step, figures = searched(name, epoch, precision), trace(name, precision)
    assert step.reductions == figures["nred"][epoch - 1]
    assert step.rate == figures["rate"][epoch - 1]
    bound = kernel_bound("ll", precision)
    assert distance(step.score.log_likelihood, figures["ll_after"][epoch - 1]) <= bound
    assert distance(step.score.error, figures["err_after"][epoch - 1]) <= bound


def searched(name: str, epoch: int, precision: str) -> Step:
    problem, recorded = golden(name, precision).problem, probe(name, precision, epoch)
    theta, p = recorded["paramsp"], recorded_choice(name, epoch, precision)

    def score_at(rate: float) -> Score:
        return problem.score(theta + rate * p, Cases())

    before = problem.gradient(theta, Cases(0)).log_likelihood
    slope = float(recorded["grad"] @ p)
    return hessian_free(Options()).line_search.search(score_at, score_at(1.0), before, slope, lambda *_: None)


@EVERY_STATE
def test_rho_at_the_recorded_step_is_the_recorded_one(name: str, epoch: int, precision: str) -> None:
    problem, recorded = golden(name, precision).problem, probe(name, precision, epoch)
    theta, p, chunk = recorded["paramsp"], recorded_choice(name, epoch, precision), int(recorded["targetchunk"][0]) - 1
    G = problem.curvature(theta, Cases(chunk), problem.gradient(theta, Cases(chunk)))
    predicted = predicted_change(recorded["grad"], p, G(p))
    change = [problem.score(point, Cases(chunk)).log_likelihood for point in (theta, theta + p)]
    figures, u = trace(name, precision), UNIT_ROUNDOFF[precision]
    terms = abs(0.5 * p @ G(p)) + np.abs(recorded["grad"] * p).sum()  # the sum that gives denom cancels
    assert abs(predicted - figures["denom"][epoch - 1]) <= 16 * FLOOR * u * terms
    rho = reduction_ratio(*change, predicted)
    assert distance(rho, figures["rho"][epoch - 1]) <= 4 * RHO_FLOOR * u


# --- the laws inside a log


def laws(figures: Mapping[str, np.ndarray], digits: float) -> dict[str, bool]:
    """Which laws the figures of a log keep, as far as `digits` (a relative rounding) can tell."""
    options, damping, rate = Options(), hessian_free(Options()).damping, figures["rate"]
    lam = np.array([options.initial_lam, *figures["new_lambda"]])
    rules = [damping.adapt(before, rho, NO_STEP) for before, rho in zip(lam, figures["rho"], strict=False)]
    grids = [{*grid_up_to(int(steps))[0], steps} for steps in figures["cg_steps"]]
    difference = figures["test_error"] - figures["error"]
    size = np.maximum(np.abs(figures["test_error"]), np.abs(figures["error"]))
    return {
        "lambda": bool(np.allclose(figures["new_lambda"], rules, rtol=2 * digits, atol=0)),
        "total": bool((np.cumsum(figures["cg_steps"]) == figures["cg_total"]).all()),
        "rate": bool(np.allclose(rate, 0.8 ** figures["reductions"], rtol=digits, atol=0)),
        "grid": all(chosen in grid for chosen, grid in zip(figures["chose_iters"], grids, strict=True)),
        "most": bool((figures["cg_steps"] <= options.max_cg_steps).all()),
        "gap": bool((figures["cg_steps"] > options.cg_min_gap).all()),
        "worse": bool((np.isneginf(figures["rho"]) | (figures["rho"] >= 0)).all()),
        "difference": bool((np.abs(difference - figures["difference"]) <= 2 * digits * size).all()),
    }


def broken(figures: Mapping[str, np.ndarray], digits: float) -> list[str]:
    return [law for law, kept in laws(figures, digits).items() if not kept]


def test_the_authors_log_of_2011_keeps_our_laws() -> None:
    figures = curves_figures()
    assert figures["epoch"].size == 300
    assert broken(figures, 5e-5) == []


@pytest.mark.parametrize("name", LOGS)
def test_recorded_logs_keep_our_laws(name: str) -> None:
    assert broken(log_figures(name), 5e-5) == []


@cache
def our_figures() -> dict[str, np.ndarray]:
    case = golden("ae_logistic", "double")
    reports, _ = run_epochs(case.problem, case.options, case.start, case.test)
    columns = {
        **{"cg_steps": [r.cg_steps for r in reports], "cg_total": [r.total_cg_steps for r in reports]},
        **{"chose_iters": [r.chosen_step for r in reports], "rho": [r.rho for r in reports]},
        **{"reductions": [r.reductions for r in reports], "rate": [r.rate for r in reports]},
        **{"new_lambda": [r.lam for r in reports], "error": [r.train.error for r in reports]},
        "test_error": [r.test.error for r in reports if r.test],
    }
    figures = {key: np.array(values, float) for key, values in columns.items()}
    return {**figures, "difference": figures["test_error"] - figures["error"]}


def test_a_run_of_ours_keeps_the_same_laws() -> None:
    assert broken(our_figures(), 1e-14) == []


@pytest.mark.parametrize(
    ("figure", "law"),
    [
        *[("new_lambda", "lambda"), ("cg_total", "total"), ("rate", "rate"), ("chose_iters", "grid")],
        *[("cg_steps", "total"), ("difference", "difference")],
    ],
)
def test_a_figure_out_of_place_breaks_its_law(figure: str, law: str) -> None:
    values = our_figures()[figure].copy()
    values[3] += 1
    assert law in broken({**our_figures(), figure: values}, 5e-5)
