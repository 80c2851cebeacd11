"""Corruption: draws depend on seed, epoch and case; products and gradients are those of the corrupted network."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import ArgumentError, BackendWarning, DataError, OptionError
from hf_matlab_compat.model import corruption as draws
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.objective.corrupted import CorruptedPasses, CorruptedProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.subject import NetworkData, network_subject
from tests.toy_problem import ToyProblem

RANDOM = np.random.default_rng(0)
X = RANDOM.random((7, 24))
T = np.eye(3)[:, RANDOM.integers(0, 3, 24)]
WHOLE = Corruption(seed=7, input_blankout=0.3, hidden_blankout=(0.4, 0.2), input_noise=0.1, input_dilation=0.2)
UNITS = ("logistic", "tanh", "linear", "relu", "softplus", "elu", "gelu")


def problem(corruption: Corruption, units: Any = ("logistic", "tanh", "softmax"), **options: Any) -> Any:
    settings = Options(**{"precision": "double", "num_chunks": 2, "seed": 1, "faithful": False, **options})
    data = NetworkData(X, T, None, None, [5, 4], list(units))
    subject = network_subject(data, (None, None, None), None, settings, settings)
    theta = subject.state.theta + 0.3 * np.random.default_rng(3).standard_normal(subject.state.theta.size)
    return CorruptedProblem(subject.problem, corruption), theta


def slope(of: Any, theta: Any, v: Any) -> Any:
    return (of(theta + 1e-6 * v) - of(theta - 1e-6 * v)) / 2e-6


def test_words_are_those_of_numpys_philox() -> None:
    found = draws.words((7, 3), 0, 4, 12)
    assert [hex(int(word)) for word in found] == [
        *("0x2daa6f180668df4", "0xe45eb47618d894b5", "0xae76a74187b8e873", "0xa6ad4c79d39e9554")
    ]


def test_any_cut_of_the_cases_has_the_same_draws() -> None:
    inputs = np.random.default_rng(1).random((37, 1000))
    whole, factors = WHOLE.inputs(inputs, 0, 5), WHOLE.factors(1, 29, 0, 1000, 5)
    for edges in ([0, 1000], [0, 1, 640, 1000], list(range(0, 1001, 125))):
        for a, b in itertools.pairwise(edges):
            assert np.array_equal(WHOLE.inputs(inputs[:, a:b], a, 5), whole[:, a:b])
            assert np.array_equal(WHOLE.factors(1, 29, a, b - a, 5), factors[:, a:b])
    assert not np.array_equal(WHOLE.factors(1, 29, 0, 1000, 6), factors)
    assert not np.array_equal(WHOLE.factors(2, 29, 0, 1000, 5) > 0, factors > 0)


def test_draws_have_the_distributions_that_were_asked_for() -> None:
    factors = Corruption(hidden_blankout=(0.2,)).factors(1, 1000, 0, 1000, 3)
    assert np.mean(factors == 0) == pytest.approx(0.2, abs=0.002)
    assert np.unique(factors).tolist() == [0, np.float32(1.25)]
    ones = np.ones((500, 400))
    noisy = Corruption(input_noise=0.3).inputs(ones, 0, 1) - 1
    assert (noisy.mean(), noisy.std()) == (pytest.approx(0, abs=0.003), pytest.approx(0.3, rel=0.01))
    dilated = Corruption(input_dilation=0.5).inputs(2 * ones, 0, 1)
    assert 1 <= dilated.min() < 1.01
    assert 2.99 < dilated.max() <= 3
    masked = Corruption(input_blankout=0.5).inputs(ones, 0, 1)
    assert masked.mean() == pytest.approx(1, abs=0.01)
    weights = Corruption(perturbed_weights=0.76, perturbation=0.01).factors_of_weights(100_000, 1)
    assert np.mean(weights != 1) == pytest.approx(0.76, abs=0.01)
    assert {round(float(w), 4) for w in np.unique(weights)} == {0.99, 1.0, 1.01}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("output", "loss"), [("softmax", "matching"), ("logistic", "matching"), ("linear", "squared")])
@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
def test_gradients_are_slopes_of_the_corrupted_likelihood(unit: str, output: str, loss: str, curvature: str) -> None:
    made, theta = problem(WHOLE, (unit, "tanh", output), loss=loss, curvature=curvature, weight_decay=1e-3)
    v, on = np.random.default_rng(2).standard_normal(theta.size), Cases(0, 3)
    g = made.gradient(theta, on)
    assert g.full @ v == pytest.approx(slope(lambda at: made.score(at, on.all).log_likelihood, theta, v), rel=1e-6)
    if curvature == "hessian":
        Hv = -slope(lambda at: made.gradient(at, on).chunk, theta, v)
        np.testing.assert_allclose(made.curvature(theta, on, g)(v), Hv, atol=1e-6 * abs(Hv).max())


def test_products_and_squares_agree_with_dense_matrices_of_single_cases() -> None:
    made, theta = problem(WHOLE, weight_decay=0)
    sizes, on, every = [7, 5, 4, 3], Cases(1, 3), np.eye(theta.size)

    def outputs(at: Any, n: int) -> Any:
        y = WHOLE.inputs(X[:, n : n + 1], n, 2)
        for i, layer in enumerate(made.network.layers(at), start=1):
            x = layer.W @ y + layer.b
            if i == 3:
                return x[:, 0]
            y = (1 / (1 + np.exp(-x)) if i == 1 else np.tanh(x)) * WHOLE.factors(i, sizes[i], n, 1, 2)
        raise AssertionError

    def log_likelihood(at: Any, n: int) -> Any:
        x = outputs(at, n)
        return x[T[:, n].argmax()] - np.log(np.exp(x).sum())

    g = made.gradient(theta, on)
    assert g.log_likelihood == pytest.approx(np.mean([log_likelihood(theta, n) for n in range(24)]), rel=1e-13)
    each = [np.array([slope(lambda at, n=n: log_likelihood(at, n), theta, e) for e in every]) for n in range(24)]
    np.testing.assert_allclose(g.full_squared, np.mean(np.square(each), axis=0), atol=1e-8)
    G = np.zeros((theta.size, theta.size))
    for n in range(12, 24):  # the target chunk
        J = np.array([slope(lambda at, n=n: outputs(at, n), theta, e) for e in every]).T
        p = np.exp(outputs(theta, n))
        p /= p.sum()
        G += J.T @ (np.diag(p) - np.outer(p, p)) @ J / 12
    B = made.curvature(theta, on, g)
    np.testing.assert_allclose([B(e) for e in every], G, atol=1e-8)
    fisher, _ = problem(WHOLE, weight_decay=0, curvature="empirical_fisher")
    F, chunk = fisher.curvature(theta, on, fisher.gradient(theta, on)), np.array(each[12:])
    covariance = chunk.T @ chunk / 12 - np.outer(chunk.mean(axis=0), chunk.mean(axis=0))
    np.testing.assert_allclose([F(e) for e in every], covariance, atol=1e-8)


def test_perturbed_products_are_symmetric_in_one_form_and_not_in_the_other() -> None:
    asymmetry = {}
    for form in ("symmetric", "legacy"):
        made, theta = problem(Corruption(perturbed_weights=0.76, perturbation=0.2, perturb_form=form), weight_decay=0)
        B = made.curvature(theta, Cases(0, 1), made.gradient(theta, Cases(0, 1)))
        D = np.array([B(e) for e in np.eye(theta.size)])
        asymmetry[form] = abs(D - D.T).max() / abs(D).max()
        repeated = np.array_equal(B(np.ones(theta.size)), B(np.ones(theta.size)))
        assert repeated == (form == "symmetric")
    assert asymmetry["symmetric"] < 1e-14
    assert asymmetry["legacy"] > 0.01


def test_draw_0_is_the_clean_network_with_its_bits() -> None:
    made, theta = problem(WHOLE)
    for on in (Cases(0, 3), Cases(0, 0), Cases(1, 0)):  # after an epoch, too
        made.gradient(theta, on)
    assert np.array_equal(made.gradient(theta, Cases(1, 0)).full, made.clean.gradient(theta, Cases(1, 0)).full)
    assert made.score(theta, Cases()) == made.clean.score(theta, Cases())


def arguments(**changes: Any) -> dict[str, Any]:
    given = {"inputs": X, "targets": X, "hidden_sizes": [5], "unit_types": ["tanh", "logistic"], "seed": 1}
    return {**given, "num_chunks": 2, "test_inputs": X[:, :6], "test_targets": X[:, :6], **changes}


CORRUPTED: dict[str, dict[str, Any]] = {
    "inputs": {"input_blankout": 0.3, "input_noise": 0.1, "input_dilation": 0.1},
    "hidden": {"hidden_blankout": [0.3]},
    "weights": {"weight_noise": 0.02, "perturbed_weights": 0.5},
    "legacy": {"perturbed_weights": 0.5, "perturb_form": "legacy"},
}


@pytest.mark.parametrize("which", CORRUPTED)
@pytest.mark.parametrize("method", ["hf", "nag"])
def test_a_resumed_run_and_any_number_of_threads_have_the_same_bits(which: str, method: str, tmp_path: Path) -> None:
    given = arguments(**CORRUPTED[which], method=method)
    whole = train(**given, max_epochs=4, num_threads=1)
    train(**given, max_epochs=2, num_threads=4, run_name=tmp_path / "run")
    rest = train(**given, max_epochs=4, num_threads=4, resume_from=tmp_path / "run_nnet_running.mat")
    assert rest.theta.tobytes() == whole.theta.tobytes()
    if (which, method) == ("legacy", "nag"):
        return  # it has no curvature products, which alone see these weights
    assert whole.theta.tobytes() != train(**arguments(method=method), max_epochs=4).theta.tobytes()
    assert whole.theta.tobytes() != train(**given, max_epochs=4, corruption_seed=1).theta.tobytes()


def test_shares_may_be_an_array() -> None:
    for wrong in (np.array([0.1, 0.2]), np.array([[0.1]]), np.array([1.5])):
        with pytest.raises(OptionError, match="hidden_blankout: expected"):
            train(**arguments(hidden_blankout=wrong), max_epochs=1)
    by_array, by_list = (train(**arguments(hidden_blankout=q), max_epochs=2) for q in (np.array([0.3]), [0.3]))
    assert by_array.theta.tobytes() == by_list.theta.tobytes()


def test_shares_of_zero_leave_every_bit() -> None:
    plain = train(**arguments(), max_epochs=3)
    zeros = {"input_blankout": 0.0, "hidden_blankout": [0.0], "input_noise": 0.0, "weight_noise": 0.0}
    assert train(**arguments(**zeros), max_epochs=3).theta.tobytes() == plain.theta.tobytes()


def test_an_autoencoders_targets_stay_clean_and_so_do_test_cases() -> None:
    seen = train(**arguments(input_blankout=0.5), max_epochs=1)
    network = seen.trained_network()
    assert seen.records.error[-1, 1] == pytest.approx(((network.predict(X[:, :6]) - X[:, :6]) ** 2).sum() / 6, rel=1e-5)
    corrupted = Corruption(input_blankout=0.5).inputs(X.astype(np.float32), 0, 0)
    assert seen.records.error[-1, 0] == pytest.approx(((network.predict(corrupted) - X) ** 2).sum() / 24, rel=1e-4)


def test_a_mask_that_is_drawn_again_within_an_epoch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(10**6))

    def drawn_again(self: CorruptedPasses, block: Any) -> Any:
        return Corruption(input_blankout=0.5).inputs(np.asarray(block.inputs), next(count), 0)

    made, theta = problem(Corruption(input_blankout=0.5))
    assert made.score(theta, Cases(0, 1)) == made.score(theta, Cases(0, 1))
    monkeypatch.setattr(CorruptedPasses, "_inputs", drawn_again)
    assert made.score(theta, Cases(0, 1)) != made.score(theta, Cases(0, 1))


def test_ones_own_corruption_and_cases_are_used_and_checked() -> None:
    asked: list[tuple[int, int]] = []

    def corrupt(inputs: Any, cases: Any, epoch: int) -> Any:
        asked.append((int(cases[0]), epoch))
        return inputs * (1 + 0.1 * epoch)

    by_hook = train(**arguments(corrupt=corrupt), max_epochs=1)
    by_hand = train(**arguments(inputs=X * 1.1, targets=X), max_epochs=1)
    np.testing.assert_allclose(by_hook.theta, by_hand.theta, atol=1e-4)
    assert {epoch for _, epoch in asked} == {1}

    def resample(epoch: int) -> Any:
        made = np.random.default_rng(epoch).random(X.shape)
        return made, made

    twice = [train(**arguments(resample=resample), max_epochs=3).theta.tobytes() for _ in range(2)]
    assert twice[0] == twice[1]
    with pytest.raises(
        DataError, match=r"corrupt: expected finite inputs of shape \(7, 12\) from it, got shape \(7, 3\)"
    ):
        train(**arguments(corrupt=lambda inputs, cases, epoch: inputs[:, :3]), max_epochs=1)
    odd = np.hstack([X, X[:, :1]])  # the last case is dropped, from the caller's cases of every epoch too
    given = arguments(inputs=odd, targets=odd, resample=lambda epoch: (odd, odd), trim_cases=True)
    assert train(**given, max_epochs=1).theta.tobytes() == train(**arguments(), max_epochs=1).theta.tobytes()


WRONG: list[tuple[str, Any, str]] = [
    ("corrupt", 0.2, r"corrupt: expected a function of inputs, cases, epoch, got float\."),
    ("corrupt", lambda inputs: inputs, "corrupt: expected a function of inputs, cases, epoch, got one with other"),
    ("corrupt", lambda inputs, cases, epoch: None, r"corrupt: expected finite inputs of shape \(7, 12\) from it"),
    ("corrupt", lambda inputs, cases, epoch: inputs * np.nan, "corrupt: expected finite inputs .* got NaN or Inf"),
    ("resample", X, r"resample: expected a function of epoch, got ndarray\."),
    ("resample", lambda epoch: None, r"resample: expected a pair \(inputs, targets\) from it, got None"),
    ("resample", lambda epoch: (X[:, :4], X[:, :4]), r"resample: expected inputs and targets of shapes \(7, 24\)"),
    ("resample", lambda epoch: (X * np.inf, X), r"inputs from resample\(1\): expected finite"),
    ("resample", lambda epoch: (X, X + 5), r"targets from resample\(1\): expected numbers from 0 to 1"),
]


@pytest.mark.parametrize(("name", "hook", "sentence"), WRONG)
def test_wrong_hooks_are_refused_in_a_sentence(name: str, hook: Any, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        train(**arguments(**{name: hook}), max_epochs=1)


@pytest.mark.parametrize("which", ["inputs", "hidden", "legacy"])
def test_numba_trains_the_same_and_says_where_numpy_runs_the_passes(which: str) -> None:
    pytest.importorskip("numba")
    given = arguments(**CORRUPTED[which], precision="double", max_epochs=3)
    by_numpy = train(**given)
    says = nullcontext() if which == "inputs" else pytest.warns(BackendWarning, match="numpy runs the passes in this")
    with says:
        found = train(**given, backend="numba")
    np.testing.assert_allclose(found.theta, by_numpy.theta, rtol=1e-8)


def test_an_own_problem_is_not_corrupted_by_options() -> None:
    problem = ToyProblem()
    for name, value in (("input_blankout", 0.2), ("hidden_blankout", 0.2), ("weight_noise", 0.1)):
        with pytest.raises(OptionError, match=f"{name}: expected nothing beside problem"):
            train(problem=problem, initial_theta=np.zeros(problem.num_parameters), **{name: value})


def test_what_cannot_be_corrupted_is_refused() -> None:
    with pytest.raises(
        OptionError, match="hidden_blankout: expected one number, or 1, one for each hidden layer, got 2"
    ):
        train(**arguments(hidden_blankout=[0.1, 0.2]))
    for name, value in (
        ("input_blankout", 1),
        ("input_noise", -1),
        ("corruption_seed", -1),
        ("perturb_form", "x"),
        ("corruption_seed", 2**64),
    ):
        with pytest.raises(OptionError, match=f"{name}: expected"):
            train(**arguments(**{name: value}))


@pytest.mark.parametrize("corrupted", [{}, {"input_blankout": 0.5, "hidden_blankout": 0.3}])
def test_the_error_of_the_clean_training_cases_is_reported_on_request(corrupted: dict[str, Any]) -> None:
    given = arguments(**corrupted, max_epochs=3)
    found, without = train(**given, clean_train=True), train(**given)
    assert found.theta.tobytes() == without.theta.tobytes()
    assert "clean_train_error" not in without.history
    clean = ((found.predict(X) - X) ** 2).sum() / 24
    assert found.history["clean_train_error"][-1] == pytest.approx(clean, rel=1e-5)
    assert (found.history["clean_train_error"] == found.history["train_error"]).all() == (not corrupted)


def test_the_error_of_clean_cases_is_that_of_the_callers_cases_under_a_hook() -> None:
    def resample(epoch: int) -> Any:
        made = np.random.default_rng(epoch).random(X.shape)
        return made, made

    found, without = (train(**arguments(resample=resample), max_epochs=3, clean_train=on) for on in (True, False))
    assert found.theta.tobytes() == without.theta.tobytes()
    clean = ((found.predict(X) - X) ** 2).sum() / 24
    assert found.history["clean_train_error"][-1] == pytest.approx(clean, rel=1e-5)


def test_noise_on_the_weights_is_the_clean_network_at_other_weights() -> None:
    made, theta = problem(Corruption(seed=3, weight_noise=0.1), weight_decay=1e-3)
    on, noisy = Cases(1, 4), theta + Corruption(seed=3, weight_noise=0.1).noise_of_weights(theta.size, 3)
    clean, v = made.clean, np.ones(theta.size)
    assert made.score(theta, on) == clean.score(noisy, on)
    g, expected = made.gradient(theta, on), clean.gradient(noisy, on)
    assert np.array_equal(g.full, expected.full)
    assert np.array_equal(made.chunk_gradient(theta, on).full, clean.chunk_gradient(noisy, on).full)
    assert np.array_equal(made.curvature(theta, on, g)(v), clean.curvature(noisy, on, expected)(v))
    assert made.score(theta, Cases(1, 5)) != made.score(theta, on)
