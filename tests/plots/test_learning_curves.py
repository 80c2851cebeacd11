"""Learning curves: what is drawn is what the logs say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.log_parser import LoggedRun
from hf_matlab_compat.plots import draw_learning_curves, learning_curves, runs_of_logs
from tests.matlab.logged_runs import GOLDENS, altered, curves_run, recorded_run

pytest.importorskip("matplotlib")
LONG = GOLDENS / "log_ae_logistic_long.txt"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    figures: list[Any] = []
    monkeypatch.setattr(learning_curves, "save", lambda figure, path: figures.append(figure))
    return figures


def lines_of(figure: Any, title: str) -> list[Any]:
    (axes,) = [axes for axes in figure.axes if axes.get_title(loc="left").startswith(title)]
    return axes.lines


@pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_picture_is_written_in_the_format_of_its_name(tmp_path: Path, suffix: str, head: bytes) -> None:
    path = draw_learning_curves(tmp_path / f"curves{suffix}", {"a": recorded_run(), "b": curves_run()})
    assert path.read_bytes().startswith(head)


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (draw_learning_curves(tmp_path / name, {"a": recorded_run()}) for name in ("1.svg", "2.svg"))
    assert first.read_bytes() == second.read_bytes()


def test_training_and_test_figures_of_every_run_are_drawn(drawn: list[Any]) -> None:
    runs = {"a": recorded_run(), "b": curves_run()}
    draw_learning_curves("x.png", runs)
    lines = lines_of(drawn[0], "error")
    figures = [run.epochs[name] for run in runs.values() for name in ("error", "test_error")]
    for line, expected in zip(lines, figures, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), expected)


@pytest.mark.parametrize(
    ("title", "name"), [("negative", "log_likelihood"), ("lambda", "lam"), ("CG steps", "cg_steps"), ("rho", "rho")]
)
def test_every_panel_shows_its_figure(drawn: list[Any], title: str, name: str) -> None:
    run = recorded_run()
    draw_learning_curves("x.png", {"a": run})
    figures = run.epochs[name][np.isfinite(run.epochs[name])]
    sign = -1 if title == "negative" else 1
    np.testing.assert_array_equal(lines_of(drawn[0], title)[0].get_ydata(), sign * figures)


def test_a_rho_of_minus_infinity_is_a_triangle(drawn: list[Any]) -> None:
    run = recorded_run()
    draw_learning_curves("x.png", {"a": run})
    triangles = lines_of(drawn[0], "rho")[1]
    assert list(triangles.get_xdata()) == list(run.epochs["epoch"][np.isneginf(run.epochs["rho"])])
    assert triangles.get_marker() == "v"


@pytest.mark.parametrize("count", [1, 10, 24])
def test_each_run_has_a_colour_of_its_own_and_its_name_in_the_legend(drawn: list[Any], count: int) -> None:
    draw_learning_curves("x.png", {f"_run {i} $": recorded_run() for i in range(count)})
    colours = {str(line.get_color()) for line in lines_of(drawn[0], "CG steps")}
    words = [text.get_text() for text in drawn[0].axes[5].get_legend().get_texts()]
    assert len(colours) == count
    assert words == [rf"run {i} \$" for i in range(count)] + ["training", "test"]


def test_every_run_of_every_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_bytes(LONG.read_bytes() * 2)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "two.txt").write_bytes(LONG.read_bytes())
    found = runs_of_logs([tmp_path / "two.txt", LONG, tmp_path / "again" / "two.txt"])
    assert list(found) == ["two (1)", "two (2)", "log_ae_logistic_long", "two"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -5.0])
def test_strange_figures_are_drawn_without_a_warning(tmp_path: Path, value: float) -> None:
    run = recorded_run(GOLDENS / "log_ae_logistic_single.txt")
    for figure in ("lam", "rho", "error", "test_error", "log_likelihood", "test_log_likelihood"):
        for epoch in range(1, 8 if np.isfinite(value) else 9):
            run = altered(run, epoch, figure, value)
    assert draw_learning_curves(tmp_path / "x.svg", {"a": run}).exists()


def empty(run: LoggedRun) -> LoggedRun:
    from dataclasses import replace

    return replace(run, epochs=run.epochs[:0])


def test_one_epoch_is_enough_and_none_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    one = replace(recorded_run(), epochs=recorded_run().epochs[:1])
    assert draw_learning_curves(tmp_path / "x.png", {"a": one, "b": empty(one)}).exists()
    with pytest.raises(ArgumentError, match="runs: expected at least one run with a finished epoch, got none"):
        draw_learning_curves(tmp_path / "x.png", {"b": empty(one)})


def test_another_suffix_and_an_impossible_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"picture: expected a file name that ends in \.png, \.svg, \.pdf"):
        draw_learning_curves(tmp_path / "x.bmp", {"a": recorded_run()})
    with pytest.raises(ArgumentError, match=r"picture: expected a file that can be written, .*No such file"):
        draw_learning_curves(tmp_path / "no" / "x.svg", {"a": recorded_run()})


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ArgumentError, match=r"matplotlib: expected it to be installed.*hf_matlab_compat\[plot\]"):
        draw_learning_curves(tmp_path / "x.png", {"a": recorded_run()})


def test_importing_the_package_does_not_import_matplotlib() -> None:
    code = "import sys, hf_matlab_compat.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
