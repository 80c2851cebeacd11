"""The ledger of quirks: each as the original has it, and mended. A test's number is the quirk's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.legacy import computeLL
from hf_matlab_compat.legacy.quirks import QUIRKS
from hf_matlab_compat.matlab.random.streams import stream_from_seed
from hf_matlab_compat.model.packing import unpack
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.curvature import CurvatureSum
from hf_matlab_compat.objective.empirical_fisher import EmpiricalFisher
from hf_matlab_compat.observers.screen import Screen
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers import rules
from hf_matlab_compat.solvers.conjgrad import CGStop, ConjugateGradients, conjgrad
from tests.cases import run_epochs, small_problem, small_state, small_theta
from tests.observers.sample_run import lead, named, report
from tests.small_run import INPUTS, ONE_HOT, field_arguments, legacy_arguments

BOTH = pytest.mark.parametrize("faithful", [True, False], ids=["original", "mended"])
TEN = np.arange(1.0, 11.0)


def cg_path(bails_at: int = 0, **options: Any) -> rules.Path:
    """CG on a diagonal system of ten numbers, whose curvature turns negative at a step."""
    calls = iter(range(1000))
    return conjgrad(
        lambda v: -v if next(calls) == bails_at > 0 else TEN * v,
        np.ones(10),
        np.zeros(10),
        None,
        ConjugateGradients(**options),
    )


def test_every_quirk_has_a_test_and_a_number_of_its_own() -> None:
    tested = {int(n) for n in re.findall(r"^def test_quirk_(\d+)_", Path(__file__).read_text("utf-8"), re.MULTILINE)}
    assert [quirk.number for quirk in QUIRKS] == list(range(1, len(QUIRKS) + 1))
    assert tested == {quirk.number for quirk in QUIRKS}
    assert all(quirk.original and quirk.mended for quirk in QUIRKS)


@BOTH
def test_quirk_1_a_last_iterate_on_the_grid_is_recorded_twice(faithful: bool) -> None:
    path = cg_path(max_cg_steps=7, faithful=faithful)
    assert path.steps == ([5, 7, 7] if faithful else [5, 7])
    np.testing.assert_array_equal(path.iterates[-1], cg_path(max_cg_steps=7).iterates[-1])
    assert cg_path(max_cg_steps=6, faithful=faithful).steps == [5, 6]


@BOTH
def test_quirk_2_a_bail_out_on_the_grid_loses_the_iterate(faithful: bool) -> None:
    path = cg_path(bails_at=7, faithful=faithful)
    assert path.stop is CGStop.NEGATIVE_CURVATURE
    assert path.steps == ([5] if faithful else [5, 7])
    kept = cg_path(max_cg_steps=5 if faithful else 6).iterates[-1]
    np.testing.assert_array_equal(path.iterates[-1], kept)


@BOTH
def test_quirk_2_with_nothing_recorded_the_iterate_is_kept_where_the_original_crashes(faithful: bool) -> None:
    path = cg_path(bails_at=5, faithful=faithful)
    assert path.steps == [5]
    np.testing.assert_array_equal(path.iterates[0], cg_path(max_cg_steps=4).iterates[-1])


@BOTH
def test_quirk_3_exact_convergence_is_announced_as_negative_curvature(
    faithful: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(faithful=faithful)
    path = conjgrad(lambda v: v, np.ones(4), np.zeros(4), None, ConjugateGradients(faithful=faithful))
    assert path.stop is CGStop.EXACT
    screen = Screen()
    lead(screen, named(tmp_path, options=options), outcome=None, epochs=0)
    screen.epoch(report(cg_stop=path.stop), small_state(small_problem(), options))
    assert ("Negative Curvature!\nBailing...\n" in capsys.readouterr().out) == faithful


@BOTH
def test_quirk_4_connections_are_drawn_with_replacement(faithful: bool) -> None:
    options = Options(faithful=faithful)
    theta = sparse_init([20, 50], ["logistic"], stream_from_seed(1), options)
    heard = (unpack(theta, [20, 50])[0].W != 0).sum(axis=1)
    assert heard.max() <= 15
    assert (heard.min() < 15) == faithful


@BOTH
def test_quirk_5_err_after_a_rejected_step_is_that_of_the_last_length_tried(faithful: bool) -> None:
    never = {"line_search_c": 1.0, "max_reductions": 2, "precision": "double", "faithful": faithful}
    result = train(**field_arguments(**never, max_epochs=1))
    given = field_arguments()
    setting = {"layersizes": [4], "layertypes": given["unit_types"], "precision": "double", "weightcost": 2e-5}
    ll, err = computeLL(given["initial_theta"], given["inputs"], given["targets"], 2, **setting)
    assert (result.history["rate"].item(), result.history["reductions"].item()) == (0, np.inf)
    np.testing.assert_array_equal(result.theta, given["initial_theta"].ravel())
    assert result.history["train_log_likelihood"].item() == pytest.approx(ll, rel=1e-14)
    assert (result.history["train_error"].item() == pytest.approx(err, rel=1e-6)) != faithful


@BOTH
def test_quirk_6_the_old_likelihood_is_summed_in_working_precision(faithful: bool) -> None:
    options = Options(num_chunks=3, weight_decay=0.01)
    problem = small_problem(options=options, faithful=faithful)
    theta = small_theta(problem)
    old = problem.gradient(theta, Cases(0)).log_likelihood
    assert isinstance(old, np.float32) == faithful
    assert (float(old) == problem.score(theta, Cases()).log_likelihood) != faithful


def test_quirk_6_is_one_of_logistic_outputs_only() -> None:
    problem = small_problem(("tanh", "linear"), Options(num_chunks=3))
    theta = small_theta(problem)
    assert problem.gradient(theta, Cases(0)).log_likelihood == problem.score(theta, Cases()).log_likelihood


@pytest.mark.parametrize(("output", "scale"), [("linear", 2), ("logistic", 1), ("softmax", 1)])
def test_quirk_7_the_empirical_fisher_of_linear_outputs_has_half_its_scale(output: str, scale: int) -> None:
    problem = small_problem(("tanh", output))
    theta, v = small_theta(problem), small_theta(problem, seed=1)
    on, block = CasePasses(problem.network, problem.cases, problem.backend), next(problem.cases.chunk(0))
    original, mended = (
        CurvatureSum(on, theta, [block], lambda b, f=faithful: EmpiricalFisher(on, theta, b, faithful=f), 1.0)(v)
        for faithful in (True, False)
    )
    np.testing.assert_allclose(mended, scale * original, rtol=1e-12)


@BOTH
def test_quirk_8_rho_mixes_the_gradient_of_all_cases_with_the_curvature_of_a_chunk(faithful: bool) -> None:
    options = Options(num_chunks=3, precision="double", weight_decay=0.01, max_epochs=1, faithful=faithful)
    problem = small_problem(options=options)
    state = small_state(problem, options)
    [done], after = run_epochs(problem, options, state)
    assert done.rate == 1
    p, g = after.theta - state.theta, problem.gradient(state.theta, Cases(0))
    Gp = problem.curvature(state.theta, Cases(0), g)(p)
    predicted = [0.5 * p @ Gp - gradient @ p for gradient in (g.full, g.chunk)]
    assert done.predicted_change == pytest.approx(predicted[0 if faithful else 1], rel=1e-12)
    assert predicted[0] != pytest.approx(predicted[1], rel=1e-3)


def test_quirk_8_is_mended_on_all_cases_by_judging_on_all_cases() -> None:
    options = Options(num_chunks=3, precision="double", curvature_cases="all", max_epochs=1, faithful=False)
    problem = small_problem(options=options, curvature_cases="all")
    state = small_state(problem, options)
    [done], after = run_epochs(problem, options, state)
    whole = [problem.score(theta, Cases()).log_likelihood for theta in (state.theta, after.theta)]
    assert [done.old_log_likelihood_chunk, done.log_likelihood_chunk] == whole


@BOTH
def test_quirk_9_a_tanh_output_without_rms_is_an_error_either_way(faithful: bool) -> None:
    with pytest.raises(
        OptionError, match="layertypes: expected an output unit with a log-likelihood of its own, or rms=1"
    ):
        nnet_train(**legacy_arguments(layertypes=["logistic", "tanh"]), faithful=faithful)


NEVER_WRITTEN = {
    "hess with tanh": {"mattype": "hess", "layertypes": ["tanh", "logistic"]},
    "gn with softmax and rms": {"rms": 1, "layertypes": ["tanh", "softmax"], "outdata": ONE_HOT},
    "empfish with rms": {"mattype": "empfish", "rms": 1},
}


@pytest.mark.parametrize("case", NEVER_WRITTEN)
def test_quirk_10_what_the_original_never_wrote_is_refused_or_computed(case: str) -> None:
    given = legacy_arguments(**NEVER_WRITTEN[case], intest=[], outtest=[], maxepoch=1)
    with pytest.raises(
        OptionError, match="The MATLAB program has no formula for it and stops; faithful=False computes it"
    ):
        nnet_train(**given)
    setting = {name: given[name] for name in ("layersizes", "layertypes", "rms", "weightcost")}
    final = nnet_train(**given, faithful=False)
    before, after = (computeLL(p, INPUTS, given["outdata"], 1, **setting)[0] for p in (given["paramsp"], final))
    assert after > before
