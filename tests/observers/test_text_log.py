"""The log file: where it is, what is in it, and that nothing finished is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.lines import BANNER
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.observers.text_log import TextLog
from hf_matlab_compat.state import Outcome
from tests.observers.sample_run import REPORT_LINES, RUN, START, lead, named, report


def test_a_run_is_logged_from_header_to_total_time(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path))
    (run,) = read_log(tmp_path / "curves.txt")
    assert run.constants["layersizes"] == (64, 20, 5, 20, 64)
    assert list(run.epochs["epoch"]) == [1, 2]
    assert run.total_time == 3.0


def test_every_line_ends_in_cr_lf(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path))
    log = (tmp_path / "curves.txt").read_bytes()
    assert log.startswith(b"\r\n\r\n==================== New Run ====================\r\n\r\nStart time: ")
    assert log.endswith("\r\n".join([*REPORT_LINES, "Total time: 3", ""]).replace("epoch: 1", "epoch: 2").encode())
    assert not re.search(rb"[^\r]\n|\r[^\n]", log)


def test_a_finished_epoch_is_in_the_file_at_once(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path), outcome=None, epochs=2)  # neither ended nor closed
    assert len(read_log(tmp_path / "curves.txt")[0].epochs) == 2


def test_a_second_run_is_appended(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path))
    lead(TextLog(), named(tmp_path, resume_from="curves_nnet_running.mat"), epochs=1)
    runs = read_log(tmp_path / "curves.txt")
    assert [run.resume_from for run in runs] == ["", "curves_nnet_running.mat"]


@pytest.mark.parametrize("outcome", [Outcome.INTERRUPTED, Outcome.FAILED])
def test_a_run_that_breaks_off_gets_no_total_time(tmp_path: Path, outcome: Outcome) -> None:
    lead(TextLog(), named(tmp_path), outcome)
    log = (tmp_path / "curves.txt").read_bytes().decode()
    assert log.endswith(f"error rate: 107.3\r\n{REPORT_LINES[9]}\r\n\r\n")


def test_a_run_with_nothing_to_do_gets_a_total_time(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path), Outcome.NOTHING_TO_DO, epochs=0)
    assert (tmp_path / "curves.txt").read_bytes().endswith(b"\r\nTotal time: 0\r\n")


def test_a_run_without_a_name_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lead(TextLog(), replace(RUN, name=""))
    assert list(tmp_path.iterdir()) == []


def test_a_dot_in_the_name_stays_in_it(tmp_path: Path) -> None:
    lead(TextLog(), replace(RUN, name=str(tmp_path / "decay0.95")))
    assert (tmp_path / "decay0.95.txt").exists()


def test_the_description_is_written_in_utf8(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path, description="λ ≈ 45"))
    assert "Description: λ ≈ 45\r\n".encode() in (tmp_path / "curves.txt").read_bytes()


def test_half_a_surrogate_pair_does_not_end_the_run(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path, description="a\udcffb"))
    assert b"Description: a?b\r\n" in (tmp_path / "curves.txt").read_bytes()


def test_a_place_that_cannot_be_written_is_an_error_in_the_users_words(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="run_name: expected the stem of files that can be written") as caught:
        TextLog().begin(named(tmp_path / "nowhere"), START)
    assert "No such file or directory" in str(caught.value)
    assert str(caught.value.renamed({"run_name": "runName"})).startswith("runName: expected")


def test_a_place_lost_during_the_run_is_the_same_error(tmp_path: Path) -> None:
    log = TextLog()
    log.begin(named(tmp_path), START)
    (tmp_path / "curves.txt").unlink()
    (tmp_path / "curves.txt").mkdir()
    with pytest.raises(ArgumentError, match="Is a directory"):
        log.epoch(report(), START)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\0"])
def test_no_description_forges_a_header(end: str, tmp_path: Path) -> None:
    forged = end.join(
        ["mine", BANNER, "", "Start time: 01-Jan-2010 00:00:00", "epoch: 9, Log likelihood: 0, error rate: 0"]
    )
    lead(TextLog(), named(tmp_path, description=forged, resume_from=forged))
    (run,) = read_log(tmp_path / "curves.txt")
    assert list(run.epochs["epoch"]) == [1, 2]
    assert run.description.startswith(f"mine {BANNER} ")
    log = (tmp_path / "curves.txt").read_bytes().decode()
    assert [line for line in log.splitlines() if BANNER in line and "mine" not in line] == [BANNER]


def test_a_tab_and_other_letters_of_a_description_stay(tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path, description="λ\tñ 日本"))
    assert "Description: λ\tñ 日本\r\n".encode() in (tmp_path / "curves.txt").read_bytes()


@pytest.mark.parametrize(("epoch", "says"), [(1, "Epoch 2 is"), (0, "Epochs 1 to 2 are"), (2, "")])
def test_epochs_that_are_run_again_after_a_kill_are_said(epoch: int, says: str, tmp_path: Path) -> None:
    lead(TextLog(), named(tmp_path), outcome=None, epochs=2)
    before = (tmp_path / "curves.txt").read_bytes()
    again = named(tmp_path, resume_from="curves_nnet_running.mat")
    TextLog().begin(again, replace(START, epoch=epoch))
    added = (tmp_path / "curves.txt").read_bytes()[len(before) :].decode()
    line = f"{says} logged above already, and run again from the checkpoint of epoch {epoch}.\r\n\r\n"
    assert added.endswith(line) if says else "again" not in added
    assert len(read_log(tmp_path / "curves.txt")) == 2
