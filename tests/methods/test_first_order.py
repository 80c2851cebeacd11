"""First-order methods, nonlinear CG and L-BFGS: their formulas, their oracles, and a resume with the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from hf_matlab_compat import train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.method import silent
from hf_matlab_compat.methods.minibatch import Adam, GradientDescent, Momentum
from hf_matlab_compat.methods.quasi_newton import LBFGS, NonlinearCG, two_loop
from hf_matlab_compat.methods.rprop import Rprop
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, CheckedProblem, Gradient
from hf_matlab_compat.registry import METHODS, method_of
from hf_matlab_compat.state import Score
from hf_matlab_compat.subject import NetworkData, network_subject
from tests.toy_problem import ToyProblem

NAMES = [name for name in METHODS if name not in ("hessian_free", "hf")]
ON_SAMPLES = ("stochastic_hf", "growing_hf", "averaged_hf")
CASES = np.random.default_rng(4).random((6, 30))


def arguments(**changes: Any) -> dict[str, Any]:
    given = {
        "inputs": CASES,
        "targets": CASES,
        "test_inputs": CASES[:, :7],
        "test_targets": CASES[:, :7],
        "hidden_sizes": [3],
        "unit_types": ["tanh", "logistic"],
        "seed": 1,
        "num_chunks": 3,
    }
    return {**given, **changes}


class Rosenbrock:
    """-f of Rosenbrock's function, and how often each figure was asked for."""

    num_parameters, num_chunks, is_random = 2, 1, False

    def __init__(self) -> None:
        self.gradients = 0

    def score(self, theta: Any, on: Cases) -> Score:
        return Score(log_likelihood=-float(rosen(theta)), error=0.0)

    def gradient(self, theta: Any, on: Cases) -> Gradient:
        self.gradients += 1
        return Gradient(full=-rosen_der(theta), log_likelihood=-float(rosen(theta)))


def steps(method: Any, problem: Any, theta: Any, count: int) -> Any:
    checked = CheckedProblem(problem, silent)
    memory = method.start(checked, theta)
    for n in range(1, count + 1):
        theta, memory, *_ = method.epoch(checked, theta, memory, n, silent)
    return theta


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_resumed_run_has_the_bits_of_one_that_went_on(name: str, precision: str, tmp_path: Path) -> None:
    given = arguments(method=name, precision=precision)
    whole = train(**given, max_epochs=6, run_name=tmp_path / "whole")
    train(**given, max_epochs=3, run_name=tmp_path / "part")
    rest = train(**given, max_epochs=6, run_name=tmp_path / "part", resume_from=tmp_path / "part_nnet_running.mat")
    assert rest.theta.tobytes() == whole.theta.tobytes()
    assert list(rest.state.memory) == list(whole.state.memory)
    for key, value in whole.state.memory.items():
        assert np.asarray(rest.state.memory[key]).tobytes() == np.asarray(value).tobytes(), key
    log = (tmp_path / "whole.txt").read_text()
    assert f"method: {name}" in log
    assert ("CG steps" in log) == (name in ON_SAMPLES)
    assert ("initlambda" in log) == (name in ON_SAMPLES)
    assert "epoch: 6, Log likelihood" in log


@pytest.mark.parametrize("name", NAMES)
def test_every_method_climbs(name: str) -> None:
    found = train(**arguments(method=name, max_epochs=40, precision="double"))
    train_ll = found.history["train_log_likelihood"]
    assert train_ll[-1] > train_ll[0] + 0.01 * abs(train_ll[0])


def test_a_gradient_on_one_chunk_is_the_chunk_part_of_a_whole_pass() -> None:
    settings = Options(precision="double", num_chunks=3, seed=1)
    data = NetworkData(CASES, CASES, None, None, [3], ["tanh", "logistic"])
    subject = network_subject(data, (None, None, None), None, settings, settings)
    for c in range(3):
        whole = subject.problem.gradient(subject.state.theta, Cases(chunk=c))
        alone = subject.problem.chunk_gradient(subject.state.theta, Cases(chunk=c))
        assert np.array_equal(alone.full, whole.chunk)
        assert np.array_equal(alone.full_squared, whole.chunk_squared)
        score = subject.problem.score(subject.state.theta, Cases(chunk=c))
        assert alone.log_likelihood == pytest.approx(score.log_likelihood, rel=1e-14)


def test_a_problem_without_a_pass_over_one_chunk_is_asked_for_the_part_of_a_whole_pass() -> None:
    problem, theta = ToyProblem(), np.zeros(20)
    found = steps(GradientDescent(rate=0.1), problem, theta, 1)
    for c in range(3):
        theta = theta + 0.1 * (problem.b[c] - problem.A[c] @ theta)
    assert np.array_equal(found, theta)
    assert problem.gradients == [0, 1, 2]


