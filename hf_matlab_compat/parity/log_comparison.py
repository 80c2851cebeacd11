"""The text log of an epoch on both sides: words equal, digits equal but for what rounding may do to the last one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

_NUMBER = re.compile(r"(?<![\w.])-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf|NaN)")
_DECIDED = ("maxiters", "CG steps used", "Chose iters", "Number of reductions", "New lambda")
_DIFFERENCE = "Error rate difference"


class LogComparison(NamedTuple):
    """The first line that differs, or the last line.

    `units` is the largest difference of two numbers, in units of the last digit printed; inf where words or
    decisions differ, 0 for equal lines. `allowed` says whether all of it is explained by the figures' bounds.
    """

    ours: str
    theirs: str
    units: float
    allowed: bool


def compare_logs(ours: Sequence[str], theirs: Sequence[str], tolerance: float) -> LogComparison:
    """Compare the lines of one epoch.

    Parameters
    ----------
    ours, theirs : sequence of str
        Without line ends; empty lines do not count.
    tolerance : float
        Relative difference that the epoch's figures are allowed; a printed digit may move by as much, or by one
        unit.
    """
    pairs = list(zip_longest(*([line.rstrip() for line in side if line.strip()] for side in (ours, theirs))))
    error = _error_rate(theirs)
    worst = LogComparison("", "", 0.0, True)
    for a, b in pairs:
        if a == b:
            continue
        units, allowed = _apart(a or "", b or "", tolerance, error)
        if not allowed:
            return LogComparison(a or "", b or "", units, False)
        if units >= worst.units:
            worst = LogComparison(a or "", b or "", units, True)
    return worst if worst.units else LogComparison(pairs[-1][0] or "", pairs[-1][1] or "", 0.0, True)


def total_before(lines: Sequence[str], cg_steps: float) -> int:
    """CG steps of the run before this epoch, as the log tells; 0 where it does not."""
    for line in lines:
        if found := re.search(r"total is: (\d+)", line):
            return int(found[1]) - int(cg_steps)
    return 0


def _apart(a: str, b: str, tolerance: float, error: float) -> tuple[float, bool]:
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b) or b.startswith(_DECIDED):
        return math.inf, False
    scale = error if b.startswith(_DIFFERENCE) else 0.0  # two error rates cancel, their rounding does not
    units, allowed = 0.0, True
    for x, y in zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True):
        if x == y:
            continue
        if "Inf" in x + y or "NaN" in x + y:
            return math.inf, False
        gap, unit = abs(float(x) - float(y)), max(_last_digit(x), _last_digit(y))
        units = max(units, gap / unit)
        allowed &= gap <= 1.001 * unit + tolerance * max(abs(float(y)), scale)
    return units, allowed


def _last_digit(text: str) -> float:
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


def _error_rate(lines: Sequence[str]) -> float:
    rates = [float(found[1]) for line in lines if (found := re.search(r"error rate: ([-+.\de]+)", line))]
    return max(map(abs, rates), default=0.0)
