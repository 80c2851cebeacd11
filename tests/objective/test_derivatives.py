"""Gradient, squared gradient and curvature products against dense oracles, for every unit, loss and curvature."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from tests.cases import small_problem, small_theta
from tests.oracles.dense import DenseSums
from tests.oracles.matching import dense_sums, matrix

NETS = [
    (("tanh", "logistic"), "matching"),
    (("logistic", "tanh", "linear"), "matching"),
    (("linear", "logistic", "softmax"), "matching"),
    (("tanh", "logistic"), "squared"),
    (("logistic", "tanh"), "squared"),
    (("tanh", "linear"), "squared"),
    (("logistic", "softmax"), "squared"),
    (("gelu", "linear"), "matching"),
    (("elu", "gelu"), "squared"),
    (("softplus", "relu"), "squared"),
]
EVERY_NET = pytest.mark.parametrize(("units", "loss"), NETS, ids=["-".join((*u, loss)) for u, loss in NETS])
CURVATURES = ("gauss_newton", "hessian", "empirical_fisher")
WEIGHT_DECAY = 0.01
N, n, C, CHUNK = 12, 4, 3, 1
EXACT, BY_DIFFERENCES = 1e-12, 1e-8
"""Relative distances to complex steps, which are exact, and to central differences of them, with a step of 1e-5."""


@cache
def at(units: tuple[str, ...], loss: str, **settings: Any) -> tuple[FeedforwardProblem, NDArray[Any]]:
    options = Options(precision="double", num_chunks=C, weight_decay=WEIGHT_DECAY, loss=loss, **settings)
    problem = small_problem(units, options)
    return problem, small_theta(problem)


@cache
def oracle(units: tuple[str, ...], loss: str, chunk: int | None = None) -> DenseSums:
    problem, theta = at(units, loss)
    return dense_sums(problem, theta, loss, chunk)


@cache
def product_matrix(units: tuple[str, ...], loss: str, **settings: Any) -> NDArray[Any]:
    problem, theta = at(units, loss, **settings)
    return matrix(problem.curvature(theta, Cases(CHUNK), problem.gradient(theta, Cases(CHUNK))), theta.size)


def near(ours: Any, expected: Any, bound: float) -> bool:
    return bool(np.linalg.norm(ours - expected) <= bound * np.linalg.norm(expected))


@EVERY_NET
@pytest.mark.parametrize("chunk", [None, CHUNK])
def test_log_likelihood_is_the_mean_over_cases_less_the_decay(
    units: tuple[str, ...], loss: str, chunk: int | None
) -> None:
    problem, theta = at(units, loss)
    mean = oracle(units, loss, chunk).log_likelihood() / (N if chunk is None else n)
    expected = mean - 0.5 * WEIGHT_DECAY * theta @ theta
    assert problem.score(theta, Cases(chunk)).log_likelihood == pytest.approx(expected, rel=EXACT)


@EVERY_NET
def test_gradient_is_the_derivative_of_the_log_likelihood(units: tuple[str, ...], loss: str) -> None:
    problem, theta = at(units, loss)
    g = problem.gradient(theta, Cases(CHUNK))
    assert near(g.full, oracle(units, loss).gradients().mean(axis=0) - WEIGHT_DECAY * theta, EXACT)
    assert near(g.chunk, oracle(units, loss, CHUNK).gradients().mean(axis=0) - WEIGHT_DECAY * theta, EXACT)
    assert g.log_likelihood == pytest.approx(problem.score(theta, Cases()).log_likelihood, rel=EXACT)


@EVERY_NET
def test_gradient_agrees_with_finite_differences_of_the_packages_own_likelihood(
    units: tuple[str, ...], loss: str
) -> None:
    problem, theta = at(units, loss)
    v, step = small_theta(problem, 3), 1e-5
    ends = [problem.score(theta + sign * step * v, Cases()).log_likelihood for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    assert slope == pytest.approx(problem.gradient(theta, Cases(CHUNK)).full @ v, rel=1e-7)


@EVERY_NET
def test_squared_gradient_is_the_mean_of_squares_case_by_case(units: tuple[str, ...], loss: str) -> None:
    problem, theta = at(units, loss)
    g = problem.gradient(theta, Cases(CHUNK))
    assert near(g.full_squared, (oracle(units, loss).gradients() ** 2).mean(axis=0), EXACT)
    assert near(g.chunk_squared, (oracle(units, loss, CHUNK).gradients() ** 2).mean(axis=0), EXACT)


@EVERY_NET
@pytest.mark.parametrize("cases", ["target_chunk", "all"])
def test_gauss_newton_is_the_mean_of_jacobian_hessian_jacobian(units: tuple[str, ...], loss: str, cases: str) -> None:
    chunk, size = (CHUNK, n) if cases == "target_chunk" else (None, N)
    G = oracle(units, loss, chunk).gauss_newton() / size
    ours = product_matrix(units, loss, curvature_cases=cases)
    assert near(ours, G + WEIGHT_DECAY * np.eye(len(G)), BY_DIFFERENCES)


@EVERY_NET
@pytest.mark.parametrize("cases", ["target_chunk", "all"])
def test_hessian_is_the_derivative_of_the_gradient(units: tuple[str, ...], loss: str, cases: str) -> None:
    chunk, size = (CHUNK, n) if cases == "target_chunk" else (None, N)
    H = oracle(units, loss, chunk).hessian() / size
    ours = product_matrix(units, loss, curvature="hessian", curvature_cases=cases)
    assert near(ours, H + WEIGHT_DECAY * np.eye(len(H)), BY_DIFFERENCES)


@EVERY_NET
@pytest.mark.parametrize("cases", ["target_chunk", "all"])
def test_mended_empirical_fisher_sums_outer_products_of_the_losss_own_gradients(
    units: tuple[str, ...], loss: str, cases: str
) -> None:
    chunk, size = (CHUNK, n) if cases == "target_chunk" else (None, N)
    F = oracle(units, loss, chunk).empirical_fisher(faithful=False) / size
    ours = product_matrix(units, loss, curvature="empirical_fisher", curvature_cases=cases, faithful=False)
    assert near(ours, F + less_the_mean(units, loss), EXACT)


@pytest.mark.parametrize("units", [units for units, loss in NETS if loss == "matching"], ids="-".join)
@pytest.mark.parametrize("cases", ["target_chunk", "all"])
def test_faithful_empirical_fisher_doubles_linear_outputs_once(units: tuple[str, ...], cases: str) -> None:
    chunk, size = (CHUNK, n) if cases == "target_chunk" else (None, N)
    F = oracle(units, "matching", chunk).empirical_fisher(faithful=True) / size
    ours = product_matrix(units, "matching", curvature="empirical_fisher", curvature_cases=cases, faithful=True)
    assert near(ours, F + less_the_mean(units, "matching"), EXACT)


def less_the_mean(units: tuple[str, ...], loss: str) -> NDArray[Any]:
    """What the empirical Fisher adds to its second moment; the target chunk's gradient has the decay in it."""
    problem, theta = at(units, loss)
    mean = problem.gradient(theta, Cases(CHUNK)).chunk
    return WEIGHT_DECAY * np.eye(len(mean)) - np.outer(mean, mean)


