"""What is not judged although both sides have it, and why: docs/parity.md's rule (c), and what follows a tie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_matlab_compat.parity.comparisons import Comparison

AFTER_A_TIE = "after a tie in cg_steps"
AFTER_REDUCTIONS = "after a tie in reductions"
UNDERFLOW = "known deviation: r'y underflows to 0 in single and this port's CG stops there, the reference goes on"
SMOKE = "single: free runs decide nothing but lambda"
SMOKED = ("lambda", "ll")
"""What a free run in single precision is judged by."""

_OF_THE_RATE = ("rate", "theta", "ll", "err", "test_ll", "test_err", "log")
_OF_THE_PATH = ("d", "ch_norm", "steps", "log")
_BEFORE_CG_STOPS = ("forward", "ll", "err", "grad", "grad2", "Bv", "Bv_undamped", "precon", "cg_steps")


@dataclass(frozen=True, kw_only=True)
class Exemptions:
    """Of one epoch.

    Attributes
    ----------
    free, single : bool
        Mode and precision of the recording.
    undecided_from : int or None
        The epoch from which a free run decides nothing, if this one is not before it.
    steps_tie : bool
        CG stopped at another step, as the reference's own runs do.
    choice_on_path : bool
        The reference's chosen iterate is on our path.
    reductions_tie : bool
        The line search made another number of reductions, as the reference's own runs do.
    underflow : bool
        CG stopped earlier than the reference's because r'y is 0 in single precision, at the minimum.
    """

    free: bool
    single: bool
    undecided_from: int | None
    steps_tie: bool
    choice_on_path: bool
    underflow: bool = False
    reductions_tie: bool = False

    @property
    def of_the_run(self) -> str:
        """Why the log of this epoch is not judged, nor what hangs on all of its figures."""
        if self.undecided_from is not None:
            return f"E passes 1e-5 in epoch {self.undecided_from}: lockstep decides"
        return SMOKE if self.free and self.single else ""

    def before(self, pair: Comparison) -> str:
        """Why a comparison need not be made; a figure that is NaN on our side always must be."""
        judged = pair.kind == "kernel" or (self.undecided_from is None and pair.quantity in SMOKED)
        if judged or (self.undecided_from is None and _is_nan(pair.ours)):
            return ""
        return self.of_the_run

    def after(self, pair: Comparison) -> str:
        """Why a comparison that differs says nothing."""
        if self.reductions_tie and pair.quantity in _OF_THE_RATE:
            return AFTER_REDUCTIONS
        if not self.steps_tie and not self.underflow:
            return ""
        path = pair.quantity in _OF_THE_PATH or pair.kind in ("iterate", "model", "choice")
        lost = not self.choice_on_path and pair.stage not in _BEFORE_CG_STOPS
        if self.underflow:
            return UNDERFLOW if path or lost or pair.quantity == "cg_steps" else ""
        return AFTER_A_TIE if path or lost else ""


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and bool(np.isnan(value))
