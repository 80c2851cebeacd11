"""The same kernels and the same run on numpy and on another backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends import Backend
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.state import Report
from tests.cases import run_epochs, small_problem, small_state, small_theta

NETS = [
    (("tanh", "logistic"), "matching"),
    (("logistic", "linear"), "matching"),
    (("logistic", "softmax"), "matching"),
    (("logistic", "softmax"), "squared"),
    (("gelu", "relu", "linear"), "matching"),
    (("softplus", "elu"), "squared"),
]
CURVATURES = ("gauss_newton", "hessian", "empirical_fisher")


def options_for(loss: str, curvature: str, precision: str, **more: Any) -> Options:
    settings = {"num_chunks": 3, "max_epochs": 3, "decay_biases": False, "error_measure": "misclassified", **more}
    return Options(loss=loss, curvature=curvature, precision=precision, **settings)


def kernels(units: tuple[str, ...], options: Options, backend: Backend) -> dict[str, NDArray[Any]]:
    """Every kernel of a small problem, on the host."""
    problem = small_problem(units, options, backend=backend)
    theta, v = small_theta(problem), small_theta(problem, 1)
    g = problem.gradient(theta, Cases(1))
    G = problem.curvature(theta, Cases(1), g)
    score = problem.score(theta, Cases())
    on_device = {
        **{"full": g.full, "chunk": g.chunk, "full_squared": g.full_squared, "chunk_squared": g.chunk_squared},
        "product": G(v),
        "preconditioner": G.diagonal(0.5) ** 0.75,
    }
    on_host = {"ll": score.log_likelihood, "error": score.error, "old_ll": float(g.log_likelihood)}
    arrays = {key: backend.to_host(value) for key, value in on_device.items()}
    return {**arrays, **{key: np.array(value) for key, value in on_host.items()}}


def whole_run(units: tuple[str, ...], options: Options, backend: Backend) -> tuple[list[Report], list[NDArray[Any]]]:
    """A run on a backend: its reports without durations, and θ and d on the host."""
    problem = small_problem(units, options, backend=backend)
    reports, state = run_epochs(problem, options, small_state(problem, options), problem)
    return [replace(report, seconds=0.0) for report in reports], [backend.to_host(x) for x in (state.theta, state.d)]


def small_run(num_cases: int = 24, **more: Any) -> dict[str, Any]:
    """Arguments of `train` for an autoencoder of a few units."""
    X = np.random.default_rng(0).random((6, num_cases))
    return {
        **{"inputs": X, "targets": X, "hidden_sizes": [4], "unit_types": ["logistic", "logistic"], "seed": 1},
        **{"num_chunks": 4, "max_epochs": 3, "max_cg_steps": 12, **more},
    }
