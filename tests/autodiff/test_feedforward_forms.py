"""Forms of a feed-forward objective that few runs use, against automatic differentiation of their definitions."""

from __future__ import annotations

from itertools import product
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, grad, hessian_vector_product, jacobian
from scipy.io import loadmat

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.corrupted import CorruptedProblem
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.objective.marginalised import Dilation, marginalised_problem
from hf_matlab_compat.objective.unbiased_diagonal import unbiased_diagonal
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.subject import NetworkData, Weights, network_subject
from tests.autodiff.definitions import OUTPUTS, UNITS, agree, apart
from tests.autodiff.models import Feedforward
from tests.autodiff.test_feedforward import DRAW, HAS_NUMBA, OUT, N, Pair
from tests.cases import GOLDENS

PLAIN: dict[str, Any] = {
    "output": ("softmax", "matching"),
    "hidden": ("gelu", "logistic"),
    "products": ("gauss_newton", "numpy"),
    "corruption": "clean",
    "chunks": (1, "target_chunk"),
    "decay": "none",
    "weighted": True,
}
CHECK_VALUES = sorted((GOLDENS / "methods").glob("ad_*.mat"))
BACKENDS = ["numpy", *(["numba"] if HAS_NUMBA else [])]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("path", CHECK_VALUES, ids=[path.stem for path in CHECK_VALUES])
def test_recorded_values_of_automatic_differentiation_are_met(path: Any, backend: str) -> None:
    m = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    units, sizes = path.stem.split("_")[1:], m["sizes"].astype(int).ravel().tolist()
    theta, v = m["theta"].ravel(), m["v"].ravel()
    decay = float(m["weight_decay"].item())
    problem = FeedforwardProblem(
        network=build_network(sizes, units, "matching", "none"),
        cases=ChunkedCases(m["X"], m["T"], 1),
        backend=get_backend(backend, "double"),
        weight_decay=decay,
        faithful=False,
    )
    g = problem.gradient(theta, Cases())
    found = {"f": -g.log_likelihood, "grad": -g.full, "sq": g.full_squared}
    for name, kind in (("Gv", "gauss_newton"), ("Hv", "hessian")):
        object.__setattr__(problem, "curvature_kind", kind)
        found[name] = problem.curvature(theta, Cases(), g)(v)
    agree(found, {name: m[name] for name in found})
    # the definitions of these tests meet them too
    of = Feedforward(sizes, units, "matching").objective(m["X"], m["T"], np.ones(24), np.full(theta.size, decay))
    theirs = {"f": of.value(theta), "grad": of.gradient(theta), "sq": of.squares(theta)}
    theirs |= {"Gv": of.gauss_newton_product(theta, v), "Hv": of.hessian_product(theta, v)}
    agree(theirs, {name: m[name] for name in theirs})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("output", ["logistic", "softmax", "linear"])
def test_the_published_empirical_fisher_is_that_of_the_losss_gradients_except_for_linear_outputs(
    output: str, backend: str
) -> None:
    setting = {**PLAIN, "output": (output, "matching"), "products": ("empirical_fisher", backend)}
    pair = Pair(setting)
    problem = pair.problem(faithful=True)
    B = problem.curvature(pair.theta, pair.on, problem.gradient(pair.theta, pair.on))
    of = pair.curved()
    half = 0.5 if output == "linear" else 1.0  # the published program doubles e eᵀ once, the gradient is doubled twice
    expected = half * of.fisher_product(pair.theta, pair.v)
    assert apart(B(pair.v) + pair.taken_off(), expected) <= 1e-13


@pytest.mark.parametrize(("unit", "loss"), [each for each in OUTPUTS if each[1] != "quartic"], ids="-".join)
def test_the_mean_of_the_unbiased_diagonal_over_all_signs_is_the_diagonal(unit: str, loss: str) -> None:
    pair = Pair({**PLAIN, "output": (unit, loss)})
    problem: Any = pair.problem()
    patterns = [np.array(signs)[:, None] for signs in product((-1.0, 1.0), repeat=OUT)]
    found = [
        unbiased_diagonal(problem._on, pair.theta, [0], lambda first, n, outputs, z=z: np.tile(z, n)) for z in patterns
    ]
    G = pair.objective().gauss_newton(pair.theta)
    assert apart(np.mean(found, axis=0), np.diag(G)) <= 1e-13


