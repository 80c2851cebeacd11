"""Bugs that ports have had, planted one at a time: each is flagged at the stage where it sits.

Not to be seen by any comparison of runs, and left to tests of their own: constants that decide nothing in a given run
(the CG tolerance of 5e-4, the line search's 1e-2, thresholds of rho that no rho comes near: `tests/solvers`), the
period of kept checkpoints (`tests/observers`), and the sparse start, which a comparison always gives explicitly
(`tests/model`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from hf_matlab_compat import hessian_free
from hf_matlab_compat.matlab import text_log
from hf_matlab_compat.model import losses, units
from hf_matlab_compat.parity import port_case
from hf_matlab_compat.parity.reference_run import Recording
from hf_matlab_compat.solvers import backtracking, conjgrad, damping, line_search, preconditioners
from tests.parity.judge.golden_recordings import first_stage, later_state, recorded, two_epochs
from tests.parity.judge.planting import Plant, changed, edit, gradient, instead, into, plant, product, score


class Bug(NamedTuple):
    """What is planted, and on what recording it must be seen at which stage."""

    planted: Plant
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


def SECOND() -> Recording:
    return two_epochs("ae_logistic")


def half(value: Any, *_given: Any, **_named: Any) -> Any:
    return 0.5 * value


def halved(value: Any, *_given: Any, **_named: Any) -> Any:
    value *= 0.5  # in place: it may lie where its caller looks for it
    return value


def biases_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    original = port_case.problem_of

    def spare(network: Any, data: Any, options: Any, *more: Any) -> Any:
        return original(network, data, replace(options, decay_biases=False), *more)

    monkeypatch.setattr(port_case, "problem_of", spare)


def undecayed(g: Any, problem: Any, theta: Any) -> dict[str, Any]:
    return {name: getattr(g, name) + problem.weight_decay * theta for name in ("full", "chunk")}


BUGS = {
    "exponent .76 in place of .75": Bug(
        edit(preconditioners, "martens_diagonal", "** exponent", "** (exponent + 0.01)"), "precon", digits
    ),
    "weight cost missing in the product": Bug(
        product(lambda Bv, v, problem, g: Bv - problem.weight_decay * v), "Bv", digits
    ),
    "weight cost missing in the preconditioner": Bug(
        edit(hessian_free, "_preconditioner", "problem.decay_diagonal()", "0.0"), "precon", digits
    ),
    "weight cost missing in the gradient": Bug(gradient(undecayed), "grad", digits),
    "weight cost of twice the strength in ll": Bug(
        score(lambda s, f, x, c: {"log_likelihood": s.log_likelihood - 0.5 * f.weight_decay * float(x @ x)}),
        "ll",
        digits,
    ),
    "biases not decayed": Bug(biases_spared, "ll", TANH),
    "decay of the CG start ignored": Bug(
        edit(hessian_free, "epoch", "options.start_decay * state.d", "1.0 * state.d"), "cg_iterates", SECOND
    ),
    "CG started from zero": Bug(
        edit(hessian_free, "epoch", "options.start_decay * state.d", "0.0 * state.d"), "cg_iterates", SECOND
    ),
    "rho with the damping on": Bug(
        edit(
            hessian_free,
            "epoch",
            "predicted_change(model_gradient, p, G(p))",
            "predicted_change(model_gradient, p, B(p))",
        ),
        "rho",
        digits,
    ),
    "rho on all cases": Bug(
        edit(hessian_free, "_judged", "return chunk, g.full", "return None, g.full"), "rho", digits
    ),
    "rho with the gradient of the chunk": Bug(
        edit(hessian_free, "_judged", "return chunk, g.full", "return chunk, g.chunk"), "rho", digits
    ),
    "base 1.31 in place of 1.3": Bug(edit(conjgrad._Recorder, "offer", "self._base", "1.31"), "cg_iterates", digits),
    "first iterate recorded at step 6": Bug(
        edit(conjgrad._Recorder, "__init__", "options.iterate_grid_start", "6.0"), "cg_iterates", digits
    ),
    "last iterate not recorded twice": Bug(
        edit(conjgrad._Recorder, "close", "if self._faithful:", "if False:"), "cg_iterates", SOFTMAX_HESSIAN
    ),
    "preconditioner formed and not used": Bug(
        instead(hessian_free, "conjgrad", lambda A, b, x0, M, *more: conjgrad.conjgrad(A, b, x0, None, *more)),
        "cg_iterates",
        digits,
    ),
    "> for ≥ in the backtracking walk": Bug(
        edit(backtracking, "walk_down", "score.log_likelihood < chosen", "score.log_likelihood <= chosen"),
        "chose_iters",
        SOFTMAX_HESSIAN,
    ),
    "no backtracking": Bug(
        edit(backtracking, "walk_down", "range(len(path.iterates) - 2, -1, -1)", "()"), "chose_iters", SOFTMAX_HESSIAN
    ),
    "factor 2 dropped in the gradient of linear outputs": Bug(
        changed(losses.SquaredError, "gradient", halved), "grad", LINEAR
    ),
    "factor 2 dropped in the product of linear outputs": Bug(
        changed(losses.SquaredError, "gauss_newton_product", halved), "Bv", LINEAR
    ),
    "factor ½ in the squared error": Bug(changed(losses.SquaredError, "log_likelihood", half), "ll", LINEAR),
    "softmax Jacobian without its second term": Bug(
        instead(units.Softmax, "jacobian_product", lambda self, xp, y, r, out=None: into(r * y, out)), "Bv", SOFTMAX
    ),
    "logistic derivative without 1 - y": Bug(
        instead(units.Logistic, "slope", lambda self, xp, y, out=None: into(y.copy(), out)), "grad", LOGISTIC
    ),
    "Hessian without the curvature of its units": Bug(
        instead(units.Logistic, "bend", lambda self, xp, y, d: 0 * d), "Bv", SOFTMAX_HESSIAN
    ),
    "empirical Fisher about zero": Bug(product(lambda Bv, v, problem, g: Bv + g.chunk * (g.chunk @ v)), "Bv", FISHER),
    "wrong target chunk": Bug(
        edit(hessian_free, "epoch", "state.epoch % problem.num_chunks", "(state.epoch + 1) % problem.num_chunks"),
        "grad",
        digits,
    ),
    "product not rescaled to all cases": Bug(
        product(lambda Bv, v, f, g: (Bv - f.weight_decay * v) / f.num_chunks + f.weight_decay * v), "Bv", digits
    ),
    "gradient of the chunk as right-hand side": Bug(
        edit(hessian_free, "epoch", "        g.full,\n", "        g.chunk,\n"), "grad", digits
    ),
    "squared gradient of the chunk in the preconditioner": Bug(
        edit(hessian_free, "_preconditioner", "g.full_squared", "g.chunk_squared"), "precon", digits
    ),
    "square of the gradient in place of squares of its cases": Bug(
        gradient(lambda g, problem, theta: {"full_squared": g.full**2}), "grad2", digits
    ),
    "chosen iterate fed to the next CG run": Bug(
        edit(hessian_free, "epoch", "d = path.iterates[-1]", "d = p"), "params", digits
    ),
    "step taken backwards": Bug(
        edit(hessian_free, "epoch", "theta + step.rate * p", "theta - step.rate * p"), "params", digits
    ),
    "line search without its constant": Bug(
        edit(line_search, "line_search", "options.line_search_c * rate", "rate"), "reductions", SOFTMAX_HESSIAN
    ),
    "line search by .81": Bug(
        edit(line_search, "line_search", "rate *= options.line_search_factor", "rate *= 0.81"), "rate", REDUCING
    ),
    "threshold of rho .85 in place of .75": Bug(
        edit(damping, "adapt", "rho > options.rho_high", "rho > 0.85"), "lambda", LOGISTIC
    ),
    "lambda dropped where it should be boosted": Bug(
        edit(damping, "adapt", "return lam * options.boost", "return lam * options.lam_drop"), "lambda", SOFTMAX_HESSIAN
    ),
    "error over the cases of a chunk": Bug(
        score(lambda s, problem, theta, chunk: {"error": s.error * (problem.num_chunks if chunk is None else 1)}),
        "err",
        digits,
    ),
    "a log line reworded": Bug(edit(text_log, "epoch_lines", "Chose iters : ", "Chose iters: "), "log", digits),
}
"""By what a colleague would call them."""


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_flagged_where_it_sits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = BUGS[name]
    bug.planted(monkeypatch)
    assert first_stage(bug.on()) == bug.stage


def test_without_a_planted_bug_none_of_these_recordings_differs() -> None:
    assert len(BUGS) >= 16
    assert (
        first_stage(*{id(r): r for r in (bug.on() for bug in BUGS.values())}.values(), later_state("ae_logistic")) == ""
    )


def test_planting_refuses_a_piece_of_source_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="0 times"):
        plant(monkeypatch, damping, "adapt", "no such line", "")
