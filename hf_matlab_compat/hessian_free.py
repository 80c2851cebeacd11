"""Hessian-free optimisation: the outer loop (Martens 2010, "Deep learning via Hessian-free optimization").

Notation
--------
f(θ) = -ll(θ) is minimised; figures are reported as the log-likelihood ll, which ascends
g = ∇ll(θ);  G : curvature of f at θ;  B = G + λI;  M : preconditioner
d : last CG iterate, from which the next CG run starts;  p : the iterate stepped along;  α : step length
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from hf_matlab_compat.errors import NonFiniteError
from hf_matlab_compat.objective.problem import Gradient, Problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.backtracking import backtrack
from hf_matlab_compat.solvers.conjgrad import conjgrad
from hf_matlab_compat.solvers.damping import adapt, damp, predicted_change, reduction_ratio
from hf_matlab_compat.solvers.line_search import line_search
from hf_matlab_compat.solvers.preconditioners import martens_diagonal
from hf_matlab_compat.state import CGStop, Report, Score, State, Vector

Evaluate = Callable[[Vector], Score | None]
"""θ → Score on held-out cases, or None without any."""

Watch = Callable[[str, int, int], None]
"""(stage, step, of at most): progress inside an epoch."""


def epochs(
    problem: Problem, state: State, options: Options, evaluate: Evaluate, watch: Watch
) -> Iterator[tuple[Report, State]]:
    """Run epochs from `state` up to `options.max_epochs`, yielding each as it ends.

    Parameters
    ----------
    problem : Problem
        What is trained: value, gradient and curvature.
    state : State
        Where to go on from.
    options : Options
    evaluate : callable
        Held-out figures, only reported.
    watch : callable
        Told of progress inside an epoch.

    Yields
    ------
    report : Report
        What the epoch did.
    state : State
        What it left.

    Raises
    ------
    NonFiniteError
        A gradient or curvature product is NaN or infinite.
    """
    while state.epoch < options.max_epochs:
        report, state = epoch(problem, state, options, evaluate, watch)
        yield report, state


def epoch(problem: Problem, state: State, options: Options, evaluate: Evaluate, watch: Watch) -> tuple[Report, State]:
    """One outer iteration, one parameter update; see `epochs`."""
    started = time.perf_counter()
    theta, lam, n = state.theta, state.lam, state.epoch + 1
    chunk = state.epoch % problem.num_chunks

    def score(step: Vector, on: int | None = None) -> Score:
        return problem.likelihood(theta + step, on)

    watch("gradient", 0, 1)
    g = problem.gradient(theta, chunk)  # gₙ ← ∇ll(θₙ)
    _require_finite(g.full, n)

    G = problem.curvature_at(theta, chunk, g)
    B = damp(G, lam) if options.damping else G  # B(d) = G d + λ d
    # CG-Minimize(B, gₙ); where it starts and M have no names here, so that their memory is free for backtracking
    path = conjgrad(
        B,
        g.full,
        options.start_decay * state.d,
        _preconditioner(problem, g, lam, options),
        options,
        lambda i: watch("cg", i, options.max_cg_steps),
    )
    if path.stop is CGStop.NOT_FINITE:
        raise NonFiniteError(n, "curvature product")

    watch("backtracking", 0, len(path.steps))
    chosen = backtrack(path, score, options.backtracking_cases, chunk)
    p = chosen.p

    judged, model_gradient = _judged(g, chunk, options)
    before, after = problem.likelihood(theta, judged), score(p, judged)
    predicted = predicted_change(model_gradient, p, G(p))
    rho = reduction_ratio(before.log_likelihood, after.log_likelihood, predicted)

    watch("line search", 0, options.max_reductions)
    step = line_search(lambda rate: score(rate * p), chosen.score, g.log_likelihood, float(g.full @ p), options)
    theta_next = theta + step.rate * p  # θₙ₊₁ ← θₙ + α pₙ
    d = path.iterates[-1]  # not p: the next run starts where CG stopped, not where the step was taken
    report = Report(
        epoch=n,
        cg_steps=path.steps[-1],
        total_cg_steps=state.total_cg_steps + path.steps[-1],
        cg_stop=path.stop,
        d_norm=math.sqrt(float(d @ d)),
        chosen_step=chosen.step,
        old_log_likelihood=float(g.log_likelihood),
        old_log_likelihood_chunk=before.log_likelihood,
        log_likelihood_chunk=after.log_likelihood,
        predicted_change=predicted,
        rho=rho,
        reductions=step.reductions,
        rate=step.rate,
        lam=adapt(lam, rho, options),  # Levenberg-Marquardt rule
        train=step.score if options.faithful or step.rate > 0 else problem.likelihood(theta),
        test=evaluate(theta_next),
        seconds=time.perf_counter() - started,
    )
    return report, state.after(report, theta=theta_next, d=d)


def _judged(g: Gradient, chunk: int, options: Options) -> tuple[int | None, Vector]:
    """The cases on which ρ compares likelihoods (None: all), and the gradient that its model takes."""
    if options.faithful:
        return chunk, g.full
    return (chunk, g.chunk) if options.curvature_cases == "target_chunk" else (None, g.full)


def _preconditioner(problem: Problem, g: Gradient, lam: float, options: Options) -> Any:
    if options.preconditioner_exponent is None:
        return None
    return martens_diagonal(g.full_squared, lam, problem.decay_diagonal(), options.preconditioner_exponent)


def _require_finite(gradient: Vector, epoch_number: int) -> None:
    if not math.isfinite(float(abs(gradient).max())):
        raise NonFiniteError(epoch_number, "gradient")
