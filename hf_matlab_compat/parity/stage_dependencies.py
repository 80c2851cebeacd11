"""What each stage is made from, and where in this package it is computed: what to look at when it differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Dependency(NamedTuple):
    """The stages that a stage takes in, and the code that forms it."""

    on: tuple[str, ...]
    computed_in: str


DEPENDENCIES: Mapping[str, Dependency] = {
    "forward": Dependency((), "model/passes.py forward, model/units.py activate"),
    "ll": Dependency(("forward",), "model/losses.py log_likelihood, objective/likelihood.py; weight cost"),
    "err": Dependency(("forward",), "model/error_measures.py, objective/likelihood.py"),
    "grad": Dependency(("forward",), "model/losses.py gradient, model/passes.py backward; weight cost"),
    "grad2": Dependency(("forward",), "objective/gradient.py, which squares case by case; no weight cost"),
    "Bv": Dependency(("forward", "Bv_undamped"), "objective/problem.py curvature_at, solvers/damping.py damp"),
    "Bv_undamped": Dependency(("forward", "grad"), "objective/gauss_newton.py, hessian.py, empirical_fisher.py"),
    "precon": Dependency(("grad2",), "solvers/preconditioners.py: squared gradient of all cases, λ, weight cost"),
    "cg_iterates": Dependency(("grad", "Bv", "precon"), "solvers/conjgrad.py; start: decay and the last d"),
    "cg_steps": Dependency(("cg_iterates",), "solvers/conjgrad.py progress_is_small"),
    "chose_iters": Dependency(("cg_iterates", "ll"), "solvers/backtracking.py walk_down"),
    "rho": Dependency(("chose_iters", "Bv_undamped", "grad", "ll"), "solvers/damping.py; the target chunk"),
    "reductions": Dependency(("chose_iters", "ll", "grad"), "solvers/line_search.py"),
    "rate": Dependency(("reductions",), "solvers/line_search.py"),
    "lambda": Dependency(("rho",), "solvers/damping.py adapt"),
    "params": Dependency(("chose_iters", "rate", "cg_iterates"), "hessian_free.py: θ + α p, and d for the next epoch"),
    "log": Dependency(("params", "lambda", "rho"), "matlab/text_log.py, matlab/num2str.py"),
    "checkpoint": Dependency(("params", "lambda"), "matlab/checkpoint_variables.py"),
    "entry": Dependency(("params", "lambda"), "legacy/entry_points.py, legacy/arguments.py, training.py, options.py"),
}
"""By stage; the paths are those inside this package."""

ANOTHER_CHUNK = "the target chunk differs"
"""Said of a forward pass that agrees on other cases."""


def dependency(stage: str, detail: str) -> Dependency:
    """Of a line: what it is made from; of another chunk, what chooses that."""
    if ANOTHER_CHUNK in detail:
        return Dependency((), "hessian_free.py epoch: epoch % num_chunks")
    return DEPENDENCIES[stage]
