"""State and Records: what one epoch hands to the next."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.state import Outcome, Records, Report, Score, State, hessian_free_state

FIGURES = {"rho": 1.0, "rate": 1.0, "cg_stop": CGStop.CONVERGED, "total_cg_steps": 40, "lam": 30.0}
REPORT = Report(
    epoch=3,
    train=Score(log_likelihood=-8.0, error=1.5),
    test=Score(log_likelihood=-8.5, error=1.75),
    seconds=0.5,
    figures=FIGURES,
)


def test_an_epoch_leaves_its_vectors_lambda_and_counts() -> None:
    before = hessian_free_state(np.zeros(2), np.zeros(2), 45.0, epoch=2, total_cg_steps=28)
    theta, d = np.ones(2), np.full(2, 2.0)
    after = before.after(REPORT, theta, {"d": d, "lam": 30.0, "total_cg_steps": 40})
    assert after.theta is theta
    assert after.d is d
    assert (after.lam, after.epoch, after.total_cg_steps) == (30.0, 3, 40)
    assert (before.lam, before.epoch, before.total_cg_steps) == (45.0, 2, 28)
    assert before.records.lam.size == 0


def test_records_gain_a_row_an_epoch_training_cases_first() -> None:
    records = Records().extended(REPORT).extended(replace(REPORT.having(lam=20.0), seconds=0.25))
    np.testing.assert_array_equal(records.log_likelihood, [[-8.0, -8.5]] * 2)
    np.testing.assert_array_equal(records.error, [[1.5, 1.75]] * 2)
    np.testing.assert_array_equal(records.lam, [30.0, 20.0])
    np.testing.assert_array_equal(records.seconds, [0.5, 0.25])


def test_records_without_test_cases_hold_nan() -> None:
    records = Records().extended(replace(REPORT, test=None))
    np.testing.assert_array_equal(records.log_likelihood, [[-8.0, np.nan]])
    np.testing.assert_array_equal(records.error, [[1.5, np.nan]])


def test_empty_records_have_the_shapes_of_full_ones() -> None:
    empty, full = Records(), Records().extended(REPORT)
    for name in ("log_likelihood", "error", "lam", "seconds"):
        assert getattr(empty, name).shape[1:] == getattr(full, name).shape[1:]
        assert getattr(empty, name).dtype == getattr(full, name).dtype == np.float64


def test_figures_and_memory_can_be_read_as_attributes_and_nothing_else_can() -> None:
    state = State(theta=np.zeros(2), memory={"velocity": np.ones(2)})
    assert (REPORT.rho, REPORT.having(rho=0.5).rho) == (1.0, 0.5)
    assert state.velocity[0] == 1
    assert state.remembering(velocity=3).velocity == 3
    for owner in (REPORT, state):
        with pytest.raises(AttributeError, match=f"^{type(owner).__name__} has no 'bogus'$"):
            _ = owner.bogus
    for owner in (REPORT, state):
        assert repr(copy.deepcopy(owner)) == repr(pickle.loads(pickle.dumps(owner))) == repr(owner)


def test_a_method_without_lambda_leaves_nan_in_its_record() -> None:
    records = Records().extended(replace(REPORT, figures={}))
    assert np.isnan(records.lam).all()


def test_every_array_of_a_state_is_mapped_and_numbers_are_left() -> None:
    state = State(theta=np.zeros(2), memory={"velocity": np.ones(2), "count": 3})
    single = state.mapped(lambda vector: vector.astype(np.float32))
    assert (single.theta.dtype, single.velocity.dtype, single.count) == (np.float32, np.float32, 3)


def test_outcomes_are_sentences() -> None:
    sentences = [outcome.value for outcome in (*CGStop, *Outcome)]
    assert all(isinstance(sentence, str) and " " in sentence for sentence in sentences)
    assert len(set(sentences)) == len(sentences)
