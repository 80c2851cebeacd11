"""`reference_matlab` where nothing was recorded: rules on small inputs, options, files, refused arguments."""

from __future__ import annotations

import csv
import re
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.matlab.octave.session import run_octave
from tests.octave import live
from tests.parity import reference_runs as runs

pytestmark = live

ERRORS = {
    "hidden_softmax": "layertypes: softmax is an output unit only",
    "unknown_unit": "layertypes: expected one of",
    "tanh_output_without_rms": "rms: expected 1 with a tanh output",
    "gn_softmax_rms": "mattype: 'gn' with a softmax output needs rms = 0",
    "hess_tanh": "mattype: 'hess' is not defined for tanh",
    "empfish_rms": "mattype: 'empfish' needs rms = 0",
    "unknown_mattype": "mattype: expected one of",
    "unknown_errtype": "errtype: expected one of",
    "uneven_chunks": "numchunks: expected a divisor of the number of cases, got 5 for 24",
    "uneven_test_chunks": "numchunks_test: expected a divisor",
    "missing_type": "layertypes: expected 2",
    "badly_sized_start": "Badly sized initial parameter vector.",
    "jacket": "jacket: expected 0, got 1",
    "unknown_override": "overrides: there is no constant called 'lambda'",
    "unknown_precision": "precision: expected 'single' or 'double', got 'half'",
}


def recorded_dampings() -> dict[str, tuple[float, list[float], list[float]]]:
    """Initial lambda, every rho and every new lambda of the recorded runs, as far as they are printed."""
    with (runs.GOLDENS / "curves2011_log_figures.csv").open() as file:
        rows = list(csv.DictReader(file))
    sequences = {"curves2011": (45.0, [float(r["rho"]) for r in rows], [float(r["new_lambda"]) for r in rows])}
    for name in ("ae_logistic_long", "class_softmax_long"):
        log = (runs.GOLDENS / f"log_{name}.txt").read_bytes().decode()
        rhos, lambdas = re.findall(r"rho = (\S+)\r", log), re.findall(r"New lambda: (\S+)\r", log)
        sequences[name] = (45.0, [float(rho) for rho in rhos], [float(value) for value in lambdas])
    for name in runs.UNITS:
        trace = runs.recorded_trace(runs.Job("free", name, "single"))
        start = float(runs.recorded_case(name)["start_lambda"].item())
        sequences[name] = (start, trace["rho"].ravel().tolist(), trace["lambda_after"].ravel().tolist())
    return sequences


@pytest.fixture(scope="module")
def behaviour() -> dict[str, Any]:
    ratios = [[start, np.array([rhos])] for start, rhos, _ in recorded_dampings().values()]
    path = [runs.REFERENCE, runs.DRIVERS]
    return run_octave("reference_behaviour", [ratios], path=path, timeout=120)[0]


def row(value: np.ndarray) -> list[float]:
    return value.ravel().tolist()


def test_pack_is_column_major_and_unpack_its_inverse(behaviour):
    assert row(behaviour["pack_is_column_major"]) == list(range(1, 10))
    assert behaviour["unpack_inverts_pack"]


def test_a_bail_out_with_nothing_recorded_records_the_iterate_it_stands_on(behaviour):
    assert row(behaviour["recorded_after_bail_out_at_5"]) == [5]
    assert behaviour["recorded_iterates_after_bail_out_at_5"] == 1


def test_a_bail_out_at_a_later_recording_step_loses_its_iterate(behaviour):
    assert row(behaviour["recorded_after_bail_out_at_7"]) == [5]


def test_a_bail_out_between_recording_steps_records_under_the_failed_step(behaviour):
    assert row(behaviour["recorded_after_bail_out_at_8"]) == [5, 7, 8]


def test_a_bail_out_is_printed(behaviour):
    assert behaviour["bail_out_at_5"].split("\n")[:2] == ["Negative Curvature!", "Bailing..."]


def test_an_iterate_just_recorded_is_recorded_again_at_the_end(behaviour):
    assert row(behaviour["recorded_with_limit_11"]) == [5, 7, 9, 11, 11]
    assert behaviour["last_iterate_is_recorded_twice"]


def test_conjgrad_solves_and_stops_by_its_rule(behaviour):
    assert row(behaviour["recorded_until_convergence"]) == [5, 7, 9, 11, 15, 19, 21]
    assert behaviour["residual_at_the_end"] < 1e-2
    assert behaviour["last_step_with_miniters_60"] == 60


def test_the_damping_rule_boosts_keeps_and_drops_at_its_thresholds(behaviour):
    assert row(behaviour["damping"]) == pytest.approx([13.5, 13.5, 13.5, 9, 9, 6])


def test_the_damping_rule_reproduces_every_recorded_lambda(behaviour):
    for ours, (name, (_, _, theirs)) in zip(behaviour["lambdas"], recorded_dampings().items(), strict=True):
        # Logs print five digits; the traces are exact.
        rtol = 1e-15 if name in runs.UNITS else 6e-5
        np.testing.assert_allclose(ours.ravel(), theirs, rtol=rtol, err_msg=name)


def test_a_step_rejected_sixty_times_leaves_rate_zero_and_the_old_likelihood(behaviour):
    figures = [behaviour[f"rejected_{name}"].item() for name in ("rate", "reductions", "ll", "err")]
    assert figures == [0, np.inf, -1, 7]


def test_the_line_search_multiplies_the_rate_until_the_step_is_good_enough(behaviour):
    assert behaviour["accepted_rate"].item() == pytest.approx(0.8**3)
    assert behaviour["accepted_reductions"] == 3


def test_backtracking_stops_at_the_first_fall_and_moves_down_on_ties(behaviour):
    assert (behaviour["walk_stops_at"], behaviour["walk_ll"]) == (5, 3)
    assert behaviour["walk_ties_move_to"] == 2
    assert behaviour["walk_of_falling_to_1"] == 1


def test_sparse_initialisation_draws_few_connections_and_halves_them_at_tanh(behaviour):
    assert 8 <= behaviour["fewest_connections"] <= behaviour["most_connections"] <= 15
    assert (behaviour["tanh_biases"], behaviour["logistic_biases"]) == (0.5, 0)
    assert row(behaviour["deviation_in_and_above_tanh"]) == pytest.approx([0.5, 0.5], rel=0.15)
    assert behaviour["sparse_run_is_finite"]


def test_a_resumed_run_equals_an_uninterrupted_one(behaviour):
    assert behaviour["resumed_equals_uninterrupted"]
    assert behaviour["trace_epochs"] == 4


def test_kept_checkpoints_come_at_their_period(behaviour):
    assert behaviour["periodic_checkpoints"] == ["once_nnet_epoch2.mat", "once_nnet_epoch4.mat"]


def test_every_override_changes_the_run(behaviour):
    assert behaviour["default_exponent_changes_nothing"]
    assert behaviour["overrides_without_effect"] == []


def test_a_run_starts_from_win_and_bin(behaviour):
    assert behaviour["starts_from_win_and_bin"]


def test_the_screen_shows_the_name_the_mask_and_the_log_without_carriage_returns(behaviour):
    opening = "Starting run named: once\nnot masking out the weight-decay for biases\n"
    assert behaviour["screen"] == opening + behaviour["log"].replace("\r\n", "\n")


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_computed_is_refused_in_clear_words(behaviour, case):
    assert behaviour["errors"][case].startswith(ERRORS[case])


def test_nothing_is_written_before_the_arguments_are_checked(behaviour):
    assert not behaviour["errors"]["log_was_opened"]
