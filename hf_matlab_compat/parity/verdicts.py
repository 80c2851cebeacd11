"""From a comparison and its bound to a line of the certificate, or to the reason why it is not judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.comparisons import Absent, Comparison
from hf_matlab_compat.parity.engines.port_case import PortCase
from hf_matlab_compat.parity.envelope_rule import (
    LAST_BITS,
    LIMIT_FACTOR,
    OWN_CAP,
    OWN_FACTOR,
    Bound,
    decision_bound,
    figure_bound,
    iterate_bound,
    kernel_bound,
    lambda_bound,
    model_bound,
    tie_bound,
)
from hf_matlab_compat.parity.recording import distance

HOPELESS = 0.3
"""Distances beyond this are not rounding, so that no ensemble is run for them."""
OWN_KERNEL_FACTOR = 100
"""Largest factor by which this package's own runs can widen the tabulated bound of a kernel."""
NO_BOUND = "rounding alone moves it by its own size"
"""Reason why a quantity with a vacuous bound is not judged."""
_CONTROLS = (
    *((name, "kernel") for name in ("ll", "err", "oldll", "grad", "gradchunk", "grad2", "precon")),
    *((name, "kernel") for name in ("Bv", "Bv_undamped")),
    *((name, "figure") for name in ("log_likelihood", "error", "test_log_likelihood", "test_error")),
)
"""Quantities by which runs of a reference are checked to differ by rounding alone."""
VACUOUS = 1.0
"""Bounds from here on are vacuous: zeros are at this distance from anything."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """The place and the sources of E that all lines of one recording in one epoch share.

    Attributes
    ----------
    place : mapping
        case, precision, mode, backend, epoch: fields of `Line`.
    measured : callable
        Quantity → E of the reference's runs, or None.
    own : callable
        Quantity → E of this package's runs; measures it when first asked.
    found : callable
        Quantity → why the reference's runs are farther apart in it than rounding; '' where that is not known.
    case : PortCase
        Names the layer in which a vector is farthest apart.
    """

    place: Mapping[str, Any]
    measured: Callable[[str], float | None]
    own: Callable[[str], float | None]
    found: Callable[[str], str]
    case: PortCase

    def cause(self, quantity: str) -> str:
        """Return why the reference's runs are farther apart in a quantity than rounding."""
        return self.found(quantity) or "depends on the order of the units or on last bits"

    @property
    def precision(self) -> str:
        """The precision of the run."""
        return str(self.place["precision"])


def line_of(pair: Comparison, column: Column) -> Line:
    """Judge a comparison."""
    if pair.distance is None:
        return absent_line(pair, column) or differs(pair, column, "without a distance")
    bound = _bound_of_decision(pair, column) if pair.kind == "decision" else _bound_of_rounding(pair, column)
    if not bound.value < (np.inf if pair.kind == "decision" else VACUOUS):
        return _without_envelope(pair, column, bound)
    return _line(pair, column, bound, _verdict(pair, bound))


def _bound_of_rounding(pair: Comparison, column: Column) -> Bound:
    """Return the bound by E of the reference, as far as that is known to be rounding, or by E of our own runs if wider.

    Our own runs are made where the distance or E is too large to be taken for rounding without them.
    """
    E, limit = column.measured(pair.quantity), _limit(pair.quantity, pair.kind, column.precision)
    bound = _bound(pair, column, None if E is None else _least(E, limit), "reference")
    beyond = E is not None and not limit >= E
    if pair.distance is None or pair.distance <= bound.value or not (beyond or pair.distance < HOPELESS):
        return bound
    own = column.own(pair.quantity) or 0.0
    if own:
        bound = _wider(pair, column, bound, _bound(pair, column, OWN_FACTOR * own, "own runs"))
    if E is None and pair.distance > bound.value and column.found(pair.quantity):
        return Bound(bound.value, f"{bound.source}; it {column.cause(pair.quantity)}")
    if E is None or not beyond:
        return bound
    allowed = max(limit, OWN_CAP * own)
    bound = _wider(pair, column, bound, _bound(pair, column, _least(E, allowed), "reference"))
    if pair.distance > bound.value and not allowed >= E:
        bound = Bound(bound.value, f"{bound.source}; it {column.cause(pair.quantity)}: its own runs differ by {E:.1e}")
    return bound


def _bound_of_decision(pair: Comparison, column: Column) -> Bound:
    """Return 0, unless runs of the reference, or of this package, decide differently through rounding."""
    bound = _floor_of_decision(pair, column)
    if pair.distance is None or pair.distance <= bound.value:
        return bound
    E, suspect = column.measured(pair.quantity), ""
    if E:
        suspect = suspicious(column)
        bound = max(bound, decision_bound(E)) if not suspect else bound
    if pair.distance > bound.value and pair.distance < HOPELESS and (own := column.own(pair.quantity)):
        bound = max(bound, decision_bound(own, "own runs"))
    return Bound(bound.value, f"{bound.source}; {suspect}") if suspect else bound


