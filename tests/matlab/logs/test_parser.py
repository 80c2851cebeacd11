"""Reading logs back: the recorded ones, made-up ones, and those that were cut off."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.num2str import num2str
from hf_matlab_compat.matlab.logs.parser import LoggedRun, parse_log, read_log
from tests.observers.sample_run import REPORT_LINES

GOLDENS = Path(__file__).parents[2] / "goldens"
HEADER = """

==================== New Run ====================

Start time: 21-Nov-2011 07:55:15

Description: first line
second: line

Resuming from file: old run_nnet_epoch10.mat

Initial constant values:
------------------------

layersizes: 64  20   5  20  64
rms: 0
weightcost: 2e-05
mattype: gn
errtype: none

=================================================

"""
EPOCH = "\n".join(REPORT_LINES) + "\n"


def only_run(text: str) -> LoggedRun:
    (run,) = parse_log(text)
    return run


def test_header_is_read() -> None:
    run = only_run(HEADER)
    assert run.start_time == datetime(2011, 11, 21, 7, 55, 15)
    assert run.description == "first line\nsecond: line"
    assert run.resume_from == "old run_nnet_epoch10.mat"
    assert (len(run.epochs), run.total_time) == (0, None)


def test_constants_are_plain_values() -> None:
    constants = only_run(HEADER).constants
    sizes = (64, 20, 5, 20, 64)
    assert constants == {"layersizes": sizes, "rms": 0, "weightcost": 2e-5, "mattype": "gn", "errtype": "none"}
    assert [type(value) for value in constants.values()] == [tuple, int, float, str, str]


def test_each_figure_is_read_into_its_field() -> None:
    (epoch,) = only_run(HEADER + EPOCH + "Total time: 1.5\n").epochs
    figures = dict(zip(epoch.dtype.names, epoch.item(), strict=True))
    assert figures == {
        "epoch": 1, "max_cg_steps": 250, "min_cg_steps": 1, "cg_steps": 13, "total_cg_steps": 13, "d_norm": 3.5517,
        "chosen_step": 11, "rho": 0.82455, "reductions": 0, "rate": 1, "lam": 30, "log_likelihood": -385.1432,
        "error": 107.224, "test_log_likelihood": -385.2479, "test_error": 107.3, "error_difference": 0.07599,
    }  # fmt: skip


def test_infinite_and_missing_numbers_are_read() -> None:
    text = EPOCH.replace("rho = 0.82455", "rho = -Inf").replace("reductions : 0", "reductions : Inf")
    (epoch,) = only_run(HEADER + text.replace("-385.1432", "NaN")).epochs
    assert (epoch["rho"], epoch["reductions"]) == (-np.inf, np.inf)
    assert np.isnan(epoch["log_likelihood"])


def test_without_test_data_its_figures_are_nan() -> None:
    lines = [line for line in REPORT_LINES if "TEST" not in line and "difference" not in line]
    epochs = only_run(HEADER + ("\n".join(lines) + "\n") * 2).epochs
    assert list(epochs["error"]) == [107.224, 107.224]
    assert np.isnan(epochs["test_error"]).all()


@pytest.mark.parametrize("end", range(len(EPOCH) - len("\n\n")))
def test_an_epoch_cut_off_anywhere_is_left_out(end: int) -> None:
    epochs = only_run(HEADER + EPOCH + EPOCH[: end + 1]).epochs
    assert len(epochs) == 1


def test_a_run_cut_off_in_its_header_is_passed_over() -> None:
    assert len(parse_log(HEADER + EPOCH + HEADER[:200])) == 1


def test_runs_appended_to_one_file_are_kept_apart() -> None:
    runs = parse_log(HEADER + EPOCH + HEADER + EPOCH * 2 + "Total time: 2.5\n")
    assert [len(run.epochs) for run in runs] == [1, 2]
    assert [run.total_time for run in runs] == [None, 2.5]


def test_a_copy_of_the_screen_reads_like_the_file() -> None:
    shown = EPOCH.replace("CG steps used", "Negative Curvature!\nBailing...\nCG steps used")
    screen = only_run("Starting run named: x\nnot masking out the weight-decay for biases\n" + HEADER + shown)
    file = only_run((HEADER + EPOCH).replace("\n", "\r\n"))
    assert screen.constants == file.constants
    np.testing.assert_array_equal(screen.epochs, file.epochs)


@pytest.mark.parametrize("path", sorted(GOLDENS.glob("log_*.txt")), ids=lambda path: path.stem)
def test_no_figure_of_a_recorded_log_is_lost(path: Path) -> None:
    (run,) = read_log(path)
    epochs_text = path.read_text().split("=" * 49 + "\n\n")[1]
    written = re.findall(r"(?:= |: )(-?(?:Inf|NaN|\d[-+.e\d]*))", epochs_text)
    order = "max_cg_steps min_cg_steps cg_steps total_cg_steps d_norm chosen_step rho reductions rate lam epoch "
    order += "log_likelihood error test_log_likelihood test_error error_difference"
    figures = [num2str(epoch[name]) for epoch in run.epochs for name in order.split()]
    assert [*figures, num2str(run.total_time or 0)] == written


def test_the_long_log_has_all_its_epochs() -> None:
    (run,) = read_log(GOLDENS / "log_ae_logistic_long.txt")
    assert list(run.epochs["epoch"]) == list(range(1, 151))
    assert list(np.cumsum(run.epochs["cg_steps"])) == list(run.epochs["total_cg_steps"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"log: expected a file that can be read, got .*nowhere\.txt.*No such file"):
        read_log(tmp_path / "nowhere.txt")


def test_what_is_no_file_is_named_and_waited_for_by_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a directory")):
        with pytest.raises(
            ArgumentError, match=rf"^log: expected a file that can be read, got '{path}' \({what}\)\. Give"
        ):
            read_log(path)


def test_a_file_without_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shopping.txt").write_text("milk\n")
    with pytest.raises(ArgumentError, match=r"log: expected the text log of a run, got .*shopping\.txt.*holds none"):
        read_log(tmp_path / "shopping.txt")
