"""Third derivatives, d/de v'H(θ + e u)v at e = 0, by automatic differentiation nested three deep.

They agree between two engines, with a closed form, and with differences of the package's own Hessian products.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
from autograd import grad

from hf_matlab_compat import recurrent
from hf_matlab_compat.problem import Cases
from tests.autodiff.definitions import apart
from tests.autodiff.pairs import Setting, each
from tests.autodiff.sequence_models import Recurrent
from tests.autodiff.test_feedforward import Pair
from tests.autodiff.test_feedforward_forms import PLAIN
from tests.autodiff.test_sequences import FACTORS, Sequences

NETS: list[Setting] = [
    {**PLAIN, "products": ("hessian", "numpy"), "output": output, "hidden": hidden, "decay": "all"}
    for output, hidden in [
        (("softmax", "matching"), ("gelu", "logistic")),
        (("logistic", "matching"), ("softplus", "tanh")),
        (("tanh", "squared"), ("bent", "linear")),
    ]
]
HAS_JAX = importlib.util.find_spec("jax") is not None


def third(f: Any, theta: Any, u: Any, v: Any) -> float:
    """∂³ f(θ + e u + r v + s v) / ∂e ∂r ∂s at 0: three reverse passes, one inside the other."""

    def along(e: float, r: float, s: float) -> Any:
        return f(theta + e * u + (r + s) * v)

    return grad(lambda e: grad(lambda r: grad(lambda s: along(e, r, s))(0.0))(0.0))(0.0)


def directions(P: int) -> Any:
    both = np.random.default_rng(8).standard_normal((2, P))
    return both / np.linalg.norm(both, axis=1, keepdims=True)


@each(NETS)
def test_differences_of_the_packages_hessian_products_tend_to_it_as_the_square_of_the_step(setting: Setting) -> None:
    pair = Pair(setting)
    problem, (u, v) = pair.problem(), directions(pair.theta.size)
    exact = third(pair.objective().value, pair.theta, u, v)

    def bent(e: float) -> float:
        return float(v @ problem.curvature(pair.theta + e * u, pair.on, None)(v))

    assert_order_2(bent, exact)


def assert_order_2(bent: Any, exact: float) -> None:
    """Central differences are off by a multiple of e²; with that term taken out, by next to nothing."""
    steps = 0.01 * 0.5 ** np.arange(3)
    differences = np.array([(bent(e) - bent(-e)) / (2 * e) for e in steps])
    orders = np.diff(-np.log2(np.abs(differences - exact)))
    assert np.abs(orders - 2).max() < 0.05
    without = (4 * differences[1:] - differences[:-1]) / 3
    assert abs(without[-1] - exact) <= 1e-7 * abs(exact)


def test_so_do_those_of_a_recurrent_net() -> None:
    setting = {name: values[0] for name, values in FACTORS.items()} | {"lengths": "unequal", "decay": "all"}
    data = Sequences(setting)
    model = Recurrent((2, 3, 3), ("tanh", "logistic"), "matching")
    problem = recurrent(**data.arguments(), hidden_sizes=[3], unit_types=["tanh", "logistic"], curvature="hessian")
    theta = 0.7 * np.random.default_rng(1).standard_normal(problem.num_parameters)
    u, v = directions(theta.size)
    exact = third(data.objective(model).value, theta, u, v)
    assert_order_2(lambda e: float(v @ problem.curvature(theta + e * u, Cases(), None)(v)), exact)


def test_of_logistic_regression_it_is_known_in_closed_form() -> None:
    pair = Pair({**PLAIN, "output": ("logistic", "matching"), "hidden": (), "decay": "all"})
    u, v = directions(pair.theta.size)
    network = pair.definition()[0]
    x, xu, xv = (network.output(at, pair.X) for at in (pair.theta, u, v))  # x is linear in θ
    y = 1 / (1 + np.exp(-x))
    # -ll = log(1 + eˣ) - t x has the third derivative y (1 - y)(1 - 2y) in x
    exact = ((y * (1 - y) * (1 - 2 * y) * xu * xv**2) @ pair.weights).sum() / pair.T.shape[1]
    assert apart(third(pair.objective().value, pair.theta, u, v), exact) <= 1e-13


@pytest.mark.skipif(not HAS_JAX, reason="JAX is not installed")
@each(NETS[:1])
def test_two_engines_agree(setting: Setting) -> None:
    import jax

    pair = Pair(setting)
    (u, v), weights = directions(pair.theta.size), pair.weights
    of = third(pair.objective().value, pair.theta, u, v)
    with jax.enable_x64():
        found = third_by_jax(jax, pair, u, v, weights)
    assert apart(found, of) <= 1e-13


def third_by_jax(jax: Any, pair: Pair, u: Any, v: Any, weights: Any) -> float:
    """The same by forward passes nested three deep in JAX, of the network written once more."""
    jnp = jax.numpy

    def f(theta: Any) -> Any:
        y, start = jnp.asarray(pair.X), 0
        for i, (below, above) in enumerate(zip(pair.sizes, pair.sizes[1:], strict=False)):
            W = theta[start : start + above * below].reshape(below, above).T
            start += above * (below + 1)
            x = W @ y + theta[start - above : start, None]
            y = jax.nn.gelu(x, approximate=False) if i == 0 else jax.nn.sigmoid(x)
        log_y = jax.nn.log_softmax(x, axis=0)
        data = -(weights * (pair.T * log_y).sum(axis=0)).sum() / pair.T.shape[1]
        return data + pair.decay / 2 * (theta**2).sum()

    def derivative(g: Any) -> Any:
        return lambda *rest: jax.jvp(lambda e: g(e, *rest), (0.0,), (1.0,))[1]

    along = derivative(derivative(derivative(lambda s, r, e: f(pair.theta + e * u + (r + s) * v))))
    return float(jax.jit(lambda: along())())