def test_momentum_nesterov_and_adam_are_their_formulas() -> None:
    problem = ToyProblem(num_chunks=1)
    A, b, theta = problem.A[0], problem.b[0], np.zeros(20)
    for nesterov in (False, True):
        x, v = theta, np.zeros(20)
        for _ in range(5):
            ahead = x + 0.9 * v if nesterov else x
            v = 0.9 * v + 0.02 * (b - A @ ahead)
            x = x + v
        found = steps(Momentum(rate=0.02, momentum=0.9, nesterov=nesterov), problem, theta, 5)
        np.testing.assert_allclose(found, x, rtol=1e-13)
    x, m, s = theta, np.zeros(20), np.zeros(20)
    for t in range(1, 6):
        g = b - A @ x
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        x = x + 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(steps(Adam(rate=0.01), problem, theta, 5), x, rtol=1e-12)


def test_the_schedule_of_the_momentum_reaches_its_marks_when_it_is_published_to() -> None:
    schedule = Momentum(momentum=0.9999, period=250)
    for reached, t in ((0.5, 0), (0.9, 1_000), (0.99, 12_250), (0.995, 24_750), (0.999, 124_750)):
        assert schedule.momentum_at(t) == pytest.approx(reached, abs=1e-12)
        assert t == 0 or schedule.momentum_at(t - 1) < reached - 1e-9
    assert Momentum(momentum=0.9, period=250).momentum_at(10**6) == 0.9


def test_rprop_grows_shrinks_and_pauses() -> None:
    class Slope:
        num_parameters, num_chunks = 1, 1
        slopes = iter([1.0, 2.0, -3.0, -1.0, -1.0])

        def score(self, theta: Any, on: Cases) -> Score:
            return Score(log_likelihood=0.0, error=0.0)

        def gradient(self, theta: Any, on: Cases) -> Gradient:
            return Gradient(full=np.array([next(self.slopes)]), log_likelihood=0.0)

    # +.1, then a longer +.12, a changed sign halves the step and moves nothing, then twice down, the second longer
    found = steps(Rprop(rate=0.1), Slope(), np.zeros(1), 5)
    np.testing.assert_allclose(found, 0.1 + 0.12 - 0.06 - 0.072, rtol=1e-13)


def test_two_loops_are_the_product_with_the_dense_inverse() -> None:
    random = np.random.default_rng(3)
    root = random.standard_normal((12, 12))
    A = root @ root.T + np.eye(12)
    s = random.standard_normal((5, 12))
    y = s @ A
    H = np.eye(12) * (s[-1] @ y[-1]) / (y[-1] @ y[-1])
    for a, b in zip(s, y, strict=True):
        V = np.eye(12) - np.outer(b, a) / (a @ b)
        H = V.T @ H @ V + np.outer(a, a) / (a @ b)
    g = random.standard_normal(12)
    np.testing.assert_allclose(two_loop(g, s, y), H @ g, rtol=1e-12)
    assert np.array_equal(two_loop(g, s[:0], y[:0]), g)


@pytest.mark.parametrize(("method", "oracle"), [(LBFGS(), "L-BFGS-B"), (NonlinearCG(), "CG")])
def test_rosenbrock_costs_as_many_gradients_as_scipys_twin(method: Any, oracle: str) -> None:
    problem, start = Rosenbrock(), np.array([-1.2, 1.0])
    checked = CheckedProblem(problem, silent)
    theta, memory, n = start, method.start(checked, start), 0
    while rosen(theta) > 1e-12:
        n += 1
        theta, memory, *_ = method.epoch(checked, theta, memory, n, silent)
    twin = minimize(rosen, start, jac=rosen_der, method=oracle, options={"gtol": 1e-6, "maxiter": 100})
    assert problem.gradients <= 2 * twin.njev
    np.testing.assert_allclose(theta, [1, 1], atol=1e-5)


@pytest.mark.parametrize("method", [LBFGS(), NonlinearCG()])
def test_a_quadratic_is_solved(method: Any) -> None:
    problem = ToyProblem(num_chunks=1)
    best = np.linalg.solve(problem.A[0], problem.b[0])
    found = steps(method, problem, np.zeros(20), 70)
    np.testing.assert_allclose(found, best, rtol=1e-5, atol=1e-6)


def test_where_no_step_satisfies_the_conditions_the_parameters_stay() -> None:
    class Wall(Rosenbrock):
        def score(self, theta: Any, on: Cases) -> Score:
            return Score(log_likelihood=0.0 if theta[0] == -1.2 else -np.inf, error=0.0)

    start = np.array([-1.2, 1.0])
    checked = CheckedProblem(Wall(), silent)
    for method in (LBFGS(), NonlinearCG()):
        done = method.epoch(checked, start, method.start(checked, start), 1, silent)
        assert np.array_equal(done.theta, start)
        assert done.figures["rate"] == 0