@pytest.mark.parametrize("form", ["symmetric", "legacy"])
@pytest.mark.parametrize("output", [("softmax", "matching"), ("tanh", "squared")], ids="-".join)
def test_perturbed_products_pass_through_changed_weights(output: tuple[str, str], form: str) -> None:
    pair = Pair({**PLAIN, "output": output})
    corruption = Corruption(seed=5, perturbed_weights=0.7, perturbation=0.2, perturb_form=form)
    problem = CorruptedProblem(pair.problem(), corruption)
    on = Cases(0, DRAW)
    B = problem.curvature(pair.theta, on, problem.gradient(pair.theta, on))
    of = pair.objective()
    y, H_L = of.output(pair.theta), hessian_vector_product(lambda y: anp.sum(of.weights * of.losses(y)) / N)
    for count in range(2):  # in the legacy form every product has other weights on the way back
        both = [pair.theta, pair.theta * corruption.factors_of_weights(pair.theta.size, DRAW - 1, count)]
        if form == "symmetric":
            both = [pair.theta * corruption.factors_of_weights(pair.theta.size, DRAW - 1)] * 2
        J_there, J_back = (first_order(pair, seen) for seen in both)
        expected = J_back.T @ H_L(y, (J_there @ pair.v).reshape(y.shape)).ravel()
        assert apart(B(pair.v), expected) <= 1e-13


def first_order(pair: Pair, seen: Any) -> Any:
    """The Jacobian of `linearised` in θ."""
    return jacobian(lambda moving: linearised(pair, moving, seen).ravel())(pair.theta)


def linearised(pair: Pair, moving: Any, seen: Any) -> Any:
    """The first-order network at θ whose weights carry a change upwards as `seen`, as a function of `moving`."""
    network = Feedforward(pair.sizes, pair.units, pair.loss)
    x = network.inputs_of_layers(pair.theta, pair.X)
    change, y = 0.0, pair.X
    for i, ((W, b), (U, _)) in enumerate(zip(network.layers(moving), network.layers(seen), strict=True)):
        Rx = anp.dot(W, y) + b + (anp.dot(U, change) if i else 0.0)
        unit = UNITS[pair.units[i]]
        last = i + 1 == len(x)
        y = unit(x[i])
        if last and pair.loss == "matching":
            return Rx
        slopes = np.array([jacobian(unit)(column) for column in x[i].T])  # softmax mixes the units of a column
        change = anp.einsum("nij,jn->in", slopes, Rx)
    return change


def test_weights_of_classes_and_cases_multiply() -> None:
    pair = Pair(PLAIN)
    by_class = np.array([0.5, 2.0, 3.0])
    settings = Options(precision="double", weight_decay=0.02, decay_biases=False)
    weights = Weights(cases=pair.weights, classes=by_class)
    data = NetworkData(pair.X, pair.T, None, None, pair.sizes[1:-1], list(pair.units), weights)
    problem = network_subject(data, (pair.theta, None, None), None, settings, settings).problem
    assert pair.weights is not None
    network = Feedforward(pair.sizes, pair.units, pair.loss)
    of = network.objective(pair.X, pair.T, pair.weights * (by_class @ pair.T), 0.02 * network.mask(False))
    g = problem.gradient(pair.theta, Cases(0))
    ours = {"ll": g.log_likelihood, "g": g.full, "squares": g.full_squared}
    agree(ours, {"ll": -of.value(pair.theta), "g": -of.gradient(pair.theta), "squares": of.squares(pair.theta)})
    B = problem.curvature(pair.theta, Cases(0), g)
    assert apart(B(pair.v), of.gauss_newton_product(pair.theta, pair.v)) <= 1e-13


def test_the_variance_of_the_gradient_is_that_of_the_cases_gradients() -> None:
    pair = Pair({**PLAIN, "weighted": False, "decay": "weights"})
    problem = pair.problem()
    each = pair.objective().by_case(pair.theta)
    found = problem.gradient_variance(pair.theta, problem.gradient(pair.theta, pair.on))
    assert apart(found, each.var(axis=0, ddof=1).sum()) <= 1e-13


