"""Runs of this package: E of the size of rounding, used where the reference's is too narrow; ties of two choices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat.parity import own_runs
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines.port import port_case
from hf_matlab_compat.parity.own_runs import ExactEpoch, OwnSpread, members, tie_distance
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


def test_equal_choices_are_no_distance_apart() -> None:
    assert tie_distance([], [], 5, 5) == 0.0


def test_a_choice_that_is_not_on_the_path_is_no_tie() -> None:
    assert tie_distance([-1.0, -1.0], [5, 7], 7, 9) == math.inf


def test_equal_log_likelihoods_are_a_tie_whoever_stops_where() -> None:
    assert tie_distance([-2.0, -2.0, -2.0], [5, 7, 9], 5, 9) == 0.0


def test_stopping_where_the_next_iterate_is_better_needs_as_large_a_tie() -> None:
    # the walk starts at step 9; step 7 is better by a tenth, so 9 is a choice that only a tie of 0.1 explains
    assert tie_distance([-3.0, -0.9, -1.0], [5, 7, 9], 9, 7) == (1.0 - 0.9) / 1.0


def test_a_tie_far_up_the_path_parts_two_walks_for_good() -> None:
    values = [-1.0, -1.5, -2.0, -2.0 + 1e-15]
    assert tie_distance(values, [5, 7, 9, 11], 11, 5) < 1e-14


def test_a_duplicate_of_the_last_iterate_counts_as_one() -> None:
    assert tie_distance([-1.0, -1.1, -1.1], [7, 11, 11], 11, 7) == (1.1 - 1.0) / 1.1
