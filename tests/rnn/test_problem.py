"""The problem of a model on sequences: means, decay, structural damping, order, threads, precision, device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import recurrent, train
from hf_matlab_compat.backends import Backend, get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.rnn import sequences
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from tests.backends.compiled_kernels import COMPILER
from tests.backends.pretended_cupy import pretend
from tests.backends.strict_namespace import strict_backend
from tests.rnn.nets import arguments, direction, kernels, small
from tests.rnn.recorded import apart


@pytest.mark.parametrize("per", ["step", "sequence"])
def test_figures_are_means_with_weight_decay(per: str) -> None:
    problem = small(per=per)
    theta, v, decay = direction(problem), direction(problem, 1), problem.weight_decay
    g = problem.gradient(theta, Cases(1))
    ll = problem.score(theta, Cases()).log_likelihood
    by_chunk = [problem.score(theta, Cases(c)).log_likelihood for c in range(3)]
    Z = [problem.data.total_weight(c, per) for c in range(3)]
    cost = decay / 2 * theta @ theta
    assert ll == pytest.approx(np.average(np.array(by_chunk) + cost, weights=Z) - cost, rel=1e-14)
    assert g.log_likelihood == pytest.approx(ll, rel=1e-15)
    step = 1e-6
    for vector, chunk in ((g.full, None), (g.chunk, 1)):
        ends = [problem.score(theta + sign * step * v, Cases(chunk)).log_likelihood for sign in (1, -1)]
        assert vector @ v == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-7)
    np.testing.assert_array_equal(problem.chunk_gradient(theta, Cases(1)).full, g.chunk)
    bare = replace(problem, weight_decay=0.0)
    difference = problem.curvature(theta, Cases(1), g)(v) - bare.curvature(theta, Cases(1), g)(v)
    np.testing.assert_allclose(difference, decay * v, atol=1e-14)
    weights = replace(problem, decay_biases=False)
    mask = problem.model.decay_mask()
    assert mask.sum() == 5 * (2 + 5 + 3)
    found = weights.curvature(theta, Cases(1), g)
    np.testing.assert_allclose(found(v) - bare.curvature(theta, Cases(1), g)(v), decay * mask * v, atol=1e-14)
    np.testing.assert_allclose(found.diagonal(0.5) - bare.curvature(theta, Cases(1), g).diagonal(0.5), decay * mask)


def test_the_diagonal_is_the_mean_of_squared_gradients_of_whole_sequences() -> None:
    problem = replace(small(per="sequence"), weight_decay=0.0)
    theta, one_by_one = direction(problem), replace(problem, data=replace(problem.data, num_chunks=12))
    found = problem.curvature(theta, Cases(1), None).diagonal(0.5)
    each = [one_by_one.chunk_gradient(theta, Cases(n)).full for n in range(12)]
    np.testing.assert_allclose(found, np.mean(np.square(each), axis=0) + 0.5, rtol=1e-13)


@pytest.mark.parametrize("measure", ["misclassified", "squared"])
def test_the_error_counts_each_step_with_a_loss_once(measure: str) -> None:
    problem = small(error_measure=measure)
    theta = direction(problem)
    data = problem.data
    weights: Any = data.loss_weights
    whole = replace(problem, data=replace(data, loss_weights=np.where(weights > 0, 1.0, 0.0)))
    assert problem.score(theta, Cases()).error == whole.score(theta, Cases()).error
    if measure == "misclassified":
        assert 0 < problem.score(theta, Cases()).error < 1
        count = problem.score(theta, Cases()).error * (weights > 0).sum()
        assert count == pytest.approx(round(count))


def test_the_order_of_sequences_changes_sums_by_rounding_only() -> None:
    given = arguments(num_chunks=1)
    order = np.random.default_rng(2).permutation(12)
    turned = {key: given[key][..., order] for key in ("inputs", "targets", "lengths", "loss_weights")}
    ours, theirs = (kernels(recurrent(**{**given, "num_chunks": 1, **more})) for more in ({}, turned))
    assert {name: far for name in ours if (far := apart(ours[name], theirs[name])) > 1e-14} == {}


def test_the_bits_depend_neither_on_threads_nor_on_the_curvatures_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "WORTH_SHARING", 1)
    given = arguments(N=60)
    found = []
    for threads in (1, 4):
        problem = recurrent(**given).placed(get_backend("numpy", "double", threads))
        assert problem.data.num_blocks(problem.num_parameters) == 4
        found.append(kernels(problem))
    for name, value in found[0].items():
        np.testing.assert_array_equal(value, found[1][name])
    v, points = direction(problem, 1), [direction(problem, seed) for seed in (2, 3)]
    g = problem.gradient(points[0], Cases(0))
    first, second = (problem.curvature(theta, Cases(0), g) for theta in points)
    before = first(v)
    second(v)
    np.testing.assert_array_equal(first(v), before)
    np.testing.assert_array_equal(problem.curvature(points[0], Cases(0), g)(v), before)


def test_without_structural_damping_every_bit_is_that_of_the_plain_loop() -> None:
    problem = small()
    theta, v = direction(problem), direction(problem, 1)
    g = problem.gradient(theta, Cases(1))
    G = problem.curvature(theta, Cases(1), g)
    strengths = [G.structurally_damped(v, s) for s in (0.0, 0.2, 0.4)]
    np.testing.assert_array_equal(strengths[0], G(v))
    np.testing.assert_allclose(strengths[2] - strengths[0], 2 * (strengths[1] - strengths[0]), atol=1e-14)
    assert v @ (strengths[1] - strengths[0]) > 0
    lam = 0.5
    damped = LevenbergMarquardt(structural=0.4).operator(G, lam)(v)
    np.testing.assert_allclose(damped, G.structurally_damped(v, 0.2) + lam * v, rtol=1e-14)
    plain = train(problem=problem, seed=1, max_epochs=4, max_cg_steps=10, precision="double")

    class Plain:
        """The problem through an object that knows no structural damping."""

        num_parameters, num_chunks = problem.num_parameters, problem.num_chunks
        score, gradient = problem.score, problem.gradient

        def curvature(self, theta: Any, on: Cases, gradient: Gradient) -> Any:
            G = problem.curvature(theta, on, gradient)
            return lambda v: G(v)

    start = problem.initial_theta(1)
    options = {"max_epochs": 4, "max_cg_steps": 10, "precision": "double", **problem.option_defaults}
    bare = train(problem=Plain(), initial_theta=start, preconditioner="none", **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(plain.theta, bare.theta)
    more = train(problem=problem, seed=1, max_epochs=4, max_cg_steps=10, precision="double", structural_damping=0.3)
    assert (more.theta != plain.theta).any()
    with pytest.raises(OptionError, match=r"^structural_damping: expected 0 for a problem without hidden states in "):
        train(problem=Plain(), initial_theta=start, structural_damping=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
@pytest.mark.parametrize("output", ["softmax", "linear"])
def test_sequences_of_one_step_are_the_cases_of_a_feedforward_network(output: str, curvature: str) -> None:
    given = arguments(N=24, T=2, output=output, initial_state="zero", curvature=curvature, weight_decay=0.0)
    X, Y = given["inputs"][:, :1], given["targets"][:, :1]
    problem = recurrent(**{**given, "inputs": X, "targets": Y, "lengths": None, "loss_weights": None})
    theta, v = direction(problem), direction(problem, 1)
    recurrent_weights = slice(2 * 5, 2 * 5 + 25)
    others = np.delete(np.arange(theta.size), recurrent_weights)
    network = build_network([2, 5, 3], ["tanh", output], "matching", "squared")
    cases = ChunkedCases(X[:, 0], Y[:, 0], 3)
    flat = FeedforwardProblem(
        network=network, cases=cases, backend=problem.backend, curvature_kind=curvature, faithful=False
    )
    ours, theirs = problem.gradient(theta, Cases(1)), flat.gradient(theta[others], Cases(1))
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=2e-15)
    for name in ("full", "chunk"):
        vector = getattr(ours, name)
        assert (vector[recurrent_weights] == 0).all()
        assert apart(vector[others], getattr(theirs, name)) <= 2e-15
    assert (
        apart(
            problem.curvature(theta, Cases(1), ours)(v)[others],
            flat.curvature(theta[others], Cases(1), theirs)(v[others]),
        )
        <= 2e-15
    )
    assert problem.score(theta, Cases(1)).error == pytest.approx(flat.score(theta[others], Cases(1)).error, rel=2e-15)


@pytest.mark.parametrize("kind", ["gauss_newton", "hessian", "empirical_fisher"])
@pytest.mark.parametrize("units", [["tanh", "softmax"], ["gelu", "tanh", "linear"]])
def test_the_passes_run_on_a_device_and_in_single_precision(units: list[str], kind: str) -> None:
    output = units[-1]
    given = arguments(output=output, unit_types=units, hidden_sizes=[5, 4][: len(units) - 1], curvature=kind)
    problem = recurrent(**given)
    ours = kernels(problem)
    backends: list[tuple[Backend, float]] = [(strict_backend("double"), 1e-13), (get_backend("numpy", "single"), 2e-5)]
    if "gelu" in units:
        backends = backends[1:]  # the stand-in has no special functions of its own
    for backend, bound in backends:
        theirs = kernels(problem.placed(backend))
        assert {name: far for name in ours if (far := apart(theirs[name], ours[name])) > bound} == {}


def test_a_problem_says_which_options_it_starts_with() -> None:
    problem = small()
    options = train(problem=problem, seed=0, max_epochs=1).options
    assert (options.initial_lam, options.preconditioner_exponent) == (0.1, None)
    options = train(problem=problem, seed=0, max_epochs=1, initial_lam=3.0, preconditioner_exponent=0.5).options
    assert (options.initial_lam, options.preconditioner_exponent) == (3.0, 0.5)
    assert Options().initial_lam == 45


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler to run the kernels' code with")
def test_a_whole_run_on_a_device_is_that_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    options: dict[str, Any] = {"seed": 1, "precision": "double", "max_epochs": 3, "max_cg_steps": 10}
    options |= {"structural_damping": 0.1, "preconditioner_exponent": 0.75}
    runs = [train(problem=small(), test_problem=small(), backend=name, **options) for name in ("cupy", "numpy")]
    assert apart(*(run.theta for run in runs)) <= 1e-9
    assert runs[0].score(*(arguments()[name] for name in ("inputs", "targets", "lengths", "loss_weights"))).error > 0
