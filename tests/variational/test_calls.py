"""Wrong arguments of variational_problem, and functions that do not fit, are told in one sentence before a run."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat import DataError, NonFiniteError, OptionError, train, variational_problem
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.preflight.arrays import sharing_checks
from hf_matlab_compat.problem import Cases
from tests.toy_problem import ToyProblem


def bowl(z):
    return -0.5 * float(z @ z)


def down(z):
    return -z


def decayed():
    toy = ToyProblem()
    toy.weight_decay = 0.1
    return toy


WRONG = {
    "no function": (["text"], {}, "model: expected a function z → log p(z), or a problem, got 'text'."),
    "no length": ([bowl], {}, "num_parameters: expected the length of z, at least 1, or {initial_mean}, got none."),
    "length 0": ([bowl, 0], {}, "num_parameters: expected the length of z, at least 1, or {initial_mean}, got 0."),
    "no draws": ([bowl, 2], {"draws": 0}, "draws: expected a whole number of at least 1, got 0."),
    "half a draw": ([bowl, 2], {"draws": 2.5}, "draws: expected a whole number of at least 1, got 2.5."),
    "odd": ([bowl, 2], {"draws": 3}, "draws: expected an even number with antithetic=True, got 3. Or set antithetic="),
    "few matched": ([bowl, 2], {"draws": 2, "matched": True}, "draws: expected at least 4 antithetic draws with match"),
    "seed": ([bowl, 2], {"seed": -1}, "seed: expected a whole number of at least 0 and below 2^64, got -1."),
    "updates": ([bowl, 2], {"updates": 0}, "updates: expected a whole number of at least 1, got 0."),
    "sd": ([bowl, 2], {"initial_sd": 0.0}, "initial_sd: expected a finite number above 0, got 0.0."),
    "curvature": (
        [bowl, 2],
        {"curvature": "bfgs"},
        "curvature: expected one of 'gauss_newton', 'hessian', got 'bfgs'.",
    ),
    "prior": ([bowl, 2], {"prior_sd": 1.0}, "prior_sd: expected nothing beside a log density, which has its own prior"),
    "product alone": ([bowl, 2], {"product": down}, "gradient: expected a function beside product, got none."),
    "gradient": ([bowl, 2], {"gradient": 3}, "gradient: expected a function, got 3."),
    "mean": ([bowl, 2], {"gradient": down, "initial_mean": [1.0]}, "initial_mean: expected 2 numbers, one for each"),
    "prior of a problem": (
        [ToyProblem()],
        {"scale": 3, "prior_sd": -1.0},
        "prior_sd: expected a number above 1e-100, or None, got -1",
    ),
    "scale": (
        [ToyProblem()],
        {"prior_sd": 1.0},
        "scale: expected a finite number above 0, got none. It multipl",
    ),
    "priors": ([bowl, 2], {"prior_sd": np.ones(2)}, "prior_sd: expected nothing beside a log density, which has its"),
    "one draw": ([bowl, 2], {"draws": 1, "antithetic": False}, "draws: expected at least 2 fixed draws, as on one the"),
    "flag": ([bowl, 2], {"fresh": "no"}, "fresh: expected True or False, got 'no'."),
    "infinite scale": ([ToyProblem()], {"scale": np.inf, "prior_sd": 1.0}, "scale: expected a finite number above 0,"),
    "no precision": ([ToyProblem()], {"scale": 3, "prior_sd": 1e-300}, "prior_sd: expected a number above 1e-100, or"),
    "length of z": ([ToyProblem(), 5], {"scale": 3, "prior_sd": 1.0}, "num_parameters: expected nothing beside a prob"),
    "its engine": (
        [ToyProblem()],
        {"scale": 3, "prior_sd": 1.0, "engine": "jax"},
        "engine: expected nothing beside a problem, which has its own, got 'jax'.",
    ),
    "engine": (
        [bowl, 2],
        {"gradient": down, "engine": "jax"},
        "engine: expected nothing beside gradient, which needs none, got 'jax'.",
    ),
    "two priors": (
        [decayed()],
        {"scale": 3, "prior_sd": 1.0},
        "prior_sd: expected nothing beside a weight decay of 0.1",
    ),
    "its own": ([ToyProblem()], {"gradient": down}, "gradient: expected nothing beside a problem, which has its own"),
    "class": ([ToyProblem], {}, "model: expected an object with score, gradient, num_parameters, num_chunks, got a cl"),
}


@pytest.mark.parametrize(("arguments", "keywords", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_refused(arguments, keywords, said) -> None:
    with pytest.raises((OptionError, DataError), match=re.escape(said.replace("{initial_mean}", "initial_mean"))):
        variational_problem(*arguments, **keywords)


def terms(z):
    return -0.5 * z**2


def nowhere(z):
    return -np.inf if z[0] > 0 else 0.0


def sum_of_all(z):
    return -0.5 * (z * z).sum()


UNFIT = {
    "terms": (terms, {"gradient": down}, "model: expected one number for z of shape (2,), got an array of "),
    "sum of columns": (
        sum_of_all,
        {"gradient": down, "vectorised": True},
        "model: expected 100 numbers, one for each column of z, (D, S) = (2, 100), got np.float64(",
    ),
    "coupled": (
        lambda z: -0.5 * (z * z).sum(axis=0) * z.mean(),
        {"gradient": down, "vectorised": True},
        "model: expected a number for each column of z that does not depend on other columns, got another one for the",
    ),
    "constant": (
        lambda z: 3,
        {"gradient": lambda z: 0 * z},
        "model: expected a log density that depends on z, got 3 at every draw.",
    ),
    "infinite": (nowhere, {"gradient": down}, "model: expected a finite number at every draw, got -inf at draw "),
    "a number": (bowl, {"gradient": lambda z: 1.0}, "gradient: expected an array of shape (2,), as z has, got 1.0."),
    "a matrix": (bowl, {"gradient": down, "product": lambda z, v: np.eye(2)}, "product: expected an array of shape ("),
}


@pytest.mark.parametrize(("log_p", "keywords", "said"), UNFIT.values(), ids=UNFIT)
def test_functions_that_do_not_fit_are_refused(log_p, keywords, said) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        variational_problem(log_p, 2, **keywords)


def test_without_gradient_and_without_autograd_one_sentence_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "autograd", None)
    with pytest.raises(OptionError) as refused:
        variational_problem(bowl, 2)
    assert str(refused.value) == (
        "engine: expected an engine that is installed, for 'autograd', got a Python without it. "
        "Run pip install 'hf_matlab_compat[autodiff]'."
    )


def test_operations_that_autograd_does_not_know_are_named() -> None:
    pytest.importorskip("autograd")
    with pytest.raises(OptionError, match="model: expected operations that the engine can differentiate"):
        variational_problem(lambda z: float(np.sum(z)), 2)
    pytest.importorskip("jax")
    with pytest.raises(OptionError, match=r"vectorised: expected False with engine='jax', got True\."):
        variational_problem(sum_of_all, 2, engine="jax", vectorised=True)


def test_a_network_without_a_prior_is_refused() -> None:
    class Flat(ToyProblem):
        weight_decay = 0.0

    with pytest.raises(OptionError, match="prior_sd: expected the standard deviation of the prior, as the problem has"):
        variational_problem(Flat(), scale=3)


def test_second_order_methods_need_products_and_others_do_not() -> None:
    problem = variational_problem(bowl, 2, gradient=down)
    with pytest.raises(OptionError, match=r"product: expected a function \(z, v\) that returns .* method='adam'"):
        train(problem=problem, max_epochs=1)
    assert train(problem=problem, method="adam", max_epochs=2).history["updates"][-1] == 2


def test_a_density_that_becomes_infinite_at_a_draw_ends_the_run_with_the_draw() -> None:
    def falls(z):
        return bowl(z) if z[0] < 3 else np.nan

    problem = variational_problem(falls, 1, gradient=lambda z: 5 + 0 * z, draws=4, updates=20)
    with pytest.raises(NonFiniteError, match=r"the log density at draw \d is not finite"):
        train(problem=problem, method="gd", learning_rate=0.2, max_epochs=20)


def test_a_log_density_runs_on_the_host_and_in_one_process() -> None:
    problem = variational_problem(bowl, 2, gradient=down)
    host = get_backend("numpy", "double", 1)
    assert problem.placed(host, None).density is problem.density
    with pytest.raises(OptionError, match="backend: expected 'numpy' or 'numba' beside a log density"):
        problem.placed(replace(host, on_host=False), None)
    own = variational_problem(ToyProblem(), prior_sd=1.0, scale=2)
    for each, what in ((problem, "a log density"), (own, "this problem")):
        with sharing_checks(0, 2), pytest.raises(OptionError, match=f"ranks: expected 'none' beside {what}, of which"):
            each.placed(host, None)


def test_a_start_is_one_number_for_each_parameter() -> None:
    problem = variational_problem(bowl, gradient=down, initial_mean=[1, 2], initial_sd=0.5)
    np.testing.assert_allclose(problem.initial_theta(3), [1, 2, 2 * np.log(0.5), 2 * np.log(0.5)])
    assert problem.num_parameters == 4
    np.testing.assert_array_equal(variational_problem(bowl, 2, gradient=down).initial_theta()[:2], 0)


@pytest.mark.parametrize("constant", [3, 3.0])
def test_autograd_does_not_warn_of_a_constant_that_is_refused(constant) -> None:
    pytest.importorskip("autograd")
    with pytest.raises(DataError, match="model: expected a log density that depends on z, got 3 at every draw"):
        variational_problem(lambda z: constant, 2)


def test_a_density_that_is_even_about_its_start_is_no_constant() -> None:
    variational_problem(bowl, 1, gradient=down, draws=2)
    with pytest.raises(DataError, match="model: expected a log density that depends on z"):
        variational_problem(lambda z: 3.0, 1, gradient=lambda z: 0 * z, draws=4)


def test_a_result_of_another_problem_is_refused() -> None:
    problem = variational_problem(bowl, 2, gradient=down)
    for theta in (np.zeros(3), np.zeros(6)):
        with pytest.raises(DataError, match=f"result: expected 4 numbers, μ and s of this problem, got {theta.size}"):
            problem.posterior(theta)
    found = problem.posterior(problem.initial_theta(), draws=10.0)
    assert found.draws(3.0).shape == (3, 2)
    with pytest.raises(OptionError, match="seed: expected a whole number of at least 0"):
        found.draws(3, seed=-1)


def test_too_few_draws_for_a_standard_error_are_refused() -> None:
    problem = variational_problem(bowl, 2, gradient=down)
    with pytest.raises(OptionError, match="draws: expected a whole number of at least 2, got 1"):
        problem.posterior(problem.initial_theta(), draws=1)


def test_the_error_that_is_reported_is_the_mean_of_minus_log_p_or_that_of_the_problem() -> None:
    problem = variational_problem(bowl, 2, gradient=down, draws=2)
    Z = problem.points(problem.initial_theta())
    assert problem.score(problem.initial_theta(), Cases()).error == pytest.approx(-np.mean([bowl(z) for z in Z]))
    toy = ToyProblem()
    own = variational_problem(toy, prior_sd=1.0, scale=2, draws=4)
    assert own.score(np.zeros(40), Cases()).error == np.mean([1, 2, 3, 4])  # it counts its scores
