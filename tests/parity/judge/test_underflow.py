"""In single precision CG of this port stops where r'y is 0; that is known, and told from a CG that stops too early."""

from __future__ import annotations

import pytest

from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.exemptions import UNDERFLOW
from hf_matlab_compat.parity.run_parity import exit_code
from hf_matlab_compat.solvers.conjgrad import _Vectors
from tests.parity.judge.golden_recordings import judged, recorded
from tests.parity.judge.planting import edit

CASE = "k_softmax_rms0_gn_hy1_lam1"


def stopped_below(least: str, mode: str, precision: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[Line]]:
    """As if numbers below `least` underflowed."""
    recording = recorded(CASE, mode, precision)
    edit(_Vectors, "advance", "_no_step(pAp, ry)", f"_no_step(pAp, ry := ry * (ry > {least}))")(monkeypatch)
    certificate = judged(recording)
    return exit_code(certificate), list(certificate.lines)


@pytest.mark.parametrize("mode", ["kernels", "lockstep"])
def test_a_stop_at_the_minimum_is_the_known_deviation(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = stopped_below("1e-13", mode, "single", monkeypatch)
    told = {(line.stage, line.detail) for line in lines if line.bound_source == UNDERFLOW}
    assert ("cg_iterates", "recorded steps") in told
    assert code == 0
    assert all(line.verdict is Verdict.NOT_RUN for line in lines if line.bound_source == UNDERFLOW)
    assert "known deviation" in UNDERFLOW


@pytest.mark.parametrize(("least", "precision"), [("1e-3", "single"), ("1e-13", "double")])
def test_a_stop_above_the_minimum_or_in_double_differs(
    least: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines = stopped_below(least, "lockstep", precision, monkeypatch)
    assert code == 1
    assert not [line for line in lines if line.bound_source == UNDERFLOW]
