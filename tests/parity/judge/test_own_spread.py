"""E of this package's own runs: of the size of rounding, and used only where the reference's is too narrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat.parity import own_runs
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines.port import port_case
from hf_matlab_compat.parity.own_runs import ExactEpoch, OwnSpread, members
from tests.parity.judge.golden_recordings import judged, recorded

U = {"double": 2.0**-53, "single": 2.0**-24}
NAME = "k_softmax_rms0_gn_hy1_lam1"


@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_spread_of_a_kernel_is_some_roundoffs(precision: str) -> None:
    recording = recorded(NAME, "lockstep", precision)
    spread = OwnSpread(recording, ExactEpoch(recording))
    for kernel in ("grad", "grad2", "Bv", "precon"):
        E = spread.E(recording.epochs[0], None, kernel)
        assert E is not None
        assert 0.1 * U[precision] < E < 100 * U[precision]


def test_members_have_the_same_cases_in_the_same_chunks() -> None:
    plain = port_case(recorded(NAME).case, "double")
    member = next(members(plain))
    ours, theirs = (np.split(case.problem.cases.inputs, plain.problem.num_chunks, axis=1) for case in (plain, member))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.sort(a, axis=1), np.sort(b, axis=1))
    assert not np.array_equal(ours[0], theirs[0])


def test_it_is_not_measured_where_every_line_is_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("measured")

    monkeypatch.setattr(own_runs.OwnSpread, "_measure", never)
    assert judged(recorded("ae_logistic")).verdict is Verdict.AGREES


def test_it_widens_a_bound_and_says_so() -> None:
    recording = recorded("ae_tanh_linear")
    narrow = replace(recording, envelope=dict.fromkeys(recording.envelope, 0.0))
    widened = [line for line in judged(narrow).lines if "own runs" in line.bound_source]
    assert widened
    assert {line.verdict for line in widened} == {Verdict.AGREES}
