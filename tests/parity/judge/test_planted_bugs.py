"""Bugs that ports have had, planted one at a time: each is flagged at the stage where it sits.

Not to be seen by any comparison of runs, and left to tests of their own: constants that decide nothing in a given run
(the CG tolerance of 5e-4, the line search's 1e-2, thresholds of rho that no rho comes near: `tests/solvers`), the
period of kept checkpoints (`tests/observers`), and the sparse start, which a comparison always gives explicitly
(`tests/model`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hf_matlab_compat import hessian_free
from hf_matlab_compat.matlab import text_log
from hf_matlab_compat.model import losses, units
from hf_matlab_compat.objective import gradient, likelihood, problem
from hf_matlab_compat.parity import port_epoch
from hf_matlab_compat.parity.reference_run import Recording
from hf_matlab_compat.solvers import backtracking, conjgrad, damping, line_search, preconditioners
from tests.parity.judge.golden_recordings import first_stage, later_state, recorded, two_epochs
from tests.parity.judge.planting import plant

FeedforwardProblem = problem.FeedforwardProblem
FeedforwardLikelihood = likelihood


class Bug(NamedTuple):
    """Where it is planted, what it replaces by what, and on what recording it must be seen at which stage."""

    owner: Any
    routine: str
    right: str
    wrong: str
    stage: str
    on: Callable[[], Recording]


def digits() -> Recording:
    return recorded("ae_logistic")


def unit_case(name: str) -> Callable[[], Recording]:
    return lambda: recorded(name)


LINEAR = unit_case("k_linear_rms0_gn_hy1_lam1")
LOGISTIC = unit_case("k_logistic_rms0_gn_hy1_lam1")
SOFTMAX = unit_case("k_softmax_rms0_gn_hy1_lam1")
SOFTMAX_HESSIAN = unit_case("k_softmax_rms0_hess_hy1_lam1")
FISHER = unit_case("k_logistic_rms0_empfish_hy1_lam1")
REDUCING = unit_case("k_logistic_rms1_hess_hy1_lam1")
TANH = unit_case("k_tanh_rms1_gn_hy1_lam1")
MASKED = "return (1 - __import__('numpy').arange(theta.size) // (theta.size - 16)) * theta"

BUGS = {
    "exponent .76 in place of .75": Bug(
        preconditioners, "martens_diagonal", "** exponent", "** (exponent + 0.01)", "precon", digits
    ),
    "weight cost missing in the product": Bug(
        FeedforwardProblem, "curvature_at", "Gv += self.weight_decay * self._masked(v)", "pass", "Bv", digits
    ),
    "weight cost missing in the preconditioner": Bug(
        hessian_free, "_preconditioner", "problem.decay_diagonal()", "0.0", "precon", digits
    ),
    "weight cost missing in the gradient": Bug(
        FeedforwardProblem, "gradient", "decay = self.weight_decay", "decay = 0 * self.weight_decay", "grad", digits
    ),
    "weight cost of twice the strength in ll": Bug(FeedforwardProblem, "_decay_cost", "0.5", "1.0", "ll", digits),
    "biases not decayed": Bug(
        FeedforwardProblem, "_masked", "return theta if self.mask is None else self.mask * theta", MASKED, "ll", TANH
    ),
    "decay of the CG start ignored": Bug(
        hessian_free,
        "epoch",
        "options.start_decay * state.d",
        "1.0 * state.d",
        "cg_iterates",
        lambda: two_epochs("ae_logistic"),
    ),
    "CG started from zero": Bug(
        hessian_free,
        "epoch",
        "options.start_decay * state.d",
        "0.0 * state.d",
        "cg_iterates",
        lambda: two_epochs("ae_logistic"),
    ),
    "rho with the damping on": Bug(
        hessian_free,
        "epoch",
        "predicted_change(model_gradient, p, G(p))",
        "predicted_change(model_gradient, p, B(p))",
        "rho",
        digits,
    ),
    "rho on all cases": Bug(hessian_free, "_judged", "return chunk, g.full", "return None, g.full", "rho", digits),
    "rho with the gradient of the chunk": Bug(
        hessian_free, "_judged", "return chunk, g.full", "return chunk, g.chunk", "rho", digits
    ),
    "base 1.31 in place of 1.3": Bug(conjgrad._Recorder, "offer", "self._base", "1.31", "cg_iterates", digits),
    "first iterate recorded at step 6": Bug(
        conjgrad._Recorder, "__init__", "options.iterate_grid_start", "6.0", "cg_iterates", digits
    ),
    "last iterate not recorded twice": Bug(
        conjgrad._Recorder, "close", "if self._faithful:", "if False:", "cg_iterates", SOFTMAX_HESSIAN
    ),
    "beta without the preconditioner": Bug(
        conjgrad, "conjgrad", "(ry_next / ry) * p", "0.99 * (ry_next / ry) * p", "cg_iterates", digits
    ),
    "> for ≥ in the backtracking walk": Bug(
        backtracking,
        "walk_down",
        "score.log_likelihood < chosen",
        "score.log_likelihood <= chosen",
        "chose_iters",
        SOFTMAX_HESSIAN,
    ),
    "no backtracking": Bug(
        backtracking, "walk_down", "range(len(path.iterates) - 2, -1, -1)", "()", "chose_iters", SOFTMAX_HESSIAN
    ),
    "factor 2 dropped in the gradient of linear outputs": Bug(
        losses.SquaredError, "gradient", "2 * (t - y)", "(t - y)", "grad", LINEAR
    ),
    "factor 2 dropped in the product of linear outputs": Bug(
        losses.SquaredError, "gauss_newton_product", "2 * R", "R", "Bv", LINEAR
    ),
    "factor ½ in the squared error": Bug(
        losses.SquaredError, "log_likelihood", "-((t - y) ** 2)", "-0.5 * ((t - y) ** 2)", "ll", LINEAR
    ),
    "softmax Jacobian without its second term": Bug(
        units.Softmax, "jacobian_product", "ry - y * ry.sum(axis=0, keepdims=True)", "ry", "Bv", SOFTMAX
    ),
    "logistic derivative without 1 - y": Bug(
        units.Logistic, "jacobian_product", "r * y * (1 - y)", "r * y", "grad", LOGISTIC
    ),
    "Hessian without the curvature of its units": Bug(
        units.Logistic, "curvature_product", "d * r * (1 - 2 * y)", "0 * d", "Bv", SOFTMAX_HESSIAN
    ),
    "empirical Fisher about zero": Bug(
        FeedforwardProblem, "curvature_at", "if center is not None:", "if False:", "Bv", FISHER
    ),
    "wrong target chunk": Bug(
        hessian_free,
        "epoch",
        "state.epoch % problem.num_chunks",
        "(state.epoch + 1) % problem.num_chunks",
        "grad",
        digits,
    ),
    "product not rescaled to all cases": Bug(FeedforwardProblem, "curvature_at", "Gv *= scale", "pass", "Bv", digits),
    "gradient of the chunk as right-hand side": Bug(
        hessian_free, "epoch", "path = conjgrad(B, g.full", "path = conjgrad(B, g.chunk", "grad", digits
    ),
    "squared gradient of the chunk in the preconditioner": Bug(
        hessian_free, "_preconditioner", "g.full_squared", "g.chunk_squared", "precon", digits
    ),
    "squared gradient of sums in place of sums of squares": Bug(
        gradient, "_block", "[e_i * e_i for e_i in e]", "[e_i for e_i in e]", "grad2", digits
    ),
    "chosen iterate fed to the next CG run": Bug(
        hessian_free, "epoch", "d = path.iterates[-1]", "d = p", "params", digits
    ),
    "step taken backwards": Bug(
        hessian_free, "epoch", "theta + step.rate * p", "theta - step.rate * p", "params", digits
    ),
    "line search without its constant": Bug(
        line_search, "line_search", "options.line_search_c * rate", "rate", "reductions", SOFTMAX_HESSIAN
    ),
    "line search by .81": Bug(
        line_search, "line_search", "rate *= options.line_search_factor", "rate *= 0.81", "rate", REDUCING
    ),
    "threshold of rho .85 in place of .75": Bug(
        damping, "adapt", "rho > options.rho_high", "rho > 0.85", "lambda", LOGISTIC
    ),
    "lambda dropped where it should be boosted": Bug(
        damping, "adapt", "return lam * options.boost", "return lam * options.lam_drop", "lambda", SOFTMAX_HESSIAN
    ),
    "error over the cases of a chunk": Bug(
        FeedforwardLikelihood,
        "likelihood",
        "chunk_error / len(cases)",
        "chunk_error / cases.cases_per_chunk",
        "err",
        digits,
    ),
    "a log line reworded": Bug(text_log, "epoch_lines", "Chose iters : ", "Chose iters: ", "log", digits),
}
"""By what a colleague would call them."""

BOUND_BY_NAME = {
    "martens_diagonal": hessian_free,
    "conjgrad": hessian_free,
    "line_search": hessian_free,
    "adapt": hessian_free,
    "likelihood": problem,
    "epoch_lines": port_epoch,
}
"""Where else a routine is known by its name, once it has been imported."""


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_flagged_where_it_sits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = BUGS[name]
    plant(monkeypatch, bug.owner, bug.routine, bug.right, bug.wrong)
    if bug.routine in BOUND_BY_NAME:
        monkeypatch.setattr(BOUND_BY_NAME[bug.routine], bug.routine, getattr(bug.owner, bug.routine))
    assert first_stage(bug.on()) == bug.stage


def test_without_a_planted_bug_none_of_these_recordings_differs() -> None:
    assert len(BUGS) >= 16
    assert (
        first_stage(*{id(r): r for r in (bug.on() for bug in BUGS.values())}.values(), later_state("ae_logistic")) == ""
    )


def test_planting_refuses_a_piece_of_source_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="0 times"):
        plant(monkeypatch, damping, "adapt", "no such line", "")
