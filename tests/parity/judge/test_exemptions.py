"""What is not judged, and why."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.comparisons import Comparison
from hf_matlab_compat.parity.verdicts import AFTER_A_TIE, AFTER_REDUCTIONS, SMOKE, Exemptions
from tests.parity.judge.golden_recordings import judged, recorded

NONE = Exemptions(free=False, single=False, undecided_from=None, steps_tie=False, choice_on_path=True)


def of(quantity: str, stage: str = "params", kind: str = "figure", ours: float = 1.0) -> Comparison:
    return Comparison(stage, "", quantity, kind, ours, 2.0, 0.5)


def test_lockstep_is_judged_in_both_precisions() -> None:
    for single in (False, True):
        exempt = replace(NONE, single=single)
        assert exempt.before(of("rho")) == exempt.after(of("rho")) == exempt.of_the_run == ""


def test_a_free_run_in_single_is_judged_by_lambda_ll_and_nan() -> None:
    exempt = replace(NONE, free=True, single=True)
    assert exempt.before(of("rho")) == SMOKE
    assert exempt.before(of("lam")) == exempt.before(of("log_likelihood")) == ""
    assert exempt.before(of("rho", ours=math.nan)) == ""


def test_where_a_free_run_is_undecided_nothing_is_judged() -> None:
    exempt = replace(NONE, free=True, undecided_from=3)
    assert "epoch 3" in exempt.before(of("lam")) == exempt.of_the_run


def test_after_a_tie_in_cg_steps_the_rest_of_the_path_is_not_judged_but_figures_are() -> None:
    exempt = replace(NONE, steps_tie=True)
    assert exempt.after(of("d")) == exempt.after(of("iterate 36", "cg_iterates", "iterate")) == AFTER_A_TIE
    assert exempt.after(of("rho", "rho")) == ""


def test_without_the_chosen_iterate_on_our_path_no_figure_is_judged_but_kernels_are() -> None:
    exempt = replace(NONE, steps_tie=True, choice_on_path=False)
    assert exempt.after(of("rho", "rho")) == AFTER_A_TIE
    assert exempt.after(of("grad", "grad", "kernel")) == ""


def test_a_tie_in_cg_steps_is_seen_where_the_reference_itself_wavers() -> None:
    certificate = judged(recorded("k_softmax_rms0_gn_hy1_lamtiny", "kernels", "single"))
    steps = [line for line in certificate.lines if line.stage == "cg_steps"]
    assert [line.verdict for line in steps] == [Verdict.TIE]
    assert certificate.verdict is Verdict.AGREES


def test_a_wide_spread_of_ll_after_the_step_does_not_excuse_ll_before_it() -> None:
    recording = recorded("ae_logistic")
    record = recording.epochs[0]
    wrong = replace(record, kernels={**record.kernels, "ll": record.kernels["ll"] * (1 + 1e-9)})
    wide = replace(recording, epochs=[wrong], envelope={**recording.envelope, (1, "log_likelihood"): 1e-3})
    first = judged(wide).first_divergence
    assert first is not None
    assert (first.stage, first.detail) == ("ll", "training cases")


@pytest.mark.parametrize(("E", "verdict"), [(0.5, Verdict.TIE), (1.0, Verdict.NOT_RUN), (0.0, Verdict.DIFFERS)])
def test_the_rate_is_judged_where_the_number_of_reductions_is(E: float, verdict: Verdict) -> None:
    plain = recorded("k_logistic_rms1_hess_hy1_lam1")
    record = plain.epochs[0]
    once_more = {"reductions": record.figures["reductions"] + 1, "rate": 0.8 * record.figures["rate"]}
    other = replace(record, figures={**record.figures, **once_more})
    envelope = {**plain.envelope, (1, "reductions"): E, (1, "rate"): E}
    certificate = judged(replace(plain, epochs=[other], envelope=envelope))
    by_stage = {line.stage: line for line in certificate.lines if line.stage in ("reductions", "rate")}
    assert by_stage["reductions"].verdict is verdict
    if verdict is Verdict.DIFFERS:
        assert by_stage["rate"].verdict is Verdict.DIFFERS
    else:
        assert by_stage["rate"].verdict in (Verdict.TIE, Verdict.NOT_RUN)
    without = {**envelope}
    del without[1, "rate"]
    rate = next(line for line in judged(replace(plain, epochs=[other], envelope=without)).lines if line.stage == "rate")
    assert (rate.bound_source == AFTER_REDUCTIONS) == (verdict is not Verdict.DIFFERS)
