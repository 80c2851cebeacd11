"""The outer loop: what it asks for in which order, what it hands on, and what each option changes."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import NonFiniteError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.method import epochs
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.rules import Chosen, Path, Quadratic
from hf_matlab_compat.state import Report, Score, State
from tests.cases import golden, hessian_free, run_epochs, small_problem, small_state, small_theta
from tests.toy_problem import ToyProblem

OPTIONS = Options(max_epochs=5, num_chunks=3, precision="double", weight_decay=0.0)


@dataclass
class SeenSolver:
    """An inner solver, and what each of its runs was given and found."""

    rule: Any
    calls: list[dict[str, Any]] = field(default_factory=list)

    def solve(self, model: Quadratic, start: Any, M: Any, watch: Any) -> Path:
        path = self.rule.solve(model, start, M, watch)
        self.calls.append({"A": model.B, "b": model.g, "x0": start.copy(), "M": M, "path": path})
        return path


def seen(options: Options, **rules: Any) -> tuple[HessianFree, list[dict[str, Any]]]:
    """The method of the options, whose CG runs are noted."""
    solver = SeenSolver(hessian_free(options).solver)
    return hessian_free(options, solver=solver, **rules), solver.calls


class FirstIterate:
    """A selection that always goes down to the first iterate."""

    def choose(self, path: Path, score: Any, on: Cases, watch: Any) -> Chosen:
        return Chosen(path.iterates[0], path.steps[0], score(on.all, path.iterates[0]))


# --- the loop


def test_training_ascends_the_likelihood_to_its_maximum() -> None:
    toy = ToyProblem(num_chunks=1)
    reports, state = run_epochs(toy, replace(OPTIONS, max_epochs=25), toy.start())
    np.testing.assert_allclose(state.theta, np.linalg.solve(toy.A[0], toy.b[0]), rtol=1e-4)
    assert reports[-1].train.log_likelihood > reports[0].old_log_likelihood


def test_the_target_chunk_goes_round() -> None:
    toy = ToyProblem()
    run_epochs(toy, OPTIONS, toy.start())
    assert toy.gradients == toy.curvatures == [0, 1, 2, 0, 1]
    toy = ToyProblem()
    run_epochs(toy, replace(OPTIONS, max_epochs=6), replace(toy.start(), epoch=4))
    assert toy.gradients == [1, 2]


def test_epochs_go_on_from_the_state_to_the_last_epoch_and_no_further() -> None:
    toy = ToyProblem()
    reports, state = run_epochs(toy, OPTIONS, replace(toy.start().remembering(total_cg_steps=100), epoch=2))
    assert [report.epoch for report in reports] == [3, 4, 5]
    assert [r.total_cg_steps for r in reports] == [100 + sum(s.cg_steps for s in reports[: k + 1]) for k in range(3)]
    assert (state.epoch, state.total_cg_steps) == (5, reports[-1].total_cg_steps)
    assert run_epochs(toy, OPTIONS, state) == ([], state)


def test_a_run_taken_up_again_equals_one_that_was_not_interrupted() -> None:
    problem = small_problem(options=OPTIONS)
    whole, end = run_epochs(problem, OPTIONS, small_state(problem, OPTIONS))
    first, middle = run_epochs(problem, replace(OPTIONS, max_epochs=2), small_state(problem, OPTIONS))
    second, resumed = run_epochs(problem, OPTIONS, middle)
    assert fingerprint([*first, *second], resumed) == fingerprint(whole, end)


def test_cg_solves_for_the_gradient_with_the_damped_curvature() -> None:
    toy, (method, cg_calls) = ToyProblem(), seen(OPTIONS)
    run_epochs(toy, replace(OPTIONS, max_epochs=1), toy.start(lam=7.0), method=method)
    call, v = cg_calls[0], np.arange(20.0)
    g = ToyProblem().gradient(toy.start().theta, Cases(0))
    np.testing.assert_allclose(call["b"], g.full)
    np.testing.assert_allclose(call["A"](v), toy.A[0] @ v + 7 * v)
    np.testing.assert_allclose(call["M"], (g.full_squared + 7) ** 0.75)
    np.testing.assert_array_equal(call["x0"], 0)


def test_cg_starts_from_the_last_iterate_decayed_and_not_from_the_chosen_one() -> None:
    toy, (method, cg_calls) = ToyProblem(), seen(replace(OPTIONS, start_decay=0.5), selection=FirstIterate())
    reports, state = run_epochs(toy, OPTIONS, toy.start(), method=method)
    assert all(report.chosen_step < report.cg_steps for report in reports)
    for call, following in pairwise(cg_calls):
        np.testing.assert_array_equal(following["x0"], 0.5 * call["path"].iterates[-1])
    np.testing.assert_array_equal(state.d, cg_calls[-1]["path"].iterates[-1])
    assert reports[-1].d_norm == pytest.approx(np.linalg.norm(state.d), rel=1e-14)


def test_the_step_is_taken_along_the_chosen_iterate() -> None:
    toy, (method, cg_calls) = ToyProblem(), seen(OPTIONS, selection=FirstIterate())
    reports, state = run_epochs(toy, replace(OPTIONS, max_epochs=1), toy.start(), method=method)
    step = reports[0].rate * cg_calls[0]["path"].iterates[0]
    np.testing.assert_array_equal(state.theta, toy.start().theta + step)


def test_a_state_that_was_yielded_is_never_changed_afterwards() -> None:
    problem = small_problem(options=OPTIONS)
    run = epochs(problem, hessian_free(OPTIONS), small_state(problem, OPTIONS), OPTIONS.max_epochs)
    states = [(state, state.theta.copy(), state.d.copy()) for _, state in run]
    for state, theta, d in states:
        np.testing.assert_array_equal(state.theta, theta)
        np.testing.assert_array_equal(state.d, d)
    assert len({theta.tobytes() for _, theta, _ in states}) == 5


def test_held_out_figures_are_those_after_the_step() -> None:
    toy, asked = ToyProblem(), []

    def evaluate(theta: Any) -> Score:
        asked.append(theta.copy())
        return Score(log_likelihood=-float(len(asked)), error=0.0)

    run = list(epochs(toy, hessian_free(OPTIONS), toy.start(), OPTIONS.max_epochs, evaluate))
    assert [report.test.log_likelihood for report, _ in run if report.test] == [-1, -2, -3, -4, -5]
    for (_, state), theta in zip(run, asked, strict=True):
        np.testing.assert_array_equal(state.theta, theta)


def test_watch_hears_of_every_stage_in_order() -> None:
    toy, heard = ToyProblem(), []
    options = replace(OPTIONS, max_epochs=1, max_cg_steps=4)
    list(epochs(toy, hessian_free(options), toy.start(), 1, watch=lambda *news: heard.append(news)))
    assert heard == [
        *[("gradient", 0, 1), ("cg", 1, 4), ("cg", 2, 4), ("cg", 3, 4), ("cg", 4, 4)],
        *[("backtracking", 0, 1), ("line search", 0, 60)],
    ]


# --- rho and its quirks


def model_change(problem: Any, theta: Any, p: Any, gradient: Any, cases: str) -> float:
    problem = replace(problem, curvature_cases=cases)
    return 0.5 * p @ problem.curvature(theta, Cases(0), problem.gradient(theta, Cases(0)))(p) - gradient @ p


@pytest.mark.parametrize(
    ("faithful", "cases", "gradient", "judged"),
    [
        *[(True, "target_chunk", "full", 0), (True, "all", "full", 0)],
        *[(False, "target_chunk", "chunk", 0), (False, "all", "full", None)],
    ],
)
def test_rho_compares_what_the_model_saw_once_mended(
    faithful: bool, cases: str, gradient: str, judged: int | None
) -> None:
    options = replace(OPTIONS, max_epochs=1, faithful=faithful, curvature_cases=cases)
    problem = small_problem(options=options)
    start = small_state(problem, options)
    [report], state = run_epochs(problem, options, start)
    p, g = state.theta - start.theta, problem.gradient(start.theta, Cases(0))
    assert report.rate == 1
    expected = model_change(problem, start.theta, p, getattr(g, gradient), cases)
    assert report.predicted_change == pytest.approx(expected, rel=1e-11)
    assert report.old_log_likelihood_chunk == problem.score(start.theta, Cases(judged)).log_likelihood
    assert report.log_likelihood_chunk == problem.score(state.theta, Cases(judged)).log_likelihood
    assert report.rho == (report.old_log_likelihood_chunk - report.log_likelihood_chunk) / report.predicted_change


def refused_epoch(faithful: bool) -> tuple[Report, State, ToyProblem]:
    """An epoch in which every step away from the start makes things worse."""
    toy = ToyProblem()
    start = toy.start()
    toy.likelihood_of = lambda theta: -1.0 - np.abs(theta - start.theta).max()
    options = replace(OPTIONS, max_epochs=1, faithful=faithful, max_reductions=7)
    [report], state = run_epochs(toy, options, start)
    return report, state, toy


@pytest.mark.parametrize("faithful", [True, False])
def test_after_a_rejected_step_the_parameters_stay_and_lambda_grows(faithful: bool) -> None:
    report, state, toy = refused_epoch(faithful)
    assert (report.rate, report.reductions, report.rho) == (0.0, math.inf, -math.inf)
    np.testing.assert_array_equal(state.theta, toy.start().theta)
    assert report.train.log_likelihood == -1.0
    assert state.lam == report.lam == 1.5
    assert state.d.any()


def test_after_a_rejected_step_the_faithful_error_is_the_last_trials_and_the_mended_one_is_that_of_the_start() -> None:
    start = ToyProblem().start().theta.tobytes()
    for faithful in (True, False):
        report, _, toy = refused_epoch(faithful)
        at, chunk = toy.scores[int(report.train.error) - 1]
        assert (at == start) is not faithful
        assert chunk is None


def test_the_line_search_starts_from_the_sum_in_working_precision_only_if_faithful() -> None:
    case = golden("ae_logistic", "single")
    seen = []
    for faithful in (True, False):
        options = replace(case.options, max_epochs=1, faithful=faithful)
        [report], _ = run_epochs(replace(case.problem, faithful=faithful), options, case.start)
        seen.append(report.old_log_likelihood)
    assert [float(np.float32(ll)) == ll for ll in seen] == [True, False]


# --- switches


def test_without_damping_the_curvature_is_bare_and_lambda_stays() -> None:
    toy, (method, cg_calls) = ToyProblem(), seen(replace(OPTIONS, damping=False))
    reports, _ = run_epochs(toy, OPTIONS, toy.start(lam=7.0), method=method)
    v = np.arange(20.0)
    np.testing.assert_array_equal(cg_calls[0]["A"](v), toy.A[0] @ v)
    assert [report.lam for report in reports] == [7.0] * 5
    assert any(report.rho > 0.75 or report.rho < 0.25 for report in reports)
    assert (cg_calls[0]["M"] >= 7**0.75).all()  # it still enters the preconditioner


def test_without_a_preconditioner_cg_gets_none() -> None:
    toy, (method, cg_calls) = ToyProblem(), seen(replace(OPTIONS, preconditioner_exponent=None))
    run_epochs(toy, OPTIONS, toy.start(), method=method)
    assert [call["M"] for call in cg_calls] == [None] * 5


@pytest.mark.parametrize(("cases", "on"), [("all", {None}), ("target_chunk", {None, 1}), ("none", {None})])
def test_backtracking_evaluates_iterates_on_the_cases_asked_for(cases: str, on: set[int | None]) -> None:
    toy, options = ToyProblem(), replace(OPTIONS, max_epochs=2, backtracking_cases=cases)
    start, (method, cg_calls) = replace(toy.start(), epoch=1), seen(options)
    run_epochs(toy, options, start, method=method)
    path = cg_calls[0]["path"]
    points = [(start.theta + p).tobytes() for p in path.iterates]
    asked = [(points.index(at), chunk) for at, chunk in toy.scores if at in points]
    walked = [j for j, chunk in asked[:-1] if chunk == (1 if cases == "target_chunk" else None)]
    assert {chunk for _, chunk in asked} >= on
    assert walked[0] == len(points) - 1 - (points[-1] == points[-2])
    assert (len(walked) > 1) is (cases != "none")


@pytest.mark.parametrize("bad_epoch", [1, 3])
def test_a_gradient_that_is_not_finite_names_epoch_and_stage(bad_epoch: int) -> None:
    toy = ToyProblem(nan_gradient_from=bad_epoch)
    with pytest.raises(NonFiniteError, match=rf"^epoch {bad_epoch}: the gradient is not finite") as caught:
        run_epochs(toy, OPTIONS, toy.start())
    assert (caught.value.epoch, caught.value.stage) == (bad_epoch, "gradient")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_curvature_product_that_is_not_finite_names_epoch_and_stage(value: float) -> None:
    toy = ToyProblem(product=lambda v: np.abs(v) * value * np.sign(v))
    with pytest.raises(NonFiniteError, match=r"^epoch 2: the curvature product is not finite") as caught:
        run_epochs(toy, OPTIONS, replace(toy.start().remembering(d=np.ones(20)), epoch=1))
    assert (caught.value.epoch, caught.value.stage) == (2, "curvature product")


def test_negative_curvature_is_reported_and_survived() -> None:
    toy = ToyProblem(product=lambda v: -100 * v)
    reports, _ = run_epochs(toy, OPTIONS, toy.start())
    assert {report.cg_stop for report in reports} == {CGStop.NEGATIVE_CURVATURE}
    assert {(report.cg_steps, report.chosen_step) for report in reports} == {(1, 1)}


# --- every option changes the run

ELSEWHERE = {
    *(
        "num_test_chunks",
        "trim_cases",
        "backend",
        "num_threads",
        "ranks",
        "sum_lanes",
        "checkpoint_period",
        "seed",
        "num_connections",
    ),
    *("init_scale", "method", "solver", "selection", "judge", "learning_rate", "momentum", "momentum_period"),
    *("input_blankout", "hidden_blankout", "input_noise", "input_dilation", "weight_noise", "perturbed_weights"),
    *("perturbation", "perturb_form", "corruption_seed", "clean_train", "patience", "monitor", "average_decay"),
    "structural_damping",
}
"""Options of files, data, other methods and observers; tested where those are."""

WILD = {"initial_lam": 1e-6, "preconditioner_exponent": None}
"""So little damping that steps overshoot: the line search and the boosts come into play."""

CHANGES: dict[str, tuple[dict[str, Any], Any]] = {
    "max_epochs": ({}, 4),
    "num_chunks": ({}, 2),
    "precision": ({}, "single"),
    "faithful": ({}, False),
    "loss": ({}, "squared"),
    "error_measure": ({}, "misclassified"),
    "weight_decay": ({}, 0.5),
    "decay_biases": ({"weight_decay": 0.5}, False),
    "curvature": ({}, "empirical_fisher"),
    "curvature_cases": ({}, "all"),
    "damping": ({}, False),
    "initial_lam": ({}, 1.0),
    "reduction_ratio": (WILD, "damped"),
    "lam_drop": ({}, 0.5),
    "lam_boost": (WILD, 7.0),
    "rho_low": ({"rho_high": 1e9}, 1e8),
    "rho_high": ({}, 1e9),
    "max_cg_steps": ({}, 4),
    "min_cg_steps": ({}, 40),
    "cg_tolerance": ({}, 0.0),
    "cg_gap_ratio": ({"initial_lam": 1e-3}, 1.0),
    "cg_min_gap": ({}, 3),
    "iterate_grid_start": (WILD, 2.0),
    "iterate_grid_base": (WILD, 1.05),
    "start_decay": ({}, 0.2),
    "preconditioner_exponent": ({}, None),
    "backtracking_cases": (WILD, "none"),
    "line_search_c": (WILD, 1.0),
    "line_search_factor": (WILD, 0.3),
    "max_reductions": (WILD, 1),
    "preconditioner": ({}, "none"),
    "line_search": (WILD, "full_step"),
}
"""Settings under which an option matters, and another value for it."""


def fingerprint(reports: list[Report], state: State) -> str:
    """All figures of a run but its duration."""
    timeless = [repr(replace(report, seconds=0.0)) for report in reports]
    return repr([timeless, state.theta.dtype, state.theta.tobytes(), state.d.tobytes(), state.lam])


def outcome(**settings: Any) -> str:
    options = Options(**{"max_epochs": 6, "num_chunks": 3, "precision": "double", **settings})
    problem = small_problem(("tanh", "logistic"), options)
    start = replace(small_state(problem, options), theta=small_theta(problem, 0, 2.0))
    return fingerprint(*run_epochs(problem, options, start))


@pytest.mark.parametrize("name", CHANGES)
def test_changing_an_option_changes_the_run(name: str) -> None:
    settings, value = CHANGES[name]
    assert outcome(**settings) == outcome(**settings)
    assert outcome(**{**settings, name: value}) != outcome(**settings)


def test_every_option_is_either_changed_above_or_named_as_tested_elsewhere() -> None:
    assert {field.name for field in dataclasses.fields(Options)} == CHANGES.keys() | ELSEWHERE
    assert not CHANGES.keys() & ELSEWHERE