# --- corruption averaged in closed form


def mean_exp_of_dilated(alpha: Any, x: Any, largest: float) -> Any:
    """E exp(α (1 + s u) x) by Gauss-Legendre quadrature, exact to rounding and without cancellation near α = 0."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    return sum(w / 2 * anp.exp(alpha * (1 + largest * u) * x) for u, w in zip(nodes, weights, strict=True))


MEAN_EXP: dict[str, Any] = {
    "blankout": lambda alpha, x, q: q + (1 - q) * anp.exp(alpha * x / (1 - q)),
    "normal": lambda alpha, x, a: anp.exp(alpha * x + (a * alpha) ** 2 / 2),
    "laplace": lambda alpha, x, a: anp.exp(alpha * x) / (1 - (a * alpha) ** 2),
    "poisson": lambda alpha, x, _: anp.exp(x * (anp.exp(alpha) - 1)),
    "dilation": mean_exp_of_dilated,
}
VARIANCE: dict[str, Any] = {
    "blankout": lambda x, q: q / (1 - q) * x**2,
    "normal": lambda x, a: a**2 + 0 * x,
    "laplace": lambda x, a: 2 * a**2 + 0 * x,
    "poisson": lambda x, _: x,
    "dilation": lambda x, s: s**2 * x**2 / 3,
}


def test_cumulants_of_dilation_are_exact_on_both_sides_of_their_series() -> None:
    def log_mean(alpha: Any) -> Any:
        return anp.log(mean_exp_of_dilated(alpha, 1.0, 1.0))

    alpha = np.array([1e-3, 0.05, 0.2, 0.29, 0.31, 1.0, 3.0])
    first = elementwise_grad(log_mean)
    found = Dilation(1.0)(alpha, np.ones_like(alpha))
    for ours, theirs in zip(found, (log_mean(alpha), first(alpha), elementwise_grad(first)(alpha)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-15)


AMOUNTS = {"blankout": 0.3, "normal": 0.4, "laplace": 0.3, "poisson": None, "dilation": 0.5}


@pytest.mark.parametrize("scale", [1.0, 0.01], ids=["weights of 1", "small weights"])
@pytest.mark.parametrize("output", ["linear", "logistic"])
@pytest.mark.parametrize("kind", AMOUNTS)
def test_marginalised_corruption_has_the_derivatives_of_its_mean(kind: str, output: str, scale: float) -> None:
    random, amount, decay = np.random.default_rng(3), AMOUNTS[kind], 0.01
    X, T = random.random((4, 6)), random.integers(0, 2, (2, 6)).astype(float)
    theta, v = random.standard_normal((2, 10))
    theta *= scale

    def value(at: Any) -> Any:
        W, b = anp.reshape(at[:8], (4, 2)).T, anp.reshape(at[8:], (2, 1))
        if output == "linear":
            spread = anp.dot(W**2, VARIANCE[kind](X, amount))
            data = anp.sum((T - anp.dot(W, X) - b) ** 2 + spread) / 2
        else:
            sign = 1 - 2 * T  # the loss of a logistic unit is log(1 + exp(sign · x))
            means = MEAN_EXP[kind](W[:, :, None] * sign[:, None, :], X[None], amount)
            data = anp.sum(anp.log(1 + anp.exp(sign * b) * anp.prod(means, axis=1)))
        return data / X.shape[1] + decay / 2 * anp.sum(at**2)

    made = marginalised_problem(X, T, kind, amount, output=output, weight_decay=decay)
    g = made.gradient(theta, Cases())
    B = made.curvature(theta, Cases(), g)
    H = np.array([hessian_vector_product(value)(theta, e) for e in np.eye(10)])
    ours = {"ll": g.log_likelihood, "score": made.score(theta, Cases()).log_likelihood, "g": g.full}
    ours |= {"Hv": B(v), "diagonal": B.diagonal(0.2)}
    theirs = {"ll": -value(theta), "score": -value(theta), "g": -grad(value)(theta)}
    agree(ours, {**theirs, "Hv": H @ v, "diagonal": np.diag(H) + 0.2})