def _floor_of_decision(pair: Comparison, column: Column) -> Bound:
    """Return 0, except for lambda, whose rule may be written as lambda/boost or as lambda*drop."""
    if pair.quantity != "lam":
        return decision_bound(None)
    epochs = int(column.place["epoch"]) if column.place["mode"] == "free" else 1
    return lambda_bound(epochs)


def allowed_E(quantity: str, kind: str, column: Column) -> float | None:
    """Return E of the reference's runs, as far as it is known to be rounding; None where it was not measured."""
    E, limit = column.measured(quantity), _limit(quantity, kind, column.precision)
    if E is None or limit >= E:
        return E
    return _least(E, max(limit, OWN_CAP * (column.own(quantity) or 0.0)))


def suspicious(column: Column) -> str:
    """Return in words a quantity in which the reference's own runs are farther apart than rounding; '' without any."""
    for quantity, kind in _CONTROLS:
        E, allowed = column.measured(quantity), allowed_E(quantity, kind, column)
        if E is not None and allowed is not None and not allowed >= E:
            return f"its {quantity.removeprefix('kernel ')} {column.cause(quantity)}: its own runs differ by {E:.1e}"
    return ""


def _limit(quantity: str, kind: str, precision: str) -> float:
    """Return the largest E of a reference that is taken for rounding without runs of another program."""
    if kind == "model":
        return LIMIT_FACTOR * model_bound(precision, None).value
    tabulated = figure_bound if kind == "figure" else kernel_bound
    return LIMIT_FACTOR * tabulated(quantity, precision, None).value


def _least(E: float, limit: float) -> float:
    return E if limit >= E else limit  # NaN bounds nothing


def _wider(pair: Comparison, column: Column, bound: Bound, other: Bound) -> Bound:
    most = np.inf
    if pair.kind == "kernel":  # permuted cases that move it further are lost, or counted twice
        most = OWN_KERNEL_FACTOR * kernel_bound(pair.quantity, column.precision, None).value
    return other if bound.value < other.value <= most else bound


def _without_envelope(pair: Comparison, column: Column, vacuous: Bound) -> Line:
    """Judge a quantity with a vacuous bound: kernels by the table, others by it only if they are within."""
    bound = _bound(pair, column, None, "reference")
    if pair.kind == "kernel" or _verdict(pair, bound) is Verdict.AGREES or _has_nan(pair.ours):
        return _line(pair, column, bound, _verdict(pair, bound))
    return not_run(pair, column, f"{NO_BOUND}: {vacuous.source}")


def within(line: Line, bound: Bound) -> Line:
    """Return a line that differs, or one that agrees if it is within another bound."""
    agrees = line.distance is not None and line.distance <= bound.value
    if not agrees:
        return line
    return replace(line, bound=bound.value, bound_source=bound.source, verdict=Verdict.AGREES)


def choice_line(pair: Comparison, column: Column, tie: float) -> Line:
    """Judge the chosen iterate: equal, or a tie of the log-likelihoods."""
    bound = tie_bound(column.precision, allowed_E("log_likelihood", "figure", column))
    if tie > bound.value and tie < HOPELESS and (E := column.own("log_likelihood")):
        bound = max(bound, tie_bound(column.precision, OWN_FACTOR * E))
    if pair.distance == 0.0:
        return _line(pair, column, Bound(0.0, "exact"), Verdict.AGREES)
    if tie <= bound.value:
        return _line(pair, column, bound, Verdict.TIE, distance=tie)
    return _line(pair, column, bound, Verdict.DIFFERS, distance=tie)


def not_run(pair: Comparison, column: Column, reason: str) -> Line:
    """Return a line that says why nothing was compared."""
    return Line(
        **column.place,
        stage=pair.stage,
        detail=pair.detail,
        ours=_shown(pair.ours),
        reference=_shown(pair.theirs),
        bound_source=reason,
    )


def differs(pair: Comparison, column: Column, reason: str) -> Line:
    """Return a line that differs without a figure."""
    return _line(pair, column, Bound(0.0, reason), Verdict.DIFFERS, distance=np.inf)


def absent_line(pair: Comparison, column: Column) -> Line | None:
    """Return the line of a comparison with a missing value: not run if that was said beforehand, else a difference."""
    if isinstance(pair.theirs, Absent):
        if pair.theirs.declared:
            return not_run(pair, column, pair.theirs.declared)
        who = "neither side has" if isinstance(pair.ours, Absent) else "the reference lacks"
    elif isinstance(pair.ours, Absent):
        who = "this package lacks"
    else:
        return None
    return differs(pair, column, f"{who} this quantity")


def _has_nan(value: Any) -> bool:
    return not isinstance(value, str | Absent) and bool(np.isnan(np.asarray(value, np.float64)).any())


