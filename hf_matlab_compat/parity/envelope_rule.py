"""The rule of docs/parity.md as functions: how far apart a quantity may be, and the source of that bound.

(a) kernels and CG iterates, (b) one epoch from the same state, (c) free runs. E is the largest distance of a
quantity among runs of the reference that differ by rounding alone; u is the unit roundoff of the precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import NamedTuple

UNIT_ROUNDOFF = {"single": 2.0**-24, "double": 2.0**-53}
GRADIENT = {"single": 4e-6, "double": 5e-15}
"""Bounds of gradients without an ensemble: another `tanh` alone moves one by 5e-15."""
KERNEL = {"single": 2e-6, "double": 5e-15}
"""Bounds of other kernels without an ensemble."""
MODEL = {"single": 1e-6, "double": 1e-12}
"""Bounds of the quadratic model at a CG iterate: CG moves along flat directions, which hardly change it."""
TIE = {"single": 4e-6, "double": 8 * UNIT_ROUNDOFF["double"]}
KERNEL_FACTOR, TRAJECTORY_FACTOR = 4, 10
"""Factors on E. Results of CG have a bimodal spread, which few members underestimate."""
FLOOR = 4
FIGURE_FLOORS: Mapping[str, float] = {"rho": 1e3, "d_norm": 64}
"""Smallest bounds in units of u; rho is a difference of two likelihoods, which cancel, over the model's change."""
LIMIT_FACTOR, OWN_CAP = 3, 10
"""E of a reference counts as rounding up to 3 times the bound that holds without an ensemble, or else up to 10 times E
of this package's own runs. A larger E comes from the order of its cases, or from random numbers."""
LAST_BITS = "4u of double"
"""Prefix of the source of the bound of lambda."""
OWN_FACTOR = 4
"""Factor on E of this package's own runs: numpy adds in pairs, and a reference that adds one by one rounds more."""
EARLY_STEPS = 5
"""CG iterates up to this step are bounded as kernels; in later ones rounding is amplified."""
UNDECIDED_E, UNDECIDED_BY_EPOCH = 1e-5, 4
"""A free run whose E of ll passes this by that epoch decides nothing from there on."""

DECISIONS = ("cg_steps", "reductions", "rate", "lam")
"""Figures that are decisions of the method, and must be equal."""


class Bound(NamedTuple):
    """A bound and its source."""

    value: float
    source: str


def kernel_bound(quantity: str, precision: str, E: float | None, of: str = "reference") -> Bound:
    """Return rule (a): 4·max(E, 4u), or the tabulated figure where no ensemble was run.

    Parameters
    ----------
    quantity : str
        Name of a kernel, as in `EpochRecord.kernels`.
    precision : str
        'single' or 'double'.
    E : float or None
        None where it was not measured.
    of : str
        Whose runs E was measured on.
    """
    if E is not None:
        return _largest(KERNEL_FACTOR, E, precision, of)
    value = (GRADIENT if quantity in ("grad", "gradchunk") else KERNEL)[precision]
    return Bound(value, "docs/parity.md (a), no ensemble")


def iterate_bound(step: int, precision: str, E: float | None, of: str = "reference") -> Bound:
    """Return rule (a) for a CG iterate: early ones as kernels, later ones 10·E."""
    if E is None:
        return kernel_bound("iterate", precision, None)
    factor = KERNEL_FACTOR if step <= EARLY_STEPS else TRAJECTORY_FACTOR
    return _largest(factor, E, precision, of)


def model_bound(precision: str, E: float | None, of: str = "reference") -> Bound:
    """Return rule (a) for the value of the quadratic model at a CG iterate."""
    widened = TRAJECTORY_FACTOR * (E or 0.0)
    if widened > MODEL[precision]:
        return Bound(widened, f"{TRAJECTORY_FACTOR}E, E={E:.1e} ({of})")
    return Bound(MODEL[precision], "docs/parity.md (a), model")


def figure_bound(figure: str, precision: str, E: float | None, of: str = "reference") -> Bound:
    """Return rules (b) and (c) for a figure or vector of an epoch: 10·E, at least 4u; without an ensemble as a kernel.

    Floors of their own: rho 1e3 u, and the norm of d, a sum of P squares in working precision, 64 u.
    """
    units = FIGURE_FLOORS.get(figure, FLOOR)
    floor = units * UNIT_ROUNDOFF[precision]
    if E is None:
        tabulated = kernel_bound(figure, precision, None)
        return tabulated if tabulated.value > floor else Bound(floor, f"{units:.0f}u floor")
    widened = TRAJECTORY_FACTOR * E
    if widened <= floor:
        return Bound(floor, f"{units:.0f}u floor")
    return Bound(widened, f"{TRAJECTORY_FACTOR}E, E={E:.1e} ({of})")


def decision_bound(E: float | None, of: str = "reference") -> Bound:
    """Return the bound of a decision: 0, unless runs of the reference themselves decide differently."""
    if not E:
        return Bound(0.0, "exact")
    either_way = E / (1 - E) if E < 1 else inf  # E is relative to the plain run, which ours need not be
    return Bound(either_way, f"tie: its runs differ by {E:.1e} ({of})")


def rho_bound(figures: Mapping[str, float], precision: str) -> Bound:
    """Return the bound of rho without an ensemble, by that of the log-likelihoods of which it is a difference.

    `figures` are those of the epoch, 'old_log_likelihood_chunk' and 'log_likelihood_chunk' among them.
    """
    before, after = (figures.get(name, 0.0) for name in ("old_log_likelihood_chunk", "log_likelihood_chunk"))
    change = abs(after - before)
    cancelled = (abs(after) + abs(before)) / change if change and isfinite(change) else 0.0
    return Bound(KERNEL[precision] * (2 + cancelled), "docs/parity.md (a), no ensemble, and what cancels in rho")


def lambda_bound(epochs: int) -> Bound:
    """Return the bound of lambda, a double in either precision, after some epochs of one run: a last bit each.

    A rule may divide by boost or multiply by drop.
    """
    return Bound(FLOOR * UNIT_ROUNDOFF["double"] * epochs, f"{LAST_BITS} an epoch" if epochs > 1 else LAST_BITS)


def tie_bound(precision: str, E: float | None) -> Bound:
    """Return the bound of the relative difference between the log-likelihoods, in double, of two CG iterates."""
    spread = 4 * (E or 0.0)
    if spread > TIE[precision]:
        return Bound(spread, f"tie: 4E, E={E:.1e}")
    return Bound(TIE[precision], "tie: " + ("4e-6" if precision == "single" else "8u"))


def undecided_from(spread_of_ll: Mapping[int, float]) -> int | None:
    """Return rule (c): the epoch from which a free run decides nothing, by E of ll; None where it always does."""
    return min((k for k, E in spread_of_ll.items() if E > UNDECIDED_E and k <= UNDECIDED_BY_EPOCH), default=None)


def _largest(factor: int, E: float, precision: str, of: str) -> Bound:
    least = FLOOR * UNIT_ROUNDOFF[precision]
    source = f"{factor}E, E={E:.1e} ({of})" if least < E else f"{factor}·{FLOOR}u floor"
    return Bound(factor * max(E, least), source)
