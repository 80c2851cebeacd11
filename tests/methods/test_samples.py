"""Hessian-free on samples of the cases: parts of problems, stochastic, growing and averaged; ESGD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.method import silent
from hf_matlab_compat.methods.averaged_hf import AveragedHF, averaged_gradient
from hf_matlab_compat.methods.esgd import ESGD, ROWS
from hf_matlab_compat.methods.growing_hf import GrowingHF, next_size
from hf_matlab_compat.methods.samples import drawn_cases, sampled, slice_of
from hf_matlab_compat.methods.stochastic_hf import StochasticHF, max_norm
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.model.packing import unpack
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.corrupted import CorruptedProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, CheckedProblem
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.rnn.calls import recurrent
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients
from hf_matlab_compat.solvers.preconditioners import random_signs
from hf_matlab_compat.subject import NetworkData, network_subject
from tests.toy_problem import ToyProblem

BACKEND = get_backend("numpy", "double")
ROOT = Path(__file__).parents[2]
BYRD = json.loads((Path(__file__).parents[1] / "goldens" / "methods" / "sampling.json").read_text())["byrd"]
RANDOM = np.random.default_rng(5)
X = RANDOM.random((6, 24))
T = np.eye(3)[:, RANDOM.integers(0, 3, 24)]
RUN = {
    **{"inputs": X, "targets": T, "hidden_sizes": [5], "unit_types": ["tanh", "softmax"], "seed": 1},
    **{"initial_lam": 1.0, "precision": "double", "weight_decay": 1e-3},
}
DROPOUT = {"input_blankout": 0.2, "hidden_blankout": 0.5, "input_noise": 0.1, "input_dilation": 0.1}
ONCE = {"slices": 1, "rate_decay": 1.0, "start_growth": 1.0}


def subject_of(data: NetworkData, **options: Any) -> Any:
    settings = Options(**{"precision": "double", "seed": 1, "num_chunks": 3, "weight_decay": 1e-3, **options})
    return network_subject(data, (None, None, None), None, settings, settings)


def problem_of(corruption: Corruption | None = None, **options: Any) -> tuple[Any, Any]:
    subject = subject_of(NetworkData(X, T, None, None, [5], ["tanh", "softmax"]), **options)
    problem = subject.problem if corruption is None else CorruptedProblem(subject.problem, corruption)
    return problem, subject.state.theta


def test_the_variance_test_of_recorded_gradients() -> None:
    digits = loadmat(ROOT / "examples" / "data" / "digits.mat")
    images, labels = (
        digits["images"][:, :1200].astype(float),
        np.eye(10)[:, digits["labels"].ravel()[:1200].astype(int)],
    )
    whole = subject_of(NetworkData(images, labels, None, None, [], ["softmax"]), num_chunks=1).problem
    cases, theta = np.arange(60), np.zeros(650)
    part = sampled(CheckedProblem(whole, silent), cases, cases)
    part.gradient(theta, Cases())
    variance, squared_norm = part.variance(theta)
    for golden in BYRD:
        assert variance == pytest.approx(golden["variance_l1"], rel=1e-12)
        assert squared_norm == pytest.approx(golden["grad_norm2"], rel=1e-12)
        wanted = golden["new_size"] if golden["grow"] else 60
        assert next_size(variance, squared_norm, 60, golden["theta"], 1200) == wanted
    assert next_size(variance, squared_norm, 60, 0.5, 100) == 100
    assert next_size(variance, 0.0, 60, 0.5, 100) == 100


def test_weight_decay_is_not_in_the_variance() -> None:
    problem, theta = problem_of(weight_decay=0.7, decay_biases=False)
    plain, _ = problem_of(weight_decay=0.0)
    theta = theta + 0.1
    found = [each.gradient_variance(theta, each.gradient(theta, Cases())) for each in (problem, plain)]
    assert found[0] == pytest.approx(found[1], rel=1e-10)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("method", [StochasticHF(**ONCE), GrowingHF(first_size=24, slices=1), AveragedHF()])
def test_all_cases_in_one_sample_are_hessian_free_bit_for_bit(method: Any, precision: str) -> None:
    given = {**RUN, "precision": precision, "max_epochs": 6}
    plain, found = train(**given), train(**given, method=method)
    assert found.theta.tobytes() == plain.theta.tobytes()
    for name in ("train_log_likelihood", "lam", "rho", "cg_steps"):
        np.testing.assert_array_equal(found.history[name], plain.history[name])


@pytest.mark.parametrize("corruption", [None, Corruption(seed=3, hidden_blankout=(0.5,), input_blankout=0.2)])
def test_parts_see_what_the_whole_sees_of_their_cases(corruption: Any) -> None:
    problem, theta = problem_of(corruption, num_chunks=1)
    on = Cases(None, 4)
    parts = [np.arange(0, 24, 2), np.arange(1, 24, 2)]
    whole, halves = problem.gradient(theta, on), [problem.part(part).gradient(theta, on) for part in parts]
    np.testing.assert_allclose(sum(half.full for half in halves) / 2, whole.full, atol=1e-15)
    v = np.arange(1.0, theta.size + 1)
    products = [problem.part(part).curvature(theta, on, half)(v) for part, half in zip(parts, halves, strict=True)]
    np.testing.assert_allclose(sum(products) / 2, problem.curvature(theta, on, whole)(v), rtol=1e-12, atol=1e-12)
    of_part = problem.part(np.arange(6, 18)).part(np.array([0, 1, 5])).gradient(theta, on)
    np.testing.assert_array_equal(of_part.full, problem.part(np.array([6, 7, 11])).gradient(theta, on).full)


def test_a_part_of_neighbours_reads_nothing_and_another_reads_its_cases_alone(tmp_path: Path) -> None:
    stored = np.memmap(tmp_path / "x", np.float32, "w+", shape=(6, 24), order="F")
    cases = ChunkedCases(stored, stored, 2, np.arange(24.0)[None])
    near, far = cases.part(np.arange(3, 9)), cases.part(np.array([1, 4, 5]))
    assert np.shares_memory(near.inputs, stored)
    assert near.targets is near.inputs
    assert far.inputs.shape == (6, 3)
    assert (far.weights == [[1, 4, 5]]).all()
    assert [block.numbers.tolist() for block in far.chunk(0, 2)] == [[1], [4, 5]]


def test_fresh_cases_of_an_epoch_reach_the_parts() -> None:
    def resample(epoch: int) -> Any:
        return np.roll(X, epoch, axis=1), np.roll(T, epoch, axis=1)

    plain, theta = problem_of()
    problem = CorruptedProblem(plain, Corruption(), resample=resample)
    cases = np.array([2, 3, 9])
    rolled = plain.part(np.sort((cases - 5) % 24))
    for _ in range(2):
        found = problem.part(cases).score(theta, Cases(None, 5)).log_likelihood
        assert found == pytest.approx(rolled.score(theta, Cases()).log_likelihood, rel=1e-13)
        assert problem.part(cases).score(theta, Cases()) == plain.part(cases).score(theta, Cases())


def test_draws_and_slices() -> None:
    first = drawn_cases(30, 0, 1)
    assert sorted(first) == list(range(30))
    assert (drawn_cases(30, 0, 1) == first).all()
    others = [drawn_cases(30, 0, 1, 1), drawn_cases(30, 0, 2), drawn_cases(30, 1, 1)]
    assert not any((other == first).all() for other in others)
    counts = np.bincount(np.concatenate([drawn_cases(30, 0, n)[:10] for n in range(1, 601)]), minlength=30)
    assert abs(counts - 200).max() < 60
    slices = [slice_of(np.arange(8, 19), n, 3) for n in range(1, 4)]
    assert np.concatenate(slices).tolist() == list(range(8, 19))
    assert slice_of(np.arange(11), 4, 3).tolist() == slice_of(np.arange(11), 1, 3).tolist()
    assert [slice_of(np.arange(7, 9), n, 5).tolist() for n in range(1, 4)] == [[7], [8], [7]]


def test_an_iteration_sees_its_chunk_and_the_curvature_a_slice_of_it() -> None:
    problem, theta = problem_of()
    on = Cases(1, 3)
    of = StochasticHF(slices=4).on_chunk(CheckedProblem(problem, silent), on)
    g = of.gradient(theta, Cases(0, 3))
    np.testing.assert_array_equal(g.full, problem.chunk_gradient(theta, on).full)
    v = np.ones(theta.size)
    wanted = problem.part(np.array([12, 13])).curvature(theta, Cases(), g)
    np.testing.assert_array_equal(of.curvature(theta, Cases(0, 3), g)(v), wanted(v))
    np.testing.assert_array_equal(of.curvature(theta, Cases(0, 3), g).diagonal(2.0), g.full_squared + 2.0 + 1e-3)


class Recording(ConjugateGradients):
    """Conjugate gradients that note their start and gradient."""

    def solve(self, model: Any, start: Any, M: Any, watch: Any) -> Any:
        path = super().solve(model, start, M, watch)
        SOLVED.append((model.g.copy(), start.copy(), path.iterates[-1].copy()))
        return path


SOLVED: list[Any] = []


def recorded(method: Any, problem: Any, theta: Any, epochs: int, **options: Any) -> tuple[Any, list[Any], list[Any]]:
    """Return the method as made, its epochs, and what its solver saw."""
    SOLVED.clear()
    made = method_of(Options(method=method, solver=Recording(), **options), BACKEND)
    checked, memory, done = CheckedProblem(problem, silent), None, []
    memory = made.start(checked, theta)
    for n in range(1, epochs + 1):
        done.append(made.epoch(checked, theta, memory, n, silent))
        theta, memory = done[-1].theta, done[-1].memory
    return made, done, list(SOLVED)


def test_the_schedules_of_stochastic_hf() -> None:
    problem, theta = problem_of()
    method = StochasticHF(rate_decay=0.5, start_growth=1.3, largest_start_decay=0.8)
    _, done, solved = recorded(method, problem, theta, 4, start_decay=0.5, initial_lam=100.0)
    starts = [start / last for (_, start, _), (*_, last) in zip(solved[1:], solved, strict=False)]
    decays = [0.5, 0.65, 0.8, 0.8]
    for k, ratio in enumerate(starts, start=1):
        np.testing.assert_allclose(ratio, decays[k // 3], rtol=1e-10)
    assert [each.figures["rate"] for each in done] == [1, 0.5, 0.25, 0.125]  # the line search shortens no step here
    settings = {"initial_lam": 100.0, "precision": "double"}
    made = [method_of(Options(method=StochasticHF(rate_decay=F), **settings), BACKEND) for F in (0.5, 1.0)]
    memory, checked = made[0].start(problem, theta), CheckedProblem(problem, silent)
    short, full = (each.update(checked, Cases(0, 3), theta, memory, silent).theta - theta for each in made)
    np.testing.assert_allclose(short, full / 4, atol=1e-15)


def test_a_step_never_lowers_the_likelihood_of_its_own_minibatch() -> None:
    problem, theta = problem_of(Corruption(hidden_blankout=(0.5,)))
    made = method_of(Options(method=StochasticHF(slices=4), initial_lam=1e-3), BACKEND)
    memory, on, rejected = made.start(problem, theta), Cases(1, 2), 0
    for _ in range(12):
        done = made.update(CheckedProblem(problem, silent), on, theta, memory, silent)
        before, after = (problem.score(at, on).log_likelihood for at in (theta, done.theta))
        assert after >= before
        rejected += after == before
        theta, memory = done.theta, done.memory
    assert rejected < 12


@pytest.mark.parametrize(
    "method",
    [StochasticHF(), GrowingHF(first_size=4), GrowingHF(first_size=4, growth=1.3), AveragedHF(dynamic=True)],
)
def test_a_resumed_run_with_dropout_has_the_bits_of_one_that_went_on(method: Any, tmp_path: Path) -> None:
    given = {**RUN, **DROPOUT, "num_chunks": 3, "method": method, "precision": "single"}
    whole = train(**given, max_epochs=4)
    train(**given, max_epochs=2, run_name=tmp_path / "run")
    rest = train(**given, max_epochs=4, resume_from=tmp_path / "run_nnet_running.mat")
    assert rest.theta.tobytes() == whole.theta.tobytes()
    for key, value in whole.state.memory.items():
        assert np.asarray(rest.state.memory[key]).tobytes() == np.asarray(value).tobytes(), key


def test_samples_grow_geometrically_or_as_the_variance_asks() -> None:
    problem, theta = problem_of()
    _, done, _ = recorded(GrowingHF(first_size=3, growth=1.5), problem, theta, 2)
    sizes = [min(24, int(np.ceil(3 * 1.5**k))) for k in range(20)]
    ends, passed = [], 0
    for size in sizes:
        passed += size
        if passed >= 24:
            ends.append(size)
            passed = 0
    assert [each.figures["sample_size"] for each in done] == ends[:2]
    for tolerance, last in ((1e3, 3), (1e-3, 24)):
        _, done, _ = recorded(GrowingHF(first_size=3, tolerance=tolerance), problem, theta, 2)
        assert done[-1].figures["sample_size"] == last
        assert done[-1].figures["updates"] == (16 if last == 3 else 3)


def test_each_update_has_a_random_sample_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, theta = problem_of()
    part, asked = type(problem).part, list[Any]()
    monkeypatch.setattr(type(problem), "part", lambda self, cases: asked.append(cases.tolist()) or part(self, cases))
    recorded(GrowingHF(first_size=10, growth=1.0, seed=9), problem, theta, 2)
    for k, (epoch, update) in enumerate((epoch, update) for epoch in (1, 2) for update in range(3)):
        order = drawn_cases(24, 9, epoch, update)
        assert asked[2 * k : 2 * k + 2] == [sorted(order[:10]), sorted(order[:2])]
    assert len(asked) == 12


def test_averaged_gradients_are_means_of_the_newest_of_each_chunk() -> None:
    problem, theta = problem_of()
    _, done, solved = recorded(AveragedHF(), problem, theta, 1)
    stored = [done[0].memory[f"gradient_{c}"] for c in range(3)]
    for k, (g, *_) in enumerate(solved, start=1):
        np.testing.assert_allclose(g, np.mean(stored[:k], axis=0), atol=1e-15)
    np.testing.assert_allclose(stored[0], problem.chunk_gradient(theta, Cases(0, 1)).full, atol=1e-15)
    memory = {**done[0].memory, "seen": np.array([4, 0, 6]), "gamma": 0.5}
    np.testing.assert_allclose(averaged_gradient(memory), (0.25 * stored[0] + stored[2]) / 1.25, atol=1e-15)
    _, done, _ = recorded(AveragedHF(dynamic=True), problem, theta, 30)
    gammas = {each.memory["gamma"] for each in done}
    assert len(gammas) > 2
    assert 0.3 <= min(gammas) <= max(gammas) <= 1


def test_a_run_with_averages_may_go_on_with_other_chunks() -> None:
    first = train(**RUN, method="averaged_hf", num_chunks=3, max_epochs=2)
    rest = train(**RUN, method="averaged_hf", num_chunks=4, max_epochs=4, resume_from=first)
    assert rest.state.memory["seen"].tolist() == [5, 6, 7, 8]


def test_a_method_without_rules_of_its_own_gets_those_of_the_options() -> None:
    made = method_of(Options(method=StochasticHF(slices=2), initial_lam=3.0, max_cg_steps=7), BACKEND)
    assert made.slices == 2
    assert made.inner.damping.initial_lam == 3.0
    assert made.inner.solver.max_cg_steps == 7


@pytest.mark.parametrize(("method", "lacking"), [("stochastic_hf", "part"), ("growing_hf", "part")])
def test_a_problem_without_parts_is_refused(method: str, lacking: str) -> None:
    with pytest.raises(OptionError, match=f"problem: expected an object with part, .*, got .* without {lacking}"):
        train(problem=ToyProblem(), initial_theta=np.zeros(20), method=method, max_epochs=1)


@pytest.mark.parametrize("method", [StochasticHF(slices=2), GrowingHF(first_size=2, growth=1.5)])
def test_sequences_have_parts_too(method: Any) -> None:
    x, lengths = RANDOM.random((2, 5, 12)), np.array([5, 3, 4, 5, 2, 5, 5, 1, 5, 4, 5, 5])
    targets = x.cumsum(axis=1)[:1]
    problem = recurrent(x, targets, hidden_sizes=[3], unit_types=["tanh", "linear"], lengths=lengths, num_chunks=3)
    theta, on = problem.initial_theta(1), Cases()
    parts = [problem.part(part) for part in (np.array([0, 2, 3, 7, 11]), np.array([1, 4, 5, 6, 8, 9, 10]))]
    sums = [part.gradient(theta, on).full * part.data.total_weight(None, "step") for part in parts]
    np.testing.assert_allclose(sum(sums) / lengths.sum(), problem.gradient(theta, on).full, atol=1e-14)
    run = train(problem=problem, method=method, seed=1, max_epochs=5, precision="double")
    ll = run.history["train_log_likelihood"]
    assert ll[-1] > ll[0]


def test_weights_are_kept_below_a_norm() -> None:
    theta = 5 * RANDOM.standard_normal(6 * 5 + 5 + 5 * 3 + 3)
    found = max_norm((6, 5, 3), 2.0)(theta)
    for before, after in zip(unpack(theta, (6, 5, 3)), unpack(found, (6, 5, 3)), strict=True):
        norms = np.linalg.norm(before.W, axis=1)
        np.testing.assert_allclose(after.W, before.W * np.minimum(1, 2 / norms)[:, None], rtol=1e-12)
        assert (after.b == before.b).all()
    run = train(**RUN, method=StochasticHF(constrain=max_norm((6, 5, 3), 0.1)), max_epochs=3)
    assert np.linalg.norm(unpack(run.theta, (6, 5, 3))[0].W, axis=1).max() <= 0.1 + 1e-12


def test_esgd_is_its_formula() -> None:
    problem = ToyProblem(num_chunks=1)
    A, b, theta = problem.A[0], problem.b[0], np.zeros(20)
    x, squares = theta, np.zeros(20)
    for t in range(5):
        g = b - A @ x
        if t % 2 == 0:
            squares += (A @ random_signs(theta, ROWS, t)) ** 2
        x = x + 0.05 * g / (np.sqrt(squares / (t // 2 + 1)) + 0.01)
    method, checked = ESGD(rate=0.05, period=2), CheckedProblem(problem, silent)
    memory = method.start(checked, theta)
    for n in range(1, 6):
        theta, memory, *_ = method.epoch(checked, theta, memory, n, silent)
    np.testing.assert_allclose(theta, x, rtol=1e-12)
    assert len(problem.curvatures) == 3
