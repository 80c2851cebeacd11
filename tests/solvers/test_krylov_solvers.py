"""Krylov solvers against dense solutions, scipy, and recorded check values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.optimize._trustregion_ncg import CGSteihaugSubproblem

from hf_matlab_compat.errors import NotFinite
from hf_matlab_compat.solvers.bicgstab import BiCGSTAB, bicgstab
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.flexible_cg import FlexibleCG
from hf_matlab_compat.solvers.lanczos import Lanczos, norm
from hf_matlab_compat.solvers.minres import Minres, least_residual, negative_direction
from hf_matlab_compat.solvers.newton_lanczos import NewtonLanczos
from hf_matlab_compat.solvers.rules import Quadratic
from hf_matlab_compat.solvers.steihaug import Steihaug
from hf_matlab_compat.solvers.trust_region import TrustRegion

GOLDENS = Path(__file__).parents[1] / "goldens" / "methods"
INNER = loadmat(GOLDENS / "inner_solvers.mat", mat_dtype=True)
BISTAB = loadmat(GOLDENS / "bicgstab.mat", mat_dtype=True)
RADII = {"0p5": 0.5, "3": 3.0, "50": 50.0}


def silent(*_: Any) -> None:
    pass


def model(B: Any, gradient: Any, strength: float = 0.0) -> Quadratic:
    """`gradient` is that of f, as the check values have it."""
    return Quadratic(lambda v: B @ v, -gradient.ravel(), strength)


def value(q: Quadratic, p: Any) -> float:
    return float(0.5 * p @ q.B(p) - q.g @ p)


@pytest.mark.parametrize("kind", ["pd", "ind"])
@pytest.mark.parametrize("radius", RADII)
def test_newton_lanczos_finds_the_minimiser_in_the_region(kind: str, radius: str) -> None:
    q = model(INNER[f"B_{kind}"], INNER["g"], RADII[radius])
    path = NewtonLanczos(tolerance=1e-9).solve(q, q.g * 0, None, silent)
    wanted = INNER[f"{kind}_D{radius}_tr_p"].ravel()
    np.testing.assert_allclose(path.iterates[0], wanted, rtol=0, atol=1e-8 * norm(wanted))
    assert abs(path.last_step - int(INNER[f"{kind}_D{radius}_gltr_k"].item())) <= 1


@pytest.mark.parametrize("kind", ["pd", "ind"])
@pytest.mark.parametrize("radius", RADII)
def test_steihaug_takes_the_recorded_steps(kind: str, radius: str) -> None:
    q = model(INNER[f"B_{kind}"], INNER["g"], RADII[radius])
    path = Steihaug(tolerance=1e-10).solve(q, q.g * 0, None, silent)
    wanted = INNER[f"{kind}_D{radius}_st_p"].ravel()
    np.testing.assert_allclose(path.iterates[0], wanted, rtol=0, atol=1e-8 * norm(wanted))
    assert norm(path.iterates[0]) <= RADII[radius] * (1 + 1e-12)


def test_the_hard_case_adds_the_leftmost_vector() -> None:
    q = model(INNER["B_ind"], INNER["g_hard"], 50.0)
    p = NewtonLanczos(tolerance=1e-10).solve(q, q.g * 0, None, silent).iterates[0]
    assert norm(p) == pytest.approx(INNER["hard_p_norm"].item(), rel=1e-8)
    assert value(q, p) == pytest.approx(INNER["hard_q"].item(), rel=1e-8)


@pytest.mark.parametrize(
    ("factor", "steps"), [(1.0, "resid_steps_1"), (1e-2, "resid_steps_0p01"), (1e-4, "resid_steps_0p0001")]
)
def test_the_residual_rule_stops_at_the_recorded_step(factor: float, steps: str) -> None:
    q = model(INNER["B_pd"], factor * INNER["g"])
    path = FlexibleCG().solve(q, q.g * 0, None, silent)
    assert path.stop is CGStop.SMALL_RESIDUAL
    assert abs(path.last_step - INNER[steps].item()) <= (path.last_step > 20)


def test_a_preconditioner_may_be_a_diagonal_or_a_function() -> None:
    q, M = model(INNER["B_pd"], INNER["g"]), np.diag(INNER["B_pd"]).copy()
    paths = [FlexibleCG(tolerance=1e-10).solve(q, q.g * 0, each, silent) for each in (M, lambda r: r / M)]
    np.testing.assert_array_equal(paths[0].iterates[0], paths[1].iterates[0])
    np.testing.assert_allclose(q.B(paths[0].iterates[0]), q.g, atol=1e-9 * norm(q.g))


def test_without_positive_curvature_truncated_newton_goes_along_the_gradient() -> None:
    q = model(-np.eye(4), np.arange(4.0))
    path = FlexibleCG().solve(q, q.g * 0, None, silent)
    assert path.stop is CGStop.NEGATIVE_CURVATURE
    np.testing.assert_array_equal(path.iterates[0], q.g)


@pytest.mark.parametrize("kind", ["pd", "ind"])
@pytest.mark.parametrize("k", [5, 10, 20])
def test_minres_has_the_least_residual_in_the_krylov_space(kind: str, k: int) -> None:
    q = model(INNER[f"B_{kind}"], INNER["g"])
    space = Lanczos(q.B, q.g)
    for _ in range(k):
        space.extend()
    p = space.combined(least_residual(space)[0])
    np.testing.assert_allclose(p, INNER[f"minres_{kind}_k{k}"].ravel(), rtol=0, atol=1e-8 * norm(p))


@pytest.mark.parametrize("k", [5, 10, 15, 20])
def test_the_leftmost_ritz_value(k: int) -> None:
    q = model(INNER["B_ind"], INNER["g"])
    space = Lanczos(q.B, q.g)
    for _ in range(k):
        space.extend()
    assert space.eigen()[0][0] == pytest.approx(INNER[f"ritz_k{k}"].item(), rel=1e-8)
    u = negative_direction(space, q.g, 2.0)
    assert u is not None
    assert norm(u) == pytest.approx(2.0)
    assert q.g @ u >= 0
    assert u @ q.B(u) < 0


@pytest.mark.parametrize("lam", ["0p05", "12"])
@pytest.mark.parametrize("k", [6, 12])
def test_bicgstab_has_the_recorded_iterates(lam: str, k: int) -> None:
    shift = float(lam.replace("p", "."))
    q = model(BISTAB["H"] + shift * np.eye(89), BISTAB["grad"])
    p, *_, lowest = bicgstab(q, BiCGSTAB(max_steps=k, tolerance=0.0), silent)
    wanted = BISTAB[f"x{k}_lam{lam}"].ravel()
    close = 1e-8 if k == 6 or lam == "12" else 1.0
    np.testing.assert_allclose(norm(p), norm(wanted), rtol=close)
    if close < 1:
        np.testing.assert_allclose(p, wanted, rtol=0, atol=1e-8 * norm(wanted))
    if k == 6 and lam == "0p05":
        assert lowest.quotient == pytest.approx(BISTAB["negdir_rayleigh_lam0p05"].item(), rel=1e-8)


SOLVERS = [Steihaug(), NewtonLanczos(), Minres(), Minres(follow_negative_curvature=True), BiCGSTAB(), FlexibleCG()]


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: type(s).__name__)
def test_a_product_that_is_not_finite_is_refused(solver: Any) -> None:
    q = Quadratic(lambda v: v * np.nan, np.ones(3), 1.0)
    with pytest.raises(NotFinite, match="curvature product"):
        solver.solve(q, np.zeros(3), None, silent)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_gradient_of_zero_gives_a_step_of_zero(solver: Any, precision: Any) -> None:
    q = Quadratic(lambda v: -2 * v, np.zeros(3, precision), 1.0)
    for p in solver.solve(q, q.g, None, silent).iterates:
        np.testing.assert_array_equal(p, q.g)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gradient_that_is_an_eigenvector_is_followed_to_the_boundary(sign: int) -> None:
    for scale in np.random.default_rng(0).random(200):
        q = Quadratic(lambda v, c=sign * scale: c * v, np.array([3.0, 0, 0]), 0.1 * scale)
        path = NewtonLanczos().solve(q, q.g, None, silent)
        np.testing.assert_allclose(path.iterates[0], [0.1 * scale, 0, 0], rtol=1e-9)
        assert path.stop is CGStop.BOUNDARY


def test_minres_stops_where_the_space_ends() -> None:
    q = Quadratic(lambda v: v * [1, 0, 0], np.ones(3), 0.0)
    path = Minres().solve(q, q.g, None, silent)
    assert (path.stop, path.last_step) == (CGStop.BREAKDOWN, 2)
    np.testing.assert_allclose(path.iterates[0][0], 1)


def test_the_radius_follows_the_ratio_and_a_step_of_zero_leaves_it() -> None:
    rule, p = TrustRegion(), np.array([0.0, 0.8])
    found = [rule.adapt(D, rho, p) for D, rho in [(0.8, 0.8), (0.8, 0.5), (1.0, 0.8), (1.0, 0.2), (1.0, np.nan)]]
    assert found == pytest.approx([1.6, 0.8, 1.0, 0.2, 0.2])
    assert rule.adapt(1.0, np.nan, 0 * p) == 1.0


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: type(s).__name__)
def test_the_smallest_problem_is_solved(solver: Any) -> None:
    q = Quadratic(lambda v: 2 * v, np.array([0.5]), 10.0)
    assert solver.solve(q, np.zeros(1), None, silent).iterates[-1] == pytest.approx(0.25)


@pytest.mark.parametrize("kind", ["pd", "ind"])
@pytest.mark.parametrize("radius", [0.5, 3.0, 50.0])
def test_steihaug_with_the_residual_rule_takes_scipys_step(kind: str, radius: float) -> None:
    q = model(INNER[f"B_{kind}"], INNER["g"], radius)
    theirs = CGSteihaugSubproblem(
        x=q.g * 0, fun=lambda p: value(q, p), jac=lambda p: q.B(p) - q.g, hess=lambda p: INNER[f"B_{kind}"]
    )
    np.testing.assert_allclose(
        Steihaug().solve(q, q.g * 0, None, silent).iterates[0], theirs.solve(radius)[0], rtol=1e-10, atol=1e-12
    )


def test_the_basis_stays_orthonormal_over_a_wide_spectrum() -> None:
    random = np.random.default_rng(0)
    U = np.linalg.qr(random.standard_normal((60, 60)))[0]
    space = Lanczos(lambda v: U @ (np.logspace(0, -16, 60) * (U.T @ v)), random.standard_normal(60))
    for _ in range(40):
        space.extend()
    np.testing.assert_allclose(np.array(space.Q) @ np.array(space.Q).T, np.eye(40), rtol=0, atol=1e-14)


@pytest.mark.parametrize("solver", [Minres(follow_negative_curvature=True), BiCGSTAB()], ids=["minres", "bicgstab"])
def test_offered_directions_point_uphill_and_their_sum_is_offered_too(solver: Any) -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        A, g = random.standard_normal((6, 6)), random.standard_normal(6)
        u, both, p = solver.solve(Quadratic(lambda v, A=A: (A + A.T) @ v, g, 0.0), g, None, silent).iterates
        np.testing.assert_array_equal(both, p + u)
        assert norm(u) == pytest.approx(norm(p))
        assert min(g @ u, g @ p) >= -1e-12 * norm(g) * norm(p)


def test_a_step_downhill_is_reversed() -> None:
    q = Quadratic(lambda v: -2 * v, np.ones(3), 0.0)
    for solver in (Minres(), BiCGSTAB(follow_negative_curvature=False)):
        np.testing.assert_allclose(solver.solve(q, q.g, None, silent).iterates[-1], q.g / 2)
