"""What a user may get wrong, and the sentence that says so."""

import sys

import numpy as np
import pytest

from hf_matlab_compat.errors import ArgumentError, OptionError
from hf_matlab_compat.hypergradients import (
    Checkpoints,
    Descent,
    OwnDerivatives,
    Reversible,
    Shortcut,
    hypergradients,
    hypergradients_of,
)

anp = pytest.importorskip("autograd.numpy")


def bowl(x, eta, t):
    return anp.sum(anp.exp(eta) * x**2)


def size(x, eta):
    return anp.sum(x**2)


def call(loss=bowl, validation=size, start=(1.0, 2.0), eta=(0.0, 0.0), descent=None, by="reversible"):
    return hypergradients(loss, validation, np.array(start), np.array(eta), descent or Descent(0.1, steps=20), by)


def sentence(**given):
    with pytest.raises(ArgumentError) as caught:
        call(**given)
    return str(caught.value)


def test_numbers_that_leave_the_range_name_step_value_and_the_way_out():
    text = sentence(descent=Descent(30.0, 0.5, steps=200))
    assert text == (
        "learning_rates: expected numbers below 2048 in size, the range of 52 fraction bits, got 47048 in step 2 "
        "of 200. Take smaller learning rates. Reversible(fraction_bits=40) holds numbers below 8388608."
    )
    assert "below 8388608 in size" in sentence(descent=Descent(30.0, 0.5, steps=200), by=Reversible(fraction_bits=40))
    assert sentence(start=(1.0, 4000.0)) == (
        "start: expected numbers below 2048 in size, the range of 52 fraction bits, got 4000. "
        "Reversible(fraction_bits=40) holds numbers below 8388608."
    )
    assert sentence(descent=Descent(30.0, 0.5, steps=200), by=Reversible(32)).endswith("Take smaller learning rates.")


def test_a_velocity_that_leaves_the_range_is_no_matter_of_learning_rates_alone():
    text = sentence(loss=lambda x, eta, t: 1e5 * anp.sum(x), descent=Descent(1e-9, 0.9, steps=4))
    assert text == (
        "loss: expected numbers below 2048 in size, the range of 52 fraction bits, got 9999.1 as a velocity in step 0 "
        "of 4. Take smaller learning rates, or divide the loss by a number. "
        "Reversible(fraction_bits=40) holds numbers below 8388608."
    )


def test_a_larger_range_holds_them():
    given = {"descent": Descent(30.0, 0.5, steps=3)}
    wide, stored = call(**given, by=Reversible(fraction_bits=40)), call(**given, by="stored")
    assert abs(stored.x_final).max() > 2048
    np.testing.assert_allclose(wide.d_eta, stored.d_eta, rtol=1e-6)


@pytest.mark.parametrize("by", ["reversible", "checkpoints", "stored", "shortcut"])
def test_a_gradient_that_is_not_finite_names_the_step(by):
    def breaks(x, eta, t):
        return anp.sum(anp.sqrt(x - 1.0) if t == 7 else x**2)

    text = sentence(loss=breaks, start=(1.0, 1.5), descent=Descent(0.0, steps=20), by=by)
    assert text == (
        "loss: expected a finite gradient, got inf at step 7 of 20. Take smaller learning rates, or look for a point "
        "where the loss has no derivative."
    )


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"loss": lambda x, eta, t: x**2}, "loss: expected a function that returns one real number, got an array of"),
        ({"validation": lambda x, eta: x}, "validation: expected a function that returns one real number, got an arr"),
        ({"loss": lambda x, eta, t: None}, "loss: expected a function that returns one real number, got None"),
        (
            {"loss": lambda x, eta, t: np.tanh(float(x[0]))},
            "loss: expected operations that autograd can differentiate, got an operation of another library. W",
        ),
        ({"validation": lambda x, eta: anp.sum(x) * np.inf}, "validation: expected a finite value"),
        ({"start": (1.0, np.nan)}, "start: expected finite numbers, got NaN or infinity"),
        ({"eta": (np.inf,)}, "eta: expected finite numbers, got NaN or infinity"),
        ({"validation": lambda x, eta: anp.sqrt(anp.sum(0 * x))}, "validation: expected a finite value with finite d"),
        ({"loss": 3}, "loss: expected a function, got 3"),
        ({"validation": None}, "validation: expected a function, got None"),
        ({"descent": [0.1, 0.9]}, "descent: expected a Descent, got [0.1, 0.9]"),
        (
            {"loss": lambda x, eta, t: None if t == 5 else anp.sum(x**2)},
            "loss: expected a function that returns one real number, got None at step 5",
        ),
        (
            {"loss": lambda x, eta, t: x[:1] if t == 5 else anp.sum(x**2)},
            "loss: expected a function that returns one real number, got an array of shape (1,) at step 5",
        ),
        (
            {"loss": lambda x, eta, t: anp.sum(abs(x) ** 1.5), "start": (0.0, 1.0)},
            "loss: expected finite products with its second derivatives, got nan on the way back, at step 19 of 20. T",
        ),
        ({"by": Shortcut(30)}, "steps: expected a whole number of at least 1 and at most 20, got 30"),
        ({"by": Reversible}, "by: expected one of reversible, checkpoints, stored, shortcut, or an object with a meth"),
        ({"by": "tape"}, "by: expected one of reversible, checkpoints, stored, shortcut, or an object with a method"),
    ],
)
def test_wrong_arguments_are_refused(given, wanted):
    assert sentence(**given).startswith(wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((0.1, 1.0, 5), "momenta: expected numbers between 0 and 0.99998, both excluded, got 1"),
        ((0.1, [0.9, 0.0]), "momenta: expected numbers between 0 and 0.99998, both excluded, got 0 at step 1"),
        ((0.1, [0.9, np.nan]), "momenta: expected numbers between 0 and 0.99998, both excluded, got nan at step 1"),
        ((0.1, 0.99999, 5), "momenta: expected numbers between 0 and 0.99998, both excluded, got 0.99999"),
        (([0.1, np.inf], 0.9), "learning_rates: expected finite numbers, got inf at step 1"),
        (([0.1] * 3, [0.9] * 4), "learning_rates: expected a number for each of 4 steps, got 3 numbers"),
        (([0.1] * 3, 0.9, 5), "learning_rates: expected a number for each of 5 steps, got 3 numbers"),
        ((np.zeros((2, 2, 2)),), "learning_rates: expected a number, one a step, or a row a step, got an array of sh"),
        (([],), "learning_rates: expected a number, one a step, or a row a step, got an array of shape (0,)"),
        ((0.1, 0.9), "steps: expected the number of steps, as neither learning_rates nor momenta have a row for each"),
        ((0.1, 0.9, 0), "steps: expected a whole number of at least 1, or None, got 0"),
        ((0.1, 0.9, 2.5), "steps: expected a whole number of at least 1, or None, got 2.5"),
    ],
)
def test_wrong_settings_of_the_descent_are_refused(given, wanted):
    with pytest.raises(OptionError) as caught:
        Descent(*given)
    assert str(caught.value).startswith(wanted)


