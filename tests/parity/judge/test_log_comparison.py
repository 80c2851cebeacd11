"""Log lines of both sides."""

from __future__ import annotations

import math

import pytest

from hf_matlab_compat.parity.envelope_rule import Bound
from hf_matlab_compat.parity.log_comparison import compare_logs, total_before

LINES = [
    "maxiters = 250; miniters = 1",
    "CG steps used: 13, total is: 26",
    "ch magnitude : 3.5517",
    "rho = 0.82455",
    "epoch: 2, Log likelihood: -385.1432, error rate: 107.224",
    "Error rate difference (test - train): 0.075919",
    "",
]


def by(tolerance: float):
    """Every figure may differ by as much."""
    return lambda figures: Bound(tolerance, "for a test")


def with_line(at: int, line: str) -> list[str]:
    return [*LINES[:at], line, *LINES[at + 1 :]]


def test_equal_lines_are_at_no_distance() -> None:
    assert compare_logs(LINES, LINES, by(0.0)).share == 0.0


def test_empty_lines_and_blanks_at_line_ends_do_not_count() -> None:
    assert compare_logs(LINES, [f"{line}\r" for line in LINES if line], by(0.0)).share == 0.0


def test_one_unit_of_the_last_digit_is_allowed_and_two_are_not() -> None:
    assert 0 < compare_logs(with_line(2, "ch magnitude : 3.5518"), LINES, by(0.0)).share <= 1
    found = compare_logs(with_line(2, "ch magnitude : 3.5519"), LINES, by(0.0))
    assert found.share > 1
    assert (found.ours, found.theirs) == ("ch magnitude : 3.5519", "ch magnitude : 3.5517")


def test_what_the_figures_may_move_by_the_digits_may_too() -> None:
    assert compare_logs(with_line(2, "ch magnitude : 3.5529"), LINES, by(1e-3)).share <= 1


def test_a_line_is_allowed_what_its_own_figures_are() -> None:
    of_ch = {("d_norm",): Bound(1e-3, "ten times E")}
    found = compare_logs(with_line(2, "ch magnitude : 3.5529"), LINES, of_ch.__getitem__)
    assert found.source == "a unit of the last digit, and ten times E"
    with pytest.raises(KeyError, match="rho"):
        compare_logs(with_line(3, "rho = 0.82459"), LINES, of_ch.__getitem__)


@pytest.mark.parametrize(
    "line", ["CG steps used: 14, total is: 26", "CG steps used: 13, total: 26", "CG steps used: 13"]
)
def test_other_words_and_other_decisions_are_infinitely_far(line: str) -> None:
    assert compare_logs(with_line(1, line), LINES, by(1.0)).share == math.inf


def test_a_missing_and_an_additional_line_differ() -> None:
    assert compare_logs(LINES[:-2], LINES, by(1.0)).share == math.inf
    assert compare_logs([*LINES, "more"], LINES, by(1.0)).share == math.inf
    assert compare_logs(LINES, [*LINES, "rho = 0.5"], by(1.0)).share == math.inf


def test_lines_of_another_format_are_set_aside_and_counted() -> None:
    assert compare_logs(LINES, LINES, by(0.0)).detail == ""
    found = compare_logs(LINES, [LINES[0], "grad norm: 3.2", *LINES[1:]], by(0.0))
    assert (found.share, found.detail) == (0.0, "1 line of another format set aside")
    wordy = ["started", *LINES[:3], "grad norm: 3.2", *LINES[3:]]
    assert compare_logs(LINES, wordy, by(0.0)).detail == "2 lines of another format set aside"
    renamed = compare_logs(LINES, with_line(3, "ratio = 0.82455"), by(1.0))
    assert (renamed.share, renamed.aside) == (math.inf, 1)


def test_infinity_is_not_near_to_anything_else() -> None:
    assert compare_logs(with_line(3, "rho = -Inf"), LINES, by(1.0)).share == math.inf
    assert compare_logs(with_line(3, "rho = -Inf"), with_line(3, "rho = -Inf"), by(0.0)).share == 0.0


def test_a_difference_of_two_error_rates_has_their_rounding() -> None:
    # 1e-6 of 107 is a thousand units of the difference's last digit
    assert compare_logs(with_line(5, "Error rate difference (test - train): 0.075999"), LINES, by(1e-6)).share <= 1


def test_the_total_before_an_epoch_is_read_off_its_log() -> None:
    assert total_before(LINES, 13.0) == 13
    assert total_before([], 13.0) == 0
