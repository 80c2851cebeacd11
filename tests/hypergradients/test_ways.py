"""Ways of running back, against finite differences, automatic differentiation through training, and each other."""

import numpy as np
import pytest

from hf_matlab_compat.hypergradients import (
    Checkpoints,
    Descent,
    OwnDerivatives,
    Reversible,
    Shortcut,
    hypergradients,
    hypergradients_of,
)
from hf_matlab_compat.hypergradients.descent import Schedule
from hf_matlab_compat.hypergradients.trail import Training
from hf_matlab_compat.studies.hypergradient_net import ETA, P, classifier, descent, start

anp, autograd = pytest.importorskip("autograd.numpy"), pytest.importorskip("autograd")
NET = classifier()
EXACT = ["reversible", "checkpoints", "stored"]
A = np.random.default_rng(3).standard_normal((20, 4))
STEPS = 15
PARAMETERS = {"W": np.array([[0.3, -0.2, 0.5, 0.1], [-0.4, 0.2, 0.7, -0.1]]), "b": np.array([0.1, -0.3]), "c": 0.5}
HYPER = [np.array([-1.0, -2.0]), 0.3]
RATES = 0.4 + 0.1 * np.random.default_rng(4).standard_normal((STEPS, 3))
MOMENTA = np.random.default_rng(5).uniform(0.2, 0.9, (STEPS, 3))


def loss(x, eta, t):
    """Return a loss whose minimum and curvature depend on the hyperparameters and the step."""
    rows = A[t % 5 :: 5]
    out = anp.tanh(anp.dot(rows, x["W"].T) + x["b"])
    decay = anp.exp(eta[0])
    return (
        anp.mean((anp.sum(out, axis=1) * x["c"] - eta[1] * rows[:, 0]) ** 2)
        + decay[0] * anp.sum(x["W"] ** 2)
        + decay[1] * anp.sum(x["b"] ** 2)
    )


def validation(x, eta):
    """Return a loss that depends on the hyperparameters too."""
    return anp.sum((anp.tanh(anp.dot(A, x["W"].T)) + x["b"]) ** 2) * x["c"] + eta[1] ** 2


def by_float(x, eta, rates, decays):
    """Return the validation loss after plain descent in floating point, with decays as used."""
    gradient = autograd.grad(loss)
    v = {name: 0.0 for name in x}
    for t in range(STEPS):
        g = gradient(x, eta, t)
        for k, name in enumerate(x):
            v[name] = decays[t][k] * v[name] - (1 - decays[t][k]) * g[name]
        x = {name: x[name] + rates[t][k] * v[name] for k, name in enumerate(x)}
    return validation(x, eta)


def used(momenta):
    """Return the momenta that steps use, as fractions of 65536."""
    return np.floor(momenta * 65536 + 1) / 65536


@pytest.fixture(scope="module")
def unrolled():
    derivatives = autograd.value_and_grad(by_float, (0, 1, 2, 3))
    return derivatives(PARAMETERS, HYPER, RATES, used(MOMENTA))


