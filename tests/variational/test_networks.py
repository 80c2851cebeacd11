"""The posterior of the parameters of a network, a recurrent net, or a problem of the user's own."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat import autodiff_problem, recurrent, train, variational_problem
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import feedforward_problem
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from tests.toy_problem import ToyProblem
from tests.variational.regression import KNOWN, NOISE, PRECISION, D, N, X, exact_elbo, y


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


def network(sizes, units, inputs, targets, **options):
    asked = Options(**{"precision": "double", "faithful": False, "weight_decay": 0, **options})
    net = build_network(sizes, units, "matching", "squared")
    cases = ChunkedCases(inputs, targets, options.get("num_chunks", 1))
    return feedforward_problem(net, cases, asked, get_backend("numpy", "double", 1))


def linear_net(**options):
    """The regression as a network without a hidden layer; its bias is a parameter that the data knows too."""
    return network([D, 1], ["linear"], X.T.copy(), y[None].copy(), **options)


SCALE = N / (2 * NOISE)  # the squared loss is Σ (y - t)², without ½ and without the variance of the noise


def small_net(**options):
    inputs = drawn(2, 12)
    targets = np.eye(2)[:, (inputs[0] > 0).astype(int)]
    return network([2, 3, 2], ["tanh", "softmax"], inputs, targets, **options)


def by_hand(problem, theta, scale, prior_sd):
    """Return the ELBO from scores of the network alone, at the problem's own draws."""
    mean, s = np.split(theta, 2)
    Z = mean + np.exp(s / 2) * problem.draws.of(0)
    ll = np.array([problem.density.problem.score(z, Cases()).log_likelihood for z in Z])
    prior = -0.5 * (Z**2).sum(axis=1) / prior_sd**2 - mean.size * np.log(prior_sd * np.sqrt(2 * np.pi))
    return 0.5 * s.sum() + 0.5 * mean.size * (1 + np.log(2 * np.pi)) + (scale * ll + prior).mean()


def some_theta(problem):
    D = problem.density.size
    return np.concatenate([drawn(D), -1 + 0.3 * drawn(D, seed=2)])


def directional(problem, theta, v, on, step=1e-5):
    ahead, back = (problem.score(theta + sign * step * v, on).log_likelihood for sign in (1, -1))
    return (ahead - back) / (2 * step)


@pytest.mark.parametrize("chunks", [1, 3])
def test_log_p_of_a_network_is_n_times_its_mean_log_likelihood_and_the_prior(chunks) -> None:
    problem = variational_problem(small_net(num_chunks=chunks), prior_sd=0.7, draws=4)
    theta = some_theta(problem)
    assert problem.score(theta, Cases()).log_likelihood == pytest.approx(by_hand(problem, theta, 12, 0.7), rel=1e-13)
    g = problem.gradient(theta, Cases(chunks - 1, 1))
    v = drawn(theta.size, seed=3)
    assert g.full @ v == pytest.approx(directional(problem, theta, v, Cases()), rel=1e-7)
    assert g.chunk @ v == pytest.approx(directional(problem, theta, v, Cases(chunks - 1)), rel=1e-7)
    of_chunk = problem.chunk_gradient(theta, Cases(chunks - 1, 1))
    np.testing.assert_allclose(of_chunk.full, g.chunk, rtol=1e-12, atol=1e-12)
    assert problem.num_chunks == chunks


def test_the_curvature_of_a_network_is_the_hessian_with_its_hessian_and_positive_with_gauss_newton() -> None:
    theta, matrices = None, {}
    for kind in ("hessian", "gauss_newton"):
        net = small_net(curvature=kind)
        problem = variational_problem(net, prior_sd=1.0, draws=4, curvature=kind)
        theta = some_theta(problem) if theta is None else theta
        B = problem.curvature(theta, Cases(0, 1), problem.gradient(theta, Cases(0, 1)))
        matrices[kind] = np.array([B(e) for e in np.eye(theta.size)])
    steps = 1e-5 * np.eye(theta.size)
    rows = [(problem.gradient(theta - e, Cases()).full - problem.gradient(theta + e, Cases()).full) for e in steps]
    np.testing.assert_allclose(matrices["hessian"], np.array(rows) / 2e-5, rtol=0, atol=1e-6)
    assert np.linalg.eigvalsh(matrices["gauss_newton"])[0] > 0
    np.testing.assert_allclose(matrices["gauss_newton"], matrices["gauss_newton"].T, atol=1e-12)


