"""The screen as MATLAB's users know it: the log's lines and a few more."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hf_matlab_compat.observers.screen import Screen, closing_sentence
from hf_matlab_compat.observers.text_log import TextLog
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.state import Outcome
from tests.observers.sample_run import REPORT_LINES, RUN, START, lead, named, report

BAIL_OUT = ["Negative Curvature!", "Bailing..."]


def epoch_shown(capsys: pytest.CaptureFixture[str], stop: CGStop, options: Options) -> list[str]:
    screen = Screen()
    screen.begin(replace(RUN, options=options), START)
    capsys.readouterr()
    screen.epoch(report(cg_stop=stop), START)
    return capsys.readouterr().out.removesuffix("\n").split("\n")


def test_the_screen_shows_the_log_after_two_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = named(tmp_path)
    lead(TextLog(), run)
    lead(Screen(), run)
    first, second, *shown = capsys.readouterr().out.split("\n")
    assert first == f"Starting run named: {run.name}"
    assert second == "not masking out the weight-decay for biases"
    logged = (tmp_path / "curves.txt").read_bytes().decode().split("\r\n")
    assert [line for line in shown if "Start time" not in line] == [line for line in logged if "Start time" not in line]


def test_lines_end_in_lf_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lead(Screen(), RUN)
    assert "\r" not in capsys.readouterr().out


def test_masked_biases_are_said_to_be_masked(capsys: pytest.CaptureFixture[str]) -> None:
    lead(Screen(), replace(RUN, options=Options(decay_biases=False)))
    assert capsys.readouterr().out.split("\n")[1] == "masking out the weight-decay for biases"


def test_negative_curvature_is_shown_before_the_cg_steps(capsys: pytest.CaptureFixture[str]) -> None:
    shown = epoch_shown(capsys, CGStop.NEGATIVE_CURVATURE, Options(faithful=False))
    assert shown == [REPORT_LINES[0], *BAIL_OUT, *REPORT_LINES[1:]]


@pytest.mark.parametrize("stop", [CGStop.CONVERGED, CGStop.MAX_STEPS])
def test_an_ordinary_end_of_cg_shows_no_bail_out(capsys: pytest.CaptureFixture[str], stop: CGStop) -> None:
    assert epoch_shown(capsys, stop, Options()) == REPORT_LINES


def test_an_exact_solution_passes_for_negative_curvature_only_when_faithful(capsys: pytest.CaptureFixture[str]) -> None:
    assert epoch_shown(capsys, CGStop.EXACT, Options(faithful=True))[1:3] == BAIL_OUT
    assert epoch_shown(capsys, CGStop.EXACT, Options(faithful=False)) == REPORT_LINES


def test_after_ctrl_c_one_sentence_says_what_is_returned(capsys: pytest.CaptureFixture[str]) -> None:
    lead(Screen(), RUN, Outcome.INTERRUPTED)
    *_, last, nothing = capsys.readouterr().out.split("\n")
    assert nothing == ""
    assert last == (
        "Interrupted by Ctrl-C; the unfinished epoch was dropped. The parameters returned are those of epoch 2."
    )


def test_a_run_that_finishes_is_not_commented_on(capsys: pytest.CaptureFixture[str]) -> None:
    lead(Screen(), RUN, Outcome.FINISHED)
    assert capsys.readouterr().out.endswith("\n\nTotal time: 3\n")


def test_before_the_first_epoch_the_initial_parameters_are_returned() -> None:
    assert closing_sentence(Outcome.INTERRUPTED, START).endswith("The parameters returned are the initial ones.")


def test_a_character_the_terminal_lacks_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    monkeypatch.setattr(sys, "stdout", terminal)
    lead(Screen(), replace(RUN, description="λ = 45"))
    assert b"\nDescription: ? = 45\n" in terminal.buffer.getvalue()
