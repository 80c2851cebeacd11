"""The study of inverse products: its figures on recorded data, its tables and its picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.inverse_series import Roulette
from hf_matlab_compat.studies.inverse_products import DESCENT, deviation, study
from hf_matlab_compat.studies.logistic_regression import drawn_problem, least_value

GOLDEN = loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "lissa_logistic.mat", squeeze_me=True)


@pytest.mark.parametrize(
    ("gamma", "cumulative", "wanted"),
    [(0.97, True, 0.45), (0.97, False, 0.96), (0.99, True, 0.24), (0.99, False, 2.04)],
)
def test_deviations_of_roulette_are_the_recorded_ones(gamma: float, cumulative: bool, wanted: float) -> None:
    rule = Roulette(gamma=gamma, cumulative=cumulative)
    assert deviation(GOLDEN["H0"], GOLDEN["grad0"], 0.26, rule) == pytest.approx(wanted, abs=0.005)


def test_the_drawn_problem_fits_its_scale() -> None:
    problem, start = drawn_problem(3)
    assert np.linalg.norm(problem.X, axis=1).max() <= 1
    assert np.linalg.eigvalsh(problem.hessian(start))[-1] < problem.scale
    best = least_value(problem, start)
    random = np.random.default_rng(0)
    assert all(-problem.score(random.standard_normal(8), Cases()).log_likelihood > best for _ in range(50))


@pytest.mark.study
def test_the_error_falls_with_the_root_of_the_number_of_chains() -> None:
    found = study(20, 10_000, 0, lambda text: None)
    for S1, error in found.errors.items():
        assert error * S1**0.5 == pytest.approx(found.errors[1], rel=0.2)
    assert found.gaps[DESCENT][0, 7] > 1e-3


def test_the_command_prints_three_tables_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "inverse.png"
    words = ["study", "inverse_products", "--seeds", "2", "--chains", "100", "--picture", str(picture)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines()[:-1])) <= 80
    for word in ("LiSSA (10, 200)", "relative error of one step", "cumulative, gamma 0.97", "finite for gamma above"):
        assert word in told
    newton, *rows = (line.split() for line in told.splitlines() if line.startswith(("Newton", "LiSSA (")))
    assert [row[4] for row in rows] == 3 * ["1.5"] + 3 * [
        "6"
    ]  # a gradient, and a term for half or five times the cases
    assert newton[1] == "9"  # a gradient, and a product for each of 8 features
    assert float(newton[3]) < 1e-10
    with pytest.raises(OptionError, match=r"^chains: expected a whole number of at least 1, got 0\.$"):
        study(1, 0, 0, print)
    assert picture.stat().st_size > 20_000
