"""Krylov subspace descent, saddle-free Newton and blocks against recorded dense directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.errors import NotFinite, OptionError
from hf_matlab_compat.methods.averaged_hf import AveragedHF
from hf_matlab_compat.methods.esgd import ESGD
from hf_matlab_compat.methods.growing_hf import GrowingHF
from hf_matlab_compat.methods.krylov_subspace import KrylovSubspace, directions_of_unit_curvature, krylov_basis
from hf_matlab_compat.methods.saddle_free import SaddleFree, absolute_newton, lanczos_space
from hf_matlab_compat.methods.stochastic_hf import StochasticHF
from hf_matlab_compat.solvers.bicgstab import BiCGSTAB
from hf_matlab_compat.solvers.blocks import Blocks, layer_blocks
from hf_matlab_compat.solvers.flexible_cg import FlexibleCG
from hf_matlab_compat.solvers.lanczos import norm
from hf_matlab_compat.solvers.minres import Minres
from hf_matlab_compat.solvers.newton_lanczos import NewtonLanczos
from hf_matlab_compat.solvers.rules import Quadratic
from hf_matlab_compat.solvers.steihaug import Steihaug
from hf_matlab_compat.solvers.trust_region import TrustRegion

GOLDEN = loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "block_krylov_saddlefree.mat", mat_dtype=True)
GRADIENT, LAM = GOLDEN["grad"].ravel(), GOLDEN["lam"].item()
SIZES = [int(size) for size in GOLDEN["sizes"].ravel()]


def silent(*_: Any) -> None:
    pass


def close(found: Any, name: str) -> None:
    wanted = GOLDEN[name].ravel()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8 * norm(wanted))


@pytest.mark.parametrize(("size", "name"), [(5, "sf_lanczos5"), (20, "sf_lanczos20"), (89, "saddle_free")])
def test_saddle_free_directions(size: int, name: str) -> None:
    space = lanczos_space(lambda v: GOLDEN["H"] @ v, -GRADIENT, size, silent)
    close(absolute_newton(space, LAM), name)


@pytest.mark.parametrize(("layers", "name"), [(None, "block_layers"), ([1, 2], "block_two")])
def test_blocks(layers: Any, name: str) -> None:
    q = Quadratic(lambda v: GOLDEN["G"] @ v + LAM * v, -GRADIENT, LAM)
    solver = Blocks(
        blocks=layer_blocks(SIZES, layers), solver=FlexibleCG(tolerance=1e-12, max_steps=500), rescale=False
    )
    close(solver.solve(q, q.g * 0, None, silent).iterates[0], name)


def test_a_rescaled_step_is_the_minimiser_along_it() -> None:
    q = Quadratic(lambda v: GOLDEN["G"] @ v + LAM * v, -GRADIENT, LAM)
    exact = FlexibleCG(tolerance=1e-12, max_steps=500)
    long, short = (
        Blocks(blocks=layer_blocks(SIZES), solver=exact, rescale=r).solve(q, q.g * 0, None, silent).iterates[0]
        for r in (False, True)
    )
    assert norm(short) < norm(long)
    assert short @ q.B(short) == pytest.approx(q.g @ short, rel=1e-10)


@pytest.mark.parametrize(
    "blocks", [[slice(0, 5)], [slice(0, 50), slice(51, 89)], [slice(0, 50), slice(50, 90)], [slice(5, 89)]]
)
def test_blocks_that_do_not_cover_the_parameters_are_refused(blocks: Any) -> None:
    q = Quadratic(lambda v: v, GRADIENT, 0.0)
    with pytest.raises(OptionError, match="slices that cover 89 parameters in order"):
        Blocks(blocks=blocks).solve(q, q.g * 0, None, silent)


def test_the_krylov_basis_and_the_curvature_on_it() -> None:
    G = GOLDEN["G"]
    Q, products = krylov_basis(lambda v: G @ v, -GRADIENT, None, 8, GOLDEN["prev"].ravel())
    wanted = GOLDEN["ksd_basis"]
    signs = np.sign(np.sum(np.array(Q).T * wanted, axis=0))
    np.testing.assert_allclose(np.array(Q).T * signs, wanted, atol=1e-8)
    T = np.array([[q @ Bq for Bq in products] for q in Q]) * np.outer(signs, signs)
    np.testing.assert_allclose(T, GOLDEN["ksd_subspace_G"], atol=1e-8 * np.abs(T).max())
    C = np.array(directions_of_unit_curvature(Q, products, 1e-12)).T
    np.testing.assert_allclose(C.T @ G @ C, np.eye(9), atol=1e-6)


def test_a_dependent_direction_is_left_out() -> None:
    Q, _ = krylov_basis(lambda v: 2 * v, np.ones(4), None, 3, np.ones(4))
    assert len(Q) == 1


RUN = {
    **{"inputs": GOLDEN["X"], "targets": GOLDEN["T"], "hidden_sizes": [6, 4], "num_chunks": 2, "precision": "double"},
    **{"unit_types": ["tanh", "tanh", "linear"], "seed": 0, "curvature": "hessian", "faithful": False},
}


@pytest.mark.parametrize("method", ["krylov_subspace", "saddle_free"])
def test_a_method_learns_and_resumes_bit_for_bit(method: str, tmp_path: Path) -> None:
    given = {**RUN, "method": method}
    whole = train(**given, max_epochs=6)
    train(**given, max_epochs=3, run_name=tmp_path / "run")
    rest = train(**given, max_epochs=6, resume_from=tmp_path / "run_nnet_running.mat")
    np.testing.assert_array_equal(whole.theta, rest.theta)
    ll = whole.history["train_log_likelihood"]
    assert ll[-1] > ll[0]


def test_nothing_but_a_better_step_is_taken() -> None:
    run = train(**{**RUN, "method": KrylovSubspace(size=3, max_evaluations=5)}, max_epochs=8)
    assert (np.diff(run.history["train_log_likelihood"]) >= 0).all()


@pytest.mark.parametrize("method", ["krylov_subspace", "saddle_free"])
def test_at_the_optimum_nothing_moves(method: str) -> None:
    given = {**RUN, "method": method, "targets": 0 * GOLDEN["T"], "weight_decay": 0.0}
    start = np.zeros(train(**given, max_epochs=1).theta.size)
    run = train(**{**given, "seed": None}, initial_theta=start, max_epochs=3)
    np.testing.assert_array_equal(run.theta, start)
    if method == "saddle_free":
        assert list(run.history["lam"]) == [10, 100, 1000]


def test_flat_and_broken_curvature() -> None:
    Q = list(np.eye(2))
    assert np.isfinite(directions_of_unit_curvature(Q, [0 * q for q in Q], 1e-4)).all()
    indefinite = directions_of_unit_curvature(Q, [2 * Q[0], -8 * Q[1]], 1e-4)
    assert sorted(map(norm, indefinite)) == pytest.approx([8**-0.5, 2**-0.5])
    with pytest.raises(NotFinite, match="curvature product"):
        directions_of_unit_curvature(Q, [np.nan * q for q in Q], 1e-4)


def test_krylov_subspace_descent_has_the_preconditioner_that_is_asked_for() -> None:
    given = {**RUN, "method": "krylov_subspace", "max_epochs": 2}
    assert (train(**given).theta != train(**given, preconditioner="none").theta).any()
    with pytest.raises(OptionError, match="preconditioner: expected 'martens' or 'none' beside method="):
        train(**given, preconditioner="jacobi")


@pytest.mark.parametrize("method", ["krylov_subspace", "saddle_free"])
def test_methods_without_a_rate_refuse_one(method: str) -> None:
    with pytest.raises(OptionError, match="learning_rate: expected nothing beside method="):
        train(**RUN, method=method, learning_rate=0.1)


def test_blocks_take_what_their_solver_takes() -> None:
    with pytest.raises(OptionError, match="preconditioner: expected 'none'"):
        train(**RUN, solver=Blocks(blocks=layer_blocks([2, 1]), solver=Minres()))
    with pytest.raises(OptionError, match="solver: expected one without a radius"):
        Blocks(blocks=[], solver=Steihaug())


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        *((solver, "max_steps") for solver in (Steihaug, NewtonLanczos, Minres, BiCGSTAB, FlexibleCG)),
        *[(SaddleFree, "size"), (ESGD, "period"), (StochasticHF, "slices"), (AveragedHF, "slices")],
        *[(GrowingHF, "first_size"), (GrowingHF, "slices"), (GrowingHF, "growth"), (TrustRegion, "initial_radius")],
    ],
)
def test_settings_of_zero_are_refused(make: Any, setting: str) -> None:
    with pytest.raises(OptionError, match=f"{setting}: expected a .*, got 0"):
        make(**{setting: 0})
