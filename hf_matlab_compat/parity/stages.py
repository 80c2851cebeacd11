"""The stages of an epoch in the order in which a difference would arise: their words, and the stages they take in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_TABLE: Mapping[str, tuple[str, Sequence[str]]] = {
    "forward": ("the output of a layer", ()),
    "ll": ("the log-likelihood", ("forward",)),
    "err": ("the error", ("forward",)),
    "grad": ("the gradient", ("forward",)),
    "grad2": ("the squared gradient", ("forward",)),
    "Bv": ("the damped curvature product", ("forward", "Bv_undamped")),
    "Bv_undamped": ("the curvature product", ("forward", "grad")),
    "precon": ("the preconditioner", ("grad2",)),
    "cg_iterates": ("an iterate of CG", ("grad", "Bv", "precon")),
    "cg_steps": ("the number of CG steps", ("cg_iterates",)),
    "chose_iters": ("the chosen CG iterate", ("cg_iterates", "ll")),
    "rho": ("rho", ("chose_iters", "Bv_undamped", "grad", "ll")),
    "reductions": ("the number of reductions", ("chose_iters", "ll", "grad")),
    "rate": ("the step length", ("reductions",)),
    "lambda": ("lambda", ("rho",)),
    "params": ("the result of the epoch", ("chose_iters", "rate", "cg_iterates")),
    "log": ("the log", ("params", "lambda", "rho")),
    "checkpoint": ("the checkpoint", ("params", "lambda")),
    "entry": ("the whole call", ("params", "lambda")),
}

STAGES = tuple(_TABLE)
STAGE_WORDS: Mapping[str, str] = {stage: words for stage, (words, _) in _TABLE.items()}
DECISION_STAGES = ("cg_steps", "rho", "rate", "lambda", "params")
"""Results of an epoch beyond its kernels: if none of them was compared, nothing shows that two runs are the same."""

ANOTHER_CHUNK = "the target chunk differs"
"""Part of the detail of a forward pass that agrees on other cases."""


def dependency(stage: str, detail: str) -> Sequence[str]:
    """Return the stages that a line takes in; none for another chunk, which the number of the epoch decides."""
    return () if ANOTHER_CHUNK in detail else _TABLE[stage][1]
