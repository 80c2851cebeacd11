"""docs/parity.md's rule: bounds and their sources."""

from __future__ import annotations

import pytest

from hf_matlab_compat.parity import envelope_rule as rule

U = 2.0**-53


def test_without_an_ensemble_a_gradient_is_allowed_more_than_other_kernels_in_single() -> None:
    assert rule.kernel_bound("grad", "single", None).value == 4e-6
    assert rule.kernel_bound("grad2", "single", None).value == 2e-6
    assert rule.kernel_bound("Bv", "double", None) == (5e-15, "docs/parity.md (a), no ensemble")


def test_a_kernel_is_allowed_four_times_its_spread_and_at_least_sixteen_roundoffs() -> None:
    assert rule.kernel_bound("grad", "double", 1e-14).value == 4e-14
    assert rule.kernel_bound("grad", "double", 0.0) == (16 * U, "4·4u floor")


def test_late_iterates_are_allowed_ten_times_their_spread() -> None:
    assert rule.iterate_bound(5, "double", 1e-12).value == pytest.approx(4e-12)
    assert rule.iterate_bound(11, "double", 1e-12).value == pytest.approx(1e-11)


def test_the_quadratic_model_may_take_the_wider_of_its_two_bounds() -> None:
    assert rule.model_bound("double", 1e-20).value == 1e-12
    assert rule.model_bound("single", 2e-6).value == pytest.approx(2e-5)


def test_rho_has_a_wider_floor_than_other_figures() -> None:
    assert rule.figure_bound("rho", "double", 0.0).value == 1000 * U
    assert rule.figure_bound("ll", "double", 0.0).value == 4 * U
    assert rule.figure_bound("ll", "double", 1e-9) == (1e-8, "10E, E=1.0e-09 (reference)")


def test_a_decision_is_exact_unless_the_reference_wavers() -> None:
    assert rule.decision_bound(0.0) == (0.0, "exact")
    assert rule.decision_bound(None) == (0.0, "exact")
    assert rule.decision_bound(0.5).value == 1.0


def test_ties_are_wider_in_single_and_grow_with_the_spread() -> None:
    assert rule.tie_bound("double", None).value == 8 * U
    assert rule.tie_bound("single", 0.0).value == 4e-6
    assert rule.tie_bound("double", 1e-9).value == pytest.approx(4e-9)


def test_a_free_run_decides_nothing_from_where_its_spread_passes_1e_5_early() -> None:
    assert rule.undecided_from({3: 1e-4, 4: 1e-3}) == 3
    assert rule.undecided_from({6: 1e-4}) is None
    assert rule.undecided_from({}) is None


def test_every_bound_names_its_source() -> None:
    bounds = [rule.kernel_bound("ll", "single", E) for E in (None, 0.0, 1.0)]
    bounds += [rule.figure_bound("rho", "double", E, "own runs") for E in (None, 0.0, 1.0)]
    assert all(bound.source for bound in bounds)
    assert "own runs" in bounds[-1].source
