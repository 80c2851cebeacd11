"""Derivatives by autograd, JAX and PyTorch, against finite differences in extended precision, and what they refuse."""

import sys
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hypergradients import Descent, hypergradients

ENGINES = ("autograd", "jax", "torch")
INSTALLED = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"))
    for name in ENGINES
]
RNG = np.random.default_rng(2)
A, A_NEW, B = RNG.standard_normal((12, 3)), RNG.standard_normal((9, 3)), RNG.standard_normal(12)
START, ETA, STEPS = {"a": RNG.standard_normal(3), "s": 0.7}, np.array([-3.0, -2.0]), 40
RATES, MOMENTA = RNG.uniform(0.1, 0.5, (STEPS, 2)), RNG.uniform(0.3, 0.95, (STEPS, 2))


def written(engine):
    """Return a loss that depends on the step, and a validation loss that depends on η, in operations of the engine."""
    xp = import_module("torch" if engine == "torch" else f"{engine}.numpy")
    inputs, new, targets = (xp.tensor(each) if engine == "torch" else each for each in (A, A_NEW, B))

    def loss(x, eta, t):
        residuals = xp.tanh(inputs @ x["a"]) * x["s"] - targets * (t % 3)
        decay = xp.exp(eta)
        return xp.mean(residuals**2) + decay[0] * xp.sum(x["a"] ** 2) + decay[1] * x["s"] ** 2

    return loss, lambda x, eta: xp.mean((new @ x["a"] + x["s"]) ** 2) + eta[1] ** 2


def after(x, eta, rates, decays):
    """Return the validation loss after plain descent in extended precision."""
    inputs, new, targets = (each.astype(np.longdouble) for each in (A, A_NEW, B))
    a, s, va, vs = x[:3], x[3], 0, 0
    for t in range(STEPS):
        u = np.tanh(inputs @ a)
        residuals = u * s - targets * (t % 3)
        ga = inputs.T @ (residuals * s * (1 - u**2)) / 6 + 2 * np.exp(eta[0]) * a
        gs = residuals @ u / 6 + 2 * np.exp(eta[1]) * s
        va, vs = (d * v - (1 - d) * g for d, v, g in zip(decays[t], (va, vs), (ga, gs), strict=True))
        a, s = a + rates[t, 0] * va, s + rates[t, 1] * vs
    return ((new @ a + s) ** 2).mean() + eta[1] ** 2


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("by", ["reversible", "stored"])
def test_derivatives_of_every_engine_are_differences_of_plain_descent(engine, by):
    found = hypergradients(*written(engine), START, ETA, Descent(RATES, MOMENTA), by, engine=engine)
    at = [np.append(START["a"], START["s"]), ETA, RATES, np.floor(MOMENTA * 65536 + 1) / 65536]
    at = [each.astype(np.longdouble) for each in at]
    assert found.value == pytest.approx(float(after(*at)), rel=1e-10)
    derivatives = (
        np.append(found.d_start["a"], found.d_start["s"]),
        found.d_eta,
        found.d_learning_rates,
        found.d_momenta,
    )
    for k, derivative in enumerate(derivatives):
        along = np.random.default_rng(k).standard_normal(derivative.shape)
        one, other = (after(*at[:k], at[k] + sign * 1e-6 * along, *at[k + 1 :]) for sign in (1, -1))
        assert (derivative * along).sum() == pytest.approx(float((one - other) / 2e-6), rel=1e-8)


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_loss_may_be_linear_in_the_parameters_and_without_hyperparameters(engine):
    xp = import_module("torch" if engine == "torch" else f"{engine}.numpy")
    found = hypergradients(
        lambda x, eta, t: xp.sum(x) * 2.0,
        lambda x, eta: xp.sum(x**2),
        np.ones(2),
        np.zeros(1),
        Descent(0.1, 0.5, steps=9),
        engine=engine,
    )
    np.testing.assert_allclose(found.d_start, 2 * found.x_final, rtol=1e-12)
    assert found.d_eta.tolist() == [0]


@pytest.mark.filterwarnings("ignore:Output seems independent of input")  # autograd says so of the loss
@pytest.mark.parametrize("engine", INSTALLED)
def test_a_loss_of_the_hyperparameters_alone_leaves_the_start(engine):
    xp = import_module("torch" if engine == "torch" else f"{engine}.numpy")
    found = hypergradients(
        lambda x, eta, t: xp.exp(eta[0]), written(engine)[1], START, ETA, Descent(0.1, steps=4), engine=engine
    )
    assert found.x_final["a"].tolist() == pytest.approx(START["a"], rel=1e-14)
    assert found.d_eta.tolist() == [0, 2 * ETA[1]]


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("name", ["loss", "validation"])
def test_operations_of_another_library_are_refused(engine, name):
    advice = "operations of torch" if engine == "torch" else f"{engine}.numpy"

    def other(x, eta, t=0):
        values = x["a"].detach().numpy() if engine == "torch" else x["a"]
        return np.sum(np.tanh(np.array(values, dtype=float)))

    functions = dict(zip(("loss", "validation"), written(engine), strict=True)) | {name: other}
    with pytest.raises(OptionError, match=f"{name}: .* operations that {engine} can differentiate, got .*{advice}"):
        hypergradients(**functions, start=START, eta=ETA, descent=Descent(0.1, steps=3), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_that_is_not_installed_is_named(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(OptionError, match=f"engine: expected an engine that is installed, for '{engine}', got a Pyt"):
        hypergradients(lambda x, eta, t: 0.0, lambda x, eta: 0.0, [1.0], [], Descent(0.1, steps=1), engine=engine)


@pytest.mark.parametrize(
    ("factor", "sentence"),
    [
        (lambda t: 1.0 if t else 2.0, "a branch or a size that depends on values. Use jax.numpy"),
        (lambda t: [1.0, 2.0, 3.0][t], "an operation of another library. Write import jax.numpy"),
    ],
)
def test_python_that_needs_the_number_of_the_step_is_refused_by_jax(factor, sentence):
    pytest.importorskip("jax")
    loss, validation = written("jax")
    with pytest.raises(OptionError, match=f"loss: expected operations that jax can differentiate, got {sentence}"):
        hypergradients(
            lambda x, eta, t: loss(x, eta, t) * factor(t), validation, START, ETA, Descent(0.1, steps=3), engine="jax"
        )
