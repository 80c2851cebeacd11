"""The ELBO, its gradient and its curvature on given draws: recorded values, automatic differentiation, differences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import check_derivatives, variational_problem
from hf_matlab_compat.problem import Cases
from tests.variational.regression import COLUMNS, FUNCTIONS, KNOWN, D, X, exact_elbo, gap, gradient, log_p, product, y

anp = pytest.importorskip("autograd.numpy")


@dataclass(frozen=True)
class These:
    """Draws that a test gives."""

    eps: Any
    fresh = False

    def of(self, epoch: int, update: int = 0) -> Any:
        return self.eps


def given(model, eps, size, **keywords):
    problem = variational_problem(model, size, draws=2, **keywords)
    return replace(problem, draws=These(np.asarray(eps)))


WAYS = {
    "one by one": FUNCTIONS,
    "in columns": COLUMNS,
    "by autograd": {},
    "in columns by autograd": {"vectorised": True},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_elbo_and_gradient_of_seven_draws_are_the_recorded_ones(way) -> None:
    problem = given(log_p, KNOWN["eps"], D, **way)
    found = problem.gradient(KNOWN["q0"], Cases(chunk=0, draw=3))
    assert found.log_likelihood == pytest.approx(KNOWN["elbo"], rel=1e-10)
    np.testing.assert_allclose(found.full, KNOWN["elbo_grad"], rtol=1e-10)
    np.testing.assert_array_equal(found.chunk, found.full)
    assert problem.score(KNOWN["q0"], Cases()).log_likelihood == found.log_likelihood


def test_the_exact_figures_of_the_regression_are_the_recorded_ones() -> None:
    # a check of the tests' own oracle, which the acceptance tests measure gaps with
    assert exact_elbo(KNOWN["q0"]) == pytest.approx(KNOWN["elbo_exact_q0"], rel=1e-10)
    best = np.concatenate([KNOWN["best_mean"], np.log(KNOWN["best_var"])])
    assert gap(best) == pytest.approx(0, abs=1e-7)  # recorded to eight decimals
    assert np.linalg.norm(gradient(KNOWN["best_mean"])) < 1e-5
    precision = -product(None, np.eye(D))
    np.testing.assert_allclose(KNOWN["best_var"], 1 / np.diag(precision), rtol=1e-6)
    evidence = log_p(KNOWN["best_mean"]) + 0.5 * D * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    assert evidence == pytest.approx(KNOWN["log_evidence"], abs=1e-7)
    gap_to_evidence = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert KNOWN["log_evidence"] - KNOWN["best_elbo"] == pytest.approx(gap_to_evidence, abs=1e-7)


def funnel(z):
    """A log density that is neither quadratic nor concave, with every second derivative."""
    return -0.5 * z[0] ** 2 / 9 - 0.5 * z[1] ** 2 * anp.exp(-z[0]) + anp.sin(z[2]) * z[1] - 0.1 * z[2] ** 4


def whole(theta, eps):
    """The ELBO as one function of θ, for automatic differentiation."""
    mean, s = theta[:3], theta[3:]
    drawn = [funnel(mean + anp.exp(s / 2) * e) for e in eps]
    return 0.5 * anp.sum(s) + 1.5 * (1 + np.log(2 * np.pi)) + sum(drawn) / len(drawn)


EPS = np.random.default_rng(2).standard_normal((6, 3))
THETA = np.array([0.3, -0.8, 1.1, -0.5, 0.4, -1.2])


def test_the_gradient_is_that_of_automatic_differentiation() -> None:
    from autograd import grad

    ours = given(funnel, EPS, 3).gradient(THETA, Cases()).full
    theirs = grad(whole)(THETA, EPS)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13 * np.abs(theirs).max())


def dense(problem, theta=THETA):
    B = problem.curvature(theta, Cases(0, 1), problem.gradient(theta, Cases(0, 1)))
    return np.array([B(e) for e in np.eye(len(theta))])


def test_the_exact_curvature_is_the_hessian_of_automatic_differentiation_and_of_differences() -> None:
    from autograd import hessian

    problem = given(funnel, EPS, 3, curvature="hessian")
    ours, theirs = dense(problem), -hessian(whole)(THETA, EPS)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())
    steps = 1e-6 * np.eye(6)
    rows = [problem.gradient(THETA - e, Cases()).full - problem.gradient(THETA + e, Cases()).full for e in steps]
    np.testing.assert_allclose(ours, np.array(rows) / 2e-6, rtol=0, atol=1e-8)
    assert np.linalg.eigvalsh(ours)[0] < 0


@pytest.mark.parametrize("engine", ["jax", "torch"])
def test_other_engines_give_the_same(engine) -> None:
    library = pytest.importorskip("jax.numpy" if engine == "jax" else engine)

    def same(z):
        last = library.sin(z[2]) * z[1] - 0.1 * z[2] ** 4
        return -0.5 * z[0] ** 2 / 9 - 0.5 * z[1] ** 2 * library.exp(-z[0]) + last

    ours, theirs = given(funnel, EPS, 3), given(same, EPS, 3, engine=engine)
    one, other = (problem.gradient(THETA, Cases(0, 1)) for problem in (ours, theirs))
    np.testing.assert_allclose(other.full, one.full, rtol=1e-13, atol=1e-13)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-14)
    assert theirs.score(THETA, Cases()).log_likelihood == pytest.approx(one.log_likelihood, rel=1e-14)
    np.testing.assert_allclose(dense(theirs), dense(ours), rtol=0, atol=1e-13)


def test_the_derivatives_pass_the_check_that_users_call() -> None:
    for vectorised in (False, True):
        density = log_p if vectorised else funnel
        problem = variational_problem(
            density, D if vectorised else 3, vectorised=vectorised, draws=4, curvature="hessian"
        )
        assert check_derivatives(problem, problem.initial_theta() + 0.1, hessian=True).agree


def test_the_other_curvature_leaves_out_what_is_negative_on_the_diagonal_of_s_alone() -> None:
    # where -log p is concave, a wider q is better in every coordinate: b < 0
    bump = given(lambda z: anp.sum(z**2), EPS, 3), given(lambda z: anp.sum(z**2), EPS, 3, curvature="hessian")
    left_out = dense(bump[0]) - dense(bump[1])
    s = THETA[3:]
    wanted = np.mean([2 * (THETA[:3] + np.exp(s / 2) * e) * e * np.exp(s / 2) / 4 for e in EPS], axis=0)
    assert (wanted > 0).all()
    np.testing.assert_allclose(left_out, np.diag(np.concatenate([np.zeros(3), wanted])), atol=1e-13)


def test_of_a_log_concave_density_the_curvature_is_positive_and_at_the_optimum_both_are_one() -> None:
    for seed in range(5):
        eps = np.random.default_rng(seed).standard_normal((4, D))
        theta = np.random.default_rng(seed + 9).standard_normal(2 * D)
        assert np.linalg.eigvalsh(dense(given(log_p, eps, D, **COLUMNS), theta))[0] > -1e-9
    eps = np.random.default_rng(0).standard_normal((200, D))
    best = np.concatenate([KNOWN["best_mean"], np.log(KNOWN["best_var"])])
    both = [dense(given(log_p, eps, D, curvature=c, **COLUMNS), best) for c in ("gauss_newton", "hessian")]
    np.testing.assert_array_equal(*both)


def test_products_without_a_gradient_are_the_same() -> None:
    problem = given(funnel, EPS, 3)
    v = np.arange(6.0)
    with_it = problem.curvature(THETA, Cases(), problem.gradient(THETA, Cases()))
    np.testing.assert_array_equal(problem.curvature(THETA, Cases(), None)(v), with_it(v))


def test_the_oracle_is_the_regression_of_the_recorded_data() -> None:
    z = KNOWN["best_mean"] + 0.1
    np.testing.assert_allclose(log_p(np.stack([z, -z], axis=1)), [log_p(z), log_p(-z)])
    assert X.shape == (60, 5)
    assert y.shape == (60,)
