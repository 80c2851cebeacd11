"""Inverse products by Neumann's series and by roulette against recorded and dense solutions; the solver of the loop."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.errors import NotFinite, OptionError
from hf_matlab_compat.method import silent
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.inverse_series import Roulette, error_bound, neumann, spectrum_ends
from hf_matlab_compat.solvers.neumann import Neumann
from hf_matlab_compat.solvers.rules import Quadratic
from tests.toy_problem import ToyProblem

GOLDEN = {
    name: value.squeeze()
    for name, value in loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "lissa_logistic.mat").items()
    if not name.startswith("__")
}
H, G0, NEWTON = GOLDEN["H0"], GOLDEN["grad0"], GOLDEN["newton_step0"]
SCALE = 0.26
T = np.linalg.eigvalsh(H)


def product(v: Any) -> Any:
    return H @ v


def error(found: Any) -> float:
    return float(np.linalg.norm(found - NEWTON) / np.linalg.norm(NEWTON))


@pytest.mark.parametrize("depth", [10, 200])
def test_the_series_is_the_recorded_one(depth: int) -> None:
    np.testing.assert_allclose(neumann(product, G0, depth, SCALE), GOLDEN[f"neumann{depth}"], rtol=1e-10)


def test_depth_counts_products_and_the_vector_stays() -> None:
    calls, v = [0], G0.copy()

    def counted(x: Any) -> Any:
        calls[0] += 1
        return H @ x

    assert np.array_equal(neumann(counted, v, 0, SCALE), G0 / SCALE)
    assert calls == [0]
    neumann(counted, v, 7, SCALE)
    assert calls == [7]
    neumann(counted, v, 7)
    assert calls[0] - 14 == min(10, len(G0))  # the estimate of the scale
    assert np.array_equal(v, G0)


@pytest.mark.parametrize("scale", [SCALE, T[-1] * 1.0001])
def test_the_error_is_within_its_bound_and_reaches_it_along_the_least_eigenvector(scale: float) -> None:
    vectors = np.linalg.eigh(H)[1]
    for depth in (0, 3, 30, 300):
        bound = error_bound(T[0], scale, depth)
        assert error(neumann(product, G0, depth, scale)) <= bound + 1e-15
        v = vectors[:, 0]
        off = np.linalg.norm(neumann(product, v, depth, scale) - v / T[0]) * T[0]
        assert off == pytest.approx(bound, rel=1e-9, abs=1e-12)


def test_without_a_scale_the_series_converges_faster_than_with_a_bound_of_it() -> None:
    assert error(neumann(product, G0, 40)) < 1e-8 < error(neumann(product, G0, 200, SCALE))


@pytest.mark.parametrize("seed", range(8))
def test_the_estimate_suffices_for_spectra_of_any_shape(seed: int) -> None:
    random = np.random.default_rng(seed)
    t = [np.geomspace(1e-4, 1, 200), random.random(200), 1 - random.random(200) ** 4, 1 / np.arange(1, 201)][seed % 4]
    basis = np.linalg.qr(random.standard_normal((200, 200)))[0]
    B, v = (basis * t) @ basis.T, random.standard_normal(200)
    ends = spectrum_ends(lambda x: B @ x, v)
    assert max(t) <= ends.largest * (1 + 1e-12) < 1.05 * max(t)
    assert ends.least >= min(t)
    close = neumann(lambda x: B @ x, v, 50)
    closer = neumann(lambda x: B @ x, v, 500)
    residuals = [np.linalg.norm(B @ x - v) for x in (close, closer)]
    assert residuals[1] < residuals[0] < np.linalg.norm(v)


def test_a_scale_below_half_the_largest_eigenvalue_is_refused_by_name_with_one_that_would_do() -> None:
    expected = r"^scale: expected a number of at least 0\.02\d+, a curvature that the series met, got 0\.01\."
    for solve in (lambda: neumann(product, G0, 50, 0.01), lambda: Roulette(gamma=0.99, scale=0.01)(product, G0, 500)):
        with pytest.raises(OptionError, match=expected):
            solve()
    assert error(neumann(product, G0, 200, 0.015)) < 1e-10  # between half and all of it the series converges


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(OptionError, match=r"^scale: expected a finite number above 0"):
        neumann(product, G0, 3, scale)


def test_negative_curvature_and_nan_are_refused() -> None:
    def indefinite(v: Any) -> Any:
        return np.array([1.0, -0.5]) * v

    with pytest.raises(OptionError, match=r"^B: expected a positive definite matrix.* got curvature -0\."):
        neumann(indefinite, np.ones(2), 50, 1.0)
    with pytest.raises(NotFinite):
        neumann(lambda v: v * np.nan, np.ones(2), 3, 1.0)


def test_zero_has_the_solution_zero() -> None:
    assert not neumann(product, 0 * G0, 5).any()
    assert not Roulette(gamma=0.99)(product, 0 * G0).any()


@pytest.mark.parametrize(
    ("gamma", "cumulative", "most"), [(0.97, True, 0.01), (0.99, True, 0.01), (0.97, False, 0.02), (0.99, False, 0.04)]
)
def test_the_mean_of_20000_series_is_the_newton_step(gamma: float, cumulative: bool, most: float) -> None:
    rule = Roulette(gamma=gamma, cumulative=cumulative, scale=SCALE, least=0.01)
    found = [error(rule(product, G0, 20_000, seed)) for seed in range(10)]
    assert max(found) < most
    spread = np.sqrt(np.mean(np.square(found))) * 20_000**0.5
    recorded = {(0.97, True): 0.45, (0.97, False): 0.96, (0.99, True): 0.24, (0.99, False): 2.06}
    assert spread == pytest.approx(recorded[gamma, cumulative], rel=0.4)


@pytest.mark.parametrize("gamma", [0.93, 0.97, 0.99])
@pytest.mark.parametrize("cumulative", [True, False])
def test_the_variance_is_that_of_a_sum_over_all_lengths(gamma: float, cumulative: bool) -> None:
    rule, rho = Roulette(gamma=gamma, cumulative=cumulative), 0.9
    lengths = np.arange(2000)
    terms = (rho / gamma) ** lengths
    drawn = (1 - rho) * (terms.cumsum() if cumulative else terms / (1 - gamma))
    share = (1 - gamma) * gamma**lengths
    assert share @ drawn == pytest.approx(1, rel=1e-6)
    assert rule.relative_variance(rho) == pytest.approx(share @ (drawn - 1) ** 2, rel=1e-6)


@pytest.mark.parametrize("cumulative", [True, False])
def test_series_are_drawn_one_by_one_as_they_are_summed_at_once(cumulative: bool) -> None:
    rule = Roulette(gamma=0.9, cumulative=cumulative)
    lengths = np.array([0, 3, 1, 3])
    powers = [np.linalg.matrix_power(np.eye(8) - H / SCALE, j) @ G0 for j in range(4)]
    wanted = np.zeros(8)
    for i in lengths:
        if cumulative:
            wanted += sum(powers[j] / 0.9**j for j in range(i + 1)) / 4
        else:
            wanted += powers[i] / (0.1 * 0.9**i) / 4
    found = sum(w * power for w, power in zip(rule.weights(lengths), powers, strict=True))
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_a_gamma_without_finite_variance_is_refused() -> None:
    limit = (1 - T[0] / SCALE) ** 2
    sentence = (
        rf"^gamma: expected a number above \(1 - least eigenvalue / scale\)\^2 = {limit:.6g} and below 1, got 0\.9\."
    )
    for least in (T[0], None):  # the estimate finds the least eigenvalue of a matrix of 8 rows
        with pytest.raises(OptionError, match=sentence):
            Roulette(gamma=0.9, scale=SCALE, least=least)(product, G0)
    for gamma in (1.0, math.nan):
        with pytest.raises(OptionError, match=r"^gamma: expected a number between 0 and 1, got"):
            Roulette(gamma=gamma, scale=SCALE, least=0.01)(product, G0)
    assert error(Roulette(gamma=limit + 0.01, scale=SCALE)(product, G0, 20_000)) < 0.05


def solved(solver: Neumann, B: Any, g: Any, start: Any = None) -> Any:
    return solver.solve(Quadratic(B, g, 0.0), 0 * g if start is None else start, None, silent)


def test_the_solver_is_the_series_from_its_start() -> None:
    path = solved(Neumann(max_steps=11, scale=SCALE, tolerance=1e-9), product, G0)
    np.testing.assert_allclose(path.iterates[-1], GOLDEN["neumann10"], rtol=1e-12)
    assert (path.steps, path.last_step, path.stop) == ([11], 11, CGStop.MAX_STEPS)
    start = 0.5 * NEWTON
    near = solved(Neumann(max_steps=11, scale=SCALE, tolerance=1e-9), product, G0, start).iterates[-1]
    np.testing.assert_allclose(near, start + neumann(product, G0 - H @ start, 10, SCALE), rtol=1e-12)


def test_the_solver_stops_at_its_tolerance() -> None:
    path = solved(Neumann(tolerance=1e-6), product, G0)
    assert path.stop is CGStop.SMALL_RESIDUAL
    assert np.linalg.norm(H @ path.iterates[-1] - G0) <= 1e-6 * np.linalg.norm(G0)
    assert path.last_step < 40


def test_the_solver_raises_an_estimate_that_was_too_small_and_refuses_a_scale_that_is() -> None:
    t = np.array([*np.linspace(0.05, 1, 60), 2.5])
    g = np.array([*np.ones(60), 1e-14])  # ten Lanczos steps do not see the largest eigenvector
    assert spectrum_ends(lambda v: t * v, g).largest < 1.1
    path = solved(Neumann(max_steps=2000, tolerance=1e-8), lambda v: t * v, g)
    assert path.stop is CGStop.SMALL_RESIDUAL
    np.testing.assert_allclose(path.iterates[-1], g / t, atol=1e-5)
    with pytest.raises(OptionError, match=r"^scale: expected a number of at least \d\.\d+, .* got 1\.0\."):
        solved(Neumann(max_steps=2000, tolerance=1e-8, scale=1.0), lambda v: t * v, g)
    with pytest.raises(OptionError, match=r"^curvature: expected a positive definite matrix"):
        solved(Neumann(), lambda v: -t * v, g)
    with pytest.raises(OptionError, match=r"^scale: expected a finite number above 0"):
        Neumann(scale=-1.0)


def test_the_loop_converges_with_it() -> None:
    problem = ToyProblem(num_chunks=1)
    best = np.linalg.solve(problem.A[0], problem.b[0])
    run: dict[str, Any] = {"problem": problem, "initial_theta": np.zeros(20), "preconditioner": "none"}
    found = train(**run, solver="neumann", max_epochs=25, initial_lam=1.0, precision="double")
    np.testing.assert_allclose(found.theta, best, rtol=1e-4, atol=1e-5)
    with pytest.raises(OptionError, match=r"^preconditioner: expected 'none' beside solver='neumann'"):
        train(**{**run, "preconditioner": "martens"}, solver="neumann", max_epochs=1)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_the_ends_of_a_spectrum_do_not_depend_on_the_size_of_the_vector(size: float) -> None:
    np.testing.assert_allclose(spectrum_ends(product, size * G0), spectrum_ends(product, G0), rtol=1e-10)


@pytest.mark.parametrize(("size", "kind"), [(0.0, OptionError), (-1.0, OptionError), (math.nan, NotFinite)])
def test_a_matrix_without_a_positive_eigenvalue_is_named_where_no_scale_is_given(size: float, kind: type) -> None:
    with pytest.raises(kind, match=r"^B: expected a positive definite" if kind is OptionError else "product"):
        neumann(lambda v: size * v, G0, 5)


def test_whole_floats_are_whole_numbers() -> None:
    np.testing.assert_array_equal(neumann(product, G0, 20.0, SCALE), neumann(product, G0, 20, SCALE))
    rule = Roulette(gamma=0.97, scale=SCALE, least=T[0])
    np.testing.assert_array_equal(rule(product, G0, 10.0), rule(product, G0, 10))
    for wrong in ({"least": -1.0}, {"scale": 0.0}, {"depth": 2.5}):
        with pytest.raises(OptionError, match=rf"^{next(iter(wrong))}: expected a "):
            error_bound(**{"least": 0.1, "scale": 1.0, "depth": 2, **wrong})


def test_a_matrix_in_place_of_products_and_a_list_in_place_of_a_vector_are_refused() -> None:
    calls = (neumann, spectrum_ends, Roulette(gamma=0.97))
    for call, more in zip(calls, (5, 3, 2), strict=True):
        with pytest.raises(OptionError, match=r"^B: expected a function v → B v, got an array of .* lambda v: B @ v"):
            call(H, G0, more)
        for wrong in (G0.tolist(), G0[:, None], 3.0):
            with pytest.raises(OptionError, match=r"^v: expected a vector, an array of shape \(P,\), got "):
                call(product, wrong, more)


def test_the_errors_on_the_page_are_those_of_its_first_block() -> None:
    text = (Path(__file__).parents[2] / "docs" / "inverse-products.md").read_text(encoding="utf-8")
    B, v = np.diag([0.5, 1.0, 2.0]) + 0.1, np.ones(3)
    for call in (
        lambda: neumann(lambda x: B @ x, v, depth=20, scale=0.5),
        lambda: Roulette(gamma=0.5, scale=2.5)(lambda x: B @ x, v),
    ):
        with pytest.raises(OptionError) as refused:
            call()
        assert str(refused.value).split(" The ")[0].split(" At ")[0] in text
