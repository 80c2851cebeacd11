"""Rewrites that change nothing but rounding: none is flagged, in either precision."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from hf_matlab_compat import hessian_free
from hf_matlab_compat.model import losses, passes, units
from hf_matlab_compat.objective import cases, gradient, hessian
from hf_matlab_compat.objective.problem import FeedforwardProblem
from hf_matlab_compat.solvers import conjgrad, preconditioners
from tests.parity.judge.golden_recordings import first_stage, judged, recorded
from tests.parity.judge.planting import plant


class Rewrite(NamedTuple):
    """What is replaced by what."""

    owner: Any
    routine: str
    right: str
    same: str


EINSUM = "__import__('numpy').einsum('ij,jk->ik', layer.W, y[-1])"
REWRITES = {
    "einsum in place of @": Rewrite(passes, "forward", "layer.W @ y[-1]", EINSUM),
    "cases summed from the last to the first": Rewrite(
        losses.SquaredError, "log_likelihood", "((t - y) ** 2).sum()", "((t - y) ** 2)[:, ::-1].sum(axis=1).sum()"
    ),
    "logistic through tanh": Rewrite(
        units.Logistic, "activate", "1 / (1 + xp.exp(-x))", "(0.5 * (1 + xp.tanh(0.5 * x))).astype(x.dtype)"
    ),
    "cross entropy through log1p": Rewrite(
        losses.CrossEntropy, "log_likelihood", "xp.log(1 + xp.exp(x - 2 * x * on))", "xp.log1p(xp.exp(-abs(x)))"
    ),
    "softmax not shifted": Rewrite(units.Softmax, "activate", "xp.exp(x - x.max(axis=0, keepdims=True))", "xp.exp(x)"),
    "logistic derivative as y - y²": Rewrite(units.Logistic, "jacobian_product", "r * y * (1 - y)", "r * (y - y * y)"),
    "bias sums as a product with ones": Rewrite(
        passes, "parameter_sums", "e_i.sum(axis=1, keepdims=True)", "e_i @ xp.ones((e_i.shape[1], 1), dtype=e_i.dtype)"
    ),
    "M from square roots": Rewrite(
        preconditioners,
        "martens_diagonal",
        "return (squared_gradient + lam + decay) ** exponent",
        "m = squared_gradient + (lam + decay); return m**0.5 * (m**0.5) ** 0.5",
    ),
    "model value from A x": Rewrite(
        conjgrad, "conjgrad", "0.5 * float((r - b) @ x)", "0.5 * float(r @ x) - 0.5 * float(b @ x)"
    ),
    "means in place of sums over N": Rewrite(
        FeedforwardProblem, "curvature_at", "Gv /= len(self.cases)", "Gv *= 1 / len(self.cases)"
    ),
    "squares as powers": Rewrite(gradient, "_block", "[e_i * e_i for e_i in e]", "[e_i**2 for e_i in e]"),
    "pre-activation products in another order": Rewrite(
        hessian.Hessian, "__call__", "R_below @ e_i.T", "(e_i @ R_below.T).T"
    ),
}
BOUND_BY_NAME = {
    "martens_diagonal": (hessian_free,),
    "conjgrad": (hessian_free,),
    "parameter_sums": (gradient, hessian),
}
CASES = ("ae_logistic", "k_softmax_rms0_gn_hy1_lam1", "k_linear_rms0_gn_hy1_lam1", "k_logistic_rms1_hess_hy1_lam1")


def put_in(monkeypatch: pytest.MonkeyPatch, rewrite: Rewrite) -> None:
    plant(monkeypatch, rewrite.owner, rewrite.routine, rewrite.right, rewrite.same)
    for module in BOUND_BY_NAME.get(rewrite.routine, ()):
        monkeypatch.setattr(module, rewrite.routine, getattr(rewrite.owner, rewrite.routine))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_that_changes_rounding_alone_is_not_flagged(
    name: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch, REWRITES[name])
    assert first_stage(*(recorded(case, "lockstep", precision) for case in CASES)) == ""


def test_smaller_blocks_of_cases_are_not_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "CASES_PER_BLOCK", 7)
    assert first_stage(*(recorded(case) for case in CASES)) == ""


def test_the_rewrites_do_change_the_last_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [line.ours for line in judged(recorded("ae_logistic")).lines]
    put_in(monkeypatch, REWRITES["logistic through tanh"])
    assert [line.ours for line in judged(recorded("ae_logistic")).lines] != plain
