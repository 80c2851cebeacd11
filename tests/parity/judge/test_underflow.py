"""In single precision CG of this port stops where r'y is 0; that is known, and told from a CG that stops too early."""

from __future__ import annotations

from typing import Any

import pytest

from hf_matlab_compat.backends.cg_vectors import PlainVectors
from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.run_parity import exit_code
from hf_matlab_compat.parity.verdicts import UNDERFLOW
from tests.parity.judge.golden_recordings import judged, recorded
from tests.parity.judge.planting import settings

CASE = "k_softmax_rms0_gn_hy1_lam1"


class Underflowing(PlainVectors):
    """CG's vectors where a residual below `least` is 0."""

    def __init__(self, least: float, *given: Any) -> None:
        super().__init__(*given)
        self._least = least

    def advance(self, Ap: Any) -> float | None:
        self.ry = self.ry * (self.ry > self._least)
        return super().advance(Ap)


def stopped_below(least: str, mode: str, precision: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[Line]]:
    """As if numbers below `least` underflowed."""
    recording = recorded(CASE, mode, precision)
    settings("solver", vectors=lambda *given: Underflowing(float(least), *given))(monkeypatch)
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