def _bound(pair: Comparison, column: Column, E: float | None, of: str) -> Bound:
    precision, kind = column.precision, pair.kind
    if kind == "decision":
        return _floor_of_decision(pair, column)
    if kind == "iterate":
        return iterate_bound(int(pair.quantity.split()[1]), precision, E, of)
    if kind == "model":
        return model_bound(precision, E, of)
    if kind == "kernel" and pair.quantity != "start":
        return kernel_bound(pair.quantity, precision, E, of)
    return figure_bound(pair.quantity, precision, E, of)


def _verdict(pair: Comparison, bound: Bound) -> Verdict:
    if pair.distance is None or not pair.distance <= bound.value:
        return Verdict.DIFFERS
    rounded = pair.kind != "decision" or pair.distance == 0 or bound.source.startswith(LAST_BITS)
    return Verdict.AGREES if rounded else Verdict.TIE


def _line(pair: Comparison, column: Column, bound: Bound, verdict: Verdict, distance: float | None = None) -> Line:
    detail = pair.detail
    if verdict is Verdict.DIFFERS and (where := _farthest_layer(pair, column.case)):
        detail = f"{detail}; {where}" if detail else where
    return Line(
        **column.place,
        stage=pair.stage,
        detail=detail,
        ours=_shown(pair.ours),
        reference=_shown(pair.theirs),
        distance=pair.distance if distance is None else distance,
        bound=bound.value,
        bound_source=bound.source,
        verdict=verdict,
    )


def _farthest_layer(pair: Comparison, case: PortCase) -> str:
    """Return the layer whose weights or biases are farthest apart, for a vector of parameters."""
    if any(isinstance(value, Absent | str) for value in (pair.ours, pair.theirs)):
        return ""
    a, b = (np.asarray(value, np.float64) for value in (pair.ours, pair.theirs))
    if a.shape != b.shape or a.ndim == 0 or a.shape[0] != case.problem.num_parameters:
        return ""
    a, b = (value.reshape(len(value), -1)[:, 0] for value in (a, b))
    both = zip(case.parts(a), case.parts(b), strict=True)
    apart = {name: distance(ours, theirs) for (name, ours), (_, theirs) in both}
    worst = max(apart, key=lambda name: apart[name])
    return f"most in {worst} ({apart[worst]:.1e})"


def _shown(value: Any) -> str:
    if isinstance(value, Absent):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return f"{len(value)} arrays"
    array = np.asarray(value, np.float64)
    return f"{array.item():.17g}" if array.size == 1 else f"norm {np.linalg.norm(array):.17g}"


AFTER_A_TIE = "after a tie in cg_steps"
AFTER_REDUCTIONS = "after a tie in reductions"
UNDERFLOW = "known deviation: r'y underflows to 0 in single and this port's CG stops there, the reference goes on"
SMOKE = "single: free runs decide nothing but lambda"
SMOKED = ("lam", "log_likelihood")
"""Quantities by which a free run in single precision is judged."""

_OF_THE_RATE = ("rate", "theta", "log_likelihood", "error", "test_log_likelihood", "test_error", "log")
_OF_THE_PATH = ("d", "d_norm", "steps", "log")
_BEFORE_CG_STOPS = ("forward", "ll", "err", "grad", "grad2", "Bv", "Bv_undamped", "precon", "cg_steps")


@dataclass(frozen=True, kw_only=True)
class Exemptions:
    """Why quantities of one epoch are not judged although both sides have them.

    Attributes
    ----------
    free, single : bool
        Mode and precision of the recording.
    undecided_from : int or None
        The epoch from which a free run decides nothing, if this one does not come before it.
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
        """Why the log of this epoch is not judged, nor anything that depends on all of its figures."""
        if self.undecided_from is not None:
            return f"E passes 1e-5 in epoch {self.undecided_from}: lockstep decides"
        return SMOKE if self.free and self.single else ""

    def before(self, pair: Comparison) -> str:
        """Return why a comparison need not be made; a figure that is NaN on our side always is compared."""
        judged = pair.kind == "kernel" or (self.undecided_from is None and pair.quantity in SMOKED)
        if judged or (self.undecided_from is None and _has_nan(pair.ours)):
            return ""
        return self.of_the_run

    def after(self, pair: Comparison) -> str:
        """Return why a comparison that differs decides nothing."""
        if self.reductions_tie and pair.quantity in _OF_THE_RATE:
            return AFTER_REDUCTIONS
        if not self.steps_tie and not self.underflow:
            return ""
        path = pair.quantity in _OF_THE_PATH or pair.kind in ("iterate", "model", "choice")
        lost = not self.choice_on_path and pair.stage not in _BEFORE_CG_STOPS
        if self.underflow:
            return UNDERFLOW if path or lost or pair.quantity == "cg_steps" else ""
        return AFTER_A_TIE if path or lost else ""
