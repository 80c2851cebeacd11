"""What each stage is made from: what to look at when it differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DEPENDENCIES: Mapping[str, Sequence[str]] = {
    "forward": (),
    "ll": ("forward",),
    "err": ("forward",),
    "grad": ("forward",),
    "grad2": ("forward",),
    "Bv": ("forward", "Bv_undamped"),
    "Bv_undamped": ("forward", "grad"),
    "precon": ("grad2",),
    "cg_iterates": ("grad", "Bv", "precon"),
    "cg_steps": ("cg_iterates",),
    "chose_iters": ("cg_iterates", "ll"),
    "rho": ("chose_iters", "Bv_undamped", "grad", "ll"),
    "reductions": ("chose_iters", "ll", "grad"),
    "rate": ("reductions",),
    "lambda": ("rho",),
    "params": ("chose_iters", "rate", "cg_iterates"),
    "log": ("params", "lambda", "rho"),
    "checkpoint": ("params", "lambda"),
    "entry": ("params", "lambda"),
}
"""By stage."""

ANOTHER_CHUNK = "the target chunk differs"
"""Said of a forward pass that agrees on other cases."""


def dependency(stage: str, detail: str) -> Sequence[str]:
    """The stages that a line takes in; none where another chunk was taken, which the number of the epoch decides."""
    return () if ANOTHER_CHUNK in detail else DEPENDENCIES[stage]
