"""Checks of the GPU against the CPU: every kernel, a whole run, streamed cases, and what TF32 does to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_report import Row
from hf_matlab_compat.backends import Backend, get_backend
from hf_matlab_compat.method import epochs
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.state import Report, hessian_free_state

NETS = [
    (("tanh", "logistic", "logistic"), "matching"),
    (("logistic", "logistic", "linear"), "matching"),
    (("logistic", "tanh", "softmax"), "matching"),
    (("logistic", "linear", "softmax"), "squared"),
]
CURVATURES = ("gauss_newton", "hessian", "empirical_fisher")
GRADIENT_BOUND = {"single": 4e-6, "double": 5e-15}
KERNEL_BOUND = {"single": 2e-6, "double": 5e-15}
"""Those of the parity suite for one kernel."""
RUN_BOUND = 1e-11
SIZES = (20, 30, 12, 10)


def rows(quick: bool) -> Iterator[Row]:
    """All checks, each as soon as it is done."""
    for precision in ("double", "single"):
        for curvature in CURVATURES:
            yield from _kernels(curvature, precision)
    yield from _tf32()
    yield from _whole_run()
    yield _streamed()


def problem_on(backend: Backend, units: tuple[str, ...], options: Options, resident: bool = True) -> FeedforwardProblem:
    """A network of three layers on 60 cases; its cases on the device, or on the host and sent block by block."""
    random = np.random.default_rng(5)
    inputs, targets = random.standard_normal((SIZES[0], 60)), random.random((SIZES[-1], 60))
    if units[-1] == "softmax":
        targets = np.eye(SIZES[-1])[random.integers(0, SIZES[-1], 60)].T
    given: list[Any] = [inputs, targets]
    if resident:
        given = [backend.asarray(part, order="F") for part in given]
    return FeedforwardProblem(
        network=build_network(SIZES, units, options.loss, options.error_measure),
        cases=ChunkedCases(given[0], given[1], options.num_chunks),
        backend=backend,
        weight_decay=options.weight_decay,
        curvature_kind=options.curvature,
    )


def kernels(units: tuple[str, ...], options: Options, backend: Backend) -> dict[str, NDArray[Any]]:
    """Every kernel, on the host."""
    problem = problem_on(backend, units, options)
    theta, v = (_vector(problem, seed) for seed in (0, 1))
    g, score = problem.gradient(theta, Cases(1)), problem.score(theta, Cases())
    G = problem.curvature(theta, Cases(1), g)
    found = {
        **{"gradient": g.full, "chunk gradient": g.chunk, "squared gradient": g.full_squared},
        "product": G(v),
        "preconditioner": G.diagonal(0.5) ** 0.75,
    }
    numbers = {"log-likelihood": score.log_likelihood, "error": score.error}
    return {name: backend.to_host(a) for name, a in found.items()} | {k: np.array(v) for k, v in numbers.items()}


def distance(ours: Any, theirs: Any) -> float:
    """‖ours - theirs‖ / ‖theirs‖ in double."""
    a, b = (np.asarray(value, np.float64).ravel() for value in (ours, theirs))
    return 0.0 if np.array_equal(a, b) else float(np.linalg.norm(a - b) / np.linalg.norm(b))


def _vector(problem: FeedforwardProblem, seed: int) -> Any:
    values = 0.3 * np.random.default_rng(seed).standard_normal(problem.network.num_parameters)
    return problem.backend.asarray(values)


def _options(loss: str, curvature: str, precision: str, **more: Any) -> Options:
    return Options(loss=loss, curvature=curvature, precision=precision, num_chunks=3, backend="cupy", **more)


def _farthest(curvature: str, precision: str, reference: str) -> dict[str, float]:
    """The largest distance of every kernel between GPU and CPU, over all networks."""
    found: dict[str, float] = {}
    for units, loss in NETS:
        options = _options(loss, curvature, precision)
        ours = kernels(units, options, get_backend("cupy", precision))
        for name, value in kernels(units, options, get_backend("numpy", reference)).items():
            found[name] = max(found.get(name, 0.0), distance(ours[name], value))
    return found


def _kernels(curvature: str, precision: str) -> Iterator[Row]:
    for name, far in _farthest(curvature, precision, precision).items():
        bound = (GRADIENT_BOUND if name.endswith("gradient") else KERNEL_BOUND)[precision]
        yield Row.at_most(f"{curvature}, {precision}: {name}, GPU against CPU", far, bound)


def _tf32() -> Iterator[Row]:
    for name, far in _farthest("gauss_newton", "tf32", "single").items():
        yield Row(f"tf32: {name}, against the CPU's single", far, note="reported only")


def run(backend: Backend, options: Options, resident: bool = True) -> tuple[list[Report], NDArray[Any]]:
    """A short run: its reports and θ on the host."""
    problem = problem_on(backend, NETS[0][0], options, resident)
    theta = _vector(problem, 0)
    start = hessian_free_state(theta, 0 * theta, options.initial_lam)
    done = list(epochs(problem, method_of(options, backend), start, options.max_epochs))
    return [replace(report, seconds=0.0) for report, _ in done], backend.to_host(done[-1][1].theta)


def _whole_run() -> Iterator[Row]:
    options = _options("matching", "gauss_newton", "double", max_epochs=5)
    ours, theirs = (run(get_backend(name, "double"), options)[0] for name in ("cupy", "numpy"))
    decisions = [[(r.cg_steps, r.reductions, r.lam) for r in reports] for reports in (ours, theirs)]
    differ = sum(a != b for a, b in zip(*decisions, strict=True))
    yield Row.at_most("5 epochs in double: epochs decided otherwise than on the CPU", differ, 0)
    far = distance(*([r.train.log_likelihood for r in reports] for reports in (ours, theirs)))
    yield Row.at_most("5 epochs in double: log-likelihoods", far, RUN_BOUND, note="iterates that tie may be swapped")


def _streamed() -> Row:
    options = _options("matching", "gauss_newton", "single", max_epochs=3)
    resident, streamed = (run(get_backend("cupy", "single"), options, resident)[1] for resident in (True, False))
    return Row.at_most("cases streamed from the host against resident ones: θ", distance(streamed, resident), 0)
