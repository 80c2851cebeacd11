"""Derivatives that examples and studies have of their own, against automatic differentiation."""

from __future__ import annotations

import itertools
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, grad, hessian_vector_product, jacobian

from examples import own_problem
from examples.own_unit import StudentT, Swish
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.studies import hypergradient_net, learned_damping, logistic_tasks, slides
from hf_matlab_compat.studies.logistic_regression import drawn_problem
from tests.autodiff.definitions import agree
from tests.autodiff.models import Feedforward

RANDOM = np.random.default_rng(0)
X = 2 * RANDOM.standard_normal((4, 7))
AFTER = RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def the_same_numbers_in_any_order() -> None:
    RANDOM.bit_generator.state = AFTER


def test_the_examples_unit_and_loss_are_differentiated_right() -> None:
    swish, t_loss, t = Swish(), StudentT(), RANDOM.random(X.shape)

    def f(x: Any) -> Any:
        return x / (1 + anp.exp(-x))

    def ll(y: Any) -> Any:
        return -2 * anp.sum(anp.log(1 + (t - y) ** 2 / 3))

    y = swish.activate(np, X)
    ours = {"f": y, "f'": swish.slope(np, X, y), "f''": swish.bend(np, X, y), "e": t_loss.gradient(np, X, t)}
    second = elementwise_grad(elementwise_grad(f))(X)
    agree(ours, {"f": f(X), "f'": elementwise_grad(f)(X), "f''": second, "e": grad(ll)(X)})
    assert (t_loss.curvature_product(np, X, t, np.ones_like(X)) > 0).all()  # its curvature is not the exact one


def test_the_examples_problem_is_differentiated_right() -> None:
    inputs, t = RANDOM.standard_normal((4, 6)), np.array([0.0, 1, 1, 0, 1, 0])
    problem, theta, v = (
        own_problem.LogisticRegression(inputs, t, num_chunks=2, decay=0.1),
        *RANDOM.standard_normal((2, 5)),
    )
    X = np.vstack([inputs, np.ones(6)])

    def f(theta: Any, some: slice) -> Any:
        x = anp.dot(theta, X[:, some])
        return anp.mean(anp.logaddexp(0.0, x) - t[some] * x) + 0.05 * anp.sum(theta**2)

    whole, chunk = slice(None), slice(1, None, 2)
    g = problem.gradient(theta, Cases(1))
    ours = {"f": -g.log_likelihood, "g": -g.full, "chunk": -g.chunk, "Hv": problem.curvature(theta, Cases(1), g)(v)}
    theirs = {"f": f(theta, whole), "g": grad(f)(theta, whole), "chunk": grad(f)(theta, chunk)}
    agree(ours, {**theirs, "Hv": hessian_vector_product(f)(theta, chunk, v)})


def test_the_logistic_regression_of_the_studies_is_differentiated_right() -> None:
    problem, theta = drawn_problem(0, n=9, d=5)
    inputs, t, v = problem.X, problem.y, RANDOM.standard_normal(5)

    def f(w: Any) -> Any:
        z = anp.dot(inputs, w)
        return anp.mean(anp.logaddexp(0.0, z) - t * z) + problem.decay / 2 * anp.sum(w**2)

    g = problem.gradient(theta, Cases())
    ours = {"f": -g.log_likelihood, "g": -g.full, "Hv": problem.curvature(theta, Cases(), g)(v)}
    agree(ours, {"f": f(theta), "g": grad(f)(theta), "Hv": hessian_vector_product(f)(theta, v)})


def test_the_tasks_of_learned_damping_are_differentiated_right() -> None:
    tasks = logistic_tasks.Tasks.draw([RANDOM], 2, logistic_tasks.Kind(weights=4, cases=6))
    problem, theta, v = learned_damping.OneTask(tasks, 1), *RANDOM.standard_normal((2, 4))
    inputs, t = tasks.X[0, 1], tasks.y[0, 1, :, 0]

    def each(w: Any) -> Any:
        z = anp.dot(inputs, w)
        return anp.logaddexp(0.0, z) - t * z

    def f(w: Any) -> Any:
        return anp.mean(each(w)) + tasks.ridge / 2 * anp.sum(w**2)

    g = problem.gradient(theta, Cases())
    B = problem.curvature(theta, Cases(), g)
    squares = (jacobian(each)(theta) ** 2).mean(axis=0)
    ours = {"f": -g.log_likelihood, "g": -g.full, "Hv": B(v), "squares": g.full_squared, "diagonal": B.diagonal(0.5)}
    theirs = {"f": f(theta), "g": grad(f)(theta), "Hv": hessian_vector_product(f)(theta, v)}
    agree(ours, {**theirs, "squares": squares, "diagonal": squares + 0.5})


def test_the_classifier_of_hypergradients_is_differentiated_right() -> None:
    inputs, targets = RANDOM.random((6, 64)), np.eye(10)[RANDOM.integers(0, 10, 6)]
    cases = hypergradient_net.Cases(inputs, targets)
    net = hypergradient_net.Classifier(cases, cases)
    x, w = 0.3 * RANDOM.standard_normal((2, hypergradient_net.P))
    eta = np.array([-1.0, 0.5])
    network = Feedforward(hypergradient_net.SIZES, ("tanh", "softmax"), "matching")

    def decays(eta: Any) -> Any:
        return anp.concatenate([anp.exp(eta[i]) * np.ones(size) for i, size in enumerate(hypergradient_net.LAYERS)])

    def f(x: Any, eta: Any) -> Any:
        of = network.objective(inputs.T, targets.T, np.ones(6), np.zeros(x.size))
        return of.value(x) + anp.sum(decays(eta) * x**2) / 2

    gradient, products = net.linearized(x, eta, 0)
    Hw, mixed = products(w)
    value, of_x, of_eta = net.validation(x, eta)
    ours = {"g": gradient, "alone": net.gradient(x, eta, 0), "Hw": Hw, "mixed": mixed, "value": value, "judged": of_x}
    theirs = {"g": grad(f)(x, eta), "alone": grad(f)(x, eta), "Hw": hessian_vector_product(f)(x, eta, w)}
    theirs["mixed"] = jacobian(lambda eta: grad(f)(x, eta))(eta).T @ w
    of = network.objective(inputs.T, targets.T, np.ones(6), np.zeros(x.size))
    agree(ours, {**theirs, "value": of.value(x), "judged": of.gradient(x)})
    assert not of_eta.any()


def test_the_valley_of_the_slides_has_its_derivatives() -> None:
    def residuals(p: Any) -> Any:
        return anp.array([1 - p[0], 10 * (p[1] - p[0] ** 2)])

    def f(p: Any) -> Any:
        return anp.sum(residuals(p) ** 2)

    for p in itertools.product((-1.2, 0.3), (1.0, -2.0)):
        at = np.array(p)
        J = jacobian(residuals)(at)
        ours = {"g": slides.gradient(at), "H": slides.hessian(at), "G": slides.gauss_newton(at)}
        agree(ours, {"g": grad(f)(at), "H": jacobian(grad(f))(at), "G": 2 * J.T @ J})
