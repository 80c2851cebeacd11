"""The study of controllers: cases, the criterion, the command with its files, and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies.control import JUDGED, SETTINGS, TRAINING, control, draw_cases


@pytest.mark.parametrize("plant", SETTINGS)
def test_cases_fill_their_ranges_and_differ_by_seed_and_purpose(plant: str) -> None:
    starts, goals = draw_cases(plant, 4000, 1, TRAINING)
    joints = len(starts) // 2
    most = [*[1.0] * joints, *[0.5 if plant == "point" else 0.0] * joints]
    np.testing.assert_allclose(np.abs(starts).max(axis=1), most, atol=2e-3)
    np.testing.assert_allclose(np.abs(goals).max(axis=1), [*[1.0] * joints, *[0.0] * joints], atol=2e-3)
    assert np.abs(np.corrcoef(np.vstack([starts[:joints], goals[:joints]])) - np.eye(2 * joints)).max() < 0.06
    same, seeds, purposes = (draw_cases(plant, 4000, *key)[0] for key in ((1, TRAINING), (2, TRAINING), (1, JUDGED)))
    assert np.array_equal(starts, same)
    assert not np.array_equal(starts, seeds)
    assert not np.array_equal(starts, purposes)


def test_the_point_mass_meets_its_criterion_on_fresh_cases() -> None:
    lines: list[str] = []
    found = control("point", seed=3, tell=lines.append)
    assert found.passed
    assert found.distance <= found.bar == 0.02
    assert found.idle > 0.4
    assert found.distance == pytest.approx(found.result.records.error[-1, 1], rel=1e-12)
    reached = found.run.states[0, -1] - draw_cases("point", 256, 3, JUDGED)[1][0]
    assert found.distance == pytest.approx(np.abs(reached).mean(), rel=1e-12)
    assert [int(line.split()[0]) for line in lines] == list(range(1, 26))
    assert max(map(len, [*lines, *found.text().splitlines()])) <= 80


@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.study) for k in (1, 2, 32403))])
def test_the_arm_meets_its_criterion_on_fresh_cases(seed: int) -> None:
    assert control("arm", seed).distance <= 0.04


def test_the_command_prints_the_criterion_and_writes_figures_and_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, picture = tmp_path / "figures.json", tmp_path / "point.svg"
    words = ["study", "control", "--seed", "5", "--seeds", "2"]
    assert main([*words, "--json", str(figures), "--picture", str(picture)]) == 0
    shown = capsys.readouterr()
    assert "criterion: distance at most 0.02 - met by 2 of 2" in shown.out
    assert shown.err.count("\n") >= 51  # a line an epoch, under headings
    runs = json.loads(figures.read_text())
    assert [(run["seed"], run["passed"], run["epochs"]) for run in runs] == [(5, True, 25), (6, True, 25)]
    assert runs[0]["distances"][-1] == pytest.approx(runs[0]["distance"])
    assert picture.read_bytes().startswith(b"<?xml")
    assert main([*words, "--epochs", "1"]) == 1
    assert "met by 0 of 2" in capsys.readouterr().out


def test_what_does_not_fit_is_refused_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sentence, *more in (
        ("picture: expected a file name that ends in", "--picture", "a.gif"),
        ("json: expected a file in a folder that exists", "--json", str(tmp_path / "no" / "a.json")),
        ("seeds: expected a whole number of at least 1, got 0", "--seeds", "0"),
    ):
        assert main(["study", "control", *more]) == 2
        assert sentence in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["study", "control", "--seed", "-1"])
    assert capsys.readouterr().err == "--seed: expected a whole number of at least 0, got -1.\n"
    with pytest.raises(OptionError, match="seed: expected a whole number of at least 0, got -1"):
        control("point", -1)
    with pytest.raises(OptionError, match="plant: expected one of 'point', 'arm', got 'cart'"):
        control("cart")


@pytest.mark.parametrize("plant", SETTINGS)
def test_pictures_show_the_first_cases_and_their_goals(plant: str, tmp_path: Path, monkeypatch: Any) -> None:
    from hf_matlab_compat.plots import trajectories

    drawn: list[Any] = []
    monkeypatch.setattr(trajectories, "save", lambda figure, path: drawn.append(figure))
    found = control(plant, seed=1, epochs=1)
    found.plot(tmp_path / "a.png")
    (figure,) = drawn
    joints, cases = (1, 6) if plant == "point" else (2, 4)
    curves = figure.axes[: 2 * joints]
    for row, axes in enumerate(curves):
        paths, crosses = axes.lines[::2], axes.lines[1::2]
        assert len(paths) == len(crosses) == cases
        for k, (line, cross) in enumerate(zip(paths, crosses, strict=True)):
            np.testing.assert_array_equal(line.get_ydata(), found.run.states[row, :, k])
            assert cross.get_ydata()[0] == found.goals[row, k]
    assert curves[-1].get_xlabel() == "seconds"
    if plant == "arm":
        hands = figure.axes[-1].lines[-1].get_xydata()
        q = found.run.states[:2, :, 1]
        x = 0.5 * np.cos(q[0]) + 0.5 * np.cos(q[0] + q[1])
        np.testing.assert_allclose(hands[:, 0], x, atol=1e-12)
