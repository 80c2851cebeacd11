"""Preconditioners against dense matrices and recorded check values; what they remember survives a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem, feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.flexible_cg import FlexibleCG
from hf_matlab_compat.solvers.lanczos import norm
from hf_matlab_compat.solvers.preconditioners import (
    Equilibration,
    LimitedMemory,
    LimitedMemoryOfEpoch,
    UnbiasedJacobi,
    two_loops,
)
from hf_matlab_compat.solvers.rules import Path as CGPath
from hf_matlab_compat.solvers.rules import Quadratic

GOLDEN = loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "preconditioners.mat", mat_dtype=True)
THETA = GOLDEN["theta"].ravel()


def silent(*_: Any) -> None:
    pass


def problem(**more: Any) -> FeedforwardProblem:
    options = Options(precision="double", **more)
    net = build_network([6, 5, 4, 3], ["tanh", "logistic", "softmax"], "matching", "squared")
    cases = ChunkedCases(GOLDEN["X"], GOLDEN["T"], options.num_chunks)
    return feedforward_problem(net, cases, options, get_backend("numpy", "double", 1))


def curvature(**more: Any) -> Any:
    p = problem(**more)
    return p.curvature(THETA, Cases(0), p.gradient(THETA, Cases(0)))


def test_the_estimate_of_the_diagonal_is_unbiased() -> None:
    G, wanted = curvature(), GOLDEN["diagG"].ravel()
    mean = sum(G.unbiased_diagonal(0.0, draw) for draw in range(1, 1001)) / 1000
    assert np.median(np.abs(mean - wanted) / wanted) < 0.02
    of_100 = sum(G.unbiased_diagonal(0.0, draw) for draw in range(1, 101)) / 100
    assert np.median(np.abs(of_100 - wanted) / wanted) < 0.04


def test_it_adds_damping_and_weight_decay_and_has_a_key() -> None:
    plain, decayed = curvature(), curvature(weight_decay=0.5)
    first = plain.unbiased_diagonal(0.0, 3)
    np.testing.assert_array_equal(first, plain.unbiased_diagonal(0.0, 3))
    assert (first != plain.unbiased_diagonal(0.0, 4)).any()
    np.testing.assert_allclose(decayed.unbiased_diagonal(2.0, 3), first + 2.5 - 2e-5, rtol=1e-14)


@pytest.mark.parametrize("units", [("logistic", "logistic"), ("tanh", "linear"), ("relu", "softmax")])
@pytest.mark.parametrize("loss", ["matching", "squared"])
def test_of_every_output_it_is_the_diagonal_of_the_products(units: tuple[str, str], loss: str) -> None:
    net = build_network([4, 3, 2], list(units), loss, "squared")
    rng = np.random.default_rng(0)
    cases = ChunkedCases(rng.random((4, 6)), np.eye(2)[:, [0, 1, 0, 1, 1, 0]], 2)
    weights = rng.random((1, 6))
    p = feedforward_problem(
        net,
        ChunkedCases(cases.inputs, cases.targets, 2, weights),
        Options(precision="double", num_chunks=2, loss=loss, faithful=False),
        get_backend("numpy", "double", 1),
    )
    theta = rng.standard_normal(net.num_parameters)
    G = p.curvature(theta, Cases(1), p.gradient(theta, Cases(1)))
    dense = np.array([G(e) for e in np.eye(len(theta))])
    mean = sum(G.unbiased_diagonal(0.0, draw) for draw in range(1, 801)) / 800
    assert norm(mean - np.diag(dense)) < 0.05 * norm(np.diag(dense))


def test_equilibration_tends_to_the_norms_of_the_rows() -> None:
    rule, G = Equilibration(decay=0.999), curvature()
    memory = rule.first_memory(THETA)
    for n in range(1, 1500):
        of_epoch = rule.of_epoch(memory, n)
        M = of_epoch(G, None, 0.0)
        memory = of_epoch.kept(None)
    wanted = GOLDEN["equil_G"].ravel()
    assert np.median(np.abs(M - wanted) / wanted) < 0.05


def test_the_two_loops_are_the_recorded_inverse() -> None:
    pairs = list(zip(GOLDEN["S"].T, GOLDEN["Y"].T, strict=True))
    np.testing.assert_allclose(two_loops(pairs, GOLDEN["q"].ravel()), GOLDEN["lbfgs_q"].ravel(), rtol=1e-10)


def test_pairs_save_steps() -> None:
    lam = GOLDEN["lam"].item()
    q = Quadratic(lambda v: GOLDEN["G"] @ v + lam * v, -GOLDEN["grad"].ravel(), lam)
    solver = FlexibleCG(tolerance=1e-8, kept_pairs=20)
    plain = solver.solve(q, q.g * 0, None, silent)
    M = LimitedMemoryOfEpoch(GOLDEN["S"].T, GOLDEN["Y"].T)(None, None, lam)
    helped = solver.solve(q, q.g * 0, M, silent)
    assert (plain.last_step, helped.last_step) == (GOLDEN["fcg_steps_plain"].item(), GOLDEN["fcg_steps_lbfgs"].item())
    assert plain.pairs is not None
    assert len(plain.pairs[0]) <= 20


def test_a_preconditioner_may_change_from_step_to_step() -> None:
    lam = GOLDEN["lam"].item()
    q = Quadratic(lambda v: GOLDEN["G"] @ v + lam * v, -GOLDEN["grad"].ravel(), lam)
    turns = [0]

    def alternating(r: Any) -> Any:
        turns[0] += 1
        return r / (GOLDEN["diagG"].ravel() + lam) ** (0.75 if turns[0] % 2 else 1.0)

    path = FlexibleCG(tolerance=1e-7, kept_pairs=250).solve(q, q.g * 0, alternating, silent)
    assert norm(q.B(path.iterates[-1]) - q.g) <= 1e-7 * norm(q.g)
    assert path.pairs is not None
    for s, y in zip(path.pairs[0][:10], path.pairs[1][1:], strict=False):  # neighbours are conjugate
        assert abs(s @ y) < 1e-7 * norm(s) * norm(y)


def test_kept_pairs_are_spread_over_the_run() -> None:
    lam = GOLDEN["lam"].item()
    q = Quadratic(lambda v: GOLDEN["G"] @ v + lam * v, -GOLDEN["grad"].ravel(), lam)

    def kept(most: int) -> Any:
        path = FlexibleCG(tolerance=0.0, max_steps=17, kept_pairs=most).solve(q, q.g * 0, None, silent)
        assert path.pairs is not None
        return path.pairs

    for few, every in zip(kept(4), kept(17), strict=True):
        np.testing.assert_array_equal(few, every[[3, 7, 11, 15]])


def test_equilibration_has_the_damping() -> None:
    rule = Equilibration()
    of_epoch = rule.of_epoch(rule.first_memory(THETA), 1)
    np.testing.assert_allclose(of_epoch(lambda v: 0 * v, None, 3.0), 3.0)


def test_pairs_stay_where_a_run_leaves_none_and_only_those_of_positive_curvature_are_used() -> None:
    S, Y = GOLDEN["S"].T, GOLDEN["Y"].T
    kept = LimitedMemoryOfEpoch(S, Y).kept(CGPath([1], [THETA], CGStop.SMALL_RESIDUAL, 1))
    assert (kept["pairs_s"] is S, kept["pairs_y"] is Y) == (True, True)
    turned = Y.copy()
    turned[-1] *= -1
    r = GOLDEN["q"].ravel()
    used, wanted = (LimitedMemoryOfEpoch(*pairs)(None, None, 0.0) for pairs in ((S, turned), (S[:-1], Y[:-1])))
    assert used is not None
    assert wanted is not None
    np.testing.assert_array_equal(used(r), wanted(r))


RUN = {
    **{"inputs": GOLDEN["X"], "targets": GOLDEN["T"], "hidden_sizes": [5, 4], "max_cg_steps": 10, "num_chunks": 3},
    **{"unit_types": ["tanh", "logistic", "softmax"], "seed": 0, "initial_lam": 1.0, "precision": "double"},
}


@pytest.mark.parametrize("name", ["jacobi", "equilibration", "lbfgs"])
def test_a_resumed_run_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    given = {**RUN, "preconditioner": name, "solver": "truncated_newton"}
    whole = train(**given, max_epochs=6)
    train(**given, max_epochs=3, run_name=tmp_path / "run")
    rest = train(**given, max_epochs=6, resume_from=tmp_path / "run_nnet_running.mat")
    np.testing.assert_array_equal(whole.theta, rest.theta)
    plain = train(**{**given, "preconditioner": "none"}, max_epochs=6)
    assert (whole.theta != plain.theta).any()


def test_rules_that_do_not_fit_are_refused() -> None:
    def refused(**rules: Any) -> str:
        with pytest.raises(OptionError) as caught:
            method_of(Options(**rules), get_backend())
        return str(caught.value)

    assert refused(preconditioner="lbfgs").startswith(
        "solver: expected 'truncated_newton' beside preconditioner='lbfgs'"
    )
    assert (
        refused(solver="minres")
        == "preconditioner: expected 'none' beside solver='minres', which takes none, got 'martens'."
    )


@pytest.mark.parametrize(
    ("name", "rule"), [("jacobi", UnbiasedJacobi()), ("equilibration", Equilibration()), ("lbfgs", LimitedMemory())]
)
def test_rules_with_memory_may_be_objects(name: str, rule: Any) -> None:
    given = {**RUN, "max_epochs": 4}
    found = train(**given, preconditioner=rule, solver=FlexibleCG(max_steps=10, kept_pairs=20))
    named = train(**given, preconditioner=name, solver="truncated_newton")
    np.testing.assert_array_equal(found.theta, named.theta)


def test_pairs_need_a_solver_that_keeps_some() -> None:
    with pytest.raises(OptionError, match="solver: expected 'truncated_newton' beside"):
        train(**RUN, max_epochs=1, preconditioner=LimitedMemory(), solver=FlexibleCG())
