"""LiSSA: its expectation, its error over the number of chains, its steps on recorded data, its draws, its refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import product as sequences
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.method import silent
from hf_matlab_compat.methods.lissa import LiSSA, Parts
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.objective.corrupted import CorruptedProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, CheckedProblem
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.rnn.calls import recurrent
from hf_matlab_compat.solvers.inverse_series import neumann
from hf_matlab_compat.solvers.line_search import Armijo, FullStep
from hf_matlab_compat.studies.inverse_products import (
    NEWTON,
    gaps,
    sampling_errors,
    single_chains,
)
from hf_matlab_compat.studies.logistic_regression import LogisticRegression, least_value
from hf_matlab_compat.subject import NetworkData, network_subject
from tests.toy_problem import ToyProblem

GOLDEN = {
    name: value.squeeze()
    for name, value in loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "lissa_logistic.mat").items()
    if not name.startswith("__")
}
PROBLEM = LogisticRegression(GOLDEN["X"], GOLDEN["y"], float(GOLDEN["mu"]))
START, BEST, SCALE = GOLDEN["w0"], float(GOLDEN["f_opt"]), PROBLEM.scale
RANDOM = np.random.default_rng(5)
X = RANDOM.random((6, 24))
T = np.eye(3)[:, RANDOM.integers(0, 3, 24)]


def steps(method: LiSSA, problem: Any, theta: Any, count: int = 1) -> Any:
    checked = CheckedProblem(problem, silent)
    for n in range(1, count + 1):
        theta = method.epoch(checked, theta, {}, n, silent).theta
    return theta


def parts_of(problem: Any, theta: Any, size: int, draw: int = 1, seed: int = 0) -> Parts:
    on = Cases(draw=draw)
    return Parts(problem, theta, on, problem.gradient(theta, on), size, seed)


def test_the_problem_is_the_recorded_one() -> None:
    np.testing.assert_allclose(PROBLEM.gradient(START, Cases()).full, -GOLDEN["grad0"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(PROBLEM.hessian(START), GOLDEN["H0"], rtol=0, atol=1e-14)
    assert least_value(PROBLEM, START) == pytest.approx(BEST, abs=1e-13)
    first = train(problem=PROBLEM, initial_theta=START, max_epochs=1, precision="double", **NEWTON)
    np.testing.assert_allclose(first.theta, START - GOLDEN["newton_step0"], rtol=1e-10)


@pytest.mark.parametrize(("chains", "most"), [(1, (1e-6, 1e-12)), (10, (1e-11, 1e-14))])
def test_a_few_steps_reach_the_minimum(chains: int, most: tuple[float, float]) -> None:
    for seed in range(6 if chains == 1 else 2):
        found = gaps(PROBLEM, START, 8, BEST, method=LiSSA(chains=chains, scale=SCALE, seed=seed, line_search=None))
        assert found[4] < most[0]
        assert found[7] < most[1]
    exact = gaps(PROBLEM, START, 3, BEST, **NEWTON)
    assert exact[0] < 3e-4
    assert exact[1] < 3e-8
    assert exact[2] < 1e-15


@pytest.mark.study
def test_most_seeds_reach_the_minimum_in_eight_steps() -> None:
    methods = [LiSSA(scale=SCALE, seed=seed, line_search=None) for seed in range(40)]
    found = np.array([gaps(PROBLEM, START, 8, BEST, method=method) for method in methods])
    early, late = (found[:, 4] < 1e-6).sum(), (found[:, 7] < 1e-12).sum()
    print(f"f - f* < 1e-6 after 5 steps: {early} of 40; < 1e-12 after 8: {late} of 40")
    assert early == 40
    assert late >= 32


@pytest.mark.parametrize("size", [1, 2])
def test_the_mean_of_all_chains_is_the_series_of_that_depth(size: int) -> None:
    problem = PROBLEM.part(np.array([3, 50, 111, 222, 300]))
    parts, g = parts_of(problem, START, size), problem.gradient(START, Cases()).full
    counts = np.array([1] * 5 if size == 1 else [2, 2, 1])
    mean = np.zeros(8)
    for of_chain in sequences(range(len(counts)), repeat=3):
        chain = parts.chain(np.array(of_chain), g, SCALE)
        mean += np.prod(counts[list(of_chain)] / 5) * chain
    H = problem.curvature(START, Cases(), None)
    np.testing.assert_allclose(mean, neumann(H, g, 3, SCALE), rtol=1e-12)


def test_the_expectation_of_drawn_chains_is_the_series_and_their_error_falls_with_the_root_of_their_number() -> None:
    H, g = GOLDEN["H0"], -GOLDEN["grad0"]
    wanted = neumann(lambda v: H @ v, g, 60, SCALE)
    single = single_chains(PROBLEM, START, 2000, 60)
    standard = single.std(axis=0, ddof=1) / 2000**0.5
    assert (abs(single.mean(axis=0) - wanted) < 4 * standard).all()
    errors = sampling_errors(single, wanted)
    assert list(errors) == [1, 10, 100, 1000]
    assert 0.2 < errors[1] < 0.35
    for S1 in (10, 100):
        assert errors[S1] * S1**0.5 == pytest.approx(errors[1], rel=0.2)


def test_an_epoch_is_the_mean_of_its_chains() -> None:
    method = LiSSA(chains=3, depth=7, scale=SCALE, seed=4)
    parts, g = parts_of(PROBLEM, START, 1, seed=4), PROBLEM.gradient(START, Cases()).full
    drawn = parts.drawn(21).reshape(3, 7)
    wanted = np.mean([parts.chain(each, g, SCALE) for each in drawn], axis=0)
    np.testing.assert_allclose(steps(method, PROBLEM, START) - START, wanted, rtol=1e-12)
    done = method.epoch(CheckedProblem(PROBLEM, silent), START, {}, 1, silent)
    assert done.figures == {"rate": 1.0, "scale": SCALE, "products": 21}
    assert done.score == PROBLEM.score(done.theta, Cases())


def test_the_first_epochs_may_be_gradient_steps() -> None:
    method = LiSSA(scale=SCALE, gradient_epochs=2)
    theta = START
    for _ in range(2):
        theta = theta + PROBLEM.gradient(theta, Cases()).full / SCALE
    np.testing.assert_allclose(steps(method, PROBLEM, START, 2), theta, rtol=1e-13)
    later = method.epoch(CheckedProblem(PROBLEM, silent), theta, {}, 3, silent)
    assert later.figures["products"] == 200


def test_a_step_downhill_is_shortened_or_rejected_unless_every_step_is_taken() -> None:
    problem, theta = network(weight_decay=1e-4)
    theta = theta * 3
    for seed in range(20):
        method = LiSSA(depth=300, seed=seed)
        full, some = (replace(method, line_search=rule) for rule in (None, method.line_search))
        before = problem.score(theta, Cases()).log_likelihood
        taken = full.epoch(CheckedProblem(problem, silent), theta, {}, 1, silent)
        short = some.epoch(CheckedProblem(problem, silent), theta, {}, 1, silent)
        if taken.score.log_likelihood < before:
            break
    assert taken.score.log_likelihood < before <= short.score.log_likelihood
    np.testing.assert_allclose(
        short.theta - theta, short.figures["rate"] * (taken.theta - theta), rtol=1e-8, atol=1e-12
    )
    assert short.score == problem.score(short.theta, Cases())


def test_parts_are_drawn_in_proportion_to_their_cases_and_again_in_every_epoch() -> None:
    whole = PROBLEM.part(np.arange(10))
    seen: list[Any] = []

    class Noted(LogisticRegression):
        def part(self, cases: Any) -> Any:
            seen.append(cases.tolist())
            return super().part(cases)

    problem = Noted(whole.X, whole.y, whole.decay)
    parts = parts_of(problem, START, 4)
    drawn = parts.drawn(6000)
    np.testing.assert_allclose(np.bincount(drawn) / 6000, [0.4, 0.4, 0.2], atol=0.03)
    assert np.array_equal(parts.drawn(6000), drawn)
    for part in (0, 1, 2, 0):
        parts.curvature(part)
    assert [len(each) for each in seen] == [4, 4, 2]  # the curvature of a part is made once
    assert sorted(case for each in seen for case in each) == list(range(10))
    assert all(each == sorted(each) for each in seen)
    first = seen[0]
    other = [parts_of(problem, START, 4, draw, seed) for draw, seed in ((2, 0), (1, 1))]
    assert not any(np.array_equal(each.drawn(6000), drawn) for each in other)
    for each in other:
        each.curvature(0)
        assert seen[-1] != first


def test_the_estimated_scale_is_the_largest_eigenvalue_of_the_drawn_parts() -> None:
    found = LiSSA(depth=50, seed=1).epoch(CheckedProblem(PROBLEM, silent), START, {}, 1, silent)
    cases = np.unique(parts_of(PROBLEM, START, 1, seed=1).drawn(50))
    parts = parts_of(PROBLEM, START, 1, seed=1)
    largest = max(
        np.linalg.eigvalsh(np.array([parts.curvature(int(part))(e) for e in np.eye(8)]))[-1] for part in cases
    )
    assert found.figures["scale"] == pytest.approx(largest, rel=1e-6)
    assert largest < SCALE
    found = gaps(PROBLEM, START, 8, BEST, method=LiSSA(chains=10))
    assert found[-1] < 1e-13


def network(**options: Any) -> tuple[Any, Any]:
    settings = Options(**{"precision": "double", "seed": 1, "weight_decay": 1e-2, **options})
    data = NetworkData(X, T, None, None, [5], ["tanh", "softmax"])
    subject = network_subject(data, (None, None, None), None, settings, settings)
    return subject.problem, subject.state.theta


def test_it_trains_networks_by_name_and_sequences() -> None:
    given: dict[str, Any] = {"inputs": X, "targets": T, "hidden_sizes": [], "unit_types": ["softmax"], "seed": 1}
    given |= {"weight_decay": 1e-2, "precision": "double"}
    found = train(**given, method="lissa", max_epochs=15)
    exact = train(**given, max_epochs=60, initial_lam=1e-3)
    reached, best = (run.history["train_log_likelihood"][-1] for run in (found, exact))
    assert best - 1e-4 < reached <= best + 1e-9
    series = [RANDOM.random((2, 3)) for _ in range(8)]
    problem = recurrent(series, [each[:1] for each in series], hidden_sizes=[3], unit_types=["tanh", "linear"])
    run = train(problem=problem, method=LiSSA(depth=20), max_epochs=5, precision="double")
    assert run.history["train_log_likelihood"][-1] > run.history["train_log_likelihood"][0]


@pytest.mark.parametrize("method", [LiSSA(depth=9, chains=2), LiSSA(depth=9, cases=5, scale=40.0)])
def test_a_resumed_run_with_dropout_has_the_bits_of_one_that_went_on(method: LiSSA, tmp_path: Path) -> None:
    given: dict[str, Any] = {"inputs": X, "targets": T, "hidden_sizes": [5], "unit_types": ["tanh", "softmax"]}
    given |= {"seed": 1, "method": method, "hidden_blankout": 0.5, "weight_decay": 1e-2, "num_chunks": 3}
    whole = train(**given, max_epochs=4)
    train(**given, max_epochs=2, run_name=tmp_path / "run")
    rest = train(**given, max_epochs=4, resume_from=tmp_path / "run_nnet_running.mat")
    assert rest.theta.tobytes() == whole.theta.tobytes()
    again = train(**given, max_epochs=4)
    assert again.theta.tobytes() == whole.theta.tobytes()


def test_the_curvature_of_a_part_has_the_corruption_of_its_epoch() -> None:
    plain, theta = network()
    problem = CorruptedProblem(plain, Corruption(seed=3, hidden_blankout=(0.5,)))
    v = np.arange(1.0, theta.size + 1)
    for draw in (1, 2):
        parts, drawn = parts_of(problem, theta, 24, draw), Cases(draw=draw)
        wanted = problem.curvature(theta, drawn, problem.gradient(theta, drawn))(v)
        np.testing.assert_allclose(parts.curvature(0)(v), wanted, rtol=1e-12)


def test_the_method_by_name_has_the_rules_and_the_key_of_the_options() -> None:
    made = method_of(Options(method="lissa", corruption_seed=7, line_search="full_step"), get_backend("numpy"))
    assert made == LiSSA(seed=7, line_search=FullStep())
    assert LiSSA().line_search == Armijo(rescore_rejected=True)


def test_curvature_that_the_series_cannot_take_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^scale: expected a number of at least 0\.\d+, .* got 0\.03\."):
        steps(LiSSA(scale=0.03), PROBLEM, START)
    problem, theta = network(curvature="hessian", weight_decay=0.0, faithful=False)
    with pytest.raises(OptionError, match=r"^curvature: expected a positive definite matrix, .*Gauss-Newton"):
        steps(LiSSA(depth=100), problem, theta + 0.5, 3)
    with pytest.raises(OptionError, match=r"^problem: expected an object with part, .* without part"):
        train(problem=ToyProblem(), initial_theta=np.zeros(20), method="lissa", max_epochs=1)


@pytest.mark.parametrize("wrong", [{"chains": 0}, {"depth": 0}, {"cases": 0}, {"gradient_epochs": -1}, {"scale": 0.0}])
def test_settings_that_mean_nothing_are_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match=rf"^{next(iter(wrong))}: expected a (whole|finite) number "):
        LiSSA(**wrong)


def test_parts_without_curvature_are_refused_in_a_sentence_that_names_no_scale() -> None:
    X, T = np.random.default_rng(0).random((3, 8)), np.eye(2)[:, [0, 1] * 4]
    net = {"inputs": X, "targets": T, "hidden_sizes": [], "unit_types": ["softmax"], "weight_decay": 0.0, "seed": 0}
    only_one = np.arange(8) == 7
    sentence = r"^curvature: expected a positive definite matrix, .* got curvature 0 along .* or weight decay"
    with pytest.raises(OptionError, match=sentence):
        train(**net, method=LiSSA(depth=1), case_weights=only_one.astype(float), max_epochs=30)
