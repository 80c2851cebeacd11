"""Learning curves: what is drawn is what the logs say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import ArgumentError, OptionError
from hf_matlab_compat.matlab.logs.parser import LoggedRun, parse_log
from hf_matlab_compat.plots import AGAINST, draw_learning_curves, learning_curves, runs_of_logs, seconds_of_logs
from hf_matlab_compat.plots.learning_curves import names_of_files
from tests.matlab.logs.logged_runs import GOLDENS, altered, curves_run, recorded_run
from tests.small_run import field_arguments

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
    words = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert len(colours) == count
    assert words == [rf"run {i} \$" for i in range(count)] + ["training", "test"]


def test_every_run_of_every_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_bytes(LONG.read_bytes() * 2)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "two.txt").write_bytes(LONG.read_bytes())
    found = runs_of_logs([tmp_path / "two.txt", LONG, tmp_path / "again" / "two.txt"])
    place = tmp_path.name
    assert list(found) == [f"{place}/two (1)", f"{place}/two (2)", "log_ae_logistic_long", "again/two"]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/run.txt", "b/run.txt", "c/run.txt"], ["a/run", "b/run", "c/run"]),
        (["x/a/run.txt", "y/a/run.txt"], ["x/a/run", "y/a/run"]),
        (["a/run.txt", "a/run.log"], ["run.txt", "run.log"]),
        (["a/run.txt", "b/run.txt", "b/other.txt"], ["a/run", "b/run", "other"]),
        (["run.txt.gz", "old/run.txt"], [f"{Path.cwd().name}/run", "old/run"]),
        (["one.txt"], ["one"]),
        (["a/run.txt", "a/run.txt"], ["run [1]", "run [2]"]),
        (["a/b/run.txt", "b/run.txt", "b/run2.txt"], ["a/b/run", f"{Path.cwd().name}/b/run", "run2"]),
    ],
)
def test_files_of_one_name_are_told_apart_by_their_folders(paths: list[str], names: list[str]) -> None:
    assert names_of_files(paths) == names


def test_long_labels_are_cut_in_the_middle_and_stay_apart(drawn: list[Any]) -> None:
    labels = ["sweep/" + "x" * 50 + f"/seed{i}/run" for i in range(2)] + ["a" * 30 + i + "b" * 30 for i in "12"]
    draw_learning_curves("x.png", {label: recorded_run() for label in labels})
    words = [text.get_text() for text in drawn[0].legends[0].get_texts()][:4]
    assert words[0].startswith("sweep/")
    assert words[0].endswith("/seed0/run")
    assert len(words[0]) < 41
    assert len(set(words)) == 4


def test_no_panel_is_empty(drawn: list[Any]) -> None:
    draw_learning_curves("x.png", {"a": recorded_run()})
    assert [axes.axison for axes in drawn[0].axes] == [True] * 6
    np.testing.assert_array_equal(lines_of(drawn[0], "ch magnitude")[0].get_ydata(), recorded_run().epochs["d_norm"])


def test_a_panel_whose_figure_no_log_has_says_so(drawn: list[Any]) -> None:
    text = re.sub(r"(ch magnitude|CG steps|New lambda|rho).*\n", "", LONG.read_text())
    (run,) = parse_log(text)
    draw_learning_curves("x.png", {"a": run})
    said = {axes.get_title(loc="left").split()[0]: [text.get_text() for text in axes.texts] for axes in drawn[0].axes}
    assert [title for title, words in said.items() if words == ["no number in the logs"]] == [
        "rho",
        "lambda",
        "CG",
        "ch",
    ]


def test_a_panel_of_nan_alone_has_no_ticks_of_a_scale_that_is_none(drawn: list[Any]) -> None:
    (run,) = parse_log(re.sub(r"(Log likelihood: )[-0-9.]+", r"\1NaN", LONG.read_text()))
    draw_learning_curves("x.png", {"a": run})
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.texts] == ["no number in the logs"]
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == 0


@pytest.mark.parametrize(
    ("low", "high", "plain"), [(6.0, 25.0, True), (5.5, 8.0, True), (0.02, 3.0, True), (1e-5, 1e4, False)]
)
def test_ticks_are_plain_numbers_over_a_few_decades(drawn: list[Any], low: float, high: float, plain: bool) -> None:
    run = recorded_run()
    epochs = run.epochs.copy()
    epochs["lam"] = epochs["error"] = epochs["test_error"] = np.geomspace(high, low, len(epochs))
    draw_learning_curves("x.png", {"a": replace(run, epochs=epochs)})
    drawn[0].canvas.draw()
    for axes in (drawn[0].axes[1], drawn[0].axes[3]):
        ticks = zip(axes.yaxis.get_majorticklocs(), axes.yaxis.get_majorticklabels(), strict=True)
        seen = [label.get_text() for at, label in ticks if axes.get_ylim()[0] <= at <= axes.get_ylim()[1]]
        assert len(seen) >= 3
        assert all(("^" in word or "mathdefault" in word) is not plain for word in seen)
        assert [label for label in axes.yaxis.get_minorticklabels() if label.get_text()] == []


@pytest.mark.parametrize("against", ["cg-steps", "seconds"])
def test_curves_are_drawn_against_what_is_asked_for(drawn: list[Any], against: str, tmp_path: Path) -> None:
    train(**field_arguments(run_name=tmp_path / "run", max_epochs=3))
    result = train(
        **field_arguments(run_name=tmp_path / "run", max_epochs=5, resume_from=tmp_path / "run_nnet_running")
    )
    logs = [tmp_path / "run.txt"]
    draw_learning_curves("x.png", runs_of_logs(logs), against=against, seconds=seconds_of_logs(logs))
    places = np.concatenate([line.get_xdata() for line in lines_of(drawn[0], "CG steps")])
    if against == "seconds":
        np.testing.assert_allclose(places, np.cumsum(result.records.seconds))
    else:
        np.testing.assert_array_equal(places[-2:], result.history["total_cg_steps"])
    assert {axes.get_xlabel() for axes in drawn[0].axes} == {AGAINST[against]}


def test_what_curves_cannot_be_drawn_against_is_a_sentence(tmp_path: Path) -> None:
    train(**field_arguments(run_name=tmp_path / "run", max_epochs=2))
    (tmp_path / "lone.txt").write_bytes((tmp_path / "run.txt").read_bytes())
    with pytest.raises(
        ArgumentError, match=r"^seconds: expected lone_nnet_running\.mat next to the log, .* no such file"
    ):
        seconds_of_logs([tmp_path / "lone.txt"])
    shutil.copy(tmp_path / "run_nnet_running.mat", tmp_path / "log_nnet_running.mat")
    shutil.copy(LONG, tmp_path / "log.txt")
    with pytest.raises(
        ArgumentError, match=r"got a checkpoint of another run than .*log\.txt\. Draw against epochs or CG steps"
    ):
        seconds_of_logs([tmp_path / "log.txt"])
    (run,) = parse_log(re.sub(r"CG steps.*\n", "", LONG.read_text()))
    with pytest.raises(
        ArgumentError, match=r"^against: expected the total of CG steps of every epoch, got a log without"
    ):
        draw_learning_curves(tmp_path / "x.png", {"a": run}, against="cg-steps")
    with pytest.raises(ArgumentError, match=r"^seconds: expected the seconds of a, got none"):
        draw_learning_curves(tmp_path / "x.png", {"a": run}, against="seconds")
    with pytest.raises(OptionError, match=r"^against: expected one of epoch, cg-steps, seconds, got 'hours'"):
        draw_learning_curves(tmp_path / "x.png", {"a": run}, against="hours")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -5.0])
def test_strange_figures_are_drawn_without_a_warning(tmp_path: Path, value: float) -> None:
    run = recorded_run(GOLDENS / "log_ae_logistic_single.txt")
    for figure in ("lam", "rho", "error", "test_error", "log_likelihood", "test_log_likelihood"):
        for epoch in range(1, 8 if np.isfinite(value) else 9):
            run = altered(run, epoch, figure, value)
    assert draw_learning_curves(tmp_path / "x.svg", {"a": run}).exists()


def empty(run: LoggedRun) -> LoggedRun:
    return replace(run, epochs=run.epochs[:0])


def test_one_epoch_is_enough_and_none_is_refused(tmp_path: Path) -> None:
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
    with pytest.raises(ArgumentError, match=r"matplotlib: expected the package.*hf_matlab_compat\[plot\]"):
        draw_learning_curves(tmp_path / "x.png", {"a": recorded_run()})


def test_importing_the_package_does_not_import_matplotlib() -> None:
    code = "import sys, hf_matlab_compat.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
