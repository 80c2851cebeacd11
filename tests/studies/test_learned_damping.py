"""The learned rule: its gradient, the steps it controls, its training, and the figures of acceptance."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.studies.learned_damping import Bench, OneTask, Setting, study
from hf_matlab_compat.studies.learned_rule import (
    SIZE,
    Fixed,
    Learned,
    cg,
    descend,
    first_weights,
    meta_loss,
    meta_train,
)
from hf_matlab_compat.studies.logistic_tasks import Kind, Tasks
from hf_matlab_compat.training import train


def quiet(text: str) -> None:
    del text


def drawn(count: int = 3, kind: Kind = Kind(), seed: int = 5) -> Tasks:  # noqa: B008
    return Tasks.draw([np.random.default_rng(seed)], count, kind)


def test_the_gradient_of_the_meta_loss_is_that_of_finite_differences() -> None:
    import autograd.numpy as anp
    from autograd import grad

    tasks = Tasks.draw([np.random.default_rng(seed) for seed in (1, 2)], 2, Kind(weights=4, cases=12))
    weights = 3 * first_weights([1, 2])  # away from the start, where half of the derivatives are nearly 0
    found = grad(lambda at: meta_loss(anp, at, tasks))(weights)
    for number in range(0, 2 * SIZE, 7):
        step = np.zeros((2, SIZE))
        step.ravel()[number] = 1e-3
        near, far = (
            meta_loss(np, weights + k * step, tasks) - meta_loss(np, weights - k * step, tasks) for k in (1, 2)
        )
        assert found.ravel()[number] == pytest.approx((8 * near - far) / 12e-3, rel=1e-6, abs=1e-9)
    assert np.count_nonzero(abs(found) > 1e-9) > 1.9 * SIZE


def test_f_gradient_and_product_are_consistent_and_the_least_f_has_no_gradient() -> None:
    tasks = drawn()
    w, v = np.random.default_rng(0).standard_normal((2, 1, 3, 10, 1)) / 5
    at, (up, down) = tasks.at(np, w), (tasks.at(np, w + sign * 1e-5 * v) for sign in (1, -1))
    np.testing.assert_allclose((up.f - down.f) / 2e-5, np.sum(at.g * v, axis=-2, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose((up.g - down.g) / 2e-5 + 0.3 * v, tasks.product(at, 0.3)(v), rtol=1e-5, atol=1e-8)
    error = 1 / (1 + np.exp(-tasks.X @ w)) - tasks.y
    np.testing.assert_allclose(at.squares[..., 0], np.mean((error * tasks.X) ** 2, axis=-2), rtol=1e-12)
    np.testing.assert_array_equal(Fixed(0.1, 0.75)(at)[1], (at.squares + 0.1) ** 0.75)
    least = tasks.least()
    for number in range(3):
        result = train(problem=OneTask(tasks, number), initial_theta=np.zeros(10), max_epochs=40, precision="double")
        reached = -np.asarray(result.history["train_log_likelihood"])
        assert reached[-1] == pytest.approx(least[0, number], abs=1e-12)
        assert reached[0] > least[0, number] + 1e-3


def dense(seed: int, d: int) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(seed)
    root = random.standard_normal((d, d))
    return root @ root.T + 0.1 * np.eye(d), random.standard_normal((d, 1)), random.uniform(0.1, 10, (d, 1))


def test_three_steps_solve_three_equations_and_else_minimise_over_the_krylov_space() -> None:
    B, g, M = dense(1, 3)
    np.testing.assert_allclose(cg(np, lambda v: B @ v, g, M, 3), np.linalg.solve(B, -g), rtol=1e-9)
    B, g, M = dense(2, 10)
    basis = [g / M]
    for _ in range(2):
        basis.append(B @ basis[-1] / M)
    K = np.linalg.qr(np.hstack(basis))[0]
    expected = K @ np.linalg.solve(K.T @ B @ K, -K.T @ g)
    np.testing.assert_allclose(cg(np, lambda v: B @ v, g, M, 3), expected, rtol=1e-9)


def test_the_untrained_rule_is_near_a_fixed_one_without_preconditioner() -> None:
    tasks, nothing = drawn(), np.zeros((1, SIZE))
    learned = descend(np, tasks, Learned(np, nothing), steps=2)
    fixed = descend(np, tasks, Fixed(np.exp(-5.0), 0.0), steps=2)
    np.testing.assert_allclose(learned[-1].f, fixed[-1].f, rtol=1e-12)


def test_thirty_meta_steps_lower_the_loss_on_fresh_tasks() -> None:
    kept, fresh = meta_train([0, 1, 2], 30, [0, 30], quiet), drawn(50, seed=99)
    for before, after in zip(kept[0], kept[30], strict=True):
        assert meta_loss(np, after[None], fresh) < meta_loss(np, before[None], fresh) - 0.03


def test_a_seed_gives_the_same_rule_alone_and_beside_others() -> None:
    together, alone = meta_train([4, 7], 3, [3], quiet)[3], meta_train([7], 3, [3], quiet)[3]
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[0] != together[1]).all()


def test_the_command_prints_its_tables_and_tells_that_its_marks_are_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "rule.png"
    given = ["--meta-steps", "2", "--seeds", "2", "--test-tasks", "3", "--picture", str(picture)]
    assert main(["study", "learned_damping", *given]) == 1
    told = capsys.readouterr()
    heads = [table.splitlines()[0].split("  ")[0] for table in told.out.split("\n\n")]
    assert heads[:3] == ["mean after", "after step 8", "after the last step"]
    assert max(map(len, told.out.splitlines()[:-1])) <= 80
    assert "meta-step 0" in told.err
    assert picture.stat().st_size > 10_000


def test_a_study_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("meta_steps", "seeds", "test_tasks"):
        assert main(["study", "learned_damping", "--" + option.replace("_", "-"), "0"]) == 2
        assert f"{option}: expected a whole number of at least 1, got 0" in capsys.readouterr().err


def test_a_python_without_autograd_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "autograd", None)
    assert main(["study", "learned_damping", "--meta-steps", "1"]) == 2
    assert "expected autograd, got a Python without it" in capsys.readouterr().err


@pytest.mark.study
def test_the_trained_rule_reaches_a_thousandth_of_the_untrained_gap_and_twice_that_of_martens() -> None:
    found = study(600, 5, 200, print)
    print(found.text())
    untrained, trained = (np.median(found.learned[name][..., -1].mean(axis=1)) for name in ("untrained", "learned 600"))
    assert trained <= 1e-3 * untrained
    assert trained <= 2 * found.martens
    assert found.reaches_its_marks()


def test_the_best_fixed_lambda_is_the_best_of_its_neighbours() -> None:
    bench = Bench(Setting(), 20)
    lam, gaps = bench.best_fixed(0.75)
    for factor in (0.1, 10):
        assert bench.gaps(Fixed(lam * factor, 0.75))[..., -1].mean() >= gaps[..., -1].mean()
