"""A difference in one clause, for the sentence of a verdict: what is how far apart, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

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
_LONGEST_VALUE = 24


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
