"""Timings on the GPU: curvature products against their own matrix products, and forty epochs of A."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.gpu_report import Row
from benchmarks.timing import Stopwatch, Timing, interleave
from benchmarks.workloads import A, C, Workload
from hf_matlab_compat.backends import Backend, get_backend
from hf_matlab_compat.method import epochs
from hf_matlab_compat.model.buffers import BlockBuffers, new_buffers
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.state import hessian_free_state

TARGETS = {"A": 0.85, "C": 0.92}
TF32_TARGET = 3.0
EPOCHS, EPOCH_CASES, EPOCH_CHUNKS, EPOCH_SECONDS = 40, 20_000, 4, 60.0
PATIENCE = 180.0
"""Seconds after which the long run is broken off."""


def rows(quick: bool) -> Iterator[Row]:
    """All timings, each as soon as it is done."""
    for workload in (A, C):
        yield from _products(workload, 3 if quick else 9)
    if not quick:
        yield from _epochs("single")
        yield from _epochs("tf32")


def _products(workload: Workload, repeats: int) -> Iterator[Row]:
    contenders: dict[str, Stopwatch] = {}
    for precision in ("single", "tf32"):
        backend = get_backend("cupy", precision)
        contenders[f"{precision} ours"] = _stopwatch(_ours(workload, backend), backend)
        contenders[f"{precision} alone"] = _stopwatch(_alone(workload, backend), backend)
    found = interleave(contenders, repeats)
    for name, timing in found.items():
        yield Row(f"{workload.name}: GV, {name}", 1e3 * timing.median, "ms", note=f"spread {timing.spread:.2f}")
    yield _ratio(f"{workload.name}: GV against its products alone, single", found, "single", TARGETS[workload.name])
    yield _ratio(f"{workload.name}: GV against its products alone, tf32", found, "tf32", None)
    faster = found["single ours"].median / found["tf32 ours"].median
    what = f"{workload.name}: tf32 against single, GV"
    yield Row.at_least(what, faster, TF32_TARGET) if workload is C else Row(what, faster)


def _ratio(what: str, found: dict[str, Timing], precision: str, target: float | None) -> Row:
    ratio = found[f"{precision} alone"].median / found[f"{precision} ours"].median
    return Row(what, ratio) if target is None else Row.at_least(what, ratio, target)


def _stopwatch(call: Callable[[], object], backend: Backend, spell: float = 0.3) -> Stopwatch:
    """Seconds of a call when many are given to the device one after the other."""
    wait = backend.xp.cuda.get_current_stream().synchronize

    def seconds(count: int) -> float:
        with backend.quiet():
            wait()
            started = time.perf_counter()
            for _ in range(count):
                call()
            wait()
            return (time.perf_counter() - started) / count

    seconds(3)  # compiles what has to be compiled, and lets cuBLAS choose its kernels
    count = max(1, round(spell / seconds(3)))
    return lambda: seconds(count)


def _problem(workload: Workload, backend: Backend, cases: Any, num_chunks: int) -> FeedforwardProblem:
    inputs = backend.asarray(cases, order="F")
    return FeedforwardProblem(
        network=workload.network, cases=ChunkedCases(inputs, inputs, num_chunks), backend=backend, weight_decay=2e-5
    )


def _ours(workload: Workload, backend: Backend) -> Callable[[], object]:
    problem = _problem(workload, backend, workload.inputs, 1)
    theta, v = backend.asarray(workload.theta), backend.asarray(workload.direction)
    product = problem.curvature(theta, Cases(0), problem.gradient(theta, Cases(0)))
    return lambda: product(v)


def _alone(workload: Workload, backend: Backend) -> Callable[[], object]:
    """The same matrix products of the same blocks and nothing between them."""
    xp, theta = backend.xp, backend.asarray(workload.theta)
    inputs = backend.asarray(workload.inputs, order="F")
    on = CasePasses(workload.network, ChunkedCases(inputs, inputs, 1), backend)
    directions = Directions(workload.network, theta, xp)
    directions.point(backend.asarray(workload.direction))
    sums = workload.network.with_biases(xp.empty_like(theta))
    blocks = []
    for block in on.blocks(0):
        buffers = new_buffers(workload.sizes, len(block), xp, backend.dtype, tangents=True)
        for y in buffers.y:
            backend.fill(y, np.random.default_rng(3).random(y.shape, dtype=np.float32))
        blocks.append(buffers)

    def call() -> None:
        for buffers in blocks:
            _block(buffers, directions, sums, xp)

    return call


def _block(buffers: BlockBuffers, directions: Directions, sums: list[Any], xp: Any) -> None:
    """[W V c] [R; y; 1] of all layers, then e [y; 1]ᵀ of all and Wᵀ e of all but the first."""
    for i, stack in enumerate(directions.forward, start=1):
        xp.dot(stack.T, buffers.Ry1[i - 1], out=buffers.R[i])
    e = buffers.R[-1]
    for i in range(len(sums), 1, -1):
        xp.dot(buffers.y1[i - 1], e.T, out=sums[i - 1])
        e = xp.dot(directions.W[i - 1], e, out=buffers.R[i - 1])
    xp.dot(buffers.y1[0], e.T, out=sums[0])


def _epochs(precision: str) -> Iterator[Row]:
    backend = get_backend("cupy", precision)
    cases = np.random.default_rng(0).random((EPOCH_CASES, A.sizes[0]), dtype=np.float32).T
    problem = _problem(A, backend, cases, EPOCH_CHUNKS)
    options = Options(max_epochs=EPOCHS, num_chunks=EPOCH_CHUNKS, precision=precision, backend="cupy")
    theta = backend.asarray(A.theta)
    state = hessian_free_state(theta, 0 * theta, options.initial_lam)
    started, done, steps = time.perf_counter(), 0, 0
    run = epochs(problem, method_of(options, backend), state, options.max_epochs)
    with backend.quiet():
        for report, _ in run:
            done, steps = report.epoch, report.total_cg_steps
            if time.perf_counter() - started > PATIENCE:
                break
    seconds = time.perf_counter() - started
    note = f"{done} epochs, {steps} CG steps, log-likelihood {report.train.log_likelihood:.6g}"
    what = f"{EPOCHS} epochs of A, {EPOCH_CASES} cases in {EPOCH_CHUNKS} chunks, {precision}"
    if precision != "single" or done < EPOCHS:
        yield Row(what, seconds, "s", met=None if done == EPOCHS else False, note=note)
    else:
        yield Row.at_most(what, seconds, EPOCH_SECONDS, "s", note)
