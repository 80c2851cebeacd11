"""Hessian-free optimisation: the outer loop (Martens 2010, "Deep learning via Hessian-free optimization").

Notation
--------
f(θ) = -ll(θ) is minimised; figures report the log-likelihood ll, which increases
g = ∇ll(θ);  G : curvature of f at θ;  B : G with its damping, G + λI;  M : preconditioner
d : last CG iterate, from which the next CG run starts;  p : the chosen iterate;  α : step length
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Curvature, Gradient, Problem, check_problem
from hf_matlab_compat.solvers.backtracking import Backtracking
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from hf_matlab_compat.solvers.line_search import Armijo
from hf_matlab_compat.solvers.preconditioners import MartensDiagonal
from hf_matlab_compat.solvers.reduction_ratio import ReductionRatio
from hf_matlab_compat.solvers.remembering import first_memory, kept_by, rule_of_epoch
from hf_matlab_compat.solvers.rules import (
    Chosen,
    Damping,
    InnerSolver,
    Judge,
    Judgement,
    LineSearch,
    Path,
    Preconditioner,
    Quadratic,
    Selection,
    Step,
)
from hf_matlab_compat.state import Memory, Score, Watch


@dataclass(frozen=True, kw_only=True)
class HessianFree:
    """The published method, made of exchangeable rules; `solvers.rules` describes them.

    Attributes
    ----------
    damping : Damping
    preconditioner : Preconditioner
    solver : InnerSolver
    selection : Selection
    judge : Judge
    line_search : LineSearch
    start_decay : float
        Factor on the last CG iterate, from which the next CG run starts.
    damped_ratio : bool
        The judge gets B in place of G, so that rho compares with the damped model.
    """

    damping: Damping = field(default_factory=LevenbergMarquardt)
    preconditioner: Preconditioner = field(default_factory=MartensDiagonal)
    solver: InnerSolver = field(default_factory=ConjugateGradients)
    selection: Selection = field(default_factory=Backtracking)
    judge: Judge = field(default_factory=ReductionRatio)
    line_search: LineSearch = field(default_factory=Armijo)
    start_decay: float = Options.start_decay
    damped_ratio: bool = False

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: d = 0 and the first λ."""
        check_problem(problem, "problem", "curvature")
        d = theta.copy()
        d[...] = 0
        own = first_memory(self.preconditioner, theta)
        return {"d": d, "lam": self.damping.initial_lam, "total_cg_steps": 0, **own}

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`: one outer iteration, one parameter update."""
        lam = memory["lam"]
        on = Cases(chunk=(n - 1) % problem.num_chunks, draw=n)

        def score(cases: Cases, p: Vector | None) -> Score:
            return problem.score(theta if p is None else theta + p, cases)

        g = problem.gradient(theta, on)  # gₙ ← ∇ll(θₙ)
        G = problem.curvature(theta, on, g)
        B = self.damping.operator(G, lam)  # B(d) = G d + λ d
        precondition = rule_of_epoch(self.preconditioner, memory, n)
        # CG-Minimize(B, gₙ); its start and M get no names here, so that their memory is free during backtracking
        path = self.solver.solve(
            Quadratic(B, g.full, lam), self.start_decay * memory["d"], precondition(G, g, lam), watch
        )
        chosen = self.selection.choose(path, score, on, watch)
        p = chosen.p
        judged = self.judge.judge(p, score, g, cast(Curvature, B) if self.damped_ratio else G, on)
        step = self.line_search.search(
            lambda rate: score(on.all, rate * p if rate else None),
            chosen.score,
            g.log_likelihood,
            float(g.full @ p),
            watch,
        )
        d = path.iterates[-1]  # not p: the next CG run starts where this one stopped
        remembered = {
            "d": d,
            "lam": self.damping.adapt(lam, judged.rho, p),  # Levenberg-Marquardt rule
            "total_cg_steps": memory["total_cg_steps"] + path.steps[-1],
            **kept_by(precondition, path),
        }
        figures = _figures(g, path, chosen, judged, step, remembered)
        return Epoch(theta + step.rate * p, remembered, step.score, figures)  # θₙ₊₁ ← θₙ + α pₙ


FIGURES: Mapping[str, str] = {
    "cg_steps": "CG steps of this epoch; if CG failed, the number of the failed step",
    "total_cg_steps": "CG steps of the whole run",
    "cg_stop": "why conjugate gradients stopped",
    "d_norm": "Euclidean norm of the last CG iterate",
    "chosen_step": "the CG step whose iterate backtracking chose",
    "old_log_likelihood": "before the step, on all training cases",
    "old_log_likelihood_chunk": "before the step, on the cases of rho (the target chunk)",
    "log_likelihood_chunk": "on the same cases after the full step p, before the line search",
    "predicted_change": "denominator of rho: change of the negative log-likelihood that the undamped model predicts",
    "rho": "reduction ratio; -inf if the log-likelihood of the chunk fell, nan for a step of zero",
    "reductions": "how often the line search shortened the step; inf if it rejected the step",
    "rate": "step length: 1 for the full step, 0 for a rejected step",
    "lam": "damping for the next epoch",
}
"""Figures that Hessian-free reports of an epoch, with their descriptions."""


def _figures(
    g: Gradient, path: Path, chosen: Chosen, judged: Judgement, step: Step, remembered: Memory
) -> dict[str, Any]:
    d = path.iterates[-1]
    return {
        "cg_steps": path.steps[-1],
        "total_cg_steps": remembered["total_cg_steps"],
        "cg_stop": path.stop,
        "d_norm": math.sqrt(float(d @ d)),
        "chosen_step": chosen.step,
        "old_log_likelihood": float(g.log_likelihood),
        "old_log_likelihood_chunk": judged.before,
        "log_likelihood_chunk": judged.after,
        "predicted_change": judged.predicted,
        "rho": judged.rho,
        "reductions": step.reductions,
        "rate": step.rate,
        "lam": remembered["lam"],
    }
