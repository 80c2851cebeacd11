"""Tables as Markdown and JSON, and the judgement of ratios."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import results
from benchmarks.growth import exponent
from benchmarks.machine import is_busy
from benchmarks.table import Table, judged, shown
from hf_matlab_compat.backends.workers import default_threads
from tests.benchmarks.toy import EFFORT

TABLE = Table("kernels", "Kernels", ["what", "ms"], [["G v", 1.23456789], ["H v", None]], ["a note"], {"CPU": "some"})


@pytest.mark.parametrize(
    ("given", "cells"),
    [
        ((0.98, 0.97), [0.98, "≥ 0.97", "met"]),
        ((0.96, 0.97), [0.96, "≥ 0.97", "missed"]),
        ((0.02, 0.03, True), [0.02, "≤ 0.03", "met"]),
        ((0.04, 0.03, True), [0.04, "≤ 0.03", "missed"]),
        ((float("nan"), 0.5), ["nan", "≥ 0.5", "missed"]),
        ((3.0, None), [3.0, None, None]),
    ],
)
def test_a_ratio_is_judged_by_its_target(given: tuple, cells: list) -> None:
    found = judged(*given)
    assert [str(found[0]), *found[1:]] == [str(cells[0]), *cells[1:]]


@pytest.mark.parametrize(
    ("cell", "text"), [(1234.5, "1234"), (12.345, "12.3"), (0.5, "0.500"), (1e-7, "1.0e-07"), (3, "3"), (None, "–")]
)
def test_three_digits_are_shown(cell: float | None, text: str) -> None:
    assert shown(cell) == text


def test_markdown_has_title_machine_rows_and_notes() -> None:
    text = TABLE.to_markdown()
    for line in ("## Kernels", "*CPU some*", "| what | ms |", "| G v | 1.23 |", "| H v | – |", "- a note"):
        assert line in text.splitlines()


def on_screen(table: Table, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    with console.capture() as shown:
        console.print(table.to_rich(width))
    return shown.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_screen_shows_every_column_whole_in_as_many_parts_as_it_takes(width: int) -> None:
    columns = ["what", "backend", *(f"column number{i}" for i in range(9)), "note"]
    rows = [[name, "numpy", *(0.123 * i for i in range(9)), "10 and 10"] for name in ("Gauss-Newton product", "Hv")]
    lines = on_screen(replace(TABLE, columns=columns, rows=rows, notes=["a note " * 12]), width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert {"Gauss-Newton", "product", *(f"number{i}" for i in range(9)), "0.984", "a", "note"} <= set(words)
    assert sum("10 and 10" in line for line in lines) == 2
    heads = sum("backend" in line for line in lines)
    assert heads == {60: 4, 80: 2, 200: 1}[width]
    assert lines[0].split() == ["Kernels"]
    assert not any("…" in line for line in lines)


def test_others_keep_a_machine_busy_only_where_they_use_its_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for used, busy in ((0.1, False), (3.0, True)):
        ticks = iter([100.0, 100.0 + used * 0.02])
        monkeypatch.setattr("benchmarks.machine._busy_seconds", lambda ticks=ticks: next(ticks))
        monkeypatch.setattr("benchmarks.machine.default_threads", lambda: 2)
        assert is_busy(0.02) is busy


def test_without_the_systems_ticks_the_load_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.machine._busy_seconds", lambda: None)
    for load, busy in ((0.3, False), (1.2, True)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0, 0))
        assert is_busy() is (busy and default_threads() < 12)


def test_a_table_measured_again_replaces_itself_and_leaves_the_others(tmp_path: Path) -> None:
    results.write({"kernels": TABLE, "threads": replace(TABLE, name="threads", title="Threads")}, tmp_path)
    results.write({**results.read(tmp_path), "kernels": replace(TABLE, rows=[["G v", 2.0]])}, tmp_path)
    known = results.read(tmp_path)
    assert (known["kernels"].rows, known["threads"].rows[0]) == ([["G v", 2.0]], ["G v", 1.2346])
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["threads"]["title"] == "Threads"
    assert "## Threads" in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")


def test_the_exponent_of_a_power_law() -> None:
    assert exponent([(n, 3 * n**1.5) for n in (10, 100, 1000)]) == pytest.approx(1.5)


def test_a_full_run_has_seven_repeats_or_more() -> None:
    assert replace(EFFORT).repeats < 7 <= type(EFFORT)().repeats
