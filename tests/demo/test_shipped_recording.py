"""The recording that comes with the demo: small, whole, and of the demo's case alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hf_matlab_compat.demo.agreement import EPOCHS
from hf_matlab_compat.demo.shipped_recording import LEFT_OUT, PATH, read_shipped, without_large_parts, write_shipped
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.judge import judge
from tests.demo.compared import case, recording
from tests.parity.judge.golden_recordings import recorded


def test_it_is_small_and_has_consecutive_epochs_with_their_envelope() -> None:
    assert PATH.stat().st_size < 2.5e6
    assert [record.epoch for record in recording().epochs] == list(range(1, EPOCHS + 1))
    for record in recording().epochs:
        assert all(
            (record.epoch, name) in recording().envelope for name in ("theta", "d", "rho", "log_likelihood", "cg_steps")
        )


def test_each_epoch_begins_where_the_one_before_ended() -> None:
    for before, after in zip(recording().epochs, recording().epochs[1:], strict=False):
        np.testing.assert_array_equal(before.theta_after, after.theta)
        np.testing.assert_array_equal(case().arguments["decay"] * before.d_after, after.start)
        assert before.figures["lam"] == after.lam


@pytest.mark.parametrize(
    "changed", [{"decay": 0.9}, {"rms": 1}, {"numchunks_test": 3}, {"layersizes": [50, 25, 7, 25, 50]}]
)
def test_a_recording_of_another_case_is_refused_and_the_argument_named(changed) -> None:
    with pytest.raises(ParityError, match=f"{next(iter(changed))} is not that of the recorded case"):
        read_shipped(case(**changed))


def test_what_does_not_change_the_training_may_be_another() -> None:
    assert read_shipped(case(runName="mine", runDesc="other", maxepoch=3)).epochs


def test_a_missing_recording_is_named(tmp_path) -> None:
    with pytest.raises(ParityError, match=r"none\.npz, got no such file"):
        read_shipped(case(), tmp_path / "none.npz")


def test_what_is_left_out_is_not_run_and_says_why(tmp_path) -> None:
    whole = recorded("ae_logistic")
    write_shipped(whole, tmp_path / "small.npz")
    small = read_shipped(whole.case, tmp_path / "small.npz")
    lines = judge([small]).lines
    left_out = {line.stage for line in lines if line.bound_source == LEFT_OUT}
    assert left_out == {"grad", "grad2", "Bv", "Bv_undamped", "precon", "cg_iterates"}
    assert {line.verdict for line in lines} == {Verdict.AGREES, Verdict.NOT_RUN}
    assert small.envelope == whole.envelope


def test_what_the_reference_could_not_show_keeps_its_own_reason() -> None:
    assert without_large_parts(recorded("ae_logistic")).provenance["not shown: forward"] == "not recorded"


def test_it_names_no_machine() -> None:
    tree = json.loads(np.load(PATH)["tree"].tobytes())
    assert {"octave", "reference"} <= set(tree["run"]["provenance"])
    assert not {"processor", "system", "blas"} & set(tree["run"]["provenance"])
    assert "/" not in "".join(tree["run"]["provenance"].values()).replace("1/drop", "")
