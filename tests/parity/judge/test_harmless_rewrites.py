"""Rewrites that change nothing but rounding: none is flagged, in either precision."""

from __future__ import annotations

from typing import Any

import pytest

from hf_matlab_compat.model import losses, units
from hf_matlab_compat.objective import cases
from hf_matlab_compat.solvers.rules import Quadratic
from tests.parity.judge.golden_recordings import first_stage, judged, recorded
from tests.parity.judge.planting import Plant, gradient, instead, into, product, score
from tests.parity.judge.test_planted_bugs import precon, solver


def through_tanh(self: Any, xp: Any, x: Any, out: Any = None) -> Any:
    return into((0.5 * (1 + xp.tanh(0.5 * x))).astype(x.dtype), out)


def not_shifted(self: Any, xp: Any, x: Any, out: Any = None) -> Any:
    e = xp.exp(x)
    return into(e / e.sum(axis=0, keepdims=True), out)


def from_the_last_case(self: Any, xp: Any, x: Any, y: Any, t: Any, *_room: Any) -> Any:
    return -((t - y) ** 2)[:, ::-1].sum(axis=1).sum()


def through_log1p(self: Any, xp: Any, x: Any, y: Any, t: Any, *_room: Any) -> Any:
    return (t * x - xp.maximum(x, 0) - xp.log1p(xp.exp(-abs(x)))).sum()


def times_three(solve: Any, model: Any, start: Any, M: Any, watch: Any) -> Any:
    return solve(Quadratic(lambda v: 3 * model.B(v), 3 * model.g, model.strength), start, 3 * M, watch)


REWRITES: dict[str, Plant] = {
    "logistic through tanh": instead(units.Logistic, "activate", through_tanh),
    "tanh through exp": instead(
        units.Tanh, "activate", lambda s, xp, x, out=None: into(1 - 2 / (xp.exp(2 * x) + 1), out)
    ),
    "softmax not shifted": instead(units.Softmax, "activate", not_shifted),
    "cases summed from the last to the first": instead(losses.SquaredError, "log_likelihood", from_the_last_case),
    "cross entropy through log1p": instead(losses.CrossEntropy, "log_likelihood", through_log1p),
    "logistic derivative as y - y²": instead(
        units.Logistic, "slope", lambda self, xp, x, y, out=None: into(y - y * y, out)
    ),
    "M from square roots": precon(lambda G, g, lam: G.diagonal(lam) ** 0.5 * (G.diagonal(lam) ** 0.5) ** 0.5),
    "three times the system of equations": solver(times_three),
    "product of means in place of sums": product(lambda Bv, v, problem, g: (Bv * 3) / 3),
    "gradient of means in place of sums": gradient(lambda g, problem, theta: {"full": (g.full * 7) / 7}),
    "squared gradient from square roots": gradient(lambda g, p, theta: {"full_squared": (g.full_squared**0.5) ** 2}),
    "ll formed per hundred cases": score(lambda s, p, theta, chunk: {"log_likelihood": s.log_likelihood / 100 * 100}),
}
CASES = (
    "ae_logistic",
    "k_tanh_rms1_gn_hy1_lam1",
    "k_softmax_rms0_gn_hy1_lam1",
    "k_linear_rms0_gn_hy1_lam1",
    "k_logistic_rms1_hess_hy1_lam1",
)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_that_changes_rounding_alone_is_not_flagged(
    name: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    REWRITES[name](monkeypatch)
    assert first_stage(*(recorded(case, "lockstep", precision) for case in CASES)) == ""


def test_smaller_blocks_of_cases_are_not_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    for blocks in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):
        monkeypatch.setattr(cases, blocks, 7)
    assert first_stage(*(recorded(case) for case in CASES)) == ""


def test_the_rewrites_do_change_the_last_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [line.ours for line in judged(recorded("ae_logistic")).lines]
    REWRITES["logistic through tanh"](monkeypatch)
    assert [line.ours for line in judged(recorded("ae_logistic")).lines] != plain
