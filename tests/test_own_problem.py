"""Problems of the caller's own: trained, logged, resumed; and what is said of wrong ones."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import ArgumentError, DataError, NonFiniteError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.observers.observer import KEEP, Observer, Stop
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Outcome, Report, Score, State
from tests.small_run import field_arguments
from tests.toy_problem import ToyCurvature, ToyProblem

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
    assert logged.constants["parameters"] == 20
    assert logged.constants.keys() & {"layersizes", "weightcost", "mattype"} == set()
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
        ("gradient", np.ones(20), "Broken.gradient: expected a Gradient, got an array of shape (20,)"),
        (
            "gradient",
            Gradient(np.ones(7), 0.0),
            "Broken.gradient: expected full of shape (20,), got an array of shape (7,)",
        ),
        (
            "gradient",
            Gradient(np.ones(20), 0.0, full_squared=np.ones((20, 1))),
            "Broken.gradient: expected full_squared of shape (20,), got an array of shape (20, 1)",
        ),
        ("gradient", Gradient(np.ones(20) * 1j, 0.0), "Broken.gradient: expected full of shape (20,), got an array of"),
        ("gradient", Gradient([1.0] * 20, 0.0), "Broken.gradient: expected full of shape (20,), got list"),  # type: ignore[arg-type]
        (
            "gradient",
            Gradient(np.ones(20), None),
            "Broken.gradient: expected a log_likelihood that is a number, got None",
        ),
        ("gradient", Gradient(np.ones(20), np.ones(2)), "Broken.gradient: expected a log_likelihood that is a number"),
        (
            "score",
            Score(log_likelihood=0.0, error=None),
            "Broken.score: expected a Score whose error is a number, got None",
        ),  # type: ignore[arg-type]
        (
            "score",
            Score(log_likelihood=1j, error=0.0),
            "Broken.score: expected a Score whose log_likelihood is a number",
        ),  # type: ignore[arg-type]
        (
            "curvature",
            np.eye(20),
            "Broken.curvature: expected something to call with a vector, got an array of shape (20, 20)",
        ),
        (
            "curvature",
            ToyCurvature(lambda v: list(v), np.ones(20)),
            "Broken.curvature: expected a product of shape (20,), got list",
        ),
        (
            "curvature",
            ToyCurvature(lambda v: v, np.ones(3)),
            "Broken.curvature: expected a diagonal of shape (20,), got an array of shape (3,)",
        ),
        ("score", 3.5, "Broken.score: expected a Score, got 3.5"),
        ("curvature", None, "Broken.curvature: expected something to call with a vector, got None"),
        (
            "curvature",
            lambda v: v,
            "Broken.curvature: expected a method diagonal, which the preconditioner needs, got none. Write one, "
            "or set preconditioner='none'",
        ),
    ],
)
def test_a_wrong_answer_is_named_with_the_object_that_gave_it(name: str, answer: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        train(**own(Broken(name, answer)))
    assert str(caught.value).startswith(sentence)


def test_a_product_of_another_length_is_refused() -> None:
    with pytest.raises(DataError, match=r"^ToyProblem\.curvature: expected a product of shape \(20,\), got an ar"):
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
        ({"test_targets": np.ones((2, 3))}, "test_targets", "expected nothing beside problem"),
        ({"initial_biases": [np.ones(3)]}, "initial_biases", "expected nothing beside problem"),
        ({"num_chunks": 3}, "num_chunks", "expected nothing beside problem"),
        ({"weight_decay": 0.0}, "weight_decay", "expected nothing beside problem"),
        ({"hidden_sizes": [3]}, "hidden_sizes", "expected nothing beside problem"),
        ({"initial_theta": None}, "initial_theta", "expected 20 numbers, the start of problem, got none"),
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


def test_a_problem_to_test_on_is_refused_beside_a_network() -> None:
    with pytest.raises(OptionError, match=r"^test_problem: expected nothing without problem, got a value"):
        train(**field_arguments(test_problem=ToyProblem()))


def test_a_problem_without_curvature_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    class Flat:
        num_parameters, num_chunks = 20, 1
        score, gradient = ToyProblem.score, ToyProblem.gradient

    with pytest.raises(OptionError, match=r"^problem: expected an object with curvature, got an object of class Flat"):
        train(**own(Flat(), run_name=tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_the_score_of_a_problem_to_test_on_is_checked() -> None:
    with pytest.raises(DataError, match=r"^Broken\.score: expected a Score, got tuple"):
        train(**own(test_problem=Broken("score", (1.0, 2.0))))


def test_a_diagonal_that_cannot_be_inverted_is_named() -> None:
    with pytest.raises(NonFiniteError, match=r"^epoch 1: the inverse of the preconditioner is not finite"):
        train(**own(Broken("curvature", ToyCurvature(lambda v: 1.0 * v, np.full(20, -90.0)))))


def test_a_problem_that_computes_in_double_is_trained_in_single_and_resumed_to_the_bit() -> None:
    whole = train(**own(precision="single"))
    assert whole.state.theta.dtype == whole.state.d.dtype == np.float32
    half = train(**own(precision="single", max_epochs=2))
    np.testing.assert_array_equal(train(**own(precision="single", resume_from=half)).theta, whole.theta)


def test_the_log_tells_the_chunks_of_the_problem_and_a_method_of_ones_own(tmp_path: Path) -> None:
    class Rests:
        def start(self, problem: Any, theta: Any) -> Any:
            return {}

        def epoch(self, problem: Any, theta: Any, memory: Any, n: int, watch: Any) -> Any:
            return Epoch(theta, memory, problem.score(theta, Cases()), {})

    train(**own(ToyProblem(num_chunks=3), method=Rests(), run_name=tmp_path / "run"))
    (logged,) = read_log(tmp_path / "run.txt")
    assert logged.constants == {"method": "Rests", "parameters": 20, "numchunks": 3}


def test_a_product_that_is_the_vector_itself_does_not_change_it() -> None:
    runs = [train(**own(ToyProblem(product=product))).theta for product in (lambda v: v, lambda v: v.copy())]
    np.testing.assert_array_equal(*runs)


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
    ("answer", "reason"),
    [(Stop("good enough"), "After: good enough"), (True, "After asked for it"), (np.True_, "After asked for it")],
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


@pytest.mark.parametrize("answer", [False, None, np.False_])
def test_other_answers_do_nothing(answer: Any) -> None:
    result = train(**field_arguments(max_epochs=3, observers=[After(2, answer)]))
    assert (result.outcome, result.reason, result.best) == (Outcome.FINISHED, "", None)


@pytest.mark.parametrize("answer", ["stop", 0.5, Observer(), np.ones(2), Stop(None)])  # type: ignore[arg-type]
def test_an_answer_that_means_nothing_is_refused_and_costs_no_epoch(answer: Any) -> None:
    with pytest.raises(OptionError, match=r"^observers: expected .* from After\.epoch, got ") as caught:
        train(**field_arguments(max_epochs=3, observers=[After(2, answer)]))
    assert caught.value.result.state.epoch == 2


def test_an_error_of_an_observer_carries_what_was_finished() -> None:
    class Fails(Observer):
        def epoch(self, report: Report, state: State) -> None:
            if report.epoch == 2:
                raise ZeroDivisionError("of the caller's own")

    with pytest.raises(ZeroDivisionError) as caught:
        train(**field_arguments(max_epochs=3, observers=[Fails()]))
    result: Any = caught.value.result  # type: ignore[attr-defined]
    assert (result.outcome, result.state.epoch) == (Outcome.FAILED, 2)


def test_keep_is_itself_after_pickling() -> None:
    assert pickle.loads(pickle.dumps(KEEP)) is KEEP is copy.deepcopy(KEEP)


def test_the_state_that_an_observer_asks_to_keep_is_kept() -> None:
    result = train(**field_arguments(max_epochs=5, observers=[After(2, KEEP), After(3, KEEP)]))
    assert result.best is not None
    assert result.best.epoch == 3
    np.testing.assert_array_equal(result.best.theta, train(**field_arguments(max_epochs=3)).state.theta)