def test_groups_must_be_those_of_the_start():
    text = sentence(descent=Descent([[0.1, 0.2]], steps=20))
    assert text.startswith("learning_rates: expected one column, or one for each of 1 groups of parameters, got 2 col")


@pytest.mark.parametrize(
    "make", [lambda: Reversible(31), lambda: Reversible(61), lambda: Shortcut(0), lambda: Checkpoints(0)]
)
def test_wrong_settings_of_a_way_are_refused(make):
    with pytest.raises(OptionError, match="expected"):
        make()


def test_a_gradient_that_changes_between_calls_is_found():
    rng = np.random.default_rng(0)

    def own(noise, by="reversible", rate=0.1, momentum=0.9):
        return hypergradients_of(
            OwnDerivatives(
                lambda x, eta, t: x + noise * rng.standard_normal(2),
                lambda x, eta, t, w: (w, np.zeros(0)),
                lambda x, eta: (float(x @ x), 2 * x, np.zeros(0)),
            ),
            np.ones(2),
            [],
            Descent(rate, momentum, steps=20),
            by,
        )

    for noise in (1e-15, 1e-3, 1e3):
        with pytest.raises(OptionError, match="loss: expected the same bits of the gradient"):
            own(noise)
    with pytest.raises(OptionError, match="loss: expected the same bits of the gradient"):
        own(1e-3, rate=0.0)  # x is where it started, v is not
    with pytest.raises(OptionError, match="loss: expected the same bits of the gradient"):
        own(1e-3, rate=1.5, momentum=0.1)  # x leaves the range on the way back
    assert own(0.0).value < 2
    assert own(1e-3, "checkpoints").value < 2


def test_derivatives_may_be_lists_and_in_single_precision_but_not_nothing():
    def own(kind):
        return OwnDerivatives(
            lambda x, eta, t: kind(x),
            lambda x, eta, t, w: (kind(w), [0]),
            lambda x, eta: (np.float32(1), kind(2 * x), np.zeros(1, int)),
        )

    given = (np.array([0.5, -0.25]), [0.0], Descent(0.5, 0.5, steps=9))
    wanted = hypergradients_of(own(np.array), *given)
    for kind in (list, lambda a: a.astype(np.float32)):
        found = hypergradients_of(own(kind), *given)
        np.testing.assert_allclose(found.d_start, wanted.d_start, rtol=1e-6)
        assert found.d_start.dtype == float
        assert isinstance(found.value, float)
    with pytest.raises(OptionError, match="derivatives: expected OwnDerivatives, or an object with the methods"):
        hypergradients_of(None, *given)


def test_gradients_of_another_length_are_refused():
    own = OwnDerivatives(lambda x, eta, t: x[:1], lambda *_: None, lambda *_: None)
    with pytest.raises(OptionError, match=r"gradient: expected a vector of shape \(2,\), got shape \(1,\)"):
        hypergradients_of(own, np.ones(2), [], Descent(0.1, steps=3))


@pytest.mark.parametrize(
    ("products", "dx", "deta", "name"),
    [
        (0.0, np.ones(2), np.ones(1), "products"),
        (np.ones(2), np.ones(2), np.ones(2), "validation"),
        (np.ones(2), 1.0, np.ones(1), "validation"),
    ],
)
def test_products_and_derivatives_of_another_length_are_refused(products, dx, deta, name):
    own = OwnDerivatives(lambda x, eta, t: 0 * x, lambda *_: (products, np.ones(1)), lambda x, eta: (1.0, dx, deta))
    with pytest.raises(OptionError, match=f"{name}: expected a vector of shape"):
        hypergradients_of(own, np.ones(2), np.zeros(1), Descent(0.1, steps=3))


def test_a_python_without_autograd_gets_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd", None)
    text = sentence()
    assert text == (
        "engine: expected an engine that is installed, for 'autograd', got a Python without it. "
        "Run pip install 'hf_matlab_compat[autodiff]'."
    )
