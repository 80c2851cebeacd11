"""Recorded epochs of the outer loop on recurrent nets, in lockstep: each from the recorded state."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.method import silent
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.network import build_recurrent
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from hf_matlab_compat.solvers.reduction_ratio import ReductionRatio
from tests.cases import hessian_free
from tests.rnn.recorded import STARTS, apart, from_release_a, load

SPREAD = {
    "own_loop_add": (2e-14, 6e-8, 6e-5),
    "own_loop_mem": (6e-14, 2e-7, 3e-11),
    "own_loop_add_precond": (1e-14, 5e-8, 8e-6),
}
"""How far rounding moves θ in units of the step, in epochs 1, 2 to 7, and 8 from the recorded states."""
HIDDEN = 8


class Recorded:
    """A recorded loop: its numbers without the parameters that its net lacks, its problem and its method."""

    def __init__(self, name: str) -> None:
        m = load(name)
        start = STARTS[str(m["initial_state"][0])]
        D, K, P = len(m["X"]), len(m["Y"]), len(m["theta"])
        before = HIDDEN * (D + HIDDEN + 1)
        there = np.ones(P, dtype=bool)
        there[before : before + HIDDEN] = start != "zero"
        vectors = ("theta", "d", "grad", "cg_iterates_1", "precon_1")
        self.m = {key: value[there] if key in vectors else value for key, value in m.items()}
        net = build_recurrent([D, HIDDEN, K], ["tanh", str(m["output"][0])], "matching", "squared", initial_state=start)
        data = SequenceData(
            m["X"], m["Y"], m["lengths"].ravel().astype(int), m["loss_mask"], int(m["num_chunks"].item())
        )
        self.problem = SequenceProblem(model=net, data=data, weight_decay=float(m["weight_decay"].item()))
        exponent = float(m["preconditioner_exponent"].item())
        self.options = Options(
            precision="double",
            structural_damping=float(m["mu"].item()),
            initial_lam=float(m["initial_lam"].item()),
            max_cg_steps=int(m["max_cg_steps"].item()),
            preconditioner_exponent=None if math.isnan(exponent) else exponent,
        )

    def memory(self, k: int) -> dict[str, Any]:
        """The method's memory before epoch k, from 0."""
        return {"d": self.m["d"][:, k].copy(), "lam": float(self.m["lam_used"][k].item()), "total_cg_steps": 0}

    def row(self, name: str) -> NDArray[Any]:
        return self.m[name].ravel()


@pytest.mark.parametrize("name", SPREAD)
def test_every_epoch_from_its_recorded_state_decides_and_steps_as_recorded(name: str) -> None:
    recorded = Recorded(name)
    method = hessian_free(recorded.options)
    theta = recorded.m["theta"]
    for k in range(8):
        done = method.epoch(recorded.problem, theta[:, k].copy(), recorded.memory(k), k + 1, silent)
        spread = 10 * SPREAD[name][0 if k == 0 else 1 if k < 7 else 2]
        step = np.linalg.norm(theta[:, k + 1] - theta[:, k])
        assert np.linalg.norm(done.theta - theta[:, k + 1]) / step <= spread
        decisions = {"cg_steps": "cg_steps", "chosen_step": "chosen_step", "reductions": "reductions", "rate": "rate"}
        for ours, theirs in decisions.items():
            assert done.figures[ours] == recorded.row(theirs)[k]
        assert done.figures["rho"] == pytest.approx(recorded.row("rho")[k], rel=10 * spread)
        assert done.figures["lam"] == pytest.approx(recorded.row("lam_after")[k], rel=1e-14)
        assert done.figures["old_log_likelihood"] == pytest.approx(recorded.row("ll_before")[k], rel=5e-15)
        assert done.figures["old_log_likelihood_chunk"] == pytest.approx(recorded.row("ll_chunk_before")[k], rel=5e-15)
        assert done.score.log_likelihood == pytest.approx(recorded.row("ll_after")[k], rel=spread)


@pytest.mark.parametrize("name", SPREAD)
def test_gradients_preconditioner_and_the_iterates_of_the_first_epoch_are_the_recorded_ones(name: str) -> None:
    recorded = Recorded(name)
    for k in range(8):
        on = Cases(k % recorded.problem.num_chunks, k + 1)
        g = recorded.problem.gradient(recorded.m["theta"][:, k], on)
        assert apart(g.full, recorded.m["grad"][:, k]) <= 5e-14
    paths: list[Any] = []
    method = hessian_free(recorded.options)

    class Seen:
        def solve(self, *given: Any) -> Any:
            paths.append((given[2], method.solver.solve(*given)))
            return paths[-1][1]

    seen = HessianFree(**{**vars(method), "solver": Seen()})
    seen.epoch(recorded.problem, recorded.m["theta"][:, 0].copy(), recorded.memory(0), 1, silent)
    ((M, path),) = paths
    assert path.steps == recorded.row("cg_steps_recorded_1").tolist()
    growth = {5: 5e-14, 7: 5e-12, 9: 1e-9}  # of rounding along CG on nearly singular curvature
    for step, ours, theirs in zip(path.steps, path.iterates, recorded.m["cg_iterates_1"].T, strict=True):
        assert apart(ours, theirs) <= growth[step]
    if "precon_1" in recorded.m:
        assert apart(M, recorded.m["precon_1"]) <= 5e-15
    else:
        assert M is None


def test_the_damped_reduction_ratio_is_that_of_release_a() -> None:
    """Its squared error has a factor ½: our objective and λ are twice its own, and its S of tanh has a factor ¼."""
    m = load("releaseA_hf_tiny")
    H, D, K = 6, m["V0"].shape[3], m["O0"].shape[3]
    net = build_recurrent([D, H, K], ["tanh", "linear"], "matching", "squared", biases=False)

    def ours(name: str, k: int) -> Any:
        return from_release_a(m[name][:, k], D, H, K)

    undamped = []
    for k in range(6):
        X, Y, M = (np.concatenate([m[f"{part}{b}"][k] for b in range(4)], axis=1) for part in "VOM")
        steps = np.full(X.shape[1], X.shape[0])
        data = SequenceData(X.transpose(2, 0, 1), Y.transpose(2, 0, 1), steps, M[:, :, 0], 4)
        problem = SequenceProblem(model=net, data=data, weight_decay=2 * float(m["l2"].item()))
        theta, on, (lam, both) = ours("X", k), Cases(0), m["damping"][k]
        g = problem.gradient(theta, on)
        G = problem.curvature(theta, on, g)
        B: Any = LevenbergMarquardt(structural=both / lam / 4).operator(G, 2 * lam)
        assert apart(-g.full / 2, ours("grad", k)) <= 5e-15
        assert apart(B(ours("grad", k)) / 2, ours("Agrad", k)) <= 5e-15

        def score(cases: Cases, p: Any, problem: Any = problem, theta: Any = theta) -> Any:
            return problem.score(theta if p is None else theta + p, cases)

        judged = [ReductionRatio().judge(ours("step", k), score, g, model, on).rho for model in (B, G)]
        assert judged[0] == pytest.approx(m["rho"][k].item(), rel=2e-12)
        undamped.append(judged[1])
    assert undamped[1] == pytest.approx(1.294, abs=1e-3)
    assert m["rho"][1].item() == pytest.approx(2.093, abs=1e-3)