def test_options_of_first_order_methods_are_read_and_refused_where_nothing_reads_them() -> None:
    slow, fast = (train(**arguments(method="nag", learning_rate=rate, max_epochs=2)) for rate in (1e-4, 1e-1))
    assert slow.history["rate"][-1] == 1e-4
    assert fast.history["rate"][-1] == 1e-1
    assert not np.array_equal(slow.theta, fast.theta)
    with pytest.raises(OptionError, match=r"learning_rate: expected nothing beside method='hessian_free', got 0\.1"):
        train(**arguments(learning_rate=0.1))
    with pytest.raises(OptionError, match="momentum: expected nothing beside method='lbfgs'"):
        train(**arguments(method="lbfgs", momentum=0.9))
    with pytest.raises(OptionError, match=r"method: .*Did you mean 'nag'"):
        train(**arguments(method="nagg"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [{"targets": CASES[::-1]}, {"weight_decay": 0.3}])
def test_a_run_that_goes_on_with_other_data_or_options_climbs_on_its_own_objective(
    name: str, change: dict[str, Any]
) -> None:
    given = arguments(method=name, precision="double")
    first = train(**given, max_epochs=5)
    rest = train(**{**given, **change}, max_epochs=25, resume_from=first)
    assert rest.history["rate"].any()
    assert rest.history["train_log_likelihood"][-1] > rest.history["train_log_likelihood"][0]


@pytest.mark.parametrize("before", ["nag", "adam", "rprop", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_a_run_may_go_on_by_another_method(before: str, name: str) -> None:
    first = train(**arguments(method=before, precision="double"), max_epochs=2)
    rest = train(**arguments(method=name, precision="double"), max_epochs=8, resume_from=first)
    train_ll = rest.history["train_log_likelihood"]
    assert train_ll[-1] > train_ll[0]


def test_the_gradient_at_the_end_of_a_step_is_not_computed_again() -> None:
    for method in (LBFGS(), NonlinearCG()):
        problem = Rosenbrock()
        checked = CheckedProblem(problem, silent)
        theta = np.array([-1.2, 1.0])
        done = method.epoch(checked, theta, method.start(checked, theta), 1, silent)
        before = problem.gradients
        method.epoch(checked, done.theta.copy(), done.memory, 2, silent)
        again = problem.gradients - before
        done = method.epoch(checked, theta, method.start(checked, theta), 1, silent)
        before = problem.gradients
        method.epoch(checked, done.theta, done.memory, 2, silent)
        assert problem.gradients - before == again - 1


class Asked:
    """A problem that notes what it is asked, and passes it on."""

    is_random = True

    def __init__(self, problem: Any) -> None:
        self._problem, self.asked = problem, []
        self.num_parameters, self.num_chunks = problem.num_parameters, problem.num_chunks
        self.num_cases = problem.num_cases

    def part(self, cases: Any) -> Asked:
        part = Asked(self._problem.part(cases))
        part.asked = self.asked
        return part

    def __getattr__(self, name: str) -> Any:
        def ask(theta: Any, on: Cases, *more: Any) -> Any:
            self.asked.append((name, theta.tobytes(), on.draw))
            return getattr(self._problem, name)(theta, on, *more)

        return ask


@pytest.mark.parametrize("name", METHODS)
def test_all_that_an_epoch_asks_has_the_draw_of_the_epoch(name: str) -> None:
    settings = Options(precision="double", num_chunks=3, seed=1, method=name)
    data = NetworkData(CASES, CASES, None, None, [3], ["tanh", "logistic"])
    subject = network_subject(data, (None, None, None), None, settings, settings)
    problem = Asked(subject.problem)
    checked, theta = CheckedProblem(problem, silent), subject.state.theta
    method = method_of(settings, subject.backend)
    memory = method.start(checked, theta)
    for n in range(1, 4):
        problem.asked.clear()
        before = theta
        theta, memory, *_ = method.epoch(checked, theta, memory, n, silent)
        assert {draw for *_, draw in problem.asked} == {n}
        # what the epoch before knew at these parameters was of other draws
        asked_there = {which for which, at, _ in problem.asked if at == before.tobytes()}
        assert asked_there & {"gradient", "chunk_gradient"} or name == "nag"


@pytest.mark.parametrize("method", [LBFGS(), NonlinearCG()])
def test_a_method_object_may_train_two_problems(method: Any) -> None:
    problems: list[Any] = [ToyProblem(num_chunks=count) for count in (1, 2)]
    for problem in problems:
        problem.is_random = False
    first, other = (CheckedProblem(problem, silent) for problem in problems)
    done = method.epoch(first, np.zeros(20), method.start(first, np.zeros(20)), 1, silent)
    again = method.epoch(other, done.theta, method.start(other, done.theta), 1, silent)
    alone = type(method)().epoch(other, done.theta, method.start(other, done.theta), 1, silent)
    assert np.array_equal(again.theta, alone.theta)
