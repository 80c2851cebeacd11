"""The estimated spectrum against exact eigenvalues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.cli import main
from hf_matlab_compat.studies.spectrum import problem_of, spectral_density, spectrum_at

GOLDEN = loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "spectrum.mat", mat_dtype=True)


@pytest.mark.parametrize(("when", "gap"), [("before", 0.058), ("after", 0.01)])
def test_eigenvalues_are_the_recorded_ones_and_the_estimate_is_near(when: str, gap: float) -> None:
    problem = problem_of(GOLDEN["X"], GOLDEN["T"])
    found = spectrum_at(problem, GOLDEN[f"{when}_theta"].ravel(), when)
    exact = GOLDEN[f"{when}_eigs"].ravel()
    np.testing.assert_allclose(found.exact, exact, rtol=0, atol=1e-9 * abs(exact).max())
    assert found.density.nodes[0] == pytest.approx(exact[0], abs=1e-3 * abs(exact).max())
    assert found.density.nodes[-1] == pytest.approx(exact[-1], rel=1e-4)
    assert found.density.weights.sum() == pytest.approx(1)
    largest = max(abs(found.density.share_below(x) - np.mean(exact < x)) for x in np.linspace(exact[0], exact[-1], 200))
    assert largest < gap + 0.02


def test_a_density_of_few_eigenvalues_is_exact() -> None:
    values = np.array([1.0, 1.0, 3.0, 3.0, 3.0, -2.0])
    found = spectral_density(lambda v: values * v, 6, vectors=3)
    assert {float(np.round(node, 10)) for node in found.nodes} == {-2.0, 1.0, 3.0}
    assert found.share_below(0) == pytest.approx(1 / 6)


def test_the_command_prints_the_table_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "spectrum.png"
    assert main(["study", "spectrum", "--epochs", "5", "--picture", str(picture)]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0].split() == ["f", "least", "largest", "negative", ">", "10", "%", "near", "0", "gap"]
    assert max(map(len, told.splitlines()[:3])) <= 80
    assert picture.stat().st_size > 10_000
