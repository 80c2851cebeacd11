"""Logs of forks, of Windows, and cut off at either end."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.parser import LoggedRun, parse_log, read_log
from tests.matlab.logs.logged_runs import GOLDENS, recorded_run

TEXT = (GOLDENS / "log_ae_logistic_single.txt").read_bytes().decode()


def only(text: str) -> LoggedRun:
    (run,) = parse_log(text)
    return run


def assert_same_figures(text: str) -> None:
    np.testing.assert_array_equal(only(text).epochs, only(TEXT).epochs)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_any_line_end_reads_alike(end: str) -> None:
    assert_same_figures(TEXT.replace("\r\n", end))
    assert only(TEXT.replace("\r\n", end)).constants == only(TEXT).constants


def test_the_empty_lines_that_end_epochs_are_kept_where_cr_ends_lines() -> None:
    untested = re.sub(r"(TEST|Error rate).*\r\n", "", TEXT)
    assert len(only(untested).epochs) == 8
    assert str(only(untested.replace("\r\n", "\r")).epochs) == str(only(untested).epochs)


ENCODINGS = {
    "PowerShell": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "big-endian": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "no mark": lambda text: text.encode("utf-16-le"),
    "no mark, big-endian": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "Latin-1": lambda text: text.encode("latin-1"),
    "packed": lambda text: gzip.compress(text.encode()),
    "packed UTF-16": lambda text: gzip.compress(text.encode("utf-16")),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_log_in_any_encoding_reads_alike(name: str, tmp_path: Path) -> None:
    text = TEXT.replace("Description: ", "Description: Grünwald, ")
    (tmp_path / "log.txt").write_bytes(ENCODINGS[name](text))
    (run,) = read_log(tmp_path / "log.txt")
    np.testing.assert_array_equal(run.epochs, only(TEXT).epochs)
    assert run.constants == only(TEXT).constants


@pytest.mark.parametrize("end", [20, 200, -4])
def test_a_gzip_file_that_is_cut_off_is_named(end: int, tmp_path: Path) -> None:
    (tmp_path / "log.txt.gz").write_bytes(gzip.compress(TEXT.encode())[:end])
    with pytest.raises(
        ArgumentError, match=r"^log: expected the text log of a run, got a gzip file that cannot be unpacked \("
    ):
        read_log(tmp_path / "log.txt.gz")


STAMPS = {
    "ts": lambda i: f"Jan {i % 28 + 1:2d} {i % 24:02d}:{i % 60:02d}:59 ",
    "ISO": lambda i: f"[2026-01-{i % 28 + 1:02d}T09:{i % 60:02d}:00.{i:03d}Z] ",
    "journald": lambda i: f"Nov 30 10:09:{i % 60:02d} node-{i % 3} octave-cli[{4000 + i % 2}]: ",
    "seconds": lambda i: f"{0.37 * i:.2f}s | ",
    "srun --label": lambda i: "12: ",
    "logging": lambda i: f"INFO:root.{'ab'[i % 2]}:",
}


@pytest.mark.parametrize("name", STAMPS)
@pytest.mark.parametrize("strips", [False, True])
def test_a_log_with_something_before_each_line_reads_alike(name: str, strips: bool) -> None:
    lines = [STAMPS[name](i) + line for i, line in enumerate(TEXT.split("\r\n"))]
    run = only("\n".join(line.rstrip() if strips else line for line in lines))
    np.testing.assert_array_equal(run.epochs, only(TEXT).epochs)
    assert run.constants == only(TEXT).constants
    assert run.description == only(TEXT).description


def test_colours_of_a_terminal_are_taken_out() -> None:
    coloured = "\n".join(f"\x1b[1;32m{line}\x1b[0m\x1b[K" for line in TEXT.split("\r\n"))
    np.testing.assert_array_equal(only(coloured).epochs, only(TEXT).epochs)


def test_known_words_within_other_lines_are_no_stamps() -> None:
    noise = TEXT.replace("rho = ", "[debug] the rho = 3 of before\r\n[debug] epoch: 3 of it\r\nrho = ")
    assert_same_figures(noise)


def test_a_long_run_of_carriage_returns_is_read_at_once() -> None:
    assert_same_figures(TEXT.replace("rho", "\r" * 300_000 + "rho", 1))


def test_three_digit_exponents_of_windows_are_numbers() -> None:
    run = only(re.sub(r"New lambda: \S+", "New lambda: 2e-005", TEXT.replace("2e-05", "2e-005")))
    assert run.constants["weightcost"] == 2e-5
    assert set(run.epochs["lam"]) == {2e-5}


@pytest.mark.parametrize(("word", "value"), [("1.#INF", np.inf), ("-1.#INF", -np.inf), ("-1.#IND", np.nan)])
def test_the_infinities_of_windows_are_read(word: str, value: float) -> None:
    run = only(re.sub(r"rho = \S+", f"rho = {word}", TEXT))
    np.testing.assert_array_equal(run.epochs["rho"], np.full(8, value))


def test_lines_that_a_fork_adds_are_passed_over() -> None:
    assert_same_figures(TEXT.replace("New lambda", "Time elapsed : 3.5\r\nNew lambda"))


def test_lines_that_a_fork_leaves_out_are_missing_figures() -> None:
    run = only(re.sub(r"(ch magnitude|New lambda|Chose iters).*\r\n", "", TEXT))
    assert np.isnan(run.epochs["d_norm"]).all()
    assert np.isnan(run.epochs["lam"]).all()
    assert set(run.epochs["chosen_step"]) == {0}
    assert list(run.epochs["error"]) == list(only(TEXT).epochs["error"])


def test_constants_that_a_fork_adds_are_kept() -> None:
    run = only(TEXT.replace("decay: 0.95", "decay: 0.95\r\nthresh: 0.01\r\nunits: relu tanh"))
    assert (run.constants["thresh"], run.constants["units"], run.constants["decay"]) == (0.01, "relu tanh", 0.95)


@pytest.mark.parametrize("line", ["Start time", "Description", "layersizes", "decay", "Initial constant", "=" * 49])
def test_a_header_line_that_is_missing_costs_only_itself(line: str) -> None:
    text = re.sub(rf"(?m)^{line}[^\n]*\n", "", TEXT)
    run = only(text)
    np.testing.assert_array_equal(run.epochs, only(TEXT).epochs)
    assert text != TEXT


def test_a_start_time_in_another_language_is_none() -> None:
    run = only(re.sub(r"Start time: .*\r", "Start time: 03-Mai-2011 10:00:00\r", TEXT))
    assert run.start_time is None
    assert len(run.epochs) == 8


def test_a_log_whose_beginning_is_lost_still_gives_its_epochs() -> None:
    run = only(TEXT[TEXT.index("epoch: 2,") :])
    assert list(run.epochs["epoch"]) == [2, 3, 4, 5, 6, 7, 8]
    assert (run.constants, run.start_time) == ({}, None)


def test_runs_appended_to_a_lost_beginning_are_kept_apart() -> None:
    runs = parse_log(TEXT[TEXT.index("epoch: 7,") :] + TEXT)
    assert [len(run.epochs) for run in runs] == [2, 8]


def test_a_truncated_last_epoch_is_left_out() -> None:
    run = only(TEXT[: TEXT.index("epoch: 8,") + 30])
    assert list(run.epochs["epoch"]) == [1, 2, 3, 4, 5, 6, 7]
    assert run.total_time is None


def test_a_figure_that_is_no_number_is_missing() -> None:
    run = only(re.sub(r"epoch: 3, ", "epoch: 3x, ", TEXT))
    assert list(run.epochs["epoch"]) == [1, 2, 0, 4, 5, 6, 7, 8]


def test_a_log_of_a_thousand_runs_is_read_in_linear_time() -> None:
    assert len(parse_log((TEXT.split("maxiters")[0]) * 1000)) == 1000
    assert len(recorded_run().epochs) == 150


def test_a_log_of_the_kronecker_factored_program_is_named(tmp_path: Path) -> None:
    iteration = "iter: 1, Minibatch log likelihood (pre-update): -3.5, error rate (pre-update): 2\r\n\r\n"
    (tmp_path / "kfac.txt").write_text(TEXT.split("maxiters")[0] + iteration)
    with pytest.raises(ArgumentError, match=r"log: expected the log of a Hessian-free run, .*Kronecker-factored"):
        read_log(tmp_path / "kfac.txt")


@pytest.mark.parametrize("moment", ["21-Nov-99999999999999999999 07:55:17", "99999999999999-Nov-2026 07:55:17", "--"])
def test_an_absurd_start_time_is_none(moment: str) -> None:
    run = only(re.sub(r"Start time: .*\r", f"Start time: {moment}\r", TEXT))
    assert run.start_time is None
    assert len(run.epochs) == 8
