"""What no compared run went through is said, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.vocabulary import WORDS
from hf_matlab_compat.parity.cases import builtin_case, made_case, require_accepted
from hf_matlab_compat.parity.coverage import ACCEPTED, not_exercised, seen
from hf_matlab_compat.parity.engines import RecordedEngine
from hf_matlab_compat.parity.recording import Recording
from hf_matlab_compat.parity.runs import DEFAULT_CASES, DEFAULT_EPOCHS, KERNEL_CASES, LONGER
from tests.parity.judge.golden_recordings import recorded


def test_a_plain_run_names_what_it_leaves_out() -> None:
    said = not_exercised([recorded("ae_logistic")])
    assert {"mattype 'hess'", "mattype 'empfish'", "rms=1", "hybridmode=0", "errtype 'class'"} <= {*said}
    assert {"softmax output units", "tanh hidden units", "rejected steps", "wrap-around of chunks"} <= {*said}
    assert not {"mattype 'gn'", "errtype 'L2'", "a weight cost", "a test set", "the whole call"} & {*said}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("k_logistic_rms0_gn_hy0_lam1", "hybridmode=0"),
        ("k_tanh_rms1_gn_hy1_lam1", "rms=1"),
        ("k_logistic_rms0_empfish_hy1_lam1", "mattype 'empfish'"),
        ("class_softmax", "errtype 'class'"),
        ("k_logistic_rms1_hess_hy1_lam1", "shortened steps"),
    ],
)
def test_what_a_case_has_is_not_said(name: str, word: str) -> None:
    assert word in not_exercised([recorded("ae_logistic")])
    assert word not in not_exercised([recorded("ae_logistic"), recorded(name)])


def test_events_are_read_off_the_epochs_that_were_run() -> None:
    rejecting = "s_hess_negative_curvature"
    assert {"rejected steps", "wrap-around of chunks"} <= {*not_exercised([_free(rejecting, 3)])}
    assert not {"rejected steps", "wrap-around of chunks"} & {*not_exercised([_free(rejecting, 7)])}


def test_recorded_numbers_leave_out_what_was_never_recorded() -> None:
    names = (*DEFAULT_CASES, *KERNEL_CASES)
    said = not_exercised([_free(name, LONGER.get(name, DEFAULT_EPOCHS)) for name in names])
    blocks = "more than one block of cases in a chunk"
    assert said == ["hybridmode=0 with mattype 'hess', 'empfish'", blocks, "ties under errtype 'class'"]


def test_combinations_are_said_in_one_word_a_mattype() -> None:
    said = not_exercised([recorded(name) for name in DEFAULT_CASES if name != "s_hess_negative_curvature"])
    assert "mattype 'gn' with logistic outputs (rms=1), linear outputs (rms=1)" in said
    assert "mattype 'empfish' with linear outputs, softmax outputs" in said
    known = "linear outputs, softmax outputs, linear outputs (rms=1), softmax outputs (rms=1)"
    assert f"mattype 'hess' with {known}" in said


@pytest.mark.parametrize("mattype", WORDS["curvature"])
def test_the_combinations_are_those_that_can_be_trained(mattype: str) -> None:
    accepted = set()
    for unit, rms in product(("logistic", "tanh", "linear", "softmax"), (0, 1)):
        plain = builtin_case("k_softmax_rms0_hess_hy1_lam1")
        units = [*plain.arguments["layertypes"][:-1], unit]
        given = {**plain.arguments, "mattype": mattype, "rms": rms, "layertypes": units}
        with suppress(ParityError):
            require_accepted(replace(plain, arguments=given))
            accepted.add((unit, rms))
    assert accepted == {*ACCEPTED[mattype]}


def test_ties_and_blocks_are_read_off_what_was_run() -> None:
    one = recorded("class_softmax")
    made = replace(one, case=made_case("made_gn_blocks"))
    assert "more than one block of cases in a chunk" in not_exercised([one])
    assert "more than one block of cases in a chunk" not in not_exercised([made])
    tied = {**one.epochs[0].kernels, "forward": [np.zeros((2, 2)), np.array([[0.4, 0.3], [0.4, 0.5], [0.2, 0.2]])]}
    assert "ties under errtype 'class'" in not_exercised([one])
    assert "ties under errtype 'class'" not in not_exercised(
        [replace(one, epochs=[replace(one.epochs[0], kernels=tied)])]
    )


def test_kernels_leave_out_what_comes_after_them() -> None:
    assert {"the whole call", "wrap-around of chunks"} <= {*not_exercised([recorded("ae_logistic", "kernels")])}


def test_a_recording_without_epochs_exercises_nothing() -> None:
    assert "mattype 'gn'" in not_exercised([replace(recorded("ae_logistic"), epochs=[])])


def _free(name: str, epochs: int) -> Recording:
    return RecordedEngine().record(builtin_case(name), precision="double", mode="free", epochs=epochs)


def test_epochs_values_and_decisions_that_were_seen_are_told() -> None:
    said = seen([_free("s_hess_negative_curvature", 7), _free("ae_logistic", 3), _free("class_softmax", 3)])
    assert said["epochs"] == "1 to 3; to 7 in s_hess_negative_curvature"
    low, _, high = said["lambda"].partition(" to ")
    assert float(low) < 45 <= float(high)
    assert "rejected in 1 epochs" in said["the step was"]
    assert seen([]) == {}


def test_lambda_is_counted_once_an_epoch_and_infinities_beside_the_range() -> None:
    recording = recorded("ae_logistic")
    record = replace(recording.epochs[0], lam=2.0, figures={"lam": 3.0, "rho": -np.inf, "rate": 0.5, "cg_steps": 9})
    said = seen([replace(recording, epochs=[record])])
    assert (said["lambda"], said["rho"], said["CG steps"]) == ("2 to 3", "-inf", said["CG steps"])
    assert said["lambda was"] == "raised in 1, lowered in 0, kept in 0 epochs"
    assert said["the step was"] == "whole in 0, shortened in 1, rejected in 0 epochs"
