"""Runs on a variational problem reach the best normal approximation, and go on bit for bit after a resume."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat import train, variational_problem
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning
from hf_matlab_compat.problem import Cases
from tests.variational.regression import COLUMNS, FUNCTIONS, KNOWN, D, gap, log_p


def of_regression(**keywords):
    return variational_problem(log_p, D, **COLUMNS, **keywords)


def best_of(epochs=14, **keywords):
    problem = of_regression(**keywords)
    return problem, train(problem=problem, max_epochs=epochs)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_thousand_fixed_draws_are_within_a_hundredth_of_the_best_elbo(seed) -> None:
    _, result = best_of(draws=1000, seed=seed)
    assert 0 < gap(result.theta) < 0.01


def test_gaps_fall_with_the_number_of_draws() -> None:
    # recorded for one set of draws: 0.71, 0.20, 0.0045
    gaps = [np.median([gap(best_of(draws=S, seed=seed)[1].theta) for seed in range(8)]) for S in (10, 100, 1000)]
    assert 0.2 < gaps[0] < 3
    assert 0.02 < gaps[1] < 0.3
    assert 0.001 < gaps[2] < 0.01


def test_it_converges_in_eleven_iterations_from_a_narrow_and_from_a_wide_start() -> None:
    for initial_sd in (0.1, 1.0):
        _, result = best_of(draws=100, initial_sd=initial_sd)
        reached = np.asarray(result.history["train_log_likelihood"])
        assert reached[10] == pytest.approx(reached[13], abs=1e-6)
        assert (np.diff(reached) > -1e-9).all()


@pytest.mark.parametrize("draws", [2, 10, 1000])
def test_the_mean_is_exact_for_any_number_of_antithetic_draws(draws) -> None:
    problem, result = best_of(40 if draws == 2 else 14, draws=draws, seed=5)
    np.testing.assert_allclose(problem.posterior(result).mean, KNOWN["best_mean"], rtol=0, atol=2e-8)  # 8 recorded


def test_the_mean_is_not_exact_with_independent_draws() -> None:
    problem, result = best_of(draws=100, antithetic=False)
    assert np.abs(problem.posterior(result).mean - KNOWN["best_mean"]).max() > 1e-3


def test_ten_matched_draws_give_the_best_approximation_exactly() -> None:
    problem, result = best_of(draws=2 * D, matched=True)
    found = problem.posterior(result)
    assert gap(result.theta) == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(found.sd**2, KNOWN["best_var"], rtol=1e-5)
    assert result.history["train_log_likelihood"][-1] == pytest.approx(KNOWN["best_elbo"], abs=1e-7)


@pytest.mark.parametrize(("epochs", "most"), [(10, 0.6), (20, 0.15)])
def test_adam_on_four_fresh_draws_comes_near(epochs, most) -> None:
    problem = of_regression(draws=4, fresh=True, updates=100)
    result = train(problem=problem, method="adam", learning_rate=0.02, max_epochs=epochs)
    assert result.history["updates"][-1] == 100 * epochs
    assert 0 < gap(result.theta) < most


def test_the_estimate_is_within_its_standard_error_of_the_exact_elbo() -> None:
    problem, result = best_of(draws=100)
    errors = []
    for seed in range(30):
        found = problem.posterior(result, draws=200, seed=seed)
        errors.append((found.elbo - (KNOWN["best_elbo"] - gap(result.theta))) / found.standard_error)
    assert 0.6 < np.std(errors) < 1.4
    assert abs(np.mean(errors)) < 0.6


def test_the_posterior_draws_from_itself() -> None:
    problem, result = best_of(draws=10, matched=True)
    found = problem.posterior(result.theta)
    made = found.draws(4000, seed=3)
    np.testing.assert_allclose(made.mean(axis=0), found.mean, atol=5e-3)
    np.testing.assert_allclose(made.std(axis=0), found.sd, rtol=0.05)
    assert not np.array_equal(made, found.draws(4000, seed=4))


@pytest.mark.parametrize("method", ["adam", "nag", "gd", "rprop"])
def test_fresh_draws_are_those_of_the_epoch_so_that_a_resumed_run_is_bit_equal(method, tmp_path) -> None:
    problem = of_regression(draws=4, fresh=True, updates=1 if method == "rprop" else 5)
    rate = {} if method == "rprop" else {"learning_rate": 1e-4}
    asked = {"problem": problem, "method": method, **rate}
    whole = train(**asked, max_epochs=6)
    train(**asked, max_epochs=3, run_name=tmp_path / "run")
    rest = train(**asked, max_epochs=6, resume_from=tmp_path / "run_nnet_running.mat")
    np.testing.assert_array_equal(rest.theta, whole.theta)
    assert not np.array_equal(whole.theta, train(**asked, max_epochs=5).theta)


def test_hessian_free_on_fixed_and_on_fresh_draws_is_resumed_bit_equal_too(tmp_path) -> None:
    for fresh in (False, True):
        asked = {"problem": of_regression(draws=20, fresh=fresh)}
        whole = train(**asked, max_epochs=6)
        train(**asked, max_epochs=3, run_name=tmp_path / f"run{fresh}")
        rest = train(**asked, max_epochs=6, resume_from=tmp_path / f"run{fresh}_nnet_running.mat")
        np.testing.assert_array_equal(rest.theta, whole.theta)


def test_a_resume_with_other_draws_names_them(tmp_path) -> None:
    train(problem=of_regression(draws=20), max_epochs=1, run_name=tmp_path / "run")
    sentence = r"draws: was Draws\(count=20, size=5\), is Draws\(count=10, size=5, fresh=True, seed=3\)\."
    with pytest.warns(CheckpointWarning, match=sentence):
        train(
            problem=of_regression(draws=10, fresh=True, seed=3),
            max_epochs=2,
            resume_from=tmp_path / "run_nnet_running.mat",
        )


def test_updates_of_an_epoch_have_draws_of_their_own_and_other_passes_share_those_of_the_epoch() -> None:
    problem = of_regression(draws=4, fresh=True, updates=3)
    theta = problem.initial_theta()
    of_updates = [problem.chunk_gradient(theta, Cases(c, 2)).full for c in range(3)]
    assert len({g.tobytes() for g in of_updates}) == 3
    by_chunk = [problem.gradient(theta, Cases(c, 2)).full for c in range(3)]
    assert len({g.tobytes() for g in by_chunk}) == 1
    score = problem.score(theta, Cases(1, 2)).log_likelihood
    assert score == problem.gradient(theta, Cases(0, 2)).log_likelihood
    assert score != problem.score(theta, Cases(1, 3)).log_likelihood


def test_fixed_draws_without_autograd_in_single_precision_and_with_other_solvers() -> None:
    problem = variational_problem(log_p, D, **FUNCTIONS, draws=10, matched=True)
    for asked in (
        {"precision": "single"},
        {"solver": "minres"},
        {"preconditioner": "equilibration"},
        {"method": "lbfgs"},
    ):
        assert gap(train(problem=problem, max_epochs=40, **asked).theta.astype(float)) < 1e-3, asked


def test_draws_kept_from_a_run_in_single_precision_do_not_coarsen_one_in_double() -> None:
    problem, other = of_regression(draws=4), of_regression(draws=4)
    theta = problem.initial_theta()
    problem.score(theta.astype(np.float32), Cases())
    assert problem.score(theta, Cases()) == other.score(theta, Cases())


def test_a_problem_of_other_draws_tests_the_run() -> None:
    problem = of_regression(draws=10)
    result = train(problem=problem, test_problem=of_regression(draws=1000, seed=1), max_epochs=10)
    # few draws are fitted by a q that others do not like
    assert result.history["test_log_likelihood"][-1] < result.history["train_log_likelihood"][-1] - 0.1
