"""Rules that end a run early, and parameters that are kept: best and average."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import load, train
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.observers.observer import Observer, Stop
from hf_matlab_compat.observers.selection import Average, Best
from hf_matlab_compat.observers.stopping import (
    Bar,
    CGBudget,
    ConsecutiveWorse,
    MedianImprovement,
    Patience,
    Rejected,
    TimeLimit,
    best_epoch,
)
from hf_matlab_compat.solvers.rules import Judgement, Step
from hf_matlab_compat.state import Outcome, Records, Report, Score, State

RANDOM = np.random.default_rng(5)
X = RANDOM.random((6, 40))
T = np.eye(2)[:, RANDOM.integers(0, 2, 40)]


def arguments(**changes: Any) -> dict[str, Any]:
    """A network that learns its 20 cases of noise by heart, so that the likelihood of the others soon falls."""
    given = {"inputs": X[:, :20], "targets": T[:, :20], "test_inputs": X[:, 20:], "test_targets": T[:, 20:]}
    network = {"hidden_sizes": [8], "unit_types": ["tanh", "softmax"], "seed": 1, "initial_lam": 30.0}
    return {**given, **network, "precision": "double", "error_measure": "misclassified", "max_epochs": 40, **changes}


def told(rule: Observer, errors: list[float], **figures: list[Any]) -> list[int]:
    """The epochs at which a rule stops a run whose test cases had these errors and log-likelihoods of minus as much."""
    records, found = Records(), []
    state = State(theta=np.zeros(1))
    rule.begin(None, state)  # type: ignore[arg-type]
    for k, error in enumerate(errors, start=1):
        score = Score(log_likelihood=-error, error=error)
        own = {name: column[k - 1] for name, column in figures.items()}
        report = Report(epoch=k, train=score, test=score, seconds=2.0, figures=own)
        records = records.extended(report)
        if isinstance(rule.epoch(report, State(theta=np.zeros(1), memory=own, epoch=k, records=records)), Stop):
            found.append(k)
    return found


FALLING = [9.0, 8, 7, 6, 5, 4, 3, 2]
UP_AND_DOWN = [9.0, 5, 5, 6, 7, 4, 8, 8]


@pytest.mark.parametrize("monitor", ["error", "log_likelihood"])
def test_patience_counts_from_the_first_of_equally_good_epochs(monitor: str) -> None:
    assert told(Patience(3, monitor), UP_AND_DOWN)[0] == 5
    assert told(Patience(4, monitor), UP_AND_DOWN) == []
    assert told(Patience(2, monitor), FALLING) == []


def test_bars_look_at_their_epochs_alone() -> None:
    assert told(Bar({2: 5.0, 4: 5.9}), UP_AND_DOWN) == [4]
    assert told(Bar({2: 5.0, 6: 4.0}), UP_AND_DOWN) == []
    assert told(Bar({4: -5.9}, "log_likelihood"), UP_AND_DOWN) == [4]


def test_the_median_improvement_is_that_of_all_epochs_so_far() -> None:
    assert told(MedianImprovement({4: 1.5}), FALLING) == [4]
    assert told(MedianImprovement({4: 0.9, 1: 99}), FALLING) == []
    assert told(MedianImprovement({5: 0.0}), UP_AND_DOWN) == [5]


def test_rho_of_minus_infinity_in_a_row_and_early_stops() -> None:
    worse, fine = -math.inf, 0.5
    assert told(ConsecutiveWorse(3, within=5), FALLING, rho=[fine, worse, worse, worse, *[fine] * 4]) == [4]
    assert told(ConsecutiveWorse(3, within=5), FALLING, rho=[worse, worse, fine, worse, worse, worse, fine, fine]) == []
    assert told(ConsecutiveWorse(3, within=5), FALLING, rho=[fine] * 5 + [worse] * 3) == []


def test_rejected_steps_cg_steps_and_seconds_have_budgets() -> None:
    assert told(Rejected(2), FALLING, rate=[0, 1, 1, 0, 1, 1, 1, 1])[0] == 4
    assert told(Rejected(2), FALLING, rate=[0.5] * 8) == []
    assert told(CGBudget(50), FALLING, total_cg_steps=list(range(10, 90, 10)))[0] == 5
    assert told(CGBudget(81), FALLING, total_cg_steps=list(range(10, 90, 10))) == []
    assert told(TimeLimit(5), FALLING)[0] == 3
    assert told(TimeLimit(17), FALLING) == []


def test_the_best_epoch_is_the_first_of_equals_and_none_without_figures() -> None:
    column = np.array([[0, 5], [0, 4], [0, 4], [0, np.nan]], dtype=float)
    assert best_epoch(Records(log_likelihood=-column, error=column), "error") == 2
    assert best_epoch(Records(), "error") == 0


def test_patience_stops_a_run_that_overfits_and_keeps_its_best_parameters(tmp_path: Path) -> None:
    found = train(**arguments(patience=4, run_name=tmp_path / "run"))
    test_ll = found.records.log_likelihood[:, 1]
    best = int(test_ll.argmax()) + 1
    assert (found.outcome, found.state.epoch) == (Outcome.STOPPED, best + 4)
    assert found.reason == f"Patience: no better log-likelihood of the test cases since epoch {best}"
    assert found.best is not None
    assert found.best.epoch == best
    kept = read_checkpoint(tmp_path / "run_nnet_best.mat")
    assert kept.theta.tobytes() == found.best.theta.tobytes()
    assert set(load_mat(tmp_path / "run_nnet_best.mat")) == set(VARIABLES)
    assert found.at("best").score(X[:, 20:], T[:, 20:]).log_likelihood == pytest.approx(test_ll[best - 1], rel=1e-12)
    lines = (tmp_path / "run.txt").read_text().splitlines()
    assert lines[-3:-1] == [f"Stopped early: {found.reason}", ""]
    assert lines[-1].startswith("Total time: ")
    rest = train(**arguments(max_epochs=best + 1, resume_from=tmp_path / "run_nnet_best.mat"))
    assert rest.theta.tobytes() == train(**arguments(max_epochs=best + 1)).theta.tobytes()


@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_resumed_run_stops_at_the_same_epoch_with_the_same_parameters(precision: str, tmp_path: Path) -> None:
    given = arguments(patience=4, average_decay=0.9, precision=precision)
    whole = train(**given, run_name=tmp_path / "whole")
    for epochs in (2, whole.state.epoch - 3, 40):
        resume = {"resume_from": tmp_path / "part_nnet_running.mat"} if epochs > 2 else {}
        part = train(**{**given, "max_epochs": epochs}, run_name=tmp_path / "part", **resume)
    assert (part.state.epoch, part.reason) == (whole.state.epoch, whole.reason)
    assert part.theta.tobytes() == whole.theta.tobytes()
    for name in ("best", "average"):
        kept, expected = getattr(part, name), getattr(whole, name)
        assert (kept.epoch, kept.theta.tobytes()) == (expected.epoch, expected.theta.tobytes())
        files = (load_mat(tmp_path / f"{run}_nnet_{name}.mat") for run in ("part", "whole"))
        a, b = ({key: value for key, value in each.items() if key != "times"} for each in files)
        assert {key: a[key].tobytes() for key in a} == {key: b[key].tobytes() for key in b}


def test_the_average_is_polyaks_and_keeps_the_run_as_it_was() -> None:
    class Path_(Observer):
        def begin(self, run: Any, state: Any) -> None:
            self.thetas: list[Any] = []

        def epoch(self, report: Any, state: Any) -> None:
            self.thetas.append(state.theta.copy())

    seen = Path_()
    found = train(**arguments(average_decay=0.8, max_epochs=6, observers=[seen]))
    weights = 0.2 * 0.8 ** np.arange(5, -1, -1) / (1 - 0.8**6)
    assert found.average is not None
    np.testing.assert_allclose(found.average.theta, weights @ np.array(seen.thetas), rtol=1e-13)
    assert found.theta.tobytes() == train(**arguments(max_epochs=6)).theta.tobytes()
    assert found.best is None


def test_results_keep_best_and_average_in_their_file(tmp_path: Path) -> None:
    found = train(**arguments(patience=3, average_decay=0.9))
    found.save(tmp_path / "result.npz")
    again = load(tmp_path / "result.npz")
    for name in ("best", "average"):
        assert getattr(again, name).theta.tobytes() == getattr(found, name).theta.tobytes()
        assert np.array_equal(again.at(name).predict(X), found.at(name).predict(X))
    with pytest.raises(
        DataError, match=r"name: expected 'best' or 'average', which the run kept, got none\. Train with"
    ):
        train(**arguments(max_epochs=1)).at("best")


def test_best_parameters_that_are_not_beside_the_checkpoint_are_missed_in_a_sentence(tmp_path: Path) -> None:
    first = train(**arguments(patience=9, run_name=tmp_path / "run"))
    (tmp_path / "run_nnet_best.mat").unlink()
    with pytest.warns(
        CheckpointWarning, match=r"The best parameters before the resume are not known\. .*Copy it beside"
    ):
        rest = train(
            **arguments(patience=9, max_epochs=first.state.epoch + 1, resume_from=tmp_path / "run_nnet_running.mat")
        )
    assert rest.best is None


def test_rules_that_look_at_test_cases_need_some() -> None:
    alone = {"test_inputs": None, "test_targets": None}
    with pytest.raises(OptionError, match="patience: expected test cases, whose figures it looks at, got none"):
        train(**arguments(patience=3, **alone))
    with pytest.raises(OptionError, match="Bar: expected test cases"):
        train(**arguments(observers=[Bar({3: 0.5})], **alone))
    with pytest.raises(OptionError, match="monitor: expected 'log_likelihood' with error_measure='none', got 'error'"):
        train(**arguments(patience=3, monitor="error", error_measure="none"))
    for make, sentence in (
        (lambda: Patience(0), "patience: expected a whole number of at least 1, got 0"),
        (lambda: Rejected("3"), "count: expected a whole number of at least 1, got '3'"),  # type: ignore[arg-type]
        (lambda: ConsecutiveWorse(3, within=0), "within: expected a whole number of at least 1, got 0"),
        (lambda: CGBudget(2.5), r"steps: expected a whole number of at least 1, got 2\.5"),  # type: ignore[arg-type]
        (lambda: TimeLimit(0), "seconds: expected a number above 0, got 0"),
        (lambda: Bar(0.3), r"bars: expected epochs and figures, such as {5: 0\.3}, got 0\.3"),  # type: ignore[arg-type]
        (lambda: MedianImprovement({}), "bars: expected epochs and figures"),
    ):
        with pytest.raises(OptionError, match=sentence):
            make()
    for wrong, what in (
        ({"patience": 0}, "patience"),
        ({"monitor": "mse"}, "monitor"),
        ({"average_decay": 1}, "average"),
    ):
        with pytest.raises(OptionError, match=what):
            train(**arguments(**wrong))
    with pytest.raises(OptionError, match="monitor: expected one of 'log_likelihood', 'error', got 'll'"):
        Patience(3, "ll")
    for wrong in (1.0, "x", None, [3]):
        with pytest.raises(OptionError, match="average_decay: expected a number of at least 0 and below 1, got"):
            Average(wrong)
    with pytest.raises(OptionError, match="monitor: expected one of"):
        Patience(3, ["error"])
    assert train(**arguments(observers=[Best("error")], max_epochs=2)).best is not None


def test_a_run_that_was_stopped_runs_no_epoch_when_it_is_resumed(tmp_path: Path) -> None:
    given = arguments(patience=4, average_decay=0.9, run_name=tmp_path / "run")
    first = train(**given)
    again = train(**given, resume_from=tmp_path / "run_nnet_running.mat")
    assert (again.outcome, again.state.epoch, again.reason) == (Outcome.STOPPED, first.state.epoch, first.reason)
    for name in ("best", "average"):
        assert getattr(again, name).theta.tobytes() == getattr(first, name).theta.tobytes()
    more = train(**{**given, "patience": 5}, resume_from=tmp_path / "run_nnet_running.mat")
    assert more.state.epoch == first.state.epoch + 1
    over = train(**{**given, "max_epochs": first.state.epoch}, resume_from=tmp_path / "run_nnet_running.mat")
    assert over.outcome is Outcome.NOTHING_TO_DO
    assert over.best.theta.tobytes() == first.best.theta.tobytes()  # type: ignore[union-attr]
    steps = int(first.state.memory["total_cg_steps"])
    for rule in (CGBudget(steps), TimeLimit(1e-9), Bar({first.state.epoch: -1.0})):
        stopped = train(**arguments(observers=[rule], resume_from=first))
        assert (stopped.outcome, stopped.state.epoch) == (Outcome.STOPPED, first.state.epoch)


@pytest.mark.parametrize("saved", [False, True])
def test_a_result_brings_its_best_and_average_parameters_into_the_next_run(saved: bool, tmp_path: Path) -> None:
    given = arguments(patience=6, average_decay=0.9)
    whole = train(**given)
    part: Any = train(**{**given, "max_epochs": whole.state.epoch - 2})
    if saved:
        part.save(tmp_path / "part.npz")
        part = tmp_path / "part.npz"
    rest = train(**given, resume_from=part, run_name=tmp_path / "rest")
    for name in ("best", "average"):
        kept, expected = getattr(rest, name), getattr(whole, name)
        assert (kept.epoch, kept.theta.tobytes()) == (expected.epoch, expected.theta.tobytes())
        assert read_checkpoint(tmp_path / f"rest_nnet_{name}.mat").theta.tobytes() == expected.theta.tobytes()
    with pytest.warns(CheckpointWarning, match=r"known\. Resume from a checkpoint or a Result that has them\."):
        train(**given, resume_from=train(**arguments(max_epochs=whole.state.epoch - 2)).state)


def test_an_observer_may_stop_a_run_before_its_first_epoch() -> None:
    class Never(Observer):
        def begin(self, run: Any, state: Any) -> Stop:
            return Stop("not today")

    found = train(**arguments(observers=[Never()]))
    assert (found.outcome, found.state.epoch, found.reason) == (Outcome.STOPPED, 0, "Never: not today")


class NeverBetter:
    """A judge that always finds the target chunk worse."""

    def judge(self, p: Any, score: Any, g: Any, G: Any, on: Any) -> Judgement:
        return Judgement(-1.0, -2.0, -1.0, -math.inf)


class NeverAStep:
    """A line search that rejects every step."""

    def search(self, score: Any, full: Any, before: float, slope: float, watch: Any) -> Step:
        return Step(0.0, math.inf, score(0))


class Slow(Observer):
    """Keeps the clock running."""

    def epoch(self, report: Report, state: State) -> None:
        time.sleep(0.05)


PLANTED: dict[str, tuple[dict[str, Any], str]] = {
    "every step makes the chunk worse": ({"judge": NeverBetter()}, "ConsecutiveWorse"),
    "every step is rejected": ({"line_search": NeverAStep()}, "Rejected"),
    "so much damping that nothing moves": ({"initial_lam": 1e7, "lam_drop": 0.99}, "Bar"),
    "it learns, but too slowly": ({"initial_lam": 300.0, "lam_drop": 0.99}, "MedianImprovement"),
    "it learns its cases by heart": ({"initial_lam": 1.0}, "Patience"),
    "CG has no end": ({"cg_tolerance": 0.0, "min_cg_steps": 200, "initial_lam": 30.0}, "CGBudget"),
    "it takes too long": ({"initial_lam": 30.0, "slow": True}, "TimeLimit"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_bad_run_is_ended_by_the_rule_that_is_meant_for_it(name: str) -> None:
    planted, rule = PLANTED[name]
    options = {key: value for key, value in planted.items() if key != "slow"}
    slow = planted.get("slow", False)
    worst = {"Bar": -0.7, "MedianImprovement": 0.003}
    rules: list[Observer] = [ConsecutiveWorse(3, within=5), Rejected(4), CGBudget(900)]
    rules += [Bar({6: worst["Bar"]}, "log_likelihood")] if rule == "Bar" else []
    rules += [MedianImprovement({8: worst[rule]}, "log_likelihood")] if rule == "MedianImprovement" else []
    rules += [Patience(3)] if rule == "Patience" else []
    rules += [Slow(), TimeLimit(0.0005)] if slow else [TimeLimit(60)]
    found = train(**arguments(**options, max_epochs=20, observers=rules))
    assert found.outcome is Outcome.STOPPED
    assert found.reason.startswith(f"{rule}: ")
    assert found.state.epoch < 20
