"""The study of variational inference: its exact figures, its reference by Monte Carlo, its tables and its picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hf_matlab_compat.cli import main
from hf_matlab_compat.model.packing import unpack
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.studies.variational import Fit, Regression, fits, is_met, table
from hf_matlab_compat.studies.variational_net import course, hamiltonian, network_problem, outputs


def test_log_evidence_and_best_elbo_are_those_of_normal_distributions() -> None:
    given = Regression.drawn(3)
    marginal = multivariate_normal(np.zeros(60), given.X @ given.X.T + 0.25 * np.eye(60))
    assert given.log_evidence == pytest.approx(marginal.logpdf(given.y), rel=1e-10)
    best = np.concatenate([given.mean, -np.log(np.diag(given.precision))])
    assert given.gap(best) == pytest.approx(0, abs=1e-9)
    for change in 0.01 * np.vstack([np.eye(10), -np.eye(10)]):
        assert given.gap(best + change) > 0
    problem = given.problem(draws=10, matched=True)  # exact for a quadratic log p
    assert given.best_elbo == pytest.approx(problem.score(best, Cases()).log_likelihood, rel=1e-12)


def test_routes_are_compared_and_the_criterion_can_fail() -> None:
    given = Regression.drawn()
    found = fits(given, [1], lambda text: None)
    (exact,) = found["Hessian-free, 10 matched"]
    assert abs(exact.gap) < 1e-9
    assert found["Hessian-free, 10 fixed"][0].gap > found["Hessian-free, 1000 fixed"][0].gap
    assert found["Adam, 4 fresh, 2000 updates"][0].steps == 2000
    assert max(map(len, table(given, found).splitlines())) <= 80
    assert is_met(found)
    run = found["Hessian-free, 1000 fixed"][0]
    for spoiled in (Fit(0.02, run.of_mean, run.steps, 0.1), Fit(run.gap, 1e-3, run.steps, 0.1)):
        assert not is_met({**found, "Hessian-free, 1000 fixed": [spoiled]})


def test_outputs_are_those_of_the_network() -> None:
    net = network_problem()
    Z = np.random.default_rng(0).standard_normal((3, net.num_parameters))
    first, second = unpack(Z[1], [1, 12, 1])
    x = np.array([-0.4, 1.1])
    by_hand = second.W @ np.tanh(first.W @ x[None] + first.b) + second.b
    np.testing.assert_allclose(outputs(Z, x)[1], by_hand[0], rtol=1e-12)
    error = ((outputs(Z, net.cases.inputs[0])[2] - net.cases.targets[0]) ** 2).mean()
    assert net.score(Z[2], Cases()).error == pytest.approx(error, rel=1e-12)


def test_a_course_ends_with_its_work_and_learns() -> None:
    found = course("Adam, 4 fresh", 0, 4000)
    assert found.passes[-1] == pytest.approx(4000, rel=0.2)
    assert found.elbos[-1] > found.elbos[0] + 20
    assert found.draws.shape == (500, 37)


@pytest.mark.study
def test_the_approximation_underestimates_the_spread_in_the_gap() -> None:
    x = np.array([0.0])
    exact = outputs(hamiltonian(network_problem(), 0, 60_000), x).std()
    assert exact > 0.28
    assert outputs(course("Hessian-free, 50 fresh", 0, 40_000).draws, x).std() < 0.9 * exact


def test_the_command_prints_both_tables_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "variational.png"
    assert main(
        ["study", "variational", "--repeats", "1", "--seeds", "1", "--passes", "2000", "--picture", str(picture)]
    ) in (0, 1)
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Linear regression: log evidence ")
    assert max(map(len, told[:-1])) <= 80
    assert picture.stat().st_size > 20_000


@pytest.mark.parametrize(("option", "value"), [("repeats", 0), ("seeds", 0), ("passes", 1)])
def test_a_study_of_nothing_is_refused(option: str, value: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "variational", f"--{option}", str(value)]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"{option}: expected a whole number of at least ")
    assert not shown.out
