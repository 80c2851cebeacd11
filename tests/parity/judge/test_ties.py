"""Whether two choices on one CG path may both be right."""

from __future__ import annotations

import math

from hf_matlab_compat.parity.own_runs import tie_distance


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