@pytest.mark.parametrize(("by", "tolerance"), [("reversible", 1e-7), ("checkpoints", 1e-12), ("stored", 1e-12)])
def test_derivatives_by_layer_are_those_of_unrolled_training(by, tolerance, unrolled):
    value, (by_start, by_eta, by_rates, by_momenta) = unrolled
    found = hypergradients(loss, validation, PARAMETERS, HYPER, Descent(RATES, MOMENTA), by)
    assert found.value == pytest.approx(value, rel=tolerance)
    for name in PARAMETERS:
        np.testing.assert_allclose(found.d_start[name], by_start[name], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.d_eta[0], by_eta[0], rtol=tolerance)
    np.testing.assert_allclose(found.d_eta[1], by_eta[1], rtol=tolerance)
    np.testing.assert_allclose(found.d_learning_rates, by_rates, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.d_momenta, by_momenta, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("by", EXACT)
def test_settings_that_hold_for_all_steps_have_summed_derivatives(by):
    each = hypergradients(
        loss, validation, PARAMETERS, HYPER, Descent(np.full((STEPS, 3), 0.3), np.full(STEPS, 0.7)), by
    )
    short = hypergradients(loss, validation, PARAMETERS, HYPER, Descent([[0.3] * 3], 0.7, steps=STEPS), by)
    assert each.d_momenta.shape == (STEPS,)
    assert isinstance(short.d_momenta, float)
    assert short.d_momenta == pytest.approx(each.d_momenta.sum(), rel=1e-12)
    np.testing.assert_allclose(short.d_learning_rates, each.d_learning_rates.sum(axis=0, keepdims=True), rtol=1e-12)


def test_derivatives_are_differences_of_plain_descent():
    steps, settings, rng = 40, descent(40), np.random.default_rng(0)
    found = hypergradients_of(NET, start(1), ETA, settings)
    rates = settings.learning_rates

    def after(x=start(1), eta=ETA, rates=rates, decays=np.full(steps, 58983 / 65536)):  # noqa: B008
        v = np.zeros(P)
        for t in range(steps):
            v = decays[t] * v - (1 - decays[t]) * NET.gradient(x, eta, t)
            x = x + rates[t] * v
        return NET.validation(x, eta)[0]

    d = 1e-4
    each = [rng.standard_normal(n) for n in (P, 2, steps, steps)]
    of_start, of_eta, of_rates, of_decays = each
    pairs = [
        (after(x=start(1) + d * of_start) - after(x=start(1) - d * of_start), found.d_start @ of_start),
        (after(eta=ETA + d * of_eta) - after(eta=ETA - d * of_eta), found.d_eta @ of_eta),
        (after(rates=rates + d * of_rates) - after(rates=rates - d * of_rates), found.d_learning_rates @ of_rates),
    ]
    for difference, derivative in pairs:
        assert difference / (2 * d) == pytest.approx(derivative, rel=1e-6)
    together = Descent(rates, np.full(steps, 0.9))
    by_momenta = hypergradients_of(NET, start(1), ETA, together).d_momenta
    decays = 58983 / 65536 + np.zeros(steps)
    difference = after(decays=decays + d * of_decays) - after(decays=decays - d * of_decays)
    assert difference / (2 * d) == pytest.approx(by_momenta @ of_decays, rel=1e-6)


def test_a_thousand_steps_are_undone_to_the_last_bit():
    trail = Reversible().run(Training(NET, Schedule(descent(1000), [P]), start(0), ETA))
    assert not trail.is_at_start
    assert sum(map(bool, trail.remainders)) == P
    for _ in trail.back():
        pass
    assert trail.is_at_start
    assert trail.remainders == [0] * P
    assert (trail.integers[0] == (start(0) * 2**52).astype(np.int64)).all()
    assert not trail.integers[1].any()
    trail._v.remainders.exchange(np.full(P, 5), 3)
    assert not trail.is_at_start


def test_every_way_gives_the_same_after_a_thousand_steps():
    stored, checkpoints, reversible = (
        hypergradients_of(NET, start(0), ETA, descent(1000), by) for by in ("stored", "checkpoints", "reversible")
    )
    for name in ("d_eta", "d_learning_rates", "d_start", "x_final"):
        exact = getattr(stored, name)
        assert np.linalg.norm(getattr(checkpoints, name) - exact) < 1e-9 * np.linalg.norm(exact)
        assert np.linalg.norm(getattr(reversible, name) - exact) < 1e-6 * np.linalg.norm(exact)


def test_momenta_and_rates_by_parameter_group_are_undone_too():
    training = Training(NET, Schedule(Descent([[0.6, 0.3]], [[0.9, 0.95]], steps=300), [1040, 170]), start(2), ETA)
    trail = Reversible(fraction_bits=48).run(training)
    for _ in trail.back():
        pass
    assert trail.is_at_start


@pytest.mark.parametrize("by", EXACT)
def test_one_step_may_be_given_as_arrays_of_one(by):
    of_step, of_all = (
        hypergradients(loss, validation, PARAMETERS, HYPER, each, by)
        for each in (Descent([0.3], 0.9), Descent(0.3, 0.9, steps=1))
    )
    assert of_step.d_learning_rates.tolist() == [of_all.d_learning_rates]
    assert of_step.d_momenta == of_all.d_momenta
    # v = -(1-γ) g after the only step: α ∂/∂α and -(1-γ) ∂/∂γ are the same
    assert 0.3 * of_all.d_learning_rates == pytest.approx(-(1 - used(0.9)) * of_all.d_momenta, rel=1e-9)


def test_layers_may_be_nests_of_arrays():
    nested = [{"W": PARAMETERS["W"], "b": PARAMETERS["b"]}, PARAMETERS["c"]]
    rates, momenta = np.array([[0.3, 0.2]]), np.array([[0.6, 0.8]])

    def flattened(x):
        return {**x[0], "c": x[1]}

    found = hypergradients(
        lambda x, eta, t: loss(flattened(x), eta, t),
        lambda x, eta: validation(flattened(x), eta),
        nested,
        HYPER,
        Descent(rates, momenta, STEPS),
    )
    each = hypergradients(
        loss, validation, PARAMETERS, HYPER, Descent(rates[:, [0, 0, 1]], momenta[:, [0, 0, 1]], STEPS)
    )
    by_layer = each.d_learning_rates
    np.testing.assert_allclose(found.d_learning_rates, [[by_layer[0, :2].sum(), by_layer[0, 2]]], rtol=1e-12)
    np.testing.assert_allclose(found.d_start[0]["b"], each.d_start["b"], rtol=1e-12)
    short = hypergradients(
        loss, validation, PARAMETERS, HYPER, Descent(0.3, 0.8, STEPS), Shortcut(Descent([[0.3] * 3], 0.8, steps=1))
    )
    same = hypergradients(loss, validation, PARAMETERS, HYPER, Descent(0.3, 0.8, STEPS), "shortcut")
    np.testing.assert_allclose(short.d_eta[0], same.d_eta[0], rtol=1e-12)


@pytest.mark.parametrize("every", [1, 7, 40, 100])
def test_checkpoints_may_be_any_number_of_steps_apart(every):
    wanted = hypergradients_of(NET, start(0), ETA, descent(40), "stored")
    found = hypergradients_of(NET, start(0), ETA, descent(40), Checkpoints(every))
    np.testing.assert_allclose(found.d_start, wanted.d_start, rtol=0, atol=1e-12)
    assert found.kept_bytes >= P * 8 * (2 * -(-40 // every) + min(every, 40))


def test_checkpoints_are_the_root_of_the_steps_apart():
    found = hypergradients_of(NET, start(0), ETA, descent(100), "checkpoints")
    assert found.kept_bytes == P * 8 * (10 * 2 + 12)  # ten pairs; the last ten v, the one before them, and x


def test_a_loss_of_its_own_derivatives_needs_no_library(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "autograd", None)
    M = np.array([[2.0, 0.3], [0.3, 1.0]])
    own = OwnDerivatives(
        gradient=lambda x, eta, t: M @ x + eta * x**2,
        products=lambda x, eta, t, w: (M @ w + 2 * eta * x * w, np.array([w @ x**2])),
        validation=lambda x, eta: (float(x @ x), 2 * x, np.zeros(1)),
    )
    found = hypergradients_of(own, [1.0, -0.5], [0.2], Descent(0.5, 0.8, steps=25))
    values = []
    for sign in (1, -1):
        x, v, decay = np.array([1.0, -0.5]), np.zeros(2), float(used(0.8))
        for _ in range(25):
            v = decay * v - (1 - decay) * (M @ x + (0.2 + sign * 1e-4) * x**2)
            x = x + 0.5 * v
        values.append(x @ x)
    assert found.d_eta[0] == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-6)


def test_compiled_functions_of_another_library_do():
    jax = pytest.importorskip("jax")
    B = np.random.default_rng(6).standard_normal((12, 3))

    def mean_square(x, eta, t):
        return jax.numpy.mean(jax.numpy.tanh(B @ x - t / 10) ** 2) + jax.numpy.exp(eta[0]) * jax.numpy.sum(x**2)

    gradient = jax.jit(jax.grad(mean_square))
    products = jax.jit(
        lambda x, eta, t, w: jax.vjp(lambda x, eta: gradient(x, eta, t), x, eta)[1](w),
    )
    own = OwnDerivatives(
        gradient=lambda x, eta, t: np.asarray(gradient(x, eta, float(t))),
        products=lambda x, eta, t, w: tuple(np.asarray(each) for each in products(x, eta, float(t), w)),
        validation=lambda x, eta: (float(x @ x), 2 * x, np.zeros(1)),
    )
    with (jax if hasattr(jax, "enable_x64") else jax.experimental).enable_x64(True):
        reversible, stored = (
            hypergradients_of(own, np.ones(3), np.array([-2.0]), Descent(0.3, 0.9, steps=50), by)
            for by in ("reversible", "stored")
        )
    np.testing.assert_allclose(reversible.d_eta, stored.d_eta, rtol=1e-7)
    np.testing.assert_allclose(reversible.d_learning_rates, stored.d_learning_rates, rtol=1e-6, atol=1e-9)


def test_a_loss_without_hyperparameters_has_derivatives_by_the_other_settings():
    found = hypergradients(
        lambda x, eta, t: anp.sum(x**4), lambda x, eta: anp.sum(x), np.array([0.5, 1.0]), [], Descent(0.1, steps=9)
    )
    assert np.size(found.d_eta) == 0
    assert found.d_learning_rates < 0
