"""State and Records: what one epoch hands to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hf_matlab_compat.state import CGStop, Outcome, Records, Report, Score, State

REPORT = Report(
    epoch=3,
    cg_steps=12,
    total_cg_steps=40,
    cg_stop=CGStop.CONVERGED,
    d_norm=1.0,
    chosen_step=9,
    old_log_likelihood=-9.0,
    old_log_likelihood_chunk=-9.5,
    log_likelihood_chunk=-7.5,
    predicted_change=-2.0,
    rho=1.0,
    reductions=0,
    rate=1.0,
    lam=30.0,
    train=Score(log_likelihood=-8.0, error=1.5),
    test=Score(log_likelihood=-8.5, error=1.75),
    seconds=0.5,
)


def test_an_epoch_leaves_its_vectors_lambda_and_counts() -> None:
    before = State(theta=np.zeros(2), d=np.zeros(2), lam=45.0, epoch=2, total_cg_steps=28)
    theta, d = np.ones(2), np.full(2, 2.0)
    after = before.after(REPORT, theta=theta, d=d)
    assert after.theta is theta
    assert after.d is d
    assert (after.lam, after.epoch, after.total_cg_steps) == (30.0, 3, 40)
    assert (before.lam, before.epoch, before.total_cg_steps) == (45.0, 2, 28)
    assert before.records.lam.size == 0


def test_records_gain_a_row_an_epoch_training_cases_first() -> None:
    records = Records().extended(REPORT).extended(replace(REPORT, lam=20.0, seconds=0.25))
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


def test_outcomes_are_sentences() -> None:
    sentences = [outcome.value for outcome in (*CGStop, *Outcome)]
    assert all(isinstance(sentence, str) and " " in sentence for sentence in sentences)
    assert len(set(sentences)) == len(sentences)
