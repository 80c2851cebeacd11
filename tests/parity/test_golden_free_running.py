"""Whole recorded runs again from their start: in double they decide something, in single they only have to live."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.state import Report, Score
from tests.cases import MAIN, PRECISIONS, UNITS, golden, run_epochs, trace
from tests.parity.golden_bounds import DECIDED_EPOCHS, UNDECIDED, distance, figure_bound, spread, tie_bound
from tests.parity.refereed_epoch import FIGURES, Referee, refereed_epoch

DECIDING = [name for name in (*MAIN, *UNITS) if name not in UNDECIDED]
RECORDED_FIGURES = [(name, figure) for name in DECIDING for figure in FIGURES if figure in trace(name, "double")]
CRASHING = [(name, precision) for name in UNITS for precision in PRECISIONS if name.endswith("_hess_hy1_lam1")]
CRASHING = [(name, p) for name, p in CRASHING if "original_stops_with" in trace(name, p)]


@cache
def free_run(name: str) -> list[tuple[Report, Referee]]:
    """The recorded epochs that decide something, in double; at a tie the recorded choice is taken."""
    case, recorded = golden(name, "double"), trace(name, "double")
    state, epochs = case.start, []
    for k in range(DECIDED_EPOCHS.get(name, recorded["rho"].size)):
        report, state, referee = refereed_epoch(case, case, state, case.options, int(recorded["chose_iters"][k]))
        epochs.append((report, referee))
    return epochs


@pytest.mark.parametrize("name", DECIDING)
def test_decisions_of_a_free_run_are_the_recorded_ones(name: str) -> None:
    recorded = trace(name, "double")
    for k, (report, _) in enumerate(free_run(name)):
        assert report.cg_steps == recorded["cg_steps"][k]
        assert report.reductions == recorded["nred"][k]
        assert report.rate == recorded["rate"][k]
        assert report.lam == recorded["lambda_after"][k]


@pytest.mark.parametrize("name", DECIDING)
def test_choices_of_a_free_run_differ_only_in_ties(name: str) -> None:
    E = spread()[f"free/{name}/double/0"]["ll_after"]
    apart = [(k, referee.apart()) for k, (_, referee) in enumerate(free_run(name))]
    assert [(k, far) for k, far in apart if far > tie_bound(E[k], "double")] == []


@pytest.mark.parametrize(("name", "figure"), RECORDED_FIGURES)
def test_figures_of_a_free_run_are_the_recorded_ones_within_their_spread(name: str, figure: str) -> None:
    recorded = trace(name, "double")[figure]
    E = spread()[f"free/{name}/double/0"][figure.replace("ll_chunk_after", "ll_chunk")]
    far = [distance(FIGURES[figure](report), recorded[k]) for k, (report, _) in enumerate(free_run(name))]
    assert [k for k, d in enumerate(far) if d > figure_bound(figure, E[k], "double")] == []


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_into_negative_curvature_takes_every_recorded_decision(precision: str) -> None:
    case, recorded = golden("s_hess_negative_curvature", precision), trace("s_hess_negative_curvature", precision)
    reports, _ = run_epochs(case.problem, case.options, case.start)
    decisions = {
        "cg_steps": [report.cg_steps for report in reports],
        "chose_iters": [report.chosen_step for report in reports],
        "rho": [report.rho for report in reports],
        "nred": [report.reductions for report in reports],
        "rate": [report.rate for report in reports],
        "lambda_after": [report.lam for report in reports],
    }
    for key, values in decisions.items():
        np.testing.assert_array_equal(values, recorded[key], err_msg=key)
    assert {report.cg_stop for report in reports} == {CGStop.NEGATIVE_CURVATURE}


@pytest.mark.parametrize(("name", "precision"), CRASHING)
def test_where_the_original_crashes_ours_goes_on_from_the_iterate_it_stands_on(name: str, precision: str) -> None:
    case, survived = golden(name, precision), trace(name, precision)["rho"].size
    reports, _ = run_epochs(case.problem, case.options, case.start)
    assert [report.epoch for report in reports] == [1, 2, 3]
    at_crash = reports[survived]
    assert at_crash.cg_stop is CGStop.NEGATIVE_CURVATURE
    assert at_crash.cg_steps == at_crash.chosen_step == 5
    assert np.isfinite(at_crash.train.log_likelihood)


def test_the_recorded_crashes_are_all_there() -> None:
    assert len(CRASHING) == 6


@pytest.mark.parametrize("name", MAIN)
def test_a_single_precision_run_lives_and_lambda_goes_as_recorded(name: str) -> None:
    case, recorded = golden(name, "single"), trace(name, "single")
    reports, state = run_epochs(case.problem, case.options, case.start, case.test)
    figures = [value for report in reports for value in (report.train, report.test)]
    assert all(np.isfinite([score.log_likelihood, score.error]).all() for score in figures if isinstance(score, Score))
    assert [report.lam for report in reports] == list(recorded["lambda_after"])
    assert state.theta.dtype == state.d.dtype == np.float32
