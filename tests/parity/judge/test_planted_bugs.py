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

from hf_matlab_compat import subject
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.model import losses, units
from hf_matlab_compat.parity.engines import port
from hf_matlab_compat.parity.recording import Recording
from hf_matlab_compat.solvers.backtracking import Backtracking
from hf_matlab_compat.solvers.rules import Chosen
from tests.parity.judge.golden_recordings import first_stage, later_state, recorded, two_epochs
from tests.parity.judge.planting import (
    Plant,
    changed,
    gradient,
    instead,
    into,
    loop,
    method,
    product,
    rule,
    score,
    settings,
)


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
    original = subject.feedforward_problem

    def spare(network: Any, data: Any, options: Any, *more: Any, **named: Any) -> Any:
        return original(network, data, replace(options, decay_biases=False), *more, **named)

    monkeypatch.setattr(subject, "feedforward_problem", spare)


def undecayed(g: Any, problem: Any, theta: Any) -> dict[str, Any]:
    return {name: getattr(g, name) + problem.weight_decay * theta for name in ("full", "chunk")}


def precon(wrong: Callable[..., Any]) -> Plant:
    """A preconditioner of its own in the place of the published one."""
    return rule("preconditioner", lambda published: wrong)


class Wrapped:
    """An inner solver around the published one."""

    def __init__(self, published: Any, around: Callable[..., Any]) -> None:
        self._published, self._around = published, around

    def solve(self, *given: Any) -> Any:
        return self._around(self._published.solve, *given)


def solver(around: Callable[..., Any]) -> Plant:
    """The inner solver changed: `around` gets its `solve`, and then what that is given."""
    return rule("solver", lambda published: Wrapped(published, around))


class StopsAtTies(Backtracking):
    """The walk down the path, where a tie ends it."""

    def choose(self, path: Any, score: Any, on: Any, watch: Any) -> Chosen:
        best = Chosen(path.iterates[-1], path.steps[-1], score(on.all, path.iterates[-1]))
        for step, p in list(zip(path.steps, path.iterates, strict=True))[-2::-1]:
            found = score(on.all, p)
            if found.log_likelihood <= best.score.log_likelihood:
                break
            best = Chosen(p, step, found)
        return best


class SeenChoice:
    """A selection, and what it chose."""

    def __init__(self, published: Any) -> None:
        self._published, self.chosen = published, None

    def choose(self, *given: Any) -> Any:
        self.chosen = self._published.choose(*given)
        return self.chosen


def chosen_iterate_kept(m: HessianFree, *given: Any) -> Epoch:
    selection = SeenChoice(m.selection)
    done = replace(m, selection=selection).epoch(*given)
    return done._replace(memory={**done.memory, "d": selection.chosen.p})


def backwards(m: HessianFree, problem: Any, theta: Any, *given: Any) -> Epoch:
    done = m.epoch(problem, theta, *given)
    return done._replace(theta=2 * theta - done.theta)


class DampedJudge:
    """A reduction ratio whose model has its damping on."""

    def __init__(self, published: Any, lam: float) -> None:
        self._published, self._lam = published, lam

    def judge(self, p: Any, score: Any, g: Any, G: Any, on: Any) -> Any:
        return self._published.judge(p, score, g, lambda v: G(v) + self._lam * v, on)


def judged_with_damping(m: HessianFree, problem: Any, theta: Any, memory: Any, *given: Any) -> Epoch:
    return replace(m, judge=DampedJudge(m.judge, memory["lam"])).epoch(problem, theta, memory, *given)


