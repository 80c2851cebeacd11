"""The modern call: its order of events, its options, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.state import Outcome, Report, State
from tests.small_run import INPUTS, SIZES, TARGETS, field_arguments, legacy_arguments


class Diary(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.states: list[State] = []
        self.stages: list[tuple[str, int, int]] = []

    def begin(self, run: Run, state: State) -> None:
        self.run = run
        self.events.append("begin")
        self.states.append(state)

    def progress(self, stage: str, step: int, of: int) -> None:
        self.stages.append((stage, step, of))

    def epoch(self, report: Report, state: State) -> None:
        self.events.append(f"epoch {report.epoch}")
        self.states.append(state)

    def end(self, outcome: Outcome, state: State) -> None:
        self.events.append(outcome.name)
        self.states.append(state)

    def close(self) -> None:
        self.events.append("close")


def test_observers_are_told_of_everything_in_order() -> None:
    diary = Diary()
    result = train(**field_arguments(max_epochs=3, observers=[diary], description="a line"))
    assert diary.events == ["begin", "epoch 1", "epoch 2", "epoch 3", "FINISHED", "close"]
    assert [state.epoch for state in diary.states] == [0, 1, 2, 3, 3]
    np.testing.assert_array_equal(diary.states[-1].theta, result.state.theta)
    assert (diary.run.sizes, diary.run.description, diary.run.options.max_epochs) == (tuple(SIZES), "a line", 3)


def test_observers_are_told_of_progress_inside_an_epoch() -> None:
    diary = Diary()
    train(**field_arguments(max_epochs=1, observers=[diary]))
    assert list(dict.fromkeys(stage for stage, _, _ in diary.stages)) == [
        "gradient",
        "cg",
        "backtracking",
        "line search",
    ]
    steps = [step for stage, step, _ in diary.stages if stage == "cg"]
    assert steps == list(range(1, len(steps) + 1))
    assert {of for stage, _, of in diary.stages if stage == "cg"} == {250}


def test_an_error_of_an_observer_closes_all_of_them_and_comes_out() -> None:
    class Broken(Observer):
        def epoch(self, report: Report, state: State) -> None:
            raise RuntimeError("broken")

    diary = Diary()
    with pytest.raises(RuntimeError, match="broken"):
        train(**field_arguments(observers=[Broken(), diary]))
    assert diary.events == ["begin", "close"]


def test_no_observers_and_no_description_may_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    result = train(**field_arguments(observers=None, description=None, display="legacy"))
    assert "Description: \n" in capsys.readouterr().out
    np.testing.assert_array_equal(result.theta, train(**field_arguments()).theta)


@pytest.mark.parametrize("observers", [Diary(), "abc", [Diary], [Diary(), print]], ids=["one", "text", "class", "call"])
def test_what_is_no_list_of_observers_is_refused(observers: Any) -> None:
    with pytest.raises(OptionError, match=r"^observers: expected a list of observers, got"):
        train(**field_arguments(observers=observers))


def test_both_calls_train_the_same() -> None:
    legacy, field = nnet_train(**legacy_arguments(display="none")), train(**field_arguments())
    np.testing.assert_array_equal(legacy.ravel(), field.theta)
    assert field.outcome is Outcome.FINISHED


def test_training_makes_it_better() -> None:
    result = train(**field_arguments(max_epochs=12))
    assert np.all(np.diff(result.history["train_log_likelihood"]) > 0)


@pytest.mark.parametrize("display", ["none", "legacy", "rich"])
def test_a_display_changes_nothing_but_the_screen(display: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = train(**field_arguments(display=display))
    out = capsys.readouterr().out
    assert (out == "") == (display == "none")
    assert ("Log likelihood" in out) == (display == "legacy")
    np.testing.assert_array_equal(shown.theta, train(**field_arguments()).theta)


def test_an_unknown_display_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^display: expected one of 'none', 'legacy', 'rich', got 'live'"):
        train(**field_arguments(display="live"))
    with pytest.raises(OptionError, match=r"^display: expected one of 'none', 'legacy', 'rich', got None"):
        nnet_train(**legacy_arguments(), display=None)


def test_a_run_does_not_touch_numpys_settings_or_random_state() -> None:
    before = np.geterr(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    train(**field_arguments(initial_theta=None, seed=1))
    assert (np.geterr(), np.random.get_state()[1].tobytes()) == before  # noqa: NPY002


def test_a_wild_start_warns_of_nothing() -> None:
    result = train(**field_arguments(initial_theta=3e3 * np.ones(43), inputs=1e3 * INPUTS, max_epochs=3))
    assert np.isfinite(result.theta).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_layout_of_the_data_in_memory_does_not_matter(order: Any) -> None:
    arrays = {"inputs": np.array(INPUTS, order=order), "targets": np.asarray(TARGETS[:, ::-1], order=order)}
    turned = {"inputs": np.ascontiguousarray(INPUTS), "targets": TARGETS[:, ::-1]}
    np.testing.assert_array_equal(train(**field_arguments(**arrays)).theta, train(**field_arguments(**turned)).theta)


def test_chunks_are_taken_in_turn() -> None:
    def after_one(inputs: Any, targets: Any, **more: Any) -> Any:
        return train(**field_arguments(inputs=inputs, targets=targets, max_epochs=1, precision="double", **more)).theta

    swapped = np.r_[6:12, 0:6]
    first, second = after_one(INPUTS, TARGETS), after_one(INPUTS[:, swapped], TARGETS[:, swapped])
    assert not np.allclose(first, second, rtol=1e-9)
    on_all = {"curvature_cases": "all", "initial_lam": 1e-3}
    one = after_one(INPUTS, TARGETS, **on_all)
    np.testing.assert_allclose(one, after_one(INPUTS[:, swapped], TARGETS[:, swapped], **on_all), rtol=1e-7)


def test_paths_may_be_names_of_the_run(tmp_path: Path) -> None:
    for name in (tmp_path / "a", str(tmp_path / "b")):
        train(**field_arguments(run_name=name))
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{n}{end}" for n in "ab" for end in (".txt", "_nnet_running.mat", "_nnet_running.sidecar.npz")
    }
