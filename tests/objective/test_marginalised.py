"""Marginalised corruption against Monte Carlo, finite differences and copies of corrupted cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.objective.marginalised import marginalised_problem
from hf_matlab_compat.problem import Cases

RANDOM = np.random.default_rng(0)
X = RANDOM.random((4, 6))
KINDS = {"blankout": 0.3, "normal": 0.4, "laplace": 0.2, "poisson": None, "dilation": 0.5}


def drawn(kind: str, amount: Any, count: int) -> Any:
    random, shape = np.random.default_rng(1), (count, *X.shape)
    if kind == "blankout":
        return X * (random.random(shape) >= amount) / (1 - amount)
    if kind == "normal":
        return X + amount * random.standard_normal(shape)
    if kind == "laplace":
        return X + random.laplace(0, amount, shape)
    if kind == "poisson":
        return random.poisson(X, shape)
    return X * (1 + amount * random.uniform(-1, 1, shape))


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_is_that_of_many_draws(kind: str) -> None:
    T, theta = RANDOM.random((2, 6)), 0.5 * RANDOM.standard_normal(10)
    W, b = theta[:8].reshape(2, 4, order="F"), theta[8:]
    draws = drawn(kind, KINDS[kind], 200_000)
    y = np.einsum("kd,cdn->ckn", W, draws) + b[:, None]
    exact = marginalised_problem(X, T, kind, KINDS[kind])
    assert exact.score(theta, Cases()).log_likelihood == pytest.approx(-0.5 * ((T - y) ** 2).sum(1).mean(), rel=5e-3)
    labels = (T > 0.5).astype(float)
    entropy = np.logaddexp(0, np.where(labels > 0, -y, y)).sum(1).mean()
    bound = marginalised_problem(X, labels, kind, KINDS[kind], output="logistic")
    value = -bound.score(theta, Cases()).log_likelihood
    assert entropy - 1e-3 <= value <= entropy * 1.3  # Jensen's bound, not far above
    # E exp of the corrupted output, of which the bound is made
    moments = np.exp(np.where(labels > 0, -y, y)).mean(axis=0)
    np.testing.assert_allclose(value, np.log1p(moments).sum(0).mean(), rtol=2e-2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", ["linear", "logistic"])
def test_gradient_and_curvature_are_derivatives(kind: str, output: str) -> None:
    T = RANDOM.integers(0, 2, (2, 6)).astype(float)
    made = marginalised_problem(X, T, kind, KINDS[kind], output=output, weight_decay=0.01)
    theta, v, on = 0.5 * RANDOM.standard_normal(10), RANDOM.standard_normal(10), Cases()
    g, h = made.gradient(theta, on), 1e-6
    slope = (made.score(theta + h * v, on).log_likelihood - made.score(theta - h * v, on).log_likelihood) / (2 * h)
    assert g.full @ v == pytest.approx(slope, rel=1e-6)
    B = made.curvature(theta, on, g)
    Hv = -(made.gradient(theta + h * v, on).full - made.gradient(theta - h * v, on).full) / (2 * h)
    np.testing.assert_allclose(B(v), Hv, atol=1e-6 * abs(Hv).max())
    dense = np.array([B(e) for e in np.eye(10)])
    np.testing.assert_allclose(B.diagonal(0.0), np.diag(dense), rtol=1e-12)
    assert np.linalg.eigvalsh((dense + dense.T) / 2).min() > 0


@pytest.mark.slow
def test_many_copies_of_corrupted_cases_come_close_and_training_reaches_the_closed_form() -> None:
    digits, test = shuffled_digits(200, 600)
    X, T = digits.images.astype(float), digits.one_hot().astype(float)
    made = marginalised_problem(X, T, "blankout", 0.5, weight_decay=1e-4)
    zero = np.zeros(made.num_parameters)
    found = train(
        problem=made, initial_theta=zero, precision="double", max_epochs=30, initial_lam=1e-3, preconditioner="none"
    )
    X1, N = np.vstack([X, np.ones(200)]), 200
    V = np.append((X**2).sum(axis=1) / N, 0)
    best = np.linalg.solve(X1 @ X1.T / N + np.diag(V) + 1e-4 * np.eye(65), X1 @ T.T / N)
    expected = np.concatenate([best[:-1].ravel(), best[-1]])
    np.testing.assert_allclose(found.theta, expected, atol=1e-5)

    def error(weights: Any) -> float:
        return float(((weights.T @ np.vstack([test.images, np.ones(600)])).argmax(axis=0) != test.labels).mean())

    def of_copies(count: int) -> float:
        random = np.random.default_rng(0)
        copies = np.hstack([X * (random.random(X.shape) >= 0.5) * 2 for _ in range(count)])
        A = np.vstack([copies, np.ones(copies.shape[1])])
        tiled = np.tile(T, count)
        return error(np.linalg.solve(A @ A.T + 1e-4 * A.shape[1] * np.eye(65), A @ tiled.T))

    errors = [of_copies(count) for count in (1, 16, 256)]
    assert errors[0] > errors[2] + 0.02
    assert error(best) == pytest.approx(errors[2], abs=0.01)


def test_what_cannot_be_marginalised_is_refused() -> None:
    T = np.ones((1, 6))
    for call, what in (
        (lambda: marginalised_problem(X, T[:, :3], "blankout", 0.5), "inputs: expected as many"),
        (lambda: marginalised_problem(X, T, "dropout", 0.5), "corruption: expected one of"),
        (lambda: marginalised_problem(X, T, "blankout", 1.0), "amount: expected a number above 0 and below 1"),
        (lambda: marginalised_problem(X, T, "normal"), "amount: expected a number above 0"),
        (lambda: marginalised_problem(-X, T, "poisson"), "inputs: expected no negative numbers"),
        (lambda: marginalised_problem(X, T * 0.5, "normal", 1, output="logistic"), "targets: expected 0 and 1"),
        (lambda: marginalised_problem(X, T, "normal", 1, output="softmax"), "output: expected 'linear' or 'logistic'"),
    ):
        with pytest.raises((DataError, OptionError), match=what):
            call()
