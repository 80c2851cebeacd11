"""Weight decay and its mask, the cases that curvature sees, and the precision in which sums are formed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from tests.cases import golden, small_problem, small_theta
from tests.oracles.matching import matrix


def with_and_without_decay(**changes: Any) -> tuple[FeedforwardProblem, FeedforwardProblem, Any]:
    problem = small_problem(options=Options(precision="double", num_chunks=3, weight_decay=0.3, **changes))
    return problem, replace(problem, weight_decay=0.0, mask=None), small_theta(problem)


def biases(problem: FeedforwardProblem) -> np.ndarray:
    """1 at biases, by marking every layer's."""
    marked = np.zeros(problem.network.num_parameters)
    for layer in problem.network.layers(marked):
        layer.b[...] = 1
    return marked


@pytest.mark.parametrize("decay_biases", [True, False])
def test_weight_decay_takes_half_its_square_off_the_likelihood(decay_biases: bool) -> None:
    problem, free, theta = with_and_without_decay(decay_biases=decay_biases)
    decayed = np.ones_like(theta) if decay_biases else 1 - biases(problem)
    cost = 0.5 * 0.3 * (decayed * theta**2).sum()
    for chunk in (None, 0, 2):
        lost = free.score(theta, Cases(chunk)).log_likelihood - problem.score(theta, Cases(chunk)).log_likelihood
        assert lost == pytest.approx(cost, rel=1e-13)
        assert free.score(theta, Cases(chunk)).error == problem.score(theta, Cases(chunk)).error


@pytest.mark.parametrize("decay_biases", [True, False])
def test_weight_decay_enters_gradients_but_not_their_squares(decay_biases: bool) -> None:
    problem, free, theta = with_and_without_decay(decay_biases=decay_biases)
    decayed = np.ones_like(theta) if decay_biases else 1 - biases(problem)
    g, g_free = problem.gradient(theta, Cases(1)), free.gradient(theta, Cases(1))
    np.testing.assert_allclose(g_free.full - g.full, 0.3 * decayed * theta, atol=1e-14)
    np.testing.assert_allclose(g_free.chunk - g.chunk, 0.3 * decayed * theta, atol=1e-14)
    np.testing.assert_array_equal(g.full_squared, g_free.full_squared)
    np.testing.assert_array_equal(g.chunk_squared, g_free.chunk_squared)


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
@pytest.mark.parametrize("decay_biases", [True, False])
def test_weight_decay_adds_its_diagonal_to_the_curvature(decay_biases: bool, curvature: str) -> None:
    problem, free, theta = with_and_without_decay(decay_biases=decay_biases, curvature=curvature)
    decayed = np.ones_like(theta) if decay_biases else 1 - biases(problem)
    B, G = (matrix(p.curvature(theta, Cases(1), p.gradient(theta, Cases(1))), theta.size) for p in (problem, free))
    np.testing.assert_allclose(B - G, 0.3 * np.diag(decayed), atol=1e-14)
    g = problem.gradient(theta, Cases(1))
    diagonal = problem.curvature(theta, Cases(1), g).diagonal(0.5)
    np.testing.assert_array_equal(diagonal, g.full_squared + 0.5 + 0.3 * decayed)


def test_the_target_chunk_decides_what_curvature_sees_unless_it_sees_all() -> None:
    problem, theta = small_problem(), small_theta(small_problem())
    v = small_theta(problem, 1)

    def products(cases: str) -> list[Any]:
        seen = replace(problem, curvature_cases=cases)
        return [seen.curvature(theta, Cases(chunk), seen.gradient(theta, Cases(chunk)))(v) for chunk in range(3)]

    on_chunks, on_all = products("target_chunk"), products("all")
    np.testing.assert_array_equal(on_all[0], on_all[1])
    assert np.linalg.norm(on_chunks[0] - on_chunks[1]) > 1e-3
    np.testing.assert_allclose(np.mean(on_chunks, axis=0), on_all[0], atol=1e-14)


def test_a_product_leaves_theta_the_direction_and_the_gradient_alone() -> None:
    for curvature in ("gauss_newton", "hessian", "empirical_fisher"):
        problem = replace(small_problem(), curvature_kind=curvature)
        theta, v = small_theta(problem), small_theta(problem, 1)
        g = problem.gradient(theta, Cases(1))
        before = [theta.copy(), v.copy(), g.full.copy(), g.chunk.copy()]
        problem.curvature(theta, Cases(1), g)(v)
        for was, now in zip(before, (theta, v, g.full, g.chunk), strict=True):
            np.testing.assert_array_equal(was, now)


