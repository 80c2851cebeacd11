"""The call that users make is judged as well: what lies between the arguments and the problem is seen there alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import unwrap
from typing import Any

import pytest

from hf_matlab_compat import subject
from hf_matlab_compat.errors import NotFinite, OptionError
from hf_matlab_compat.legacy import entry_points
from hf_matlab_compat.observers.checkpoints import CheckpointWriter
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity import entry
from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.recording import Continuity, Recording
from tests.parity.judge.golden_recordings import first_stage, judged, recorded
from tests.parity.judge.planting import Plant, between_epochs, changed, instead, loop

SOFTMAX = "class_softmax"


def entry_lines(*recordings: Recording) -> list[Line]:
    return [line for line in judged(*recordings).lines if line.stage == entry.STAGE]


def other_default(owner: Any, name: str, value: Any) -> Plant:
    return lambda monkeypatch: monkeypatch.setitem(unwrap(owner).__kwdefaults__, name, value)


def translated(**wrong: Any) -> Plant:
    original = entry_points.to_field_terms
    return instead(entry_points, "to_field_terms", lambda given: {**original(given), **wrong})


BUGS: dict[str, Plant] = {
    "no weight cost": translated(weight_decay=0.0),
    "another initial lambda in the options": other_default(Options.__init__, "initial_lam", 10.0),
    "another initial lambda in the legacy call": other_default(entry_points.nnet_train, "initlambda", 10.0),
    "arguments mistranslated": translated(num_chunks=2),
    "test set mistaken for training": translated(test_inputs=None, test_targets=None),
}


@pytest.mark.parametrize("mode", ["lockstep", "free"])
@pytest.mark.parametrize("name", BUGS)
def test_a_bug_before_the_loop_is_flagged_at_the_entry(name: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = [recorded(SOFTMAX, mode, "double"), recorded(SOFTMAX, mode, "single")]
    BUGS[name](monkeypatch)
    assert first_stage(*recordings) == entry.STAGE


@pytest.mark.parametrize(("mode", "stage"), [("lockstep", "ll"), ("free", "rho")])
def test_a_bug_in_the_making_of_the_problem_is_flagged_where_it_first_shows(
    mode: str, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = [recorded(SOFTMAX, mode, "double"), recorded(SOFTMAX, mode, "single")]
    spared = changed(
        subject, "feedforward_problem", lambda problem, *given, **named: replace(problem, weight_decay=0.0)
    )
    spared(monkeypatch)
    assert first_stage(*recordings) == stage


CARRIED: dict[str, Plant] = {
    "d zero from the second epoch on": between_epochs(lambda s: s.remembering(d=0 * s.d) if s.epoch else s),
    "lambda held up from the second epoch on": between_epochs(
        lambda s: s.remembering(lam=max(s.lam, 44.0)) if s.epoch else s
    ),
    "no d in the checkpoint": changed(
        CheckpointWriter, "_on_host", lambda host, *given: host.remembering(d=0 * host.d)
    ),
    "the checkpoint with another lambda": changed(
        CheckpointWriter, "_on_host", lambda host, *given: host.remembering(lam=1.0)
    ),
}
"""What no epoch that begins from a given state can show."""


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", CARRIED)
def test_what_goes_wrong_between_epochs_or_on_the_way_to_the_file_is_flagged(
    name: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recorded(SOFTMAX, "lockstep", precision)
    CARRIED[name](monkeypatch)
    certificate = judged(recording)
    apart = [line for line in certificate.lines if line.verdict is Verdict.DIFFERS]
    assert {line.stage for line in apart} == {entry.STAGE}
    assert all(line.detail.startswith("one call of 2 epochs equals 2 single epochs: ") for line in apart)


def test_a_log_that_goes_wrong_later_is_flagged_where_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    between_epochs(after=lambda report: report if report.epoch < 2 else report.having(rho=0.5))(monkeypatch)
    found = [line for line in entry_lines(recorded(SOFTMAX)) if line.verdict is Verdict.DIFFERS]
    assert [(line.epoch, line.detail[-5:]) for line in found] == [(2, ": log")]
    assert found[0].ours == "rho = 0.5"


def test_the_call_over_all_epochs_is_that_of_the_epochs_recorded() -> None:
    details = {line.detail for line in entry_lines(recorded(SOFTMAX, "free", "double", 3)) if "one call" in line.detail}
    name = "one call of 3 epochs equals 3 single epochs"
    assert details >= {f"{name}: log", f"{name}: parameters returned", f"{name}: ch in file"}


def test_a_call_and_a_chain_that_stop_alike_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(m: Any, problem: Any, theta: Any, memory: Any, n: int, watch: Any) -> Any:
        if n == 2:
            raise NotFinite("gradient")
        return m.epoch(problem, theta, memory, n, watch)

    loop(stop)(monkeypatch)
    [line] = [line for line in entry_lines(recorded(SOFTMAX)) if line.detail.startswith("one call")]
    assert line.verdict is Verdict.NOT_RUN
    assert "both stopped" in line.bound_source


def of_the_reference(**apart: Any) -> list[Line]:
    whole = {"epochs": 5, "theta": 0.0, "d": 0.0, "lam": (20.0, 20.0), "first_apart": None, **apart}
    recording = replace(recorded(SOFTMAX), continuity=Continuity(**whole))
    return [line for line in entry_lines(recording) if line.detail.startswith("reference: one call of 5 epochs")]


def test_a_reference_that_carries_nothing_over_agrees_exactly() -> None:
    lines = of_the_reference()
    assert len(lines) == 4
    assert {(line.verdict, line.bound, line.bound_source) for line in lines} == {(Verdict.AGREES, 0.0, "exact")}


@pytest.mark.parametrize(
    ("apart", "detail"),
    [
        ({"theta": 1e-16}, "parameters"),
        ({"d": 1e-3}, "d"),
        ({"lam": (20.0, 30.0)}, "lambda"),
        ({"first_apart": 3}, "every epoch"),
    ],
)
def test_a_reference_that_carries_something_over_differs(apart: dict[str, Any], detail: str) -> None:
    [found] = [line for line in of_the_reference(**apart) if line.verdict is Verdict.DIFFERS]
    assert found.detail == f"reference: one call of 5 epochs equals 5 resumed ones: {detail}"
    assert found.epoch == (3 if "first_apart" in apart else 5)


def test_a_reference_that_was_not_called_over_all_epochs_is_not_run() -> None:
    [line] = [line for line in entry_lines(recorded(SOFTMAX)) if line.detail.startswith("reference: ")]
    assert line.verdict is Verdict.NOT_RUN
    assert line.bound_source == "a run of one epoch carries nothing over"


def test_lockstep_judges_the_first_epoch_of_the_call() -> None:
    lines = [line for line in entry_lines(recorded(SOFTMAX)) if "one call" not in line.detail]
    assert {line.epoch for line in lines} == {1}
    assert {line.detail for line in lines} >= {"lambda before epoch 1", "theta", "lambda", "ll after the step", "log"}
    assert {line.verdict for line in lines} == {Verdict.AGREES}


def test_a_free_run_judges_every_epoch_of_the_call() -> None:
    lines = entry_lines(recorded(SOFTMAX, "free", "double", 3))
    assert {line.epoch for line in lines} == {1, 2, 3}
    assert not [line for line in lines if line.verdict is Verdict.DIFFERS]


@pytest.mark.parametrize("recording", [lambda: recorded(SOFTMAX, "kernels"), lambda: _second_only()])
def test_kernels_and_later_states_have_no_entry(recording: Callable[[], Recording]) -> None:
    assert entry_lines(recording()) == []


def _second_only() -> Recording:
    one = recorded(SOFTMAX)
    return replace(one, epochs=[replace(one.epochs[0], epoch=8)])


def test_a_call_that_is_refused_differs_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**given: Any) -> Any:
        raise OptionError("rms", expected="0", got=1)

    monkeypatch.setattr(entry, "nnet_train", refuse)
    lines = [line for line in entry_lines(recorded(SOFTMAX)) if line.verdict is Verdict.DIFFERS]
    assert lines
    assert all("the call stopped: rms: expected 0" in line.bound_source for line in lines)


def test_single_precision_without_constants_is_the_call_of_22_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    call = entry_points.nnet_train_2
    monkeypatch.setattr(entry, "nnet_train_2", lambda **given: (asked.append(set(given)), call(**given))[1])
    entry_lines(recorded(SOFTMAX, "lockstep", "single"))
    assert [len(names) for names in asked] == [22, 22]  # one epoch, and all


def test_ctrl_c_in_the_call_is_not_taken_for_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    call = entry_points.nnet_train
    monkeypatch.setattr(entry, "nnet_train", lambda **given: call(**{**given, "maxepoch": 1}))
    with pytest.raises(KeyboardInterrupt):
        entry.run_entry(recorded(SOFTMAX).case, "double", 2)
