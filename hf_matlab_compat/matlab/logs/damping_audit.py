"""The Levenberg-Marquardt rule, checked along a log: each lambda follows from the one before and from rho.

λ is followed as an interval of the numbers it can be, from initlambda on, so that rounding of the printed figures
does not add up and one altered digit shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from hf_matlab_compat.matlab.logs.parser import LoggedRun
from hf_matlab_compat.matlab.logs.printed import Interval, half_unit

_KEPT = Interval(1.0, 1.0)


class _Rule(NamedTuple):
    low: float
    high: float
    drop: Interval
    boost: Interval
    start: Interval | None

    def factors(self, rho: float) -> list[Interval]:
        """What λ can have been multiplied by; more than one where rho is printed as a threshold."""
        if math.isnan(rho):
            return [self.boost]
        room = half_unit(rho)
        near_low, near_high = abs(rho - self.low) <= room, abs(rho - self.high) <= room
        boosted, dropped = rho < self.low or near_low, rho > self.high or near_high
        kept = near_low or near_high or not (boosted or dropped)
        return [self.boost] * boosted + [self.drop] * dropped + [_KEPT] * kept


def damping_findings(run: LoggedRun) -> Iterator[tuple[int, tuple[str, str]]]:
    """Epochs whose lambda does not follow from the log: the epoch, what was expected, what came."""
    if "rho" not in run.figures:  # a NaN of the log boosts, and one that only stands for nothing does not
        return
    rule = _rule(run)
    candidates = [rule.start] if rule.start is not None else []
    for epoch in run.epochs:
        lam, rho = float(epoch["lam"]), float(epoch["rho"])
        if math.isnan(lam):  # without damping the log has no line of it
            candidates = []
            continue
        printed = Interval.of(lam)
        followed = [last.times(factor) for last in candidates for factor in rule.factors(rho)]
        possible = [both for both in (interval.meet(printed) for interval in followed) if both is not None]
        if followed and not possible:
            expected = " or ".join(dict.fromkeys(f"{interval.middle():.6g}" for interval in followed[:2]))
            yield int(epoch["epoch"]), (f"lambda {expected} after rho = {rho:.5g}", f"{lam:.6g}")
            possible = [*followed[:2], printed]  # either this figure was altered, or the run went on from it
        candidates = possible or [printed]


def _rule(run: LoggedRun) -> _Rule:
    drop = Interval.of_constant(_positive(run, "drop", 2 / 3))
    undamped = run.constants.get("autodamp") == 0
    starts_here = not run.resume_from and bool(run.epochs.size) and run.epochs[0]["epoch"] == 1
    return _Rule(
        low=constant(run, "rho_low", 0.25),
        high=constant(run, "rho_high", 0.75),
        drop=_KEPT if undamped else drop,
        boost=_KEPT if undamped else _boost(run, drop),
        start=Interval.of_constant(_positive(run, "initlambda", 45.0)) if starts_here else None,
    )


def _boost(run: LoggedRun, drop: Interval) -> Interval:
    """1/drop where that prints as the log's boost."""
    inverse = drop.inverse()
    printed = Interval.of(_positive(run, "boost", inverse.middle()))
    return inverse if inverse.meet(printed) is not None else Interval.of_constant(printed.middle())


def constant(run: LoggedRun, name: str, default: float) -> float:
    """A constant of the header that is a finite number, or else the published one, `default`."""
    value = run.constants.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default


def _positive(run: LoggedRun, name: str, default: float) -> float:
    value = constant(run, name, default)
    return value if 0 < value < 1e100 else default