def chunk_sums(problem: FeedforwardProblem, theta: Any) -> list[float]:
    free, n = replace(problem, weight_decay=0.0), problem.cases.cases_per_chunk
    return [free.score(theta, Cases(chunk)).log_likelihood * n for chunk in range(problem.num_chunks)]


def test_faithful_cross_entropy_adds_chunks_in_working_precision() -> None:
    case = golden("ae_logistic", "single")
    problem, theta = replace(case.problem, weight_decay=0.0), case.start.theta
    ours = problem.gradient(theta, Cases(0)).log_likelihood
    total = np.float32(0)
    for ll in chunk_sums(problem, theta):
        total = total + np.float32(ll)
    assert isinstance(ours, np.float32)
    assert ours == total / len(problem.cases)


@pytest.mark.parametrize(
    ("name", "faithful"), [("ae_logistic", False), ("class_softmax", True), ("ae_tanh_linear", True)]
)
def test_otherwise_chunks_are_added_in_double(name: str, faithful: bool) -> None:
    case = golden(name, "single")
    problem, theta = replace(case.problem, weight_decay=0.0, faithful=faithful), case.start.theta
    ours = problem.gradient(theta, Cases(0)).log_likelihood
    assert isinstance(ours, float)
    assert ours == pytest.approx(sum(chunk_sums(problem, theta)) / len(problem.cases), rel=1e-15)
    assert ours == problem.score(theta, Cases()).log_likelihood


@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_step_of_nothing_changes_nothing_however_many_blocks_a_chunk_has(precision: str) -> None:
    # the line search compares the two: where CG stops at once, a last digit would reject the step
    random = np.random.default_rng(0)
    backend = get_backend("numpy", precision)
    network = build_network([30, 40, 30], ["logistic", "logistic"], "matching", "squared")
    X = backend.asarray(random.random((30, 3000)))
    problem = FeedforwardProblem(network=network, cases=ChunkedCases(X, X, 1), backend=backend)
    theta = backend.asarray(random.standard_normal(network.num_parameters))
    assert problem.cases.num_blocks(network.num_parameters) > problem.cases.num_blocks(
        network.num_parameters, kept=True
    )
    assert problem.gradient(theta, Cases(0)).log_likelihood == problem.score(theta, Cases()).log_likelihood


def test_blocks_are_added_in_working_precision_and_chunks_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    case = golden("ae_logistic", "single")
    problem, theta = replace(case.problem, weight_decay=0.0), case.start.theta
    for blocks in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):
        monkeypatch.setattr(cases_module, blocks, 7)
    layers, network = problem.network.layers(theta), problem.network
    chunks = []
    for c in range(problem.num_chunks):
        outs = [(activations(network, layers, block.inputs, np), block.targets) for block in problem.cases.chunk(c)]
        chunks.append([network.loss.log_likelihood(np, out.x, out.y[-1], t) for out, t in outs])
    singly = sum(float(sum(blocks, start=np.float32(0))) for blocks in chunks) / len(problem.cases)
    assert problem.score(theta, Cases()).log_likelihood == singly
    assert singly != sum(float(ll) for blocks in chunks for ll in blocks) / len(problem.cases)


def test_the_error_is_divided_chunk_by_chunk() -> None:
    problem = golden("ae_logistic", "double").problem
    theta, n = golden("ae_logistic", "double").start.theta, problem.cases.cases_per_chunk
    sums = [round(problem.score(theta, Cases(c)).error * n, 12) for c in range(problem.num_chunks)]
    assert problem.score(theta, Cases()).error == pytest.approx(sum(s / len(problem.cases) for s in sums), rel=1e-13)


def test_overflow_in_a_wild_step_gives_figures_and_no_warning() -> None:
    problem = small_problem(("tanh", "logistic"), Options(precision="single", num_chunks=3))
    score = problem.score(small_theta(problem, scale=1e30), Cases())
    assert score.log_likelihood == -np.inf or np.isnan(score.log_likelihood) or score.log_likelihood < -1e30
    assert np.isfinite(score.error)
