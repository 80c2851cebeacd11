"""The judge on recorded numbers: what agrees, what is missing, what was not run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.parity import judge as judging
from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict
from hf_matlab_compat.parity.engines import port
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import AGAIN, Recording
from hf_matlab_compat.parity.stages import STAGES
from tests.cases import MAIN, PRECISIONS, UNITS, trace
from tests.parity.judge.golden_recordings import judged, later_state, recorded, two_epochs

RUNNING = [name for name in UNITS if "original_stops_with" not in trace(name, "double")]


def lines_of(certificate: Certificate, stage: str) -> list[Line]:
    return [line for line in certificate.lines if line.stage == stage]


def changed(recording: Recording, **record: Any) -> Recording:
    """The recording, of whose first epoch something is changed."""
    return replace(recording, epochs=[replace(recording.epochs[0], **record), *recording.epochs[1:]])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", [*MAIN, *UNITS])
def test_kernels_and_cg_path_agree_at_every_recorded_state(name: str, precision: str) -> None:
    assert judged(recorded(name, "kernels", precision, 8)).verdict is Verdict.AGREES


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", [*MAIN, *RUNNING])
def test_every_recorded_epoch_agrees_in_lockstep(name: str, precision: str) -> None:
    assert judged(recorded(name, "lockstep", precision, 8)).first_divergence is None


@pytest.mark.parametrize("name", ["ae_logistic", "class_softmax", "k_softmax_rms0_gn_hy1_lam1"])
def test_a_free_run_in_double_agrees(name: str) -> None:
    assert judged(recorded(name, "free", "double", 8)).verdict is Verdict.AGREES


def test_a_free_run_whose_spread_is_wide_says_that_it_decides_nothing() -> None:
    lines = judged(recorded("ae_tanh_linear", "free", "double", 8)).lines
    later = [line for line in lines if line.epoch >= 4 and line.stage in ("rho", "params", "lambda")]
    assert {line.verdict for line in later} == {Verdict.NOT_RUN}
    assert any("lockstep decides" in line.bound_source for line in later)


def test_a_free_run_in_single_is_judged_by_lambda_and_ll_alone() -> None:
    certificate = judged(recorded("ae_logistic", "free", "single", 8))
    judged_stages = {line.stage for line in certificate.lines if line.verdict is Verdict.AGREES}
    assert judged_stages == {"lambda", "params", "entry"}
    assert certificate.first_divergence is None


def test_lines_come_in_the_order_in_which_a_difference_would_arise() -> None:
    lines = judged(two_epochs("ae_logistic")).lines
    epochs = [line for line in lines if line.stage != "entry"]
    assert lines[len(epochs) :] == [line for line in lines if line.stage == "entry"]
    places = [(line.epoch, STAGES.index(line.stage)) for line in epochs]
    assert places == sorted(places)


def test_every_compared_line_has_a_figure_a_bound_and_its_source() -> None:
    lines = [line for line in judged(recorded("ae_logistic")).lines if line.verdict is not Verdict.NOT_RUN]
    assert all(line.distance is not None and line.bound is not None and line.bound_source for line in lines)
    assert all(line.ours and line.reference for line in lines)


@pytest.mark.parametrize("kernel", ["grad", "Bv", "ll", "precon", "oldll"])
def test_a_kernel_that_the_reference_fails_to_give_differs(kernel: str) -> None:
    recording = recorded("ae_logistic", "kernels")
    kernels = {name: value for name, value in recording.epochs[0].kernels.items() if name != kernel}
    first = judged(changed(recording, kernels=kernels)).first_divergence
    assert first is not None
    assert first.bound_source == "the reference lacks this quantity"


def test_a_kernel_that_the_reference_cannot_give_was_not_run() -> None:
    forward = lines_of(judged(recorded("ae_logistic", "kernels")), "forward")
    assert [(line.verdict, line.bound_source) for line in forward] == [(Verdict.NOT_RUN, "not recorded")]


def test_a_quantity_that_this_package_does_not_know_differs() -> None:
    recording = recorded("ae_logistic")
    figures = {**recording.epochs[0].figures, "momentum": 0.9}
    first = judged(changed(recording, figures=figures)).first_divergence
    assert first is not None
    assert "momentum" in first.detail
    assert first.bound_source == "this package lacks this quantity"


@pytest.mark.parametrize(
    ("figure", "stage"),
    [("rho", "rho"), ("chosen_step", "chose_iters"), ("cg_steps", "cg_steps"), ("lam", "lambda"), ("error", "params")],
)
def test_a_figure_that_the_reference_fails_to_give_differs(figure: str, stage: str) -> None:
    recording = recorded("ae_logistic")
    figures = {name: value for name, value in recording.epochs[0].figures.items() if name != figure}
    lines = judged(changed(recording, figures=figures)).lines
    assert Verdict.DIFFERS in {line.verdict for line in lines if line.stage == stage}


def test_forward_values_are_compared_layer_by_layer() -> None:
    recording = recorded("ae_logistic", "kernels")
    ours = port.port_epoch(judging.port_case(recording.case, "double"), recording, recording.epochs[0], None)
    values = [*ours.kernels["forward"][:-1], ours.kernels["forward"][-1] * (1 + 1e-9)]
    shown = changed(recording, kernels={**recording.epochs[0].kernels, "forward": values})
    verdicts = [line.verdict for line in lines_of(judged(shown), "forward")]
    assert verdicts == [Verdict.AGREES] * (len(values) - 1) + [Verdict.DIFFERS]


def test_a_vector_that_differs_names_the_layer_in_which_it_does() -> None:
    recording = recorded("ae_logistic", "kernels")
    grad = recording.epochs[0].kernels["grad"].copy()
    grad[:10] *= 1.01
    first = judged(changed(recording, kernels={**recording.epochs[0].kernels, "grad": grad})).first_divergence
    assert first is not None
    assert "most in W1" in first.detail


def test_a_last_bit_of_lambda_agrees_and_more_differs() -> None:
    recording = recorded("ae_logistic")
    lam = recording.epochs[0].figures["lam"]
    for factor, stage in ((1 + 2.0**-52, None), (1 - 2.0**-52, None), (1 + 1e-15, "lambda"), (1 + 1e-9, "lambda")):
        figures = {**recording.epochs[0].figures, "lam": lam * factor}
        first = judged(changed(recording, figures=figures)).first_divergence
        assert (first.stage if first else None) == stage


def test_a_choice_that_only_rounding_parts_is_a_tie() -> None:
    verdicts = [line.verdict for line in lines_of(judged(recorded("ae_logistic", "lockstep", "single")), "chose_iters")]
    assert verdicts in ([Verdict.TIE], [Verdict.AGREES])
    recording = recorded("k_softmax_rms0_hess_hy1_lam1")
    wrong = changed(recording, figures={**recording.epochs[0].figures, "chosen_step": 25.0})
    first = judged(wrong).first_divergence
    assert first is not None
    assert first.stage == "chose_iters"


def test_an_epoch_in_which_this_package_stops_differs_in_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: Any) -> Any:
        raise NonFiniteError(1, "gradient")

    monkeypatch.setattr(port, "run_epoch", stop)
    lines = [line for line in judged(recorded("ae_logistic")).lines if line.stage not in ("checkpoint", "entry")]
    assert {line.verdict for line in lines} == {Verdict.DIFFERS, Verdict.NOT_RUN}
    assert any("this package stopped" in line.bound_source for line in lines)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(OptionError, match="backend"):
        judge([recorded("ae_logistic")], backend="abacus")


def test_a_watcher_sees_every_line_of_the_epochs() -> None:
    seen: list[Line] = []
    certificate = judge([recorded("ae_logistic")], watch=seen.append)
    assert seen == [line for line in certificate.lines if line.stage not in ("checkpoint", "entry")]


def test_only_the_stages_that_were_asked_for_are_on_the_certificate() -> None:
    certificate = judge([recorded("ae_logistic")], stages=["rho", "lambda"])
    assert {line.stage for line in certificate.lines} == {"rho", "lambda"}


def test_later_states_agree_too() -> None:
    assert judged(later_state("class_softmax")).verdict is Verdict.AGREES


@pytest.mark.parametrize("mode", ["lockstep", "free"])
def test_no_line_differs_where_cg_runs_long(mode: str) -> None:
    certificate = judged(recorded("k_softmax_rms0_gn_hy1_lamtiny", mode, "double", 8))
    assert certificate.verdict is Verdict.AGREES
    log = next(line for line in certificate.lines if line.stage == "log")
    assert log.bound_source.startswith("a unit of the last digit, and 10E, E=")


@pytest.mark.parametrize("E", [0.0, 0.2, 0.7, np.inf])
def test_choices_of_the_reference_s_own_runs_widen_no_tie(E: float) -> None:
    recording = recorded("ae_logistic")
    figures = recording.epochs[0].figures
    other = {**figures, "chosen_step": 5.0 if figures["chosen_step"] != 5.0 else 7.0}
    flips = replace(recording, envelope={**recording.envelope, (1, "chosen_step"): E})
    assert lines_of(judged(changed(flips, figures=other)), "chose_iters")[0].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("mode", "name", "stage"), [("lockstep", "log_likelihood", "Bv"), ("lockstep", "ll", "ll"), ("kernels", "ll", "ll")]
)
def test_of_a_reference_that_does_not_repeat_itself_the_first_stage_is_named(mode: str, name: str, stage: str) -> None:
    plain = recorded("ae_logistic", mode)
    again = {(1, f"{AGAIN}{name}"): 1e-9 for name in (name, "Bv", "iterate 5")}
    first = judged(replace(plain, envelope={**plain.envelope, **again})).first_divergence
    assert first is not None
    assert (first.stage, first.detail.split("; ")[-1], first.distance) == (stage, "run again", 1e-9)
    assert (first.ours, first.reference) == ("not compared", "two runs")


WITHOUT_DOUBLE = ("ae_hess", "k_logistic_rms0_empfish_hy1_lam1", "k_softmax_rms0_hess_hy1_lam1")
"""In single precision, 7 against 11, 11 against 9 and 26 against 5 are chosen."""


@pytest.mark.parametrize("name", [*WITHOUT_DOUBLE, "k_linear_rms0_hess_hy1_lam1", "s_ae_tiny_lambda"])
@pytest.mark.parametrize("orders", [1e-7, 0.0])
def test_a_reference_in_single_whose_runs_in_double_cannot_be_had_agrees(name: str, orders: float) -> None:
    plain = recorded(name, "lockstep", "single")
    of_orders = {key: min(E, orders) for key, E in plain.envelope.items()}
    certificate = judged(replace(plain, envelope=of_orders))
    assert certificate.first_divergence is None
    (chosen,) = (line for line in certificate.lines if line.stage == "chose_iters")
    assert (chosen.ours != chosen.reference) == (name in WITHOUT_DOUBLE)