BUGS = {
    "exponent .76 in place of .75": Bug(settings("preconditioner", exponent=0.76), "precon", digits),
    "weight cost missing in the product": Bug(
        product(lambda Bv, v, problem, g: Bv - problem.weight_decay * v), "Bv", digits
    ),
    "weight cost missing in the preconditioner": Bug(
        precon(lambda G, g, lam: (g.full_squared + lam) ** 0.75), "precon", digits
    ),
    "weight cost missing in the gradient": Bug(gradient(undecayed), "grad", digits),
    "weight cost of twice the strength in ll": Bug(
        score(lambda s, f, x, c: {"log_likelihood": s.log_likelihood - 0.5 * f.weight_decay * float(x @ x)}),
        "ll",
        digits,
    ),
    "biases not decayed": Bug(biases_spared, "ll", TANH),
    "decay of the CG start ignored": Bug(method(lambda m: replace(m, start_decay=1.0)), "cg_iterates", SECOND),
    "CG started from zero": Bug(method(lambda m: replace(m, start_decay=0.0)), "cg_iterates", SECOND),
    "rho with the damping on": Bug(
        loop(judged_with_damping),
        "rho",
        digits,
    ),
    "rho on all cases": Bug(settings("judge", cases="all"), "rho", digits),
    "rho with the gradient of the chunk": Bug(settings("judge", gradient="target_chunk"), "rho", digits),
    "base 1.31 in place of 1.3": Bug(settings("solver", iterate_grid_base=1.31), "cg_iterates", digits),
    "first iterate recorded at step 6": Bug(settings("solver", iterate_grid_start=6.0), "cg_iterates", digits),
    "last iterate not recorded twice": Bug(settings("solver", faithful=False), "cg_iterates", SOFTMAX_HESSIAN),
    "preconditioner formed and not used": Bug(
        solver(lambda solve, model, start, M, watch: solve(model, start, None, watch)),
        "cg_iterates",
        digits,
    ),
    "> for ≥ in the backtracking walk": Bug(
        rule("selection", lambda published: StopsAtTies()),
        "chose_iters",
        SOFTMAX_HESSIAN,
    ),
    "no backtracking": Bug(settings("selection", cases="none"), "chose_iters", SOFTMAX_HESSIAN),
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
        instead(units.Logistic, "slope", lambda self, xp, x, y, out=None: into(y.copy(), out)), "grad", LOGISTIC
    ),
    "Hessian without the curvature of its units": Bug(
        instead(units.Logistic, "bend", lambda self, xp, x, y, d: 0 * d), "Bv", SOFTMAX_HESSIAN
    ),
    "empirical Fisher about zero": Bug(product(lambda Bv, v, problem, g: Bv + g.chunk * (g.chunk @ v)), "Bv", FISHER),
    "wrong target chunk": Bug(
        loop(lambda m, problem, theta, memory, n, watch: m.epoch(problem, theta, memory, n + 1, watch)),
        "grad",
        digits,
    ),
    "product not rescaled to all cases": Bug(
        product(lambda Bv, v, f, g: (Bv - f.weight_decay * v) / f.num_chunks + f.weight_decay * v), "Bv", digits
    ),
    "gradient of the chunk as right-hand side": Bug(
        gradient(lambda g, problem, theta: {"full": g.chunk}), "grad", digits
    ),
    "squared gradient of the chunk in the preconditioner": Bug(
        precon(lambda G, g, lam: (G.diagonal(lam) - g.full_squared + g.chunk_squared) ** 0.75), "precon", digits
    ),
    "square of the gradient in place of squares of its cases": Bug(
        gradient(lambda g, problem, theta: {"full_squared": g.full**2}), "grad2", digits
    ),
    "chosen iterate fed to the next CG run": Bug(loop(chosen_iterate_kept), "params", digits),
    "step taken backwards": Bug(loop(backwards), "params", digits),
    "line search without its constant": Bug(settings("line_search", c=1.0), "reductions", SOFTMAX_HESSIAN),
    "line search by .81": Bug(settings("line_search", factor=0.81), "rate", REDUCING),
    "threshold of rho .85 in place of .75": Bug(settings("damping", rho_high=0.85), "lambda", LOGISTIC),
    "lambda dropped where it should be boosted": Bug(settings("damping", boost=2 / 3), "lambda", SOFTMAX_HESSIAN),
    "error over the cases of a chunk": Bug(
        score(lambda s, problem, theta, chunk: {"error": s.error * (problem.num_chunks if chunk is None else 1)}),
        "err",
        digits,
    ),
    "a log line reworded": Bug(
        changed(
            port,
            "epoch_lines",
            lambda lines, *given: [line.replace("Chose iters : ", "Chose iters: ") for line in lines],
        ),
        "log",
        digits,
    ),
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