def test_the_curvature_on_a_chunk_is_that_of_the_elbo_of_the_chunk() -> None:
    problem = variational_problem(
        small_net(curvature="hessian", num_chunks=3), prior_sd=1.0, draws=4, curvature="hessian"
    )
    theta, v, on = some_theta(problem), drawn(problem.num_parameters, seed=3), Cases(2, 1)
    ahead, back = (problem.gradient(theta + sign * 1e-5 * v, on).chunk for sign in (1, -1))
    wanted = (back - ahead) / 2e-5
    ours = problem.curvature(theta, on, problem.gradient(theta, on))(v)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_a_problem_of_sequences_is_placed_on_the_backend_of_the_run() -> None:
    net = recurrent(drawn(2, 5, 4), drawn(1, 5, 4), hidden_sizes=[3], unit_types=["tanh", "linear"])
    problem = variational_problem(net, prior_sd=1.0, draws=4)
    placed = problem.placed(get_backend("numpy", "single", 1), OrderedSum)
    assert placed.density.problem.backend.dtype == np.float32
    theta = problem.initial_theta(0).astype(np.float32)
    assert placed.gradient(theta, Cases()).full.dtype == np.float32
    resampling = recurrent(
        hidden_sizes=[3],
        unit_types=["tanh", "linear"],
        resample=lambda n: (drawn(2, 5, 4, seed=n), drawn(1, 5, 4, seed=n)),
    )
    randomness = [problem, variational_problem(net, prior_sd=1.0, draws=4, fresh=True)]
    randomness += [variational_problem(resampling, prior_sd=1.0, draws=4)]
    assert [each.is_random for each in randomness] == [False, True, True]


def test_a_model_by_automatic_differentiation_is_a_problem_like_others() -> None:
    anp = pytest.importorskip("autograd.numpy")
    model = autodiff_problem(
        lambda w, x: anp.dot(w, x), lambda t, y: anp.sum((t - y) ** 2), X.T.copy(), y, initial=np.zeros(D)
    )
    problem = variational_problem(model, prior_sd=PRECISION**-0.5, scale=SCALE, draws=2 * D, matched=True)
    found = problem.posterior(train(problem=problem, max_epochs=15))
    np.testing.assert_allclose(found.mean, KNOWN["best_mean"], atol=1e-7)
    np.testing.assert_allclose(found.sd**2, KNOWN["best_var"], rtol=1e-5)


def test_weight_decay_is_the_prior_where_no_other_is_given() -> None:
    inputs, targets = X.T.copy(), y[None].copy()
    decayed = network([D, 1], ["linear"], inputs, targets, weight_decay=PRECISION / SCALE)
    plain = network([D, 1], ["linear"], inputs, targets)
    theta = some_theta(variational_problem(plain, prior_sd=1.0, draws=4))
    one = variational_problem(decayed, scale=SCALE, draws=4).gradient(theta, Cases())
    other = variational_problem(plain, scale=SCALE, prior_sd=PRECISION**-0.5, draws=4).gradient(theta, Cases())
    np.testing.assert_allclose(one.full, other.full, rtol=1e-11)
    constant = (D + 1) / 2 * np.log(PRECISION / (2 * np.pi))
    assert other.log_likelihood - one.log_likelihood == pytest.approx(constant, rel=1e-9)


