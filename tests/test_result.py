"""What a run hands back."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.hessian_free import FIGURES
from hf_matlab_compat.legacy import computeLL, pack
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.state import Outcome
from tests.cases import PRECISIONS
from tests.small_run import INPUTS, PSIZE, SIZES, TARGETS, field_arguments


@pytest.mark.parametrize("precision", PRECISIONS)
def test_parameters_come_packed_and_layer_by_layer_in_double(precision: str) -> None:
    result = train(**field_arguments(precision=precision))
    assert result.theta.dtype == np.float64
    assert result.theta.shape == (PSIZE,)
    assert [W.shape for W in result.weights] == [(4, 6), (3, 4)]
    assert [b.shape for b in result.biases] == [(4,), (3,)]
    np.testing.assert_array_equal(pack(result.weights, result.biases).ravel(), result.theta)
    assert result.state.theta.dtype == (np.float64 if precision == "double" else np.float32)


def test_weights_are_no_views_of_the_parameters() -> None:
    result = train(**field_arguments())
    before = result.theta.copy()
    result.weights[0][:] = 0
    result.biases[0][:] = 0
    np.testing.assert_array_equal(result.theta, before)


def test_history_has_every_figure_of_every_epoch() -> None:
    result = train(**field_arguments(max_epochs=3))
    scores = {f"{which}_{figure}" for which in ("train", "test") for figure in ("log_likelihood", "error")}
    assert set(result.history) == {"epoch", "seconds"} | set(FIGURES) | scores
    assert all(column.shape == (3,) for column in result.history.values())
    assert set(result.history["cg_stop"]) <= {stop.value for stop in CGStop}
    np.testing.assert_array_equal(result.history["epoch"], [1, 2, 3])


def test_history_and_records_agree_and_are_of_the_parameters_returned() -> None:
    result = train(**field_arguments(max_epochs=3, precision="double"))
    ll = np.stack([result.history["train_log_likelihood"], result.history["test_log_likelihood"]], axis=1)
    np.testing.assert_array_equal(result.records.log_likelihood, ll)
    np.testing.assert_array_equal(result.records.lam, result.history["lam"])
    np.testing.assert_array_equal(result.records.seconds, result.history["seconds"])
    setting = {"layersizes": SIZES, "layertypes": ["logistic"] * 2, "precision": "double", "weightcost": 2e-5}
    assert ll[-1, 0] == pytest.approx(computeLL(result.theta, INPUTS, TARGETS, 2, **setting)[0], rel=1e-14)
    assert ll[-1, 1] == pytest.approx(
        computeLL(result.theta, INPUTS[:, :4], TARGETS[:, :4], 1, **setting)[0], rel=1e-14
    )


def test_test_figures_are_nan_without_test_data() -> None:
    result = train(**field_arguments(test_inputs=None, test_targets=None))
    for figure in ("test_log_likelihood", "test_error"):
        assert np.isnan(result.history[figure]).all()
    assert np.isnan(result.records.error[:, 1]).all()
    assert np.isfinite(result.records.error[:, 0]).all()


def test_no_epochs_leave_an_empty_history() -> None:
    result = train(**field_arguments(max_epochs=0))
    assert result.outcome is Outcome.NOTHING_TO_DO
    assert all(column.shape == (0,) for column in result.history.values())


def test_a_result_cannot_be_changed() -> None:
    result = train(**field_arguments())
    with pytest.raises(FrozenInstanceError):
        result.theta = np.zeros(3)  # type: ignore[misc]
