"""Weights of cases in likelihood, gradient, squares and curvature: against dense oracles, and as cases that repeat."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from tests.backends.strict_namespace import strict_backend
from tests.cases import small_problem, small_theta
from tests.oracles.matching import dense_sums, matrix

NO_NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
EVERY_BACKEND = pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=NO_NUMBA)])
NETS = [
    (("tanh", "logistic"), "matching"),
    (("logistic", "softmax"), "matching"),
    (("gelu", "linear"), "matching"),
    (("logistic", "gelu"), "squared"),
]
EVERY_NET = pytest.mark.parametrize(("units", "loss"), NETS, ids=["-".join((*u, loss)) for u, loss in NETS])
WEIGHTS = np.array([2, 0, 1, 3, 0.5, 1, 0, 2.5, 1, 1, 4, 0.25])
N, n, C, CHUNK, DECAY = 12, 4, 3, 1, 0.01


def weighted_problem(units: tuple[str, ...], loss: str, backend: str = "numpy", **settings: Any) -> FeedforwardProblem:
    options = Options(precision="double", num_chunks=C, weight_decay=DECAY, loss=loss, **settings)
    problem = small_problem(units, options, backend=get_backend(backend, "double"))
    return replace(problem, cases=replace(problem.cases, weights=WEIGHTS.reshape(1, -1).copy()))


def near(ours: Any, expected: Any, bound: float = 1e-11) -> bool:
    return bool(np.linalg.norm(ours - expected) <= bound * np.linalg.norm(expected))


@EVERY_BACKEND
@EVERY_NET
@pytest.mark.parametrize("blocks", [640, 3])
def test_first_order_sums_count_each_case_by_its_weight(
    units: tuple[str, ...], loss: str, backend: str, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases_module, "CASES_PER_BLOCK", blocks)
    problem = weighted_problem(units, loss, backend)
    theta = small_theta(problem)
    g = problem.gradient(theta, Cases(CHUNK))
    for chunk, count, ours, squared in ((None, N, g.full, g.full_squared), (CHUNK, n, g.chunk, g.chunk_squared)):
        dense = dense_sums(problem, theta, loss, chunk)
        rows = dense.gradients()
        assert near(ours, dense.w() @ rows / count - DECAY * theta)
        assert near(squared, dense.w() @ rows**2 / count)
        ll = dense.log_likelihood() / count - 0.5 * DECAY * theta @ theta
        assert problem.score(theta, Cases(chunk)).log_likelihood == pytest.approx(ll, rel=1e-12)
    assert g.log_likelihood == pytest.approx(problem.score(theta, Cases()).log_likelihood, rel=1e-12)
    even = replace(problem, cases=replace(problem.cases, weights=None))
    assert problem.score(theta, Cases()).error == even.score(theta, Cases()).error


@EVERY_BACKEND
@EVERY_NET
@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
def test_curvature_counts_each_case_by_its_weight(
    units: tuple[str, ...], loss: str, backend: str, curvature: str
) -> None:
    problem = weighted_problem(units, loss, backend, curvature=curvature, faithful=False)
    theta = small_theta(problem)
    gradient = problem.gradient(theta, Cases(CHUNK))
    ours = matrix(problem.curvature(theta, Cases(CHUNK), gradient), theta.size)
    dense = dense_sums(problem, theta, loss, CHUNK)
    if curvature == "empirical_fisher":
        expected = dense.empirical_fisher(faithful=False) / n - np.outer(gradient.chunk, gradient.chunk)
    else:
        expected = getattr(dense, curvature)() / n
    assert near(ours, expected + DECAY * np.eye(theta.size), 1e-8)


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
def test_a_device_weighs_as_the_host_does(curvature: str) -> None:
    found = []
    for backend in (strict_backend("double"), get_backend("numpy", "double")):
        problem = small_problem(("tanh", "relu", "logistic"), Options(curvature=curvature), backend=backend)
        weights = backend.asarray(WEIGHTS.reshape(1, -1))
        problem = replace(problem, cases=replace(problem.cases, weights=weights))
        theta, v = small_theta(problem), small_theta(problem, 1)
        g = problem.gradient(theta, Cases(0))
        product = problem.curvature(theta, Cases(0), g)(v)
        found.append([backend.to_host(a) for a in (g.full, g.full_squared, product)])
        found[-1].append(problem.score(theta, Cases()).log_likelihood)
    assert all(near(ours, theirs) for ours, theirs in zip(*found, strict=True))


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
def test_a_weight_of_2_is_the_case_twice_and_0_leaves_it_out(curvature: str) -> None:
    options = Options(precision="double", weight_decay=0.0, curvature=curvature)
    problem = small_problem(("gelu", "tanh", "logistic"), options)
    counts = np.array([2, 0, 1, 1, 3, 1, 0, 1, 1, 1, 1, 1])
    weighted = replace(problem, cases=replace(problem.cases, weights=counts.reshape(1, -1).astype(float)))
    columns = np.repeat(np.arange(N), counts)  # 13 cases
    repeated = replace(
        problem, cases=ChunkedCases(problem.cases.inputs[:, columns], problem.cases.targets[:, columns], 1)
    )
    theta, v = small_theta(problem), small_theta(problem, 1)
    g, G = weighted.gradient(theta, Cases(0)), repeated.gradient(theta, Cases(0))
    for name in ("full", "full_squared", "log_likelihood"):
        assert near(getattr(g, name) * N, getattr(G, name) * 13)
    if curvature == "empirical_fisher":  # without the mean's square, which is not linear in the weights
        g, G = replace(g, chunk=0 * g.full), replace(G, chunk=0 * G.full)
    ours, theirs = (p.curvature(theta, Cases(0), at)(v) for p, at in ((weighted, g), (repeated, G)))
    assert near(ours * N, theirs * 13)


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=NO_NUMBA)])
def test_weights_of_1_change_no_bit(curvature: str, backend: str) -> None:
    options = Options(precision="single", num_chunks=C, curvature=curvature)
    plain = small_problem(("tanh", "relu", "logistic"), options, backend=get_backend(backend, "single"))
    ones = replace(plain, cases=replace(plain.cases, weights=np.ones((1, N), np.float32)))
    theta, v = small_theta(plain), small_theta(plain, 1)
    gradients = [p.gradient(theta, Cases(CHUNK)) for p in (plain, ones)]
    for name in ("full", "chunk", "full_squared", "chunk_squared"):
        assert getattr(gradients[0], name).tobytes() == getattr(gradients[1], name).tobytes()
    products = [p.curvature(theta, Cases(CHUNK), g)(v) for p, g in zip((plain, ones), gradients, strict=True)]
    assert products[0].tobytes() == products[1].tobytes()
