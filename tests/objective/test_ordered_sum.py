"""The number of threads never shows in a figure, nor does a second run in the same process."""

from __future__ import annotations

import importlib.util
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.objective import addition_order
from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.objective.ordered_sum import Totals
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from tests.cases import run_epochs, small_problem, small_state, small_theta

THREADS = (1, 2, 3, 4, 7)
NETS = [(("tanh", "logistic"), "matching"), (("logistic", "softmax"), "matching"), (("logistic", "linear"), "squared")]
CURVATURES = ("gauss_newton", "hessian", "empirical_fisher")
NO_NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
EVERY_BACKEND = pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=NO_NUMBA)])


@pytest.fixture(autouse=True)
def many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems, cut up and shared as large ones are."""
    for blocks in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):
        monkeypatch.setattr(cases_module, blocks, 1)
    monkeypatch.setattr(cases_module, "WORTH_SHARING", 0)
    monkeypatch.setattr(addition_order, "PARTIAL_SUMS", 4)


def problem_for(
    net: tuple[tuple[str, ...], str], curvature: str, threads: int, backend: str = "numpy", **more: Any
) -> FeedforwardProblem:
    options = Options(loss=net[1], curvature=curvature, num_chunks=3, precision="single", **more)
    return small_problem(net[0], options, backend=get_backend(backend, "single", threads))


def everything(problem: FeedforwardProblem) -> list[Any]:
    """The bits of every kernel."""
    theta, v = small_theta(problem), small_theta(problem, 1)
    g = problem.gradient(theta, Cases(1))
    product = problem.curvature(theta, Cases(1), g)
    vectors = [g.full, g.chunk, g.full_squared, g.chunk_squared, product(v), product(theta)]
    return [*(vector.tobytes() for vector in vectors), g.log_likelihood, problem.score(theta, Cases())]


@pytest.mark.parametrize("net", NETS, ids=["-".join((*units, loss)) for units, loss in NETS])
@pytest.mark.parametrize("curvature", CURVATURES)
@EVERY_BACKEND
def test_kernels_are_the_same_to_the_bit_for_any_number_of_threads(
    net: tuple[tuple[str, ...], str], curvature: str, backend: str
) -> None:
    problem = problem_for(net, curvature, 1, backend)
    assert problem.cases.num_blocks() > 2
    assert len({tuple(everything(problem_for(net, curvature, threads, backend))) for threads in THREADS}) == 1


def whole_run(threads: int, backend: str = "numpy") -> tuple[bytes, bytes]:
    problem = problem_for(NETS[0], "gauss_newton", threads, backend)
    options = Options(num_chunks=3, precision="single", max_epochs=4, backend=backend)
    _, state = run_epochs(problem, options, small_state(problem, options), problem)
    return state.theta.tobytes(), state.d.tobytes()


@EVERY_BACKEND
def test_a_run_is_the_same_to_the_bit_for_any_number_of_threads(backend: str) -> None:
    assert len({whole_run(threads, backend) for threads in THREADS}) == 1


@EVERY_BACKEND
def test_two_runs_at_once_in_one_process_do_not_disturb_each_other(backend: str) -> None:
    alone, found = whole_run(2, backend), {}
    both = [threading.Thread(target=lambda k=k: found.update({k: whole_run(2, backend)})) for k in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert found == {0: alone, 1: alone}


@EVERY_BACKEND
@pytest.mark.parametrize("curvature", CURVATURES)
def test_the_sum_over_blocks_is_the_sum_over_cases(
    curvature: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = problem_for(NETS[0], curvature, 2, backend)
    assert problem.cases.num_blocks() > addition_order.PARTIAL_SUMS // 2  # some lanes add up several
    whole = replace(problem, backend=get_backend(backend, "single", 1))
    theta, v = small_theta(problem), small_theta(problem, 1)
    g = problem.gradient(theta, Cases(1))
    ours = problem.curvature(theta, Cases(1), g)(v)
    for blocks in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):
        monkeypatch.setattr(cases_module, blocks, 1000)
    monkeypatch.setattr(cases_module, "WORTH_SHARING", 10**9)
    assert whole.cases.num_blocks() == 1
    other = whole.gradient(theta, Cases(1))
    for part in ("full", "chunk", "full_squared", "chunk_squared"):
        np.testing.assert_allclose(getattr(g, part), getattr(other, part), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours, whole.curvature(theta, Cases(1), other)(v), rtol=1e-4, atol=1e-5)


def test_inputs_that_are_the_targets_are_held_once() -> None:
    problem = problem_for(NETS[0], "gauss_newton", 2)
    data = np.random.default_rng(0).random((problem.network.sizes[0], len(problem.cases))).astype(np.float32)
    sizes = (data.shape[0], *problem.network.sizes[1:-1], data.shape[0])
    network = replace(problem.network, sizes=sizes)
    once = replace(problem, network=network, cases=replace(problem.cases, inputs=data, targets=data))
    twice = replace(problem, network=network, cases=replace(problem.cases, inputs=data, targets=data.copy()))
    assert everything(once) == everything(twice)


def test_data_of_any_type_and_order_give_what_their_working_precision_gives() -> None:
    problem = problem_for(NETS[0], "gauss_newton", 2)
    whole_numbers = np.random.default_rng(0).integers(0, 2, (problem.network.sizes[0], len(problem.cases)))
    found = {
        tuple(everything(replace(problem, cases=replace(problem.cases, inputs=given))))
        for kind in (np.uint8, np.int64, np.float64, np.float32)
        for order in "CF"
        for given in [np.array(whole_numbers, dtype=kind, order=order)]
    }
    assert len(found) == 1


@EVERY_BACKEND
@pytest.mark.parametrize("curvature", CURVATURES)
def test_a_chunk_of_one_block_is_summed_to_the_bits_that_lanes_give(
    curvature: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for blocks in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):
        monkeypatch.setattr(cases_module, blocks, 1000)
    monkeypatch.setattr(cases_module, "WORTH_SHARING", 10**9)
    direct, dealt = (problem_for(NETS[0], curvature, 1, backend, weight_decay=0.1) for _ in range(2))
    assert direct.cases.num_blocks() == 1
    dealt._on.sums._pieces = [slice(0, 10), slice(10, None)]
    assert everything(direct) == everything(dealt)


@EVERY_BACKEND
def test_parameters_need_not_lie_side_by_side(backend: str) -> None:
    problem = problem_for(NETS[0], "gauss_newton", 1, backend)
    theta = small_theta(problem)
    apart = np.repeat(theta, 2)[::2]
    assert not apart.flags.contiguous
    g, h = problem.gradient(theta, Cases(1)), problem.gradient(apart, Cases(1))
    np.testing.assert_allclose(g.full, h.full, rtol=1e-6)
    assert problem.score(apart, Cases()).error == pytest.approx(problem.score(theta, Cases()).error, rel=1e-6)
    v = np.repeat(small_theta(problem, 1), 2)[::2]
    products = [problem.curvature(at, Cases(1), g)(v) for at in (theta, apart)]
    np.testing.assert_allclose(*products, rtol=1e-5, atol=1e-6)


class LaneByLane:
    """The same sums by other means: every lane on its own, as processes would form them, then added in order."""

    made = 0

    def __init__(self, new_vector: Any, accumulators: Any, workers: Any, xp: Any) -> None:
        LaneByLane.made += 1
        self._new_vector, self._accumulators = new_vector, accumulators

    def total(self, items: Any, add: Any, vectors: int = 1, scale: float = 1.0, finish: Any = None) -> Totals:
        if not vectors:
            return Totals([], [add(item, 0, ()) for item in items])
        lanes, scalars, parts = min(addition_order.PARTIAL_SUMS // vectors, len(items)), {}, []
        for lane in range(lanes):
            own = [self._new_vector() for _ in range(vectors)]
            views = [self._accumulators(vector) for vector in own]
            for j in range(lane, len(items), lanes):
                scalars[j] = add(items[j], 0, [view[j != lane] for view in views])
            parts.append(own)
        totals = [sum(more, start=first) * np.float32(scale) for first, *more in zip(*parts, strict=True)]
        if finish is not None:
            finish(totals, slice(None))
        return Totals(totals, [scalars[j] for j in range(len(items))])

    def each(self, items: Any, task: Any) -> list[Any]:
        return [task(item, 0) for item in items]

    prepare = each

    def let_go(self, count: int) -> None:
        pass


@pytest.mark.parametrize("curvature", CURVATURES)
def test_another_sum_can_take_its_place_and_gives_the_same_bits(curvature: str) -> None:
    problem = problem_for(NETS[0], curvature, 2)
    other: Any = LaneByLane
    made = LaneByLane.made
    assert everything(replace(problem, make_sum=other)) == everything(problem)
    assert LaneByLane.made == made + 1
