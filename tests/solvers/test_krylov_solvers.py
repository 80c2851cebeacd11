"""Krylov solvers against dense solutions, scipy, and recorded check values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.solvers.bicgstab import BiCGSTAB, bicgstab
from hf_matlab_compat.solvers.lanczos import Lanczos, norm
from hf_matlab_compat.solvers.minres import Minres, least_residual, negative_direction
from hf_matlab_compat.solvers.newton_lanczos import NewtonLanczos
from hf_matlab_compat.solvers.rules import Quadratic
from hf_matlab_compat.solvers.steihaug import Steihaug

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
    print(norm(p), value(q, p), INNER["hard_q"], INNER["hard_p_norm"])


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
    print(lowest.quotient, BISTAB["negdir_rayleigh_lam0p05"])
