"""Small problems: steps and curvatures that are known, and what their commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.studies.conditioning import NETS, conditioning, table, unscaled_pays
from hf_matlab_compat.studies.slides import descents, steps_in_a_valley, twin_units


def test_steps_on_rosenbrocks_function_are_the_known_ones() -> None:
    found = {each.name: (each.to_f, each.to_minimum) for each in descents()}
    assert found["Newton"] == (5, 6)
    assert found["Gauss-Newton"] == (2, 2)
    assert found["damped Newton"] == (26, 29)
    assert found["momentum .99, rate 2e-4"][0] == 1288
    assert found["gradient descent, rate .001"][0] == 15068
    assert found["gradient descent, rate .002"][0] == 7493


@pytest.mark.parametrize(("condition", "steps"), [(1e2, 444), (1e4, 55833)])
def test_steps_in_a_valley_are_the_known_ones(condition: float, steps: int) -> None:
    assert steps_in_a_valley(condition) == (steps, 2, 1)


def test_between_twin_units_the_curvature_of_gauss_newton_vanishes_and_that_of_the_hessian_does_not() -> None:
    near, nearer = twin_units((0.01, 0.001))
    assert nearer.of_G / near.of_G == pytest.approx(0.01, rel=0.05)
    assert nearer.of_H < 0
    assert abs(nearer.of_H) > 1e4 * nearer.of_G
    assert nearer.together == pytest.approx(near.together, rel=0.01)


def test_the_slides_fit_a_terminal_and_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "slides.png"
    assert main(["study", "slides", "--picture", str(picture)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert max(map(len, told[:-1])) <= 80
    assert picture.stat().st_size > 20_000


def test_a_preconditioner_pays_on_inputs_of_unequal_scales() -> None:
    found = {name: [conditioning(NETS[name], 0, epochs=20)] for name in ("the same, unscaled inputs",)}
    assert unscaled_pays(found)
    assert max(map(len, table(found).splitlines())) <= 80
    spoiled = {name: [{**of[0], "martens": of[0]["none"]}] for name, of in found.items()}
    assert not unscaled_pays(spoiled)
