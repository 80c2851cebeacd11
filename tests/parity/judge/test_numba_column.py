"""The column of the compiled backend: judged like numpy's, against the recorded runs and against Octave."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from hf_matlab_compat.model.compiled_passes import CompiledPasses
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.run_parity import run_parity
from tests.parity.judge.golden_recordings import recorded

pytestmark = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
CASES = ("ae_logistic", "ae_tanh_linear", "ae_hess", "class_softmax")


@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_recorded_runs_are_met(precision: str) -> None:
    certificate = judge([recorded(name, "lockstep", precision) for name in CASES], backend="numba")
    assert certificate.first_divergence is None
    assert certificate.verdict is Verdict.AGREES
    assert {line.backend for line in certificate.lines} == {"numba"}
    assert {"numba", "scipy"} <= certificate.provenance.keys()


def test_a_loop_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = CompiledPasses.back

    def a_thousandth_less(self: Any, directions: Any, kept: Any, e: Any, sums: Any) -> None:
        plain(self, directions, kept, e, sums)
        sums.packed *= 0.999

    monkeypatch.setattr(CompiledPasses, "back", a_thousandth_less)
    found = judge([recorded("ae_logistic", "lockstep", "double")], backend="numba").first_divergence
    assert found is not None
    assert found.stage == "Bv"


def test_a_step_of_cg_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from hf_matlab_compat.backends import compiled_cg  # which cannot be imported without Numba

    plain = compiled_cg.cg_step

    def off(*arguments: Any) -> Any:
        pAp, twice_phi, ry = plain(*arguments)
        arguments[0][0] *= 1.0001
        return pAp, twice_phi, ry

    monkeypatch.setattr(compiled_cg, "cg_step", off)
    found = judge([recorded("ae_logistic", "lockstep", "double")], backend="numba").first_divergence
    assert found is not None
    assert found.stage == "cg_iterates"


@pytest.mark.octave
def test_octave_is_met() -> None:
    run = run_parity(cases=["ae_tanh_linear"], epochs=2, envelope=False, backend="numba")
    assert run.certificate.verdict is Verdict.AGREES