@EVERY_NET
@pytest.mark.parametrize("curvature", CURVATURES)
def test_products_are_symmetric(units: tuple[str, ...], loss: str, curvature: str) -> None:
    B = product_matrix(units, loss, curvature=curvature, faithful=False)
    assert near(B, B.T, 1e-14)


@EVERY_NET
@pytest.mark.parametrize("curvature", CURVATURES)
def test_products_are_linear(units: tuple[str, ...], loss: str, curvature: str) -> None:
    problem, theta = at(units, loss, curvature=curvature)
    B = problem.curvature(theta, Cases(CHUNK), problem.gradient(theta, Cases(CHUNK)))
    v, w = small_theta(problem, 1), small_theta(problem, 2)
    assert near(B(2 * v - 3 * w), 2 * B(v) - 3 * B(w), 1e-14)
    assert not B(0 * v).any()


@EVERY_NET
@pytest.mark.parametrize("cases", ["target_chunk", "all"])
def test_gauss_newton_is_positive_semidefinite(units: tuple[str, ...], loss: str, cases: str) -> None:
    G = product_matrix(units, loss, curvature_cases=cases)
    eigenvalues = np.linalg.eigvalsh((G + G.T) / 2) - WEIGHT_DECAY
    assert eigenvalues[0] >= -1e-13 * eigenvalues[-1]
    assert eigenvalues[-1] > 0.1


def test_the_hessian_is_indefinite_where_gauss_newton_is_not() -> None:
    H = product_matrix(("tanh", "logistic"), "matching", curvature="hessian")
    assert np.linalg.eigvalsh(H)[0] < -WEIGHT_DECAY


@EVERY_NET
def test_sums_over_all_cases_do_not_depend_on_the_number_of_chunks(units: tuple[str, ...], loss: str) -> None:
    many, theta = at(units, loss, curvature_cases="all")
    whole = replace(many, cases=replace(many.cases, num_chunks=1))
    assert whole.score(theta, Cases()).error == pytest.approx(many.score(theta, Cases()).error, rel=1e-14)
    g, g_whole = many.gradient(theta, Cases(CHUNK)), whole.gradient(theta, Cases(0))
    assert near(g_whole.full, g.full, 1e-14)
    assert near(g_whole.full_squared, g.full_squared, 1e-14)
    assert near(g_whole.chunk, g_whole.full, 0)
    v = small_theta(many, 1)
    assert near(whole.curvature(theta, Cases(0), g_whole)(v), many.curvature(theta, Cases(CHUNK), g)(v), 1e-14)


@EVERY_NET
@pytest.mark.parametrize("curvature", CURVATURES)
def test_several_blocks_are_as_good_as_one(
    units: tuple[str, ...], loss: str, curvature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, theta = at(units, loss, curvature=curvature)
    v, whole = small_theta(problem, 1), problem.gradient(theta, Cases(CHUNK))
    Bv, score = problem.curvature(theta, Cases(CHUNK), whole)(v), problem.score(theta, Cases())
    for blocks in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):  # a chunk of 4 cases: two blocks
        monkeypatch.setattr(cases_module, blocks, 3)
    assert [block.inputs.shape[1] for block in problem.cases.chunk(0)] == [2, 2]
    pieces = problem.gradient(theta, Cases(CHUNK))
    for part in ("full", "chunk", "full_squared", "chunk_squared"):
        assert near(getattr(pieces, part), getattr(whole, part), 1e-14)
    assert near(problem.curvature(theta, Cases(CHUNK), whole)(v), Bv, 1e-14)
    assert problem.score(theta, Cases()).log_likelihood == pytest.approx(score.log_likelihood, rel=1e-14)
    assert problem.score(theta, Cases()).error == pytest.approx(score.error, rel=1e-14)