def test_the_posterior_of_a_network_without_hidden_layers_is_that_of_the_regression() -> None:
    # the bias is a sixth weight of a regression on X and a column of ones
    problem = variational_problem(linear_net(), prior_sd=PRECISION**-0.5, scale=SCALE, draws=2 * (D + 1), matched=True)
    found = problem.posterior(train(problem=problem, max_epochs=15))
    wide = np.column_stack([X, np.ones(N)])
    precision = wide.T @ wide / NOISE + PRECISION * np.eye(D + 1)
    np.testing.assert_allclose(found.mean, np.linalg.solve(precision, wide.T @ y / NOISE), rtol=1e-7)
    np.testing.assert_allclose(found.sd, np.diag(precision) ** -0.5, rtol=1e-6)
    weights_alone = np.concatenate([found.mean[:D], 2 * np.log(found.sd[:D])])
    assert exact_elbo(weights_alone) > KNOWN["best_elbo"] - 1  # near it: the bias explains little


def test_a_net_learns_a_curve_by_adam_in_chunks_and_by_hessian_free() -> None:
    x = np.linspace(-2, 2, 20)[None]
    net = network([1, 6, 1], ["tanh", "linear"], x, np.sin(2 * x), num_chunks=2)
    start = drawn(net.num_parameters)
    asked = {"prior_sd": 1.0, "scale": 20 / (2 * 0.1**2), "initial_mean": start}
    judge = variational_problem(net, draws=4, **asked)
    before = judge.posterior(judge.initial_theta()).elbo
    adam = variational_problem(net, draws=2, fresh=True, updates=10, **asked)
    by_adam = train(problem=adam, method="adam", learning_rate=0.02, max_epochs=15)
    fixed = variational_problem(net, draws=20, fresh=True, **asked)
    by_hf = train(problem=fixed, max_epochs=15, max_cg_steps=20)
    assert by_adam.history["updates"][-1] == 15 * 2 * 10
    assert judge.posterior(by_adam).elbo > before / 4
    assert judge.posterior(by_hf).elbo > before / 4


def test_sequences_are_scaled_by_the_sum_of_their_loss_weights() -> None:
    inputs, targets = drawn(2, 5, 4), drawn(1, 5, 4)
    net = recurrent(inputs, targets, hidden_sizes=[3], unit_types=["tanh", "linear"])
    problem = variational_problem(net, prior_sd=1.0, draws=4)
    theta = problem.initial_theta(7)
    np.testing.assert_array_equal(theta[: net.num_parameters], net.initial_theta(7))
    assert problem.score(theta, Cases()).log_likelihood == pytest.approx(by_hand(problem, theta, 20, 1.0), rel=1e-12)
    by_sequence = recurrent(inputs, targets, hidden_sizes=[3], unit_types=["tanh", "linear"], per="sequence")
    same = variational_problem(by_sequence, prior_sd=1.0, draws=4)
    assert same.score(theta, Cases()).log_likelihood == pytest.approx(problem.score(theta, Cases()).log_likelihood)
    result = train(problem=problem, seed=7, max_epochs=4)
    assert result.history["train_log_likelihood"][-1] > problem.score(theta, Cases()).log_likelihood


def test_a_problem_of_your_own_needs_a_scale_and_no_pass_over_a_chunk() -> None:
    toy = ToyProblem()
    problem = variational_problem(toy, prior_sd=1.0, scale=30, draws=40, matched=True)
    theta = some_theta(problem)
    g = problem.gradient(theta, Cases(2, 1))
    np.testing.assert_array_equal(problem.chunk_gradient(theta, Cases(2, 1)).full, g.chunk)
    result = train(problem=problem, max_epochs=60, max_cg_steps=60)
    precision = 30 * toy.A.mean(axis=0) + np.eye(20)
    found = problem.posterior(result)
    np.testing.assert_allclose(found.mean, np.linalg.solve(precision, 30 * toy.b.mean(axis=0)), atol=1e-2)
    np.testing.assert_allclose(found.sd, np.diag(precision) ** -0.5, rtol=1e-2)
