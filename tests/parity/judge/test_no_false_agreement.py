"""'agrees' is never handed out for want of a comparison or of a bound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.recording import EpochRecord, Recording
from hf_matlab_compat.parity.run_parity import exit_code
from tests.parity.judge.certificates import line
from tests.parity.judge.golden_recordings import judged, recorded
from tests.parity.judge.planting import loop
from tests.parity.judge.test_planted_bugs import precon

NOT_THERE = ("not recorded", "a run of one epoch carries nothing over")
KERNELS = ("grad", "grad2", "precon", "Bv", "ll", "err")


def digits(**of_the_first_epoch: Any) -> Recording:
    plain = recorded("ae_logistic")
    return replace(plain, epochs=[replace(plain.epochs[0], **of_the_first_epoch)])


def measured_as(E: float) -> Recording:
    """A recording whose every E is this one."""
    plain = recorded("ae_logistic")
    of_kernels = {(1, name): E for name in (*KERNELS, "oldll", "gradchunk", "Bv_undamped")}
    return replace(plain, envelope={**dict.fromkeys(plain.envelope, E), **of_kernels})


@pytest.mark.parametrize("E", [math.inf, math.nan, 0.5, 1e9])
def test_a_useless_envelope_bounds_nothing(E: float) -> None:
    for found in judged(measured_as(E)).lines:
        if found.verdict in (Verdict.AGREES, Verdict.TIE) and found.stage not in ("cg_steps", "chose_iters"):
            assert found.bound is not None
            assert found.bound <= 1, found
        if found.verdict is Verdict.NOT_RUN:
            assert "rounding alone moves it" in found.bound_source or found.bound_source in NOT_THERE


@pytest.mark.parametrize("E", [math.inf, math.nan, 0.5])
def test_with_a_useless_envelope_a_wrong_kernel_still_differs(E: float, monkeypatch: pytest.MonkeyPatch) -> None:
    precon(lambda G, g, lam: (g.full_squared + lam + 0.1) ** 0.75)(monkeypatch)
    first = judged(measured_as(E)).first_divergence
    assert first is not None
    assert first.stage == "precon"


def to_nan(m: Any, *given: Any) -> Any:
    done = m.epoch(*given)
    return done._replace(theta=done.theta * math.nan)


@pytest.mark.parametrize("E", [math.inf, 0.5, 0.0])
def test_nan_on_our_side_differs_whatever_e_is(E: float, monkeypatch: pytest.MonkeyPatch) -> None:
    loop(to_nan)(monkeypatch)
    certificate = judged(measured_as(E))
    assert certificate.verdict is Verdict.DIFFERS
    assert certificate.first_divergence is not None
    assert certificate.first_divergence.stage == "params"


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("figure", ["rho", "log_likelihood", "lam", "cg_steps"])
def test_nan_and_infinity_on_the_reference_s_side_differ(value: float, figure: str) -> None:
    wrong = {**recorded("ae_logistic").epochs[0].figures, figure: value}
    assert judged(digits(figures=wrong)).verdict is Verdict.DIFFERS


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_of_nan_differs(kernel: str) -> None:
    kernels = recorded("ae_logistic").epochs[0].kernels
    wrong = {**kernels, kernel: np.asarray(kernels[kernel]) * np.nan}
    assert judged(digits(kernels=wrong)).verdict is Verdict.DIFFERS


def test_a_recording_that_lost_everything_differs() -> None:
    nothing: dict[str, Any] = {"kernels": {}, "steps": [], "iterates": [], "figures": {}, "log_lines": ()}
    certificate = judged(digits(**nothing, theta_after=None, d_after=None))
    assert certificate.verdict is Verdict.DIFFERS


@pytest.mark.parametrize("mode", ["kernels", "lockstep", "free"])
def test_a_recording_without_epochs_is_no_agreement(mode: str) -> None:
    none: list[EpochRecord] = []
    empty = replace(recorded("ae_logistic"), epochs=none, mode=mode)
    assert exit_code(judged(empty)) == 2
    assert exit_code(judged(empty, recorded("class_softmax"))) == 2


def test_one_run_that_was_not_compared_is_not_covered_by_another() -> None:
    left_out = replace(line(Verdict.NOT_RUN), case="mine")
    certificate = Certificate(lines=[line(Verdict.AGREES), left_out])
    assert exit_code(certificate) == 2
    assert certificate.runs_not_compared == [left_out.run]
