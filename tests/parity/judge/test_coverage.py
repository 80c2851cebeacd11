"""What no compared run went through is said, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.coverage import not_exercised
from hf_matlab_compat.parity.engines import RecordedEngine
from hf_matlab_compat.parity.reference_run import Recording
from hf_matlab_compat.parity.run_parity import DEFAULT_CASES, DEFAULT_EPOCHS, LONGER
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


def test_the_default_leaves_nothing_out() -> None:
    recordings = [_free(name, LONGER.get(name, DEFAULT_EPOCHS)) for name in DEFAULT_CASES]
    assert not_exercised(recordings) == []


def test_kernels_leave_out_what_comes_after_them() -> None:
    assert {"the whole call", "wrap-around of chunks"} <= {*not_exercised([recorded("ae_logistic", "kernels")])}


def test_a_recording_without_epochs_exercises_nothing() -> None:
    assert "mattype 'gn'" in not_exercised([replace(recorded("ae_logistic"), epochs=[])])


def _free(name: str, epochs: int) -> Recording:
    return RecordedEngine().record(builtin_case(name), precision="double", mode="free", epochs=epochs)
