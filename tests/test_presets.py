"""Presets: options that exist, and sources that say so."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.options import Options
from hf_matlab_compat.presets import PRESETS, preset_options
from tests.cases import log_figures
from tests.matlab.logs.logged_runs import curves_run


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_set_of_options_with_a_source(name: str) -> None:
    options = Options.from_keywords(**preset_options(name))
    assert {field: getattr(options, field) for field in PRESETS[name].options} == PRESETS[name].options
    assert len(PRESETS[name].source) > 20


def test_the_published_preset_is_the_defaults() -> None:
    assert Options(**preset_options("published")) == Options()


def test_the_paper_s_preset_starts_conjugate_gradients_from_the_undecayed_solution() -> None:
    assert Options(**preset_options("hf2010")).start_decay == 1
    assert Options(**preset_options("hf2010")).boost == pytest.approx(Options().boost)


def test_the_curves_preset_fits_the_author_s_log() -> None:
    options, run = Options(**preset_options("curves2011")), curves_run()
    assert len(run.epochs) == options.max_epochs
    assert run.epochs["lam"][0] == pytest.approx(options.initial_lam * options.lam_drop)
    assert run.epochs["cg_steps"].max() <= options.max_cg_steps
    assert log_figures("ae_logistic_single")["new_lambda"][0] == run.epochs["lam"][0]


def test_what_a_caller_gets_can_be_changed_without_harm() -> None:
    preset_options("faces")["max_cg_steps"] = 1
    assert preset_options("faces") == {"max_cg_steps": 100}


def test_a_preset_with_settings_that_matlab_lacks_is_for_train_only() -> None:
    net = {"hidden_sizes": [2], "unit_types": ["logistic", "logistic"], "seed": 1, "max_epochs": 2}
    best = train(inputs=INPUTS, targets=INPUTS, **net, preset="best2026")
    same = train(inputs=INPUTS, targets=INPUTS, **net, solver="minres", preconditioner="none", initial_lam=1.0)
    assert (best.theta == same.theta).all()
    with pytest.raises(
        OptionError, match=r"^preset: expected one of MATLAB's settings, got 'best2026', which sets solver"
    ):
        nnet_train(indata=INPUTS, outdata=INPUTS, layersizes=[2], layertypes=["logistic"] * 2, preset="best2026")


def test_stochastic_hf_as_published_is_the_same_in_both_calls() -> None:
    ours = train(
        inputs=INPUTS, targets=INPUTS, hidden_sizes=[2], unit_types=["logistic"] * 2, seed=1, max_epochs=2,
        preset="kiros2013",
    )  # fmt: skip
    theirs = nnet_train(
        indata=INPUTS, outdata=INPUTS, layersizes=[2], layertypes=["logistic"] * 2, seed=1, maxepoch=2,
        preset="kiros2013", display="none",
    )  # fmt: skip
    np.testing.assert_array_equal(theirs.ravel(), ours.theta.ravel())


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        OptionError, match=r"preset: expected one of published, .*, got 'hf2011'\. Did you mean 'hf2010'"
    ):
        preset_options("hf2011")


def test_train_takes_a_preset_and_what_is_given_beside_it_comes_first() -> None:
    run = partial(train, inputs=INPUTS, targets=INPUTS, hidden_sizes=[2], unit_types=["logistic", "logistic"], seed=1)
    paper = run(preset="hf2010", max_epochs=3)
    assert (paper.theta == run(max_epochs=3, start_decay=1.0).theta).all()
    assert (run(preset="hf2010", max_epochs=3, start_decay=0.5).theta == run(max_epochs=3, start_decay=0.5).theta).all()


def test_nnet_train_takes_a_preset_for_what_is_left_at_its_default() -> None:
    run = partial(nnet_train, indata=INPUTS, outdata=INPUTS, layersizes=[2], layertypes=["logistic"] * 2, maxepoch=3)
    given = {"seed": 1, "display": "none"}
    assert (run(preset="hf2010", **given) == run(decay=1.0, **given)).all()
    assert (run(preset="hf2010", decay=0.5, **given) == run(decay=0.5, **given)).all()


def test_what_is_given_to_nnet_train_comes_before_a_preset_even_where_it_is_the_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = partial(nnet_train, indata=INPUTS, outdata=INPUTS, layersizes=[2], layertypes=["logistic"] * 2, seed=1)
    given = {"maxepoch": 2, "numchunks": 1, "maxiters": 250.0, "decay": 0.95}
    run(preset="curves2011", **given)
    shown = capsys.readouterr().out
    assert "numchunks: 1\n" in shown
    assert shown.count("CG steps used") == 2
    assert (run(preset="hf2010", **given) == run(**given)).all()


INPUTS = np.random.default_rng(3).random((5, 12))
