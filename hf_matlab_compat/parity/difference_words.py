"""A difference in one clause, for the sentence of a verdict: what is how far apart, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hf_matlab_compat.parity.stage_dependencies import ANOTHER_CHUNK

if TYPE_CHECKING:
    from hf_matlab_compat.parity.certificate import Line

STAGE_WORDS: Mapping[str, str] = {
    "forward": "the output of a layer",
    "ll": "the log-likelihood",
    "err": "the error",
    "grad": "the gradient",
    "grad2": "the squared gradient",
    "Bv": "the damped curvature product",
    "Bv_undamped": "the curvature product",
    "precon": "the preconditioner",
    "cg_iterates": "an iterate of CG",
    "cg_steps": "the number of CG steps",
    "chose_iters": "the chosen CG iterate",
    "rho": "rho",
    "reductions": "the number of reductions",
    "rate": "the step length",
    "lambda": "lambda",
    "params": "the result of the epoch",
    "log": "the log",
    "checkpoint": "the checkpoint",
    "entry": "the whole call",
}
"""What stands at a stage."""
START_OF_CG, TARGET_CHUNK = "start of CG", "target chunk"
"""Computed elsewhere than the stage that shows them."""
LACKS = "the reference lacks"
"""Begins the reason of a line whose quantity the reference does not produce."""
_LONGEST_VALUE = 24
_LOGGED = ("cg_steps", "chose_iters", "rho", "reductions", "rate")
"""Stages that a reference shows by its log alone."""


def difference_in_words(line: Line) -> str:
    """What differs, by how much, and where.

    Parameters
    ----------
    line : Line
        One that differs.
    """
    what = STAGE_WORDS[line.stage] + f" ({line.detail})" * bool(line.detail)
    where = f"in epoch {line.epoch} of {line.case}, {line.precision}"
    measured = line.distance is not None and line.bound and math.isfinite(line.distance)
    if measured:
        return f"{what} is {line.distance:.1e} apart {where}, where {line.bound:.1e} is allowed"
    values = (line.ours, line.reference)
    if all(value and len(value) <= _LONGEST_VALUE and not value.startswith("norm ") for value in values):
        return f"{what} is {line.ours} here and {line.reference} there, {where}"
    reason = f": {line.bound_source}" if line.bound_source not in ("", "exact") else ""
    return f"{what} differs {where}{reason}"


def place_stage(line: Line) -> str:
    """The stage at which a line's quantity is computed: of figures after the step, that of the same kernel."""
    if ANOTHER_CHUNK in line.detail:
        return TARGET_CHUNK
    if line.stage == "cg_iterates" and line.detail.startswith("start"):
        return START_OF_CG
    if line.stage in _LOGGED and line.bound_source.startswith(LACKS):
        return "log"
    if line.stage != "params":
        return line.stage
    heads = {
        "ll": "ll",
        "test ll": "ll",
        "err": "err",
        "test err": "err",
        "d,": "cg_iterates",
        "norm of d": "cg_iterates",
    }
    return next((stage for head, stage in heads.items() if line.detail.startswith(head)), line.stage)
