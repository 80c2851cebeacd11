"""The call that users make is judged as well: what lies between the arguments and the problem is seen there alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import unwrap
from typing import Any

import pytest

from hf_matlab_compat import training
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.legacy import entry_points
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity import entry
from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.reference_run import Recording
from hf_matlab_compat.parity.stage_dependencies import DEPENDENCIES
from tests.parity.judge.golden_recordings import first_stage, judged, recorded
from tests.parity.judge.planting import Plant, edit, instead

SOFTMAX = "class_softmax"


def entry_lines(*recordings: Recording) -> list[Line]:
    return [line for line in judged(*recordings).lines if line.stage == entry.STAGE]


def other_default(owner: Any, name: str, value: Any) -> Plant:
    return lambda monkeypatch: monkeypatch.setitem(unwrap(owner).__kwdefaults__, name, value)


def translated(**wrong: Any) -> Plant:
    original = entry_points.to_field_terms
    return instead(entry_points, "to_field_terms", lambda given: {**original(given), **wrong})


BUGS: dict[str, Plant] = {
    "no weight cost": edit(training, "problem_of", "weight_decay=options.weight_decay", "weight_decay=0.0"),
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


def test_lockstep_judges_the_first_epoch_of_the_call() -> None:
    lines = entry_lines(recorded(SOFTMAX))
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
    assert [len(names) for names in asked] == [22]


def test_ctrl_c_in_the_call_is_not_taken_for_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    call = entry_points.nnet_train
    monkeypatch.setattr(entry, "nnet_train", lambda **given: call(**{**given, "maxepoch": 1}))
    with pytest.raises(KeyboardInterrupt):
        entry.run_entry(recorded(SOFTMAX).case, "double", 2)


def test_the_entry_says_where_to_look() -> None:
    assert "training.py" in DEPENDENCIES[entry.STAGE].computed_in
