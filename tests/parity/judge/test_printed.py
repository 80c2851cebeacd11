"""Figures are found in the log, with the digits that it leaves out."""

from __future__ import annotations

from hf_matlab_compat.parity.log_comparison import epoch_lines, initial_lambda, printed_figures
from tests.cases import GOLDENS

LOG = (GOLDENS / "log_ae_logistic_double.txt").read_bytes().decode()


def test_an_epoch_is_cut_out_with_its_empty_line():
    lines = epoch_lines(LOG, 2)
    assert (lines[0], lines[-2][:21], lines[-1]) == ("maxiters = 250; miniters = 1", "Error rate difference", "")
    assert [line for line in lines if line.startswith("epoch: ")] == [
        "epoch: 2, Log likelihood: -57.6238, error rate: 14.2329"
    ]


def test_an_epoch_that_is_not_there_has_no_lines():
    assert epoch_lines(LOG, 9) == []


def test_printed_figures_are_those_of_the_log():
    figures = printed_figures(epoch_lines(LOG, 1), [], [])
    assert figures["rho"] == 1.1304
    assert (figures["cg_steps"], figures["total_cg_steps"], figures["chosen_step"]) == (12, 12, 9)


def test_a_number_that_was_noted_counts_for_its_word():
    words, numbers = ["12", "12", "0.34001", "9", "1.1304"], [12.0, 12.0, 0.340012345, 9.0, 1.13041]
    figures = printed_figures(epoch_lines(LOG, 1), words, numbers)
    assert (figures["d_norm"], figures["rho"]) == (0.340012345, 1.13041)


def test_infinities_are_figures():
    figures = printed_figures(["rho = -Inf", "Number of reductions : Inf, chosen rate: 0"], [], [])
    assert figures == {"rho": float("-inf"), "reductions": float("inf"), "rate": 0.0}


def test_the_header_tells_the_initial_lambda():
    assert initial_lambda(LOG) == 45.0
    assert initial_lambda("") is None


def test_equal_words_stand_for_their_numbers_in_order():
    lines = ["Number of reductions : 1, chosen rate: 1", "New lambda: 1"]
    figures = printed_figures(lines, ["1", "1", "1"], [1.0, 1.0000001, 0.9999999])
    assert list(figures.values()) == [1.0, 1.0000001, 0.9999999]
