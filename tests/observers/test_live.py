"""The live view, as a terminal of a given size shows it and as a file gets it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from hf_matlab_compat.observers.live import LiveView
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Outcome, Records
from tests.observers.sample_run import RUN, START, lead, report

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
XTERM = {"TERM": "xterm-256color"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(file: io.StringIO, environ: Mapping[str, str] = XTERM, width: int = 80, height: int = 24) -> Console:
    return Console(file=file, width=width, height=height, color_system=None, _environ=environ)


def view_of(live: LiveView, width: int = 80, height: int = 24) -> list[str]:
    """What the live region shows now."""
    screen = console(io.StringIO(), width=width, height=height)
    live._console.size = (width, height)
    with screen.capture() as shown:
        screen.print(live._view())
    return [line.rstrip() for line in shown.get().split("\n")]


def begun(resumed: bool = False, **sizes: int) -> LiveView:
    live = LiveView(console(Terminal(), **sizes))
    records = Records(seconds=np.full(2, 60.0))
    live.begin(RUN, replace(START, epoch=2, records=records) if resumed else START)
    live.close()  # no redrawing beside the test
    return live


def test_each_epoch_is_a_line_where_the_output_is_a_file() -> None:
    file = io.StringIO()
    lead(LiveView(console(file)), RUN)
    title, first, second, end, nothing = file.getvalue().split("\n")
    assert title == "curves: 64-20-5-20-64"
    assert first == (
        "epoch 1 of 3: ll -385.1432, error 107.2240, test error 107.3000, lambda 30, rho 0.825, rate 1, "
        "13 CG steps, 1.50 s, 3 s left"
    )
    assert second.startswith("epoch 2 of 3: ")
    assert end == "All epochs were run. The parameters returned are those of epoch 2. 3.00 s in all."
    assert nothing == ""


@pytest.mark.parametrize("environ", [{"FORCE_COLOR": "1", "TERM": "xterm"}, {"TTY_COMPATIBLE": "1"}])
def test_a_file_gets_no_control_codes_even_if_colour_is_forced(environ: Mapping[str, str]) -> None:
    file = io.StringIO()
    lead(LiveView(console(file, environ)), RUN)
    assert "\x1b" not in file.getvalue()


def test_a_dumb_terminal_gets_plain_lines() -> None:
    terminal = Terminal()
    lead(LiveView(console(terminal, {"TERM": "dumb"})), RUN)
    assert "\x1b" not in terminal.getvalue()
    assert "epoch 2 of 3: " in terminal.getvalue()


def test_a_terminal_is_left_with_a_table_and_a_sentence() -> None:
    terminal = Terminal()
    lead(LiveView(console(terminal)), RUN)
    left = terminal.getvalue().rpartition(SHOW_CURSOR)[2].rpartition("\x1b")[2]
    lines = [" ".join(line.split()) for line in left.split("\n")]
    assert "epoch CG ll error test error lambda rho rate time" in lines
    assert "2 13 -385.1432 107.2240 107.3000 30 0.825 1 1.50 s" in lines
    assert "All epochs were run. The parameters returned are those of epoch 2. 3.00 s in" in left


@pytest.mark.parametrize("outcome", [Outcome.INTERRUPTED, None])
def test_the_cursor_comes_back_however_the_run_ends(outcome: Outcome | None) -> None:
    terminal = Terminal()
    live = LiveView(console(terminal))
    lead(live, RUN, outcome)
    live.close()
    assert terminal.getvalue().count(HIDE_CURSOR) == terminal.getvalue().count(SHOW_CURSOR) == 1


def test_closing_twice_shows_the_table_once() -> None:
    terminal = Terminal()
    live = LiveView(console(terminal))
    lead(live, RUN)
    shown = terminal.getvalue()
    live.close()
    assert terminal.getvalue() == shown


def test_the_step_inside_the_epoch_is_shown() -> None:
    live = begun()
    live.progress("cg", 31, 250)
    assert "CG steps     31 of 250" in "\n".join(view_of(live))
    live.progress("line search", 2, 60)
    assert "line search  2 of 60" in "\n".join(view_of(live))


def test_a_stage_whose_steps_are_not_counted_is_only_named() -> None:
    live = begun()
    live.progress("gradient", 0, 1)
    assert "gradient" in view_of(live)[-4:-1]


def test_an_epoch_moves_the_bar_and_clears_the_step() -> None:
    live = begun()
    live.progress("cg", 31, 250)
    live.epoch(report(1), START)
    shown = "\n".join(view_of(live))
    assert "epochs done  1 of 3" in shown
    assert "CG steps" not in shown


def test_the_time_left_is_known_at_once_after_a_resume() -> None:
    assert "1:00 left" in "\n".join(view_of(begun(resumed=True)))
    assert "left" not in "\n".join(view_of(begun()))


def test_the_time_left_is_reckoned_from_the_latest_five_epochs() -> None:
    live = LiveView(console(Terminal()))
    live.begin(replace(RUN, options=Options(max_epochs=17)), START)
    live.close()
    for epoch in range(1, 8):
        live.epoch(report(epoch, seconds=600.0 if epoch <= 2 else 6.0), START)
    assert "1:00 left" in "\n".join(view_of(live))


def test_a_resumed_run_says_so() -> None:
    assert view_of(begun(resumed=True))[0] == "curves: 64-20-5-20-64, resumed after epoch 2"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 24), (50, 10), (40, 8)])
def test_the_view_fits_its_terminal(width: int, height: int) -> None:
    live = begun(width=width, height=height)
    for epoch in range(1, 12):
        live.epoch(report(epoch), START)
    live.progress("backtracking", 12, 250)
    lines = view_of(live, width, height)
    assert max(map(len, lines)) <= width
    assert len(lines) < height
    assert "107.2240" in lines[2]
    assert "…" not in "".join(lines[1:-4])


@pytest.mark.parametrize(
    ("width", "headings"),
    [(80, "epoch CG ll error test error lambda rho rate time"), (50, "epoch ll error test error lambda")],
)
def test_a_narrow_terminal_loses_whole_columns(width: int, headings: str) -> None:
    live = begun(width=width)
    live.epoch(report(1), START)
    assert view_of(live, width)[1].split() == headings.split()


def test_without_test_data_there_is_no_test_column() -> None:
    live = begun()
    live.epoch(report(test=None), START)
    assert "test error" not in "\n".join(view_of(live))


def test_a_long_run_leaves_a_table_that_says_what_it_leaves_out() -> None:
    terminal = Terminal()
    live = LiveView(console(terminal))
    lead(live, replace(RUN, options=Options(max_epochs=300)), epochs=300)
    rows = [line.split()[0] for line in terminal.getvalue().split("\n") if "107.2240" in line][-12:]
    assert (rows[0], rows[-1], len(set(rows))) == ("1", "300", 12)
    assert "(12 of 300 epochs are shown.)" in terminal.getvalue()


def test_a_name_the_terminal_cannot_show_does_not_end_the_run() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    lead(LiveView(Console(file=file, _environ={})), replace(RUN, name="λ"))
    file.flush()
    assert file.buffer.getvalue().startswith(b"?: 64-20-5-20-64")
