"""Recorded runs are looked up whole, and what was not recorded is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import builtin_case, builtin_names
from hf_matlab_compat.parity.engines import RecordedEngine
from tests.cases import MAIN, probe, trace
from tests.parity.engines.trainers import SMALL

ENGINE = RecordedEngine()


def recorded(name: str, mode: str, precision: str = "double", epochs: int = 8):
    return ENGINE.with_envelope(ENGINE.record(builtin_case(name), precision=precision, mode=mode, epochs=epochs))


@pytest.mark.parametrize("name", builtin_names())
@pytest.mark.parametrize("precision", ["single", "double"])
def test_every_case_has_kernels_at_its_states(name, precision):
    records = recorded(name, "kernels", precision).epochs
    assert [record.epoch for record in records] == ([1, 8] if name in MAIN else [1])
    for record in records:
        np.testing.assert_array_equal(record.kernels["grad"], probe(name, precision, record.epoch)["grad"])
        assert record.theta.dtype == (np.float32 if precision == "single" else np.float64)
        assert len(record.steps) == len(record.iterates)


@pytest.mark.parametrize("name", MAIN)
def test_a_step_leads_where_the_run_went(name):
    last = recorded(name, "lockstep").epochs[-1]
    np.testing.assert_allclose(last.theta_after, trace(name, "double")["paramsp_final"], rtol=1e-15)
    np.testing.assert_array_equal(last.d_after, trace(name, "double")["ch_final"])
    assert last.figures["rho"] == trace(name, "double")["rho"][-1]
    assert any(line.startswith("epoch: 8,") for line in last.log_lines)


def test_a_free_run_has_the_figures_of_every_epoch():
    run = recorded("ae_logistic", "free", epochs=5)
    assert [record.figures["log_likelihood"] for record in run.epochs] == trace("ae_logistic", "double")["ll_after"][
        :5
    ].tolist()
    assert run.provenance["not shown: theta"] == "not recorded"


def test_epochs_are_at_most_as_many_as_asked_for():
    assert [record.epoch for record in recorded("ae_logistic", "kernels", epochs=4).epochs] == [1]


def test_measured_envelopes_come_with_the_numbers():
    E = recorded("ae_logistic", "lockstep").envelope
    assert 0 < E[8, "theta"] < 1e-8
    assert E[8, "iterate 5"] < 1e-12
    assert E[8, "cg_steps"] == 0
    assert recorded("ae_logistic", "free").envelope[8, "log_likelihood"] < 1e-10


def test_another_case_of_the_same_name_is_refused():
    case = builtin_case(SMALL)
    other = replace(case, arguments={**case.arguments, "decay": 0.9})
    with pytest.raises(ParityError, match="decay is not that of the recorded case"):
        ENGINE.record(other, precision="double", mode="kernels")


@pytest.mark.parametrize(("asked", "said"), [({"precision": "half"}, "precision"), ({"mode": "fast"}, "mode")])
def test_what_was_never_recorded_is_refused(asked, said):
    with pytest.raises(ParityError, match=f"^{said}: expected"):
        ENGINE.record(builtin_case(SMALL), **{"precision": "double", "mode": "kernels", **asked})


def test_a_folder_without_numbers_is_named(tmp_path):
    with pytest.raises(ParityError, match="expected recorded numbers"):
        RecordedEngine(tmp_path).record(builtin_case("ae_logistic"), precision="double", mode="free")
