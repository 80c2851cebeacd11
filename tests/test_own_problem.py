"""Problems of the caller's own: trained, logged, resumed; and what is said of wrong ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import ArgumentError, DataError, NonFiniteError, OptionError
from hf_matlab_compat.matlab.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.log_parser import read_log
from hf_matlab_compat.observers.observer import KEEP, Observer, Stop
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Outcome, Report, Score, State
from tests.small_run import field_arguments
from tests.toy_problem import ToyProblem

START = np.full(20, 0.1)


def own(problem: Any = None, **changes: Any) -> dict[str, Any]:
    toy = ToyProblem() if problem is None else problem
    return {"problem": toy, "initial_theta": START, "max_epochs": 4, "precision": "double", **changes}


def test_it_trains_to_its_maximum_with_log_and_checkpoint(tmp_path: Path) -> None:
    toy = ToyProblem(num_chunks=1)
    result = train(**own(toy, max_epochs=30, run_name=tmp_path / "run", test_problem=toy))
    np.testing.assert_allclose(result.theta, np.linalg.solve(toy.A[0], toy.b[0]), rtol=1e-4)
    assert (result.weights, result.network) == ([], None)
    (logged,) = read_log(tmp_path / "run.txt")
    np.testing.assert_allclose(logged.epochs["log_likelihood"], result.history["train_log_likelihood"], rtol=1e-3)
    assert np.isfinite(result.history["test_log_likelihood"]).all()
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").theta.size == 20


def test_a_resumed_run_equals_one_that_was_not_interrupted(tmp_path: Path) -> None:
    whole = train(**own(max_epochs=5))
    train(**own(max_epochs=2, run_name=tmp_path / "run"))
    rest = train(**own(max_epochs=5, resume_from=tmp_path / "run_nnet_running.mat"))
    np.testing.assert_array_equal(rest.theta, whole.theta)
    first = train(**own(max_epochs=2))
    np.testing.assert_array_equal(train(**own(max_epochs=5, resume_from=first)).theta, whole.theta)


def test_every_epoch_has_its_own_key_of_randomness_and_all_its_passes_share_it() -> None:
    seen: list[Cases] = []

    class Keyed(ToyProblem):
        def score(self, theta: Any, on: Cases) -> Score:
            seen.append(on)
            return super().score(theta, on)

        def gradient(self, theta: Any, on: Cases) -> Gradient:
            seen.append(on)
            return super().gradient(theta, on)

    train(**own(Keyed(), max_epochs=3))
    assert {on.draw for on in seen} == {1, 2, 3}
    assert [on.draw for on in seen] == sorted(on.draw for on in seen)


class Broken(ToyProblem):
    """A problem one of whose methods answers otherwise."""

    def __init__(self, name: str, answer: Any) -> None:
        super().__init__()
        setattr(self, name, lambda *given: answer)


@pytest.mark.parametrize(
    ("name", "answer", "sentence"),
    [
        ("gradient", np.ones(20), "Broken.gradient: expected a Gradient, got ndarray"),
        (
            "gradient",
            Gradient(np.ones(7), 0.0),
            "Broken.gradient: expected full of shape (20,), as theta has, got",
        ),
        (
            "gradient",
            Gradient(np.ones(20), 0.0, full_squared=np.ones((20, 1))),
            "Broken.gradient: expected full_squared of shape (20,), as theta has, got shape (20, 1)",
        ),
        ("score", 3.5, "Broken.score: expected a Score, got float"),
        ("curvature", None, "Broken.curvature: expected something to call with a vector, got NoneType"),
        (
            "curvature",
            lambda v: v,
            "Broken.curvature: expected a method diagonal, of which the preconditioner is made, got none. Write one, "
            "or set preconditioner='none'.",
        ),
    ],
)
def test_a_wrong_answer_is_named_with_the_object_that_gave_it(name: str, answer: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        train(**own(Broken(name, answer)))
    assert str(caught.value).startswith(sentence)


def test_a_product_of_another_length_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"^ToyProblem\.curvature: expected a product of shape \(20,\), as theta has, got sh"
    ):
        train(**own(ToyProblem(product=lambda v: v[:5])))


def test_without_squares_or_a_diagonal_it_trains_unpreconditioned() -> None:
    toy = ToyProblem()

    class Bare(ToyProblem):
        def gradient(self, theta: Any, on: Cases) -> Gradient:
            g = toy.gradient(theta, on)
            return Gradient(g.full, g.log_likelihood)

        def curvature(self, theta: Any, on: Cases, gradient: Gradient) -> Any:
            assert gradient.chunk is gradient.full
            return lambda v: toy.A[on.chunk or 0] @ v

    result = train(**own(Bare(), preconditioner="none"))
    assert result.history["train_log_likelihood"][-1] > toy.value(START, None)


@pytest.mark.parametrize(
    ("changes", "argument", "part"),
    [
        ({"problem": object()}, "problem", "expected an object with score, gradient"),
        ({"problem": ToyProblem}, "problem", "got a class, ToyProblem"),
        ({"test_problem": 3}, "test_problem", "expected an object with score"),
        ({"inputs": np.ones((2, 3))}, "inputs", "expected nothing beside problem"),
        ({"hidden_sizes": [3]}, "hidden_sizes", "expected nothing beside problem"),
        ({"initial_theta": None}, "initial_theta", "expected 20 numbers, where problem starts, got none"),
        ({"initial_theta": np.ones(3)}, "initial_theta", "expected 20 numbers, as the problem has parameters"),
        ({"initial_theta": np.full(20, np.nan)}, "initial_theta", "finite"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    changes: dict[str, Any], argument: str, part: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=rf"^{argument}: .*{re.escape(part)}"):
        train(**own(**{"run_name": tmp_path / "run", **changes}))
    assert list(tmp_path.iterdir()) == []


def test_a_count_that_is_none_is_refused() -> None:
    toy = ToyProblem()
    toy.num_chunks = 0
    with pytest.raises(
        OptionError, match=r"^problem: expected a whole number of at least 1, got ToyProblem.num_chunks = 0"
    ):
        train(**own(toy))


def test_a_gradient_of_nan_stops_the_run_with_what_was_finished() -> None:
    with pytest.raises(NonFiniteError, match=r"^epoch 3: the gradient is not finite") as caught:
        train(**own(ToyProblem(nan_gradient_from=3)))
    assert caught.value.result.state.epoch == 2


# --- observers that end a run


class After(Observer):
    """Answers what it is told to, after its epoch."""

    def __init__(self, epoch: int, answer: Any) -> None:
        self.at, self.answer, self.outcome = epoch, answer, None

    def epoch(self, report: Report, state: State) -> Any:
        return self.answer if report.epoch == self.at else None

    def end(self, outcome: Outcome, state: State) -> None:
        self.outcome = outcome


@pytest.mark.parametrize(
    ("answer", "reason"), [(Stop("good enough"), "After: good enough"), (True, "After asked for it")]
)
def test_an_observer_ends_the_run_and_says_why(answer: Any, reason: str, tmp_path: Path) -> None:
    watch, other = After(2, answer), After(9, None)
    result = train(**field_arguments(max_epochs=6, observers=[watch, other], run_name=tmp_path / "run"))
    assert (result.outcome, result.state.epoch, result.reason) == (Outcome.STOPPED, 2, reason)
    assert watch.outcome is other.outcome is Outcome.STOPPED
    np.testing.assert_array_equal(result.theta, train(**field_arguments(max_epochs=2)).theta)
    (logged,) = read_log(tmp_path / "run.txt")
    assert logged.total_time is not None
    rest = train(**field_arguments(max_epochs=6, resume_from=tmp_path / "run_nnet_running.mat"))
    np.testing.assert_array_equal(rest.theta, train(**field_arguments(max_epochs=6)).theta)


@pytest.mark.parametrize("answer", [False, None, 0])
def test_other_answers_do_nothing(answer: Any) -> None:
    result = train(**field_arguments(max_epochs=3, observers=[After(2, answer)]))
    assert (result.outcome, result.reason, result.best) == (Outcome.FINISHED, "", None)


def test_the_state_that_an_observer_asks_to_keep_is_kept() -> None:
    result = train(**field_arguments(max_epochs=5, observers=[After(2, KEEP), After(3, KEEP)]))
    assert result.best is not None
    assert result.best.epoch == 3
    np.testing.assert_array_equal(result.best.theta, train(**field_arguments(max_epochs=3)).state.theta)
